"""The exercises of the chapter on fine-tuning an open model."""

from __future__ import annotations

import math
import random

import torch

from nbcode.exercises.frame import Exercise, Mutant, normal

FEW = 15  # random cases are enough where each holds many rows: a check should answer at once

# --- a word in pieces


def wordpiece(word, vocabulary):
    pieces, start, mark = [], 0, ""
    while start < len(word):
        ends = range(len(word), start, -1)
        hits = [end for end in ends if mark + word[start:end] in vocabulary]
        if not hits:
            return ["[UNK]"]
        pieces.append(mark + word[start : hits[0]])
        start, mark = hits[0], "##"
    return pieces


def _pieces(word, vocabulary, first="", later="##", shortest=False, stuck="whole"):
    """The search with a switch for each typical mistake. ``stuck``: what becomes unknown where no piece fits."""
    pieces, start = [], 0
    while start < len(word):
        mark = later if start else first
        hits = [end for end in range(start + 1, len(word) + 1) if mark + word[start:end] in vocabulary]
        if not hits and stuck != "letter":
            return {"whole": ["[UNK]"], "rest": [*pieces, "[UNK]"], "none": []}[stuck]
        end = (hits[0] if shortest else hits[-1]) if hits else start + 1
        pieces.append(mark + word[start:end] if hits else "[UNK]")
        start = end
    return pieces


def _spellings(word, vocabulary, mark=""):
    """All ways to spell a word, those with a longer first piece first."""
    if not word:
        return [[]]
    firsts = [word[:end] for end in range(len(word), 0, -1) if mark + word[:end] in vocabulary]
    return [[mark + first, *rest] for first in firsts for rest in _spellings(word[len(first) :], vocabulary, "##")]


def _from_the_right(word, vocabulary):
    pieces, end = [], len(word)
    while end:
        hits = [start for start in range(end) if "##" * (start > 0) + word[start:end] in vocabulary]
        if not hits:
            return ["[UNK]"]
        pieces.insert(0, "##" * (hits[0] > 0) + word[hits[0] : end])
        end = hits[0]
    return pieces


def _word(rng: random.Random) -> tuple[str, tuple[str, ...]]:
    """A word of few letters, and pieces of which several fit; now and then it cannot be spelled."""
    word = "".join(rng.choice("abc") for _ in range(rng.randint(3, 6)))
    pieces = {mark + letter for mark in ("", "##") for letter in "abc" if rng.random() < 0.9}
    for _ in range(5):
        start = rng.randrange(len(word) - 1)
        pieces.add("##" * (start > 0) + word[start : start + rng.randint(2, 3)])
    return word, tuple(sorted(pieces))


WORDPIECE = Exercise(
    name="wordpiece",
    chapter="finetuning",
    difficulty=2,
    minutes=15,
    task="Spell the text `word` with pieces of the tuple `vocabulary`, as BERT does, and return the list of pieces. "
    "From the left, take the longest piece that fits, then go on behind it. A piece inside the word has `##` before "
    "it, in the vocabulary and in your list. Where no piece fits, the whole word is unknown: return `['[UNK]']`.",
    hint="Two loops: one over the places where a piece begins, and in it one over the places where it may end, the "
    "last one first. What is looked up at the first place, and what at all later ones?",
    solution=wordpiece,
    mutants=(
        Mutant(
            lambda word, vocabulary: _pieces(word, vocabulary, shortest=True),
            "the shortest piece is taken; try the longest first, or every word falls into letters",
        ),
        Mutant(
            lambda word, vocabulary: _pieces(word, vocabulary, later=""),
            "inside the word, pieces are looked up without ##: a piece there is another token than the same letters "
            "at the beginning",
        ),
        Mutant(
            lambda word, vocabulary: _pieces(word, vocabulary, first="##"),
            "the first piece is looked up with ## too; only a piece inside the word has it",
        ),
        Mutant(
            lambda word, vocabulary: [piece.removeprefix("##") for piece in wordpiece(word, vocabulary)],
            "the pieces are right and their ## is lost: with it they are other tokens, with other numbers",
        ),
        Mutant(
            lambda word, vocabulary: _pieces(word, vocabulary, stuck="rest"),
            "the pieces before the place where nothing fits are kept; BERT gives up the whole word: ['[UNK]']",
        ),
        Mutant(
            lambda word, vocabulary: _pieces(word, vocabulary, stuck="letter"),
            "a letter that no piece begins with becomes unknown alone; BERT gives up the whole word: ['[UNK]']",
        ),
        Mutant(
            lambda word, vocabulary: _pieces(word, vocabulary, stuck="none"),
            "a word that cannot be spelled gives no piece at all, so it vanishes from the text; return ['[UNK]']",
        ),
        Mutant(
            lambda word, vocabulary: next(iter(_spellings(word, vocabulary)), ["[UNK]"]),
            "where nothing fits, your search goes back and tries a shorter piece before; BERT's never goes back",
        ),
        Mutant(
            lambda word, vocabulary: min(_spellings(word, vocabulary), key=len, default=["[UNK]"]),
            "you look for the fewest pieces; BERT takes the longest from the left, even where that makes more of them",
        ),
        Mutant(
            _from_the_right,
            "the search begins at the end of the word; it goes from left to right",
        ),
    ),
    arguments=_word,
    edge_cases=(
        ("unaffable", ("un", "una", "##ffa", "##ble", "##aff", "##able")),
        ("abcd", ("abc", "ab", "##c", "##cd")),  # stuck behind abc
        ("abcde", ("abc", "ab", "##d", "##e", "##cde")),  # fewer pieces than the longest from the left
        ("abcdef", ("a", "abc", "##b", "##cdef", "##def")),
        ("abc", ("a", "ab", "abc", "##b", "##c")),
        ("cab", ("c", "b", "ab", "##a")),
        ("xab", ("a", "ab", "##x", "##ab")),
    ),
)

# --- the mean over real tokens


def mean_of_tokens(hidden, mask):
    real = mask.unsqueeze(-1)  # (B, T, 1)
    return (hidden * real).sum(dim=1) / real.sum(dim=1)  # (B, D)


def _texts(rng: random.Random) -> tuple[torch.Tensor, torch.Tensor]:
    """Texts of different length, of three tokens at least; the longest fills its row."""
    longest, b = rng.randint(4, 5), rng.randint(2, 3)
    lengths = [longest, 3, *(rng.randint(3, longest) for _ in range(b - 2))]
    mask = [[int(place < length) for place in range(longest)] for length in rng.sample(lengths, b)]
    return normal(rng, b, longest, rng.randint(2, 3)), torch.tensor(mask)


MEAN_OF_TOKENS = Exercise(
    name="mean_of_tokens",
    chapter="finetuning",
    difficulty=1,
    minutes=10,
    task="`hidden`, (B, T, D), holds a vector for each token of B texts; `mask`, (B, T), is 1 at tokens and 0 at the "
    "padding behind them. Every text has a token. Return the mean vector of each text's tokens, (B, D). What stands at "
    "padding must not matter.",
    hint="Give the mask one more dimension, so that it can be multiplied with `hidden`. By what do you divide then?",
    solution=mean_of_tokens,
    mutants=(
        Mutant(
            lambda hidden, mask: hidden.mean(dim=1),
            "the padding is part of the mean: a text would change its vector when a longer one joins the batch",
        ),
        Mutant(
            lambda hidden, mask: (hidden * mask.unsqueeze(-1)).mean(dim=1),
            "the padding adds nothing, but it is counted: divide by the number of tokens, not by T",
        ),
        Mutant(
            lambda hidden, mask: (hidden * mask.unsqueeze(-1)).sum(dim=1),
            "this is the sum: a long text would have a long vector; divide by the number of tokens",
        ),
        Mutant(
            lambda hidden, mask: (hidden * mask.unsqueeze(-1)).sum(dim=1) / mask.sum(),
            "you divide by the tokens of the whole batch; each text has its own number",
        ),
        Mutant(
            lambda hidden, mask: mean_of_tokens(hidden, 1 - mask),
            "the mask is turned round: this is the mean of the padding",
        ),
        Mutant(
            lambda hidden, mask: hidden[:, 0],
            "this is the first token alone, as BERT's own classifier reads it; here all tokens count",
        ),
        Mutant(
            lambda hidden, mask: hidden.masked_fill(mask.unsqueeze(-1) == 0, -math.inf).amax(dim=1),
            "this is the largest entry of all tokens; the mean is wanted",
        ),
        Mutant(
            lambda hidden, mask: hidden[mask.bool()].mean(dim=0).expand(len(hidden), -1),
            "all texts share one mean: hidden[mask] forgets which text a token is of",
        ),
    ),
    arguments=_texts,
    trials=FEW,
    edge_cases=(
        (
            torch.tensor([[[1.0, 2], [3, 4], [5, 0]], [[2.0, 2], [9, 9], [9, 9]]]),
            torch.tensor([[1, 1, 1], [1, 0, 0]]),
        ),
    ),
)

# --- a head that begins with a probe's answers


def head_from_probe(weight, bias, mean, spread):
    own = weight / spread  # (C, D)
    return own, bias - own @ mean


def _probe(rng: random.Random) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    size = rng.randint(2, 3)  # as many classes as features: a wrong direction must not be told by its shape alone
    return normal(rng, size, size), normal(rng, size), normal(rng, size), normal(rng, size).abs() + 0.5


HEAD_FROM_PROBE = Exercise(
    name="head_from_probe",
    chapter="finetuning",
    difficulty=2,
    minutes=15,
    task="A linear probe was fitted on standardized features: of features `x` (D,) it makes the logits "
    "`weight` @ z + `bias` with z = (x - `mean`) / `spread`. `weight` is (C, D), `bias` (C,), `mean` and `spread` "
    "(D,). The head of the network gets `x` as it is. Return its weight (C, D) and its bias (C,), so that it begins "
    "with the probe's logits.",
    hint="Write the logits out, and collect what is multiplied with x. What is left over does not depend on x.",
    solution=head_from_probe,
    mutants=(
        Mutant(
            lambda weight, bias, mean, spread: (weight, bias),
            "the head gets the probe's weights unchanged, but raw features: they would be read on another scale",
        ),
        Mutant(
            lambda weight, bias, mean, spread: (weight / spread, bias),
            "the scale is right and the shift is missing: subtracting the mean changes each logit by a constant, "
            "which belongs to the bias",
        ),
        Mutant(
            lambda weight, bias, mean, spread: (weight / spread, bias + weight / spread @ mean),
            "the shift has the wrong sign: the mean is subtracted from x",
        ),
        Mutant(
            lambda weight, bias, mean, spread: (weight / spread, bias - weight @ mean),
            "the mean is divided by the spread too before the weight meets it",
        ),
        Mutant(
            lambda weight, bias, mean, spread: (weight * spread, bias - weight * spread @ mean),
            "multiplied by the spread: x is divided by it, so the weight is divided by it",
        ),
        Mutant(
            lambda weight, bias, mean, spread: (
                weight / spread[:, None],
                bias - weight / spread[:, None] @ mean,
            ),
            "each row is divided by one spread; the spread belongs to a feature, so to a column of (C, D)",
        ),
        Mutant(
            lambda weight, bias, mean, spread: ((weight - mean) / spread, bias),
            "the weights themselves are standardized; what the probe standardizes are the features",
        ),
        Mutant(
            lambda weight, bias, mean, spread: ((weight / spread).mT, head_from_probe(weight, bias, mean, spread)[1]),
            "the weight is turned to (D, C); a linear layer keeps it as (C, D)",
        ),
    ),
    arguments=_probe,
    edge_cases=(
        (
            torch.tensor([[1.0, 2], [0, -1]]),
            torch.tensor([0.5, 0]),
            torch.tensor([3.0, 1]),
            torch.tensor([2.0, 4]),
        ),
    ),
)

# --- a split that leaks nothing


def split_by_date(groups, n_train):
    seen = set(groups[:n_train])
    train = list(range(n_train))
    test = [row for row in range(n_train, len(groups)) if groups[row] not in seen]
    return train, test


def _groups(rng: random.Random) -> tuple[list[int], int]:
    """Groups in the order of dates; some reach across the cut, some repeat only behind it."""
    n_train, later = rng.randint(3, 5), rng.randint(2, 3)
    groups = [rng.randint(1, 4) for _ in range(n_train)]
    behind = [*(rng.choice(groups) for _ in range(2)), *([5 + rng.randint(0, 1)] * 2), *range(7, 7 + later)]
    return groups + rng.sample(behind, len(behind)), n_train


SPLIT_BY_DATE = Exercise(
    name="split_by_date",
    chapter="finetuning",
    difficulty=2,
    minutes=15,
    task="Rows of a table stand in the order of their dates. `groups` has a number for each row: the same number means "
    "that the texts say almost the same. Return two lists of places, from 0 on: of the training, the first `n_train` "
    "rows, and of the test, all later rows of which the training holds no near-duplicate.",
    hint="Which numbers has the training seen? A set answers `in` quickly. Two rows of the test may well be alike.",
    solution=split_by_date,
    mutants=(
        Mutant(
            lambda groups, n_train: (list(range(n_train)), list(range(n_train, len(groups)))),
            "near-duplicates of training rows are in the test: there the model only has to remember",
        ),
        Mutant(
            lambda groups, n_train: (
                [row for row in range(n_train) if groups[row] not in groups[n_train:]],
                list(range(n_train, len(groups))),
            ),
            "the older of two duplicates is dropped; then nothing leaks, but the training loses rows that it will "
            "have: drop the newer from the test",
        ),
        Mutant(
            lambda groups, n_train: (
                [row for row in range(len(groups)) if groups[row] in groups[:n_train]],
                split_by_date(groups, n_train)[1],
            ),
            "later duplicates went into the training: these rows are of the future, which a model cannot have seen",
        ),
        Mutant(
            lambda groups, n_train: (
                list(range(n_train)),
                [row for row in split_by_date(groups, n_train)[1] if groups.index(groups[row]) == row],
            ),
            "of test rows that are alike only the first is left; they may stay, for the training holds none of them",
        ),
        Mutant(
            lambda groups, n_train: (
                list(range(n_train)),
                [row for row in split_by_date(groups, n_train)[1] if groups.count(groups[row]) == 1],
            ),
            "of test rows that are alike none is left; they may stay, for the training holds none of them",
        ),
        Mutant(
            lambda groups, n_train: (
                list(range(n_train)),
                [row for row in range(n_train, len(groups)) if groups[row] in groups[:n_train]],
            ),
            "turned round: the test holds only what the training has seen",
        ),
        Mutant(
            lambda groups, n_train: tuple([groups[row] for row in part] for part in split_by_date(groups, n_train)),
            "you return the numbers of groups; the places of the rows are wanted",
        ),
        Mutant(
            lambda groups, n_train: (
                list(range(len(groups) - n_train, len(groups))),
                [row for row in range(len(groups) - n_train) if groups[row] not in groups[len(groups) - n_train :]],
            ),
            "the newest rows are the training: then the test asks about the past",
        ),
    ),
    arguments=_groups,
    trials=FEW,
    edge_cases=(([1, 2, 1, 3, 2, 4, 4, 5], 4), ([1, 1, 1, 2], 2)),
)

# --- who decides: the model or a person


def threshold(confidence, right, wanted):
    for t in confidence.unique().tolist():  # rising, each once
        sure = confidence >= t
        if right[sure].double().mean() >= wanted:
            return t
    return math.inf


def _shares(confidence, right):
    """Each confidence, rising, with the number of cases that are as sure, and of those that are right."""
    cases = [(t, right[confidence >= t]) for t in confidence.unique().tolist()]
    return [(t, len(answered), int(answered.sum())) for t, answered in cases]


def _good(confidence, right, wanted):
    return [t for t, count, hits in _shares(confidence, right) if hits >= wanted * count]


def _stops(confidence, right, wanted):
    """From the surest down, as long as the share is enough."""
    found = math.inf
    for t, count, hits in reversed(_shares(confidence, right)):
        if hits < wanted * count:
            break
        found = t
    return found


def _row_by_row(confidence, right, wanted):
    """The share of the k surest, even where the next is just as sure."""
    values, order = confidence.sort(descending=True, stable=True)
    share = right[order].cumsum(dim=0) / torch.arange(1, len(order) + 1)
    return values[share >= wanted].min().item() if (share >= wanted).any() else math.inf


def _first(confidence, enough):
    return next((t for t in confidence.unique().tolist() if enough(t)), math.inf)


def _validated(rng: random.Random) -> tuple[torch.Tensor, torch.Tensor, float]:
    """Cases of which several are equally sure; the surer, the more often right. Shares are exact in float32."""
    n = rng.randint(9, 14)
    steps = [rng.randint(2, 8) for _ in range(n)]
    right = [rng.random() < 0.25 + step / 12 for step in steps]
    return torch.tensor(steps) / 8, torch.tensor(right), rng.choice((0.5, 0.625, 0.75, 0.875))


THRESHOLD = Exercise(
    name="threshold",
    chapter="finetuning",
    difficulty=3,
    minutes=20,
    task="On the validation, a classifier answered with the probabilities `confidence` (n,); `right` (n,) is true "
    "where the answer was right. In use it shall answer alone where its confidence is at least t, and leave the rest "
    "to a person. Return the lowest t among the confidences for which at least the share `wanted` of what it answers "
    "is right. If there is none, return `math.inf`: a person decides everything.",
    hint="Try every confidence as t, the lowest first. Cases that are equally sure are answered together or not at "
    "all. As t rises, does the share always rise too?",
    solution=threshold,
    mutants=(
        Mutant(
            lambda confidence, right, wanted: wanted,
            "you take the confidence at its word; how much of it is true is what the validation is for",
        ),
        Mutant(
            lambda confidence, right, wanted: max(_good(confidence, right, wanted), default=math.inf),
            "this is the highest threshold that is good enough; the lowest answers the most cases",
        ),
        Mutant(
            _stops,
            "you go down from the surest and stop where the share first falls short; it may recover further down",
        ),
        Mutant(
            _row_by_row,
            "cases that are equally sure are parted: a threshold lets all of them pass, or none",
        ),
        Mutant(
            lambda confidence, right, wanted: _first(
                confidence, lambda t: (confidence > t).any() and right[confidence > t].double().mean() >= wanted
            ),
            "the cases above t are judged, without those at t, which pass too: at least t",
        ),
        Mutant(
            lambda confidence, right, wanted: _first(
                confidence, lambda t: right[confidence >= t].double().mean() > wanted
            ),
            "more than wanted is asked; exactly wanted is enough",
        ),
        Mutant(
            lambda confidence, right, wanted: _first(
                confidence, lambda t: (right & (confidence >= t)).double().mean() >= wanted
            ),
            "you divide by all cases; the share is of those that are answered",
        ),
        Mutant(
            lambda confidence, right, wanted: _first(
                confidence, lambda t: right[confidence == t].double().mean() >= wanted
            ),
            "the cases with just this confidence are judged; those that are surer pass too",
        ),
        Mutant(
            lambda confidence, right, wanted: _first(
                confidence, lambda t: right[confidence <= t].double().mean() >= wanted
            ),
            "the unsure cases are judged, those up to t; those from t on are answered",
        ),
        Mutant(
            lambda confidence, right, wanted: min(threshold(confidence, right, wanted), 1.0),
            "where no threshold is good enough you return 1: a case that is entirely sure, and may be wrong, passes",
        ),
        Mutant(
            lambda confidence, right, wanted: (confidence >= threshold(confidence, right, wanted)).double().mean(),
            "you return the share of cases that is answered; the threshold is wanted",
        ),
    ),
    arguments=_validated,
    edge_cases=(
        (torch.tensor([1.0, 1.0, 0.5]), torch.tensor([False, True, False]), 0.75),
        (torch.tensor([0.875, 0.75, 0.5, 0.25]), torch.tensor([False, True, True, False]), 0.625),
        (torch.tensor([0.875, 0.75, 0.75, 0.5]), torch.tensor([True, True, False, False]), 0.75),
        (torch.tensor([0.875, 0.75, 0.5, 0.25]), torch.tensor([True, True, True, False]), 0.75),
        (torch.tensor([0.875, 0.75, 0.5, 0.25]), torch.tensor([True, False, False, True]), 0.75),
    ),
)

EXERCISES = (WORDPIECE, MEAN_OF_TOKENS, HEAD_FROM_PROBE, SPLIT_BY_DATE, THRESHOLD)
