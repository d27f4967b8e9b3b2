"""The exercises of the chapter on training a translator, and on writing with it."""

from __future__ import annotations

import random
from collections.abc import Callable

import torch

from nbcode.exercises.frame import Exercise, Mutant, normal

FEW = 15  # random cases are enough where each holds many numbers or steps: a check should answer at once

# --- what the decoder reads, and what it should write


def shifted(target, padding):
    reads, writes = target[:, :-1], target[:, 1:]  # (B, T) -> (B, T - 1) each
    return reads, writes, writes != padding


def _targets(rng: random.Random) -> tuple[torch.Tensor, int]:
    """Rows of a start, a text and an end, filled up behind; the longest fills its row."""
    start, end, padding, *words = rng.sample(range(12), 8)
    lengths = [4, *(rng.randint(0, 4) for _ in range(rng.randint(1, 3)))]
    texts = [[rng.choice(words) for _ in range(length)] for length in rng.sample(lengths, len(lengths))]
    return torch.tensor([[start, *text, end, *[padding] * (4 - len(text))] for text in texts]), padding


SHIFTED = Exercise(
    name="shifted",
    chapter="translation",
    difficulty=1,
    minutes=10,
    task="Each row of `target`, (B, T), is a start token, a text and an end token; the number `padding` fills up the "
    "shorter rows behind. For training with teacher forcing, return three tensors (B, T - 1): what the decoder reads, "
    "the token that it should write at each place, and true where that token counts in the loss: all but padding.",
    hint="The decoder reads the start token and should write the first word. Cut the same table twice.",
    solution=shifted,
    mutants=(
        Mutant(
            lambda target, padding: (target[:, 1:], target[:, 1:], target[:, 1:] != padding),
            "the decoder reads the very token that it should write: it would learn to copy, and alone it has no token "
            "to copy",
        ),
        Mutant(
            lambda target, padding: (target, target, target != padding),
            "nothing is shifted: the decoder reads what it should write; each of the two lacks one end of the row",
        ),
        Mutant(
            lambda target, padding: (target[:, 1:], target[:, :-1], target[:, :-1] != padding),
            "turned round: the decoder would read a token and write the one before it",
        ),
        Mutant(
            lambda target, padding: (target, target.roll(-1, dims=1), target.roll(-1, dims=1) != padding),
            "roll brings the start token round to the end, as something to write; cut a column off instead",
        ),
        Mutant(
            lambda target, padding: shifted(target[:, :-1], padding),
            "the last column is cut off twice: the longest target loses its end token, and its writer never stops",
        ),
        Mutant(
            lambda target, padding: (target[:, :-2], target[:, 2:], target[:, 2:] != padding),
            "shifted by two places: every second token would be left out; one place is enough",
        ),
        Mutant(
            lambda target, padding: (target[:, :-1], target[:, 1:], target[:, :-1] != padding),
            "you look for padding in what is read: behind an end token, padding would have to be written; look at "
            "what is written",
        ),
        Mutant(
            lambda target, padding: (target[:, :-1], target[:, 1:], target[:, 1:] == padding),
            "true and false are exchanged in the third result: true is a token that counts",
        ),
        Mutant(
            lambda target, padding: shifted(target, 0),
            "padding need not be 0: its number is the second argument",
        ),
    ),
    arguments=_targets,
    trials=FEW,
    edge_cases=((torch.tensor([[1, 7, 5, 2], [1, 2, 0, 0]]), 0), (torch.tensor([[1, 4, 2]]), 0)),
)

# --- the learning rate of the paper


def warmup_rate(step, d_model, warmup):
    n = step + 1  # the paper counts from 1
    return d_model**-0.5 * min(n**-0.5, n * warmup**-1.5)


WARMUP_RATE = Exercise(
    name="warmup_rate",
    chapter="translation",
    difficulty=1,
    minutes=10,
    task="Return the learning rate of the paper at a `step`. It is the width `d_model` to the power -0.5, times the "
    "smaller of n to the power -0.5 and n times `warmup` to the power -1.5. Here n is the number of the step from 1 "
    "on, but `step` counts from 0, as PyTorch's `LambdaLR` does.",
    hint="The two in the `min` are equal where n is `warmup`. Which one should be smaller before?",
    solution=warmup_rate,
    mutants=(
        Mutant(
            lambda step, d_model, warmup: d_model**-0.5 * min(step**-0.5, step * warmup**-1.5),
            "the first step has number 0, and 0 has no power of -0.5: the paper's n is one more than step",
        ),
        Mutant(
            lambda step, d_model, warmup: warmup_rate(max(0, step - 1), d_model, warmup),
            "one step late: the first two steps get the same rate; n is step + 1, also after the first step",
        ),
        Mutant(
            lambda step, d_model, warmup: warmup_rate(step, 1, warmup),
            "the width is missing: wider models get smaller steps",
        ),
        Mutant(
            lambda step, d_model, warmup: d_model * warmup_rate(step, d_model, warmup),
            "multiplied by the root of the width instead of divided: wider models would get larger steps",
        ),
        Mutant(
            lambda step, d_model, warmup: d_model**-0.5 * max((step + 1) ** -0.5, (step + 1) * warmup**-1.5),
            "the larger of the two is taken: the rate would begin high, fall, and then grow for ever",
        ),
        Mutant(
            lambda step, d_model, warmup: d_model**-0.5 * min((step + 1) ** -0.5, (step + 1) * warmup**-0.5),
            "the power of warmup is -1.5: with -0.5 the rise is over after a few steps, whatever warmup is",
        ),
        Mutant(
            lambda step, d_model, warmup: warmup_rate(min(step, warmup - 1), d_model, warmup),
            "the rate stays at its peak; after the warm-up it falls with the root of n",
        ),
        Mutant(
            lambda step, d_model, warmup: (d_model * (step + 1)) ** -0.5,
            "there is no warm-up: the first step gets the largest rate",
        ),
    ),
    # Small widths: at 512, a rate is so small that the check would take a wrong one for a rounding error.
    arguments=lambda rng: (rng.randint(0, 40), rng.randint(2, 64), rng.randint(2, 20)),
    edge_cases=((0, 16, 4), (1, 16, 4), (3, 16, 4), (24, 16, 4)),
)

# --- a loss with some doubt


def smoothed_loss(logits, target, smoothing, padding):
    log_p = logits.log_softmax(dim=-1)  # (B, T, V)
    right = log_p.gather(-1, target.unsqueeze(-1)).squeeze(-1)  # (B, T)
    loss = -(1 - smoothing) * right - smoothing * log_p.mean(dim=-1)  # (B, T)
    return loss[target != padding].mean()


def _losses(arguments, share="all", log=lambda logits: logits.log_softmax(dim=-1), entropy=0):
    """The losses (B, T), padding too, and where they count, with a switch for each typical mistake."""
    logits, target, smoothing, padding = arguments
    right = torch.zeros_like(logits).scatter(-1, target.unsqueeze(-1), 1.0)  # (B, T, V)
    even = torch.ones_like(logits)
    even = even - right if share in ("others", "words") else even
    if share == "words":
        even[..., padding] = 0
    wanted = (1 - smoothing) * right + smoothing * even / even.sum(dim=-1, keepdim=True)
    losses = -(wanted * log(logits)).sum(dim=-1) - entropy * torch.special.entr(wanted).sum(dim=-1)
    return losses, target != padding


def _mean(*arguments, **mistake):
    losses, counts = _losses(arguments, **mistake)
    return losses[counts].mean()


def _mean_of_means(*arguments):
    losses, counts = _losses(arguments)
    return ((losses * counts).sum(dim=1) / counts.sum(dim=1)).mean()


def _logits(rng: random.Random) -> tuple[torch.Tensor, torch.Tensor, float, int]:
    b, t, v = rng.randint(1, 2), rng.randint(2, 3), rng.randint(4, 5)
    padding = rng.randrange(v)
    lengths = [rng.randint(1, t) for _ in range(b)]
    words = [number for number in range(v) if number != padding]
    target = [[rng.choice(words) if place < length else padding for place in range(t)] for length in lengths]
    return normal(rng, b, t, v), torch.tensor(target), rng.uniform(0.05, 0.4), padding


SMOOTHED_LOSS = Exercise(
    name="smoothed_loss",
    chapter="translation",
    difficulty=2,
    minutes=15,
    task="Return the mean cross-entropy, a scalar tensor, of `logits` (B, T, V) against the tokens `target` (B, T). "
    "The right token gets 1 - `smoothing`, and the rest is shared equally by all V tokens, the right one too. Places "
    "where the target is the number `padding` do not count. PyTorch's `log_softmax` is allowed, its losses are not.",
    hint="`gather` picks the logarithm of the right token. The share of all tokens is a mean over the last dimension.",
    solution=smoothed_loss,
    mutants=(
        Mutant(
            lambda logits, target, smoothing, padding: smoothed_loss(logits, target, 0, padding),
            "there is no smoothing: this is the plain cross-entropy of the right token",
        ),
        Mutant(
            lambda *arguments: _mean(*arguments, share="others"),
            "only the V - 1 wrong tokens share the rest; here the right one has its part of it too",
        ),
        Mutant(
            lambda *arguments: _mean(*arguments, share="words"),
            "neither padding nor the right token gets a part of the rest; here all V tokens do",
        ),
        Mutant(
            lambda logits, target, smoothing, padding: smoothed_loss(logits, target, 1 - smoothing, padding),
            "the two parts are exchanged: the right token gets 1 - smoothing, all together get smoothing",
        ),
        Mutant(
            lambda *arguments: _losses(arguments)[0].mean(),
            "padding is learned too: leave out the places where it is the target",
        ),
        Mutant(
            lambda *arguments: torch.mul(*_losses(arguments)).mean(),
            "padding adds nothing, but it is counted: divide by the number of places that are not padding",
        ),
        Mutant(
            lambda *arguments: torch.mul(*_losses(arguments)).sum(),
            "the places are added up; the mean is wanted, or longer targets would take larger steps",
        ),
        Mutant(
            _mean_of_means,
            "a mean for each sequence, then the mean of those: a place in a short one would count for more",
        ),
        Mutant(
            lambda *arguments: _mean(*arguments, log=lambda logits: logits.softmax(dim=-1).log()),
            "a small probability rounds to 0, and the logarithm of 0 is minus infinity: log_softmax keeps it",
        ),
        Mutant(
            lambda *arguments: _mean(*arguments, entropy=1),
            "this is the divergence from the smoothed target (KL): it is smaller by the target's own entropy",
        ),
    ),
    arguments=_logits,
    trials=FEW,
    edge_cases=(
        (torch.tensor([[[0.0, 2, 1, -1], [3, 0, 0, 1]], [[1, 0, 0, 2], [0, 1, 0, 1]]]),
         torch.tensor([[1, 2], [3, 0]]), 0.1, 0),
        (torch.tensor([[[0.0, 300, -300, 50]]]), torch.tensor([[2]]), 0.2, 0),
        (torch.tensor([[[0.5, 1, 2, 0]]]), torch.tensor([[3]]), 0.0, 1),
    ),
)  # fmt: skip

# --- writing, one token after another


def greedy_search(next_logits, start, end, max_length):
    written = []
    while len(written) < max_length and end not in written:
        logits = next_logits([start, *written])  # (V,)
        written.append(int(logits.argmax()))
    return written


def _with_all(start, written):
    return [start, *written]


def _greedy(next_logits, start, end, max_length, reads=_with_all):
    """The search with another way to read what is written."""
    return greedy_search(lambda tokens: next_logits(reads(start, tokens[1:])), start, end, max_length)


def _writer(seed: int, size: int) -> Callable:
    """A stand-in for a trained decoder: its logits depend on all tokens and their order."""
    known = {}

    def next_logits(tokens):
        told = tuple(int(token) for token in tokens)
        if told not in known:
            draw = random.Random(f"{seed} {told}")
            known[told] = [draw.gauss(0, 1.5) for _ in range(size)]
        return torch.tensor(known[told], dtype=torch.float64)  # in float32, two sums might change places

    return next_logits


def _search(rng: random.Random) -> tuple[Callable, int, int, int]:
    size = rng.randint(3, 6)
    start, end = rng.sample(range(size), 2)
    return _writer(rng.getrandbits(32), size), start, end, rng.randint(2, 7)


GREEDY_SEARCH = Exercise(
    name="greedy_search",
    chapter="translation",
    difficulty=2,
    minutes=10,
    task="`next_logits(tokens)` is a decoder: it takes the list of all tokens so far, with the token `start` at its "
    "front, and gives the logits (V,) of the next one. Write by always taking the most probable token. Return the list "
    "of at most `max_length` tokens that were written: without `start`, and with `end`, after which nothing follows.",
    hint="A loop with two reasons to stop. Are all tokens so far in what the decoder reads?",
    solution=greedy_search,
    mutants=(
        Mutant(
            lambda next_logits, start, end, max_length: greedy_search(next_logits, start, None, max_length),
            "it never stops at end: after that token nothing is written",
        ),
        Mutant(
            lambda *arguments: _greedy(*arguments, reads=lambda start, written: written),
            "the decoder does not get the start token: what it reads begins with it",
        ),
        Mutant(
            lambda *arguments: _greedy(*arguments, reads=lambda start, written: [start, *written][-1:]),
            "the decoder reads the last token only: without a memory, it needs all of them at each step",
        ),
        Mutant(
            lambda *arguments: _greedy(*arguments, reads=lambda start, written: [start]),
            "the decoder reads the start token at each step, and so says the same: give it what is written too",
        ),
        Mutant(
            lambda next_logits, start, end, max_length: greedy_search(next_logits, start, end, max_length + 1),
            "one token too many where no end comes: max_length counts every token that is written",
        ),
        Mutant(
            lambda next_logits, start, end, max_length: greedy_search(next_logits, start, end, max_length - 1),
            "one token too few where no end comes: start does not count, for it was not written",
        ),
        Mutant(
            lambda next_logits, start, *rest: [start, *greedy_search(next_logits, start, *rest)],
            "the start token is among the results: it was given, not written",
        ),
        Mutant(
            lambda next_logits, start, end, max_length: [
                token for token in greedy_search(next_logits, start, end, max_length) if token != end
            ],
            "the end token is left out: with it one sees whether the text is complete or was cut off",
        ),
    ),
    arguments=_search,
    trials=FEW,
    edge_cases=tuple((_writer(seed, 4), 1, 2, 3) for seed in range(8)),
)

# --- writing with a beam


def beam_search(next_logits, start, end, max_length, width):
    beam, ended = [(0.0, [start])], []
    for _ in range(max_length):
        longer = []
        for score, tokens in beam:
            log_p = next_logits(tokens).log_softmax(dim=-1).tolist()
            longer += [(score + p, [*tokens, t]) for t, p in enumerate(log_p)]
        best = sorted(longer, reverse=True)[: width - len(ended)]
        ended += [pair for pair in best if pair[1][-1] == end]
        beam = [pair for pair in best if pair[1][-1] != end]
    return [tokens[1:] for _, tokens in sorted(ended + beam, reverse=True)]


def _log_softmax(logits):
    return logits.log_softmax(dim=-1)


def _beam(arguments, value=_log_softmax, keep=1, per_row=None, ended_leave=True):
    """Pairs of score and tokens, found with a switch for each typical mistake."""
    next_logits, start, end, max_length, width = arguments
    beam, ended = [(0.0, [start])], []
    for _ in range(max_length):
        longer = []
        for score, tokens in beam:
            values = enumerate(value(next_logits(tokens)).tolist())
            row = sorted(((keep * score + v, [*tokens, token]) for token, v in values), reverse=True)
            longer += row[: per_row if len(beam) > 1 else None]
        best = sorted(longer, reverse=True)[: width - len(ended) if ended_leave else width]
        ended += [pair for pair in best if pair[1][-1] == end]
        beam = [pair for pair in best if pair[1][-1] != end]
    return sorted(ended + beam, reverse=True)


def _written(pairs):
    return [tokens[1:] for _, tokens in pairs]


def _ended_compete(next_logits, start, end, max_length, width):
    beam = [(0.0, [start])]
    for _ in range(max_length):
        longer = [pair for pair in beam if pair[1][-1] == end]
        for score, tokens in beam:
            if tokens[-1] != end:
                log_p = _log_softmax(next_logits(tokens)).tolist()
                longer += [(score + p, [*tokens, token]) for token, p in enumerate(log_p)]
        beam = sorted(longer, reverse=True)[:width]
    return _written(beam)


def _wide_search(rng: random.Random) -> tuple[Callable, int, int, int, int]:
    size = rng.randint(4, 5)
    start, end = rng.sample(range(size), 2)
    return _writer(rng.getrandbits(32), size), start, end, rng.randint(3, 5), rng.randint(2, 3)


BEAM_SEARCH = Exercise(
    name="beam_search",
    chapter="translation",
    difficulty=3,
    minutes=25,
    task="`next_logits`, `start`, `end` and `max_length` are as in `greedy_search`. A beginning's score is the sum of "
    "the logarithms of its tokens' probabilities. At each step lengthen every beginning by every token, and keep the "
    "`width` best of all. One that ends is set aside and keeps its place: from then on one less is kept. Return all "
    "that were set aside, or cut off at `max_length`, the best first, each a list of tokens without `start`.",
    hint="Pairs of score and tokens can be sorted. Begin with one pair, `(0.0, [start])`, and put all continuations of "
    "all pairs into one list before you sort. Then part those that end from those that go on.",
    solution=beam_search,
    mutants=(
        Mutant(
            lambda *arguments: _written(_beam(arguments, value=lambda logits: logits.softmax(dim=-1))),
            "the probabilities are added up: they multiply, so their logarithms add up",
        ),
        Mutant(
            lambda *arguments: _written(_beam(arguments, value=lambda logits: logits)),
            "the logits are added up: those of two beginnings have no common scale; take log_softmax first",
        ),
        Mutant(
            lambda *arguments: _written(_beam(arguments, keep=0)),
            "only the last token counts in the score: add its logarithm to the score of what stands before it",
        ),
        Mutant(
            lambda *arguments: _written(_beam(arguments, per_row=1)),
            "each beginning goes on with its own best token only: all continuations of all of them compete",
        ),
        Mutant(
            lambda *arguments: [tokens for tokens in beam_search(*arguments) if tokens[-1] != arguments[2]],
            "targets that have ended are lost: set them aside, and put them among the results",
        ),
        Mutant(
            lambda next_logits, start, end, max_length, width: beam_search(next_logits, start, None, max_length, width),
            "a target goes on after its end: set it aside when end is written",
        ),
        Mutant(
            lambda *arguments: _written(_beam(arguments, ended_leave=False)),
            "more than width targets come back: one that has ended keeps its place, so one less is kept afterwards",
        ),
        Mutant(
            _ended_compete,
            "a target that has ended competes on and can be pushed out; here it is safe once it is set aside",
        ),
        Mutant(
            lambda *arguments: beam_search(*arguments[:-1], 1),
            "only one beginning is kept, which is greedy: keep width of them",
        ),
        Mutant(
            lambda *arguments: _written(sorted(_beam(arguments), key=lambda pair: -pair[0] / (len(pair[1]) - 1))),
            "the sums are divided by the length before the last sort, which favors long targets; here the sum counts",
        ),
        Mutant(
            lambda *arguments: beam_search(*arguments)[::-1],
            "the worst comes first: the best is the one with the largest sum, nearest to 0",
        ),
        Mutant(
            lambda *arguments: [[arguments[1], *tokens] for tokens in beam_search(*arguments)],
            "the start token is among the results: it was given, not written",
        ),
    ),
    arguments=_wide_search,
    trials=FEW,
    edge_cases=((_writer(0, 4), 1, 2, 3, 1), *((_writer(seed, 5), 1, 2, 4, 3) for seed in range(8))),
)

EXERCISES = (SHIFTED, WARMUP_RATE, SMOOTHED_LOSS, GREEDY_SEARCH, BEAM_SEARCH)
