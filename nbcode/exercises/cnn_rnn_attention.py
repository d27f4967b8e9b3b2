"""The exercises of the chapter on convolution, recurrence and attention."""

from __future__ import annotations

import math
import random

import torch

from nbcode.exercises.frame import Exercise, Mutant, normal

# --- a convolution along a line


def convolve_1d(x, kernel, stride):
    size = len(kernel)
    starts = range(0, len(x) - size + 1, stride)
    return torch.stack([x[start : start + size] @ kernel for start in starts])


def _short_of_the_last(x, kernel, stride):
    size = len(kernel)
    return torch.stack([x[start : start + size] @ kernel for start in range(0, max(1, len(x) - size), stride)])


def _runs_over_the_end(x, kernel, stride):
    padded = torch.cat([x, x.new_zeros(len(kernel) - 1)])
    return convolve_1d(padded, kernel, stride)


def _dilated(x, kernel, stride):
    spread = kernel.new_zeros(stride * (len(kernel) - 1) + 1)
    spread[::stride] = kernel
    return convolve_1d(x, spread, 1) if len(spread) <= len(x) else x.new_zeros(0)


def _line(rng: random.Random) -> tuple[torch.Tensor, torch.Tensor, int]:
    return normal(rng, rng.randint(5, 9)), normal(rng, rng.randint(2, 3)), rng.randint(1, 3)


CONVOLVE_1D = Exercise(
    name="convolve_1d",
    chapter="cnn_rnn_attention",
    difficulty=1,
    minutes=10,
    task="Slide `kernel`, of shape (k,), along `x`, of shape (T,), `stride` places at a time, and return the sum of "
    "products at each place where the whole kernel fits. No padding, and no convolution of PyTorch's.",
    hint="The last place where the kernel fits starts at `T - k`. `range` does not include its end.",
    solution=convolve_1d,
    mutants=(
        Mutant(
            lambda x, kernel, stride: convolve_1d(x, kernel.flip(0), stride),
            "the kernel is turned round, as in the convolution of mathematics; networks do not turn it",
        ),
        Mutant(
            lambda x, kernel, stride: convolve_1d(x, kernel, 1),
            "the stride is not used: after each sum the kernel moves on by stride places",
        ),
        Mutant(_short_of_the_last, "the last place is missing: range(n) ends before n, and the kernel fits at T - k"),
        Mutant(
            _runs_over_the_end, "the kernel runs over the end, onto padding: only places where all of it fits count"
        ),
        Mutant(
            lambda x, kernel, stride: convolve_1d(x, kernel, stride) / len(kernel),
            "this is the mean of the products; a convolution adds them up",
        ),
        Mutant(
            _dilated,
            "the stride stands between the entries of the kernel, which is dilation; it should stand between places",
        ),
    ),
    arguments=_line,
    edge_cases=(
        (torch.tensor([1.0, 2, 4, 8, 16]), torch.tensor([1.0, -1, 3]), 2),
        (torch.tensor([1.0, 2, 4]), torch.tensor([2.0, 3, 1]), 1),
    ),
)

# --- how far one output sees


def receptive_field(layers):
    field, jump = 1, 1
    for kernel, stride, dilation in layers:
        field += (kernel - 1) * dilation * jump
        jump *= stride
    return field


def _field(layers, start=1, less=1, own_stride=False, add=False, backward=False):
    """The computation with a switch for each typical mistake."""
    field, jump = start, 1
    for kernel, stride, dilation in reversed(layers) if backward else layers:
        below = jump
        jump = jump + stride - 1 if add else jump * stride
        field += (kernel - less) * dilation * (jump if own_stride else below)
    return field


def _layers(rng: random.Random) -> tuple[list[list[int]]]:
    return ([[rng.randint(2, 5), rng.randint(1, 3), rng.randint(1, 3)] for _ in range(rng.randint(1, 4))],)


RECEPTIVE_FIELD = Exercise(
    name="receptive_field",
    chapter="cnn_rnn_attention",
    difficulty=2,
    minutes=15,
    task="`layers` is a list of convolutions along a line, from the input on, each [kernel, stride, dilation]. How "
    "many inputs lie between the first and the last, both counted, that one output of the last layer can see?",
    hint="Begin with one. A layer adds `kernel - 1` steps, each `dilation` places of its own input long. How many "
    "inputs is one such place worth, after the strides of the layers below?",
    solution=receptive_field,
    mutants=(
        Mutant(
            lambda layers: receptive_field([(kernel, stride, 1) for kernel, stride, _ in layers]),
            "the dilation is not used: with it the entries of a kernel lie further apart",
        ),
        Mutant(
            lambda layers: receptive_field([(kernel, 1, dilation) for kernel, _, dilation in layers]),
            "the strides are not used: above a stride of 2, a step is worth two inputs",
        ),
        Mutant(
            lambda layers: _field(layers, own_stride=True),
            "a layer's own stride widens it: a stride moves the next output, and so counts for the layers above only",
        ),
        Mutant(
            lambda layers: _field(layers, add=True),
            "the strides are added up: two strides of 2 make a step of 4, and two of 3 one of 9",
        ),
        Mutant(
            lambda layers: _field(layers, less=0),
            "each layer adds a whole kernel; one of its entries lies on the place that is counted already",
        ),
        Mutant(
            lambda layers: _field(layers, start=0),
            "one too few: without any layer, an output sees one input",
        ),
        Mutant(
            lambda layers: _field(layers, backward=True),
            "the layers are gone through from the output; the strides that count for a layer are those below it",
        ),
    ),
    arguments=_layers,
    edge_cases=(([[3, 1, 1]],), ([[3, 2, 1], [2, 2, 2], [2, 1, 1]],), ([[1, 3, 1], [5, 1, 1]],)),
)

# --- two masks in one


def joint_mask(padding):
    length = padding.shape[1]
    future = torch.ones(length, length, dtype=torch.bool).triu(diagonal=1)  # (T, T)
    return padding[:, None, :] | future  # (B, 1, T) | (T, T) -> (B, T, T)


def _future(padding, diagonal=1):
    length = padding.shape[1]
    return torch.ones(length, length, dtype=torch.bool).triu(diagonal).expand(len(padding), length, length)


def _padding(rng: random.Random) -> tuple[torch.Tensor]:
    length = rng.randint(3, 5)
    lengths = torch.tensor([rng.randint(1, length) for _ in range(rng.randint(2, 3))])
    return (torch.arange(length) >= lengths[:, None],)


JOINT_MASK = Exercise(
    name="joint_mask",
    chapter="cnn_rnn_attention",
    difficulty=2,
    minutes=10,
    task="`padding`, of shape (B, T), is true where a sequence has only padding. Return the mask (B, T, T), true where "
    "the query at place t must not see the key at place s: because s is padding, or because s comes after t.",
    hint="Make the two masks apart: (B, 1, T) for the keys, (T, T) for the order. Broadcasting joins them.",
    solution=joint_mask,
    mutants=(
        Mutant(
            lambda padding: _future(padding).clone(),
            "padding can be seen: a key that is padding must be hidden from every query",
        ),
        Mutant(
            lambda padding: padding[:, None, :].expand(-1, padding.shape[1], -1).clone(),
            "the future can be seen: hide every key that comes after the query",
        ),
        Mutant(
            lambda padding: padding[:, None, :] | _future(padding, diagonal=0),
            "a place is hidden from itself: only what comes after it must be; the first would see nothing",
        ),
        Mutant(
            lambda padding: padding[:, None, :] | _future(padding).mT,
            "the past is hidden instead of the future: the rows of a mask are queries, its columns keys",
        ),
        Mutant(
            lambda padding: padding[:, :, None] | _future(padding),
            "the queries at padding are hidden, not the keys: the keys are the last dimension",
        ),
        Mutant(
            lambda padding: padding[:, None, :] & _future(padding),
            "only keys that are both padding and in the future are hidden; one reason is enough",
        ),
        Mutant(
            lambda padding: ~joint_mask(padding),
            "true and false are exchanged: here true hides (F.scaled_dot_product_attention reads it the other way)",
        ),
        Mutant(
            lambda padding: torch.zeros(joint_mask(padding).shape).masked_fill(joint_mask(padding), -math.inf),
            "this is the form that is added to the scores, 0 and minus infinity; return true and false",
        ),
    ),
    arguments=_padding,
    edge_cases=(
        (torch.tensor([[False, False, True], [False, False, False]]),),
        (torch.tensor([[True, False, False]]),),
    ),
)

# --- attention


def attention(query, key, value):
    scores = query @ key.T / math.sqrt(query.shape[-1])  # (T, K) @ (K, S) -> (T, S)
    largest = scores.max(dim=-1, keepdim=True).values  # (T, 1)
    powers = (scores - largest).exp()  # none above 1
    weights = powers / powers.sum(dim=-1, keepdim=True)
    return weights @ value  # (T, S) @ (S, V) -> (T, V)


def _attention(query, key, value, power=0.5, dim=-1, largest="row", divide=True):
    """Attention with a switch for each typical mistake."""
    scores = query @ key.T / query.shape[-1] ** power
    shift = {"row": scores.max(dim=dim, keepdim=True).values, "all": scores.max(), "none": 0}[largest]
    powers = (scores - shift).exp()
    return (powers / powers.sum(dim=dim, keepdim=True) if divide else powers) @ value


def _three(rng: random.Random) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    k, s = rng.randint(2, 4), rng.randint(2, 3)
    return normal(rng, rng.randint(2, 3), k).double(), normal(rng, s, k).double(), normal(rng, s, k).double()


ATTENTION = Exercise(
    name="attention",
    chapter="cnn_rnn_attention",
    difficulty=2,
    minutes=15,
    task="Write scaled dot-product attention: from `query` (T, K), `key` (S, K) and `value` (S, V), return the outputs "
    "(T, V). Scores of 10,000 must work. Use neither PyTorch's attention nor its softmax.",
    hint="Scores, scale, softmax over the keys, weighted mean. Softmax that does not overflow subtracts the largest "
    "score of each query first.",
    solution=attention,
    mutants=(
        Mutant(
            lambda query, key, value: _attention(query, key, value, power=0),
            "the scale is missing: divide the scores by the square root of K",
        ),
        Mutant(
            lambda query, key, value: _attention(query, key, value, power=1),
            "divided by K: the spread of a sum of K products grows with the square root of K",
        ),
        Mutant(
            lambda query, key, value: _attention(query, key, value, power=-0.5),
            "multiplied by the square root of K instead of divided: this makes the scores larger still",
        ),
        Mutant(
            lambda query, key, value: _attention(query, key, value, dim=0),
            "the softmax runs over the queries: for each query, the weights of the keys must add up to 1",
        ),
        Mutant(
            lambda query, key, value: _attention(query, key, value, largest="none"),
            "large scores overflow: exp(1000) is infinite, and inf / inf is NaN; subtract each query's largest first",
        ),
        Mutant(
            lambda query, key, value: _attention(query, key, value, largest="all"),
            "one maximum for all queries: one far below it becomes 0 / 0; each query needs its own",
        ),
        Mutant(
            lambda query, key, value: _attention(query, key, value, divide=False),
            "the weights do not add up to 1: divide by their sum",
        ),
        Mutant(
            lambda query, key, value: attention(query, key, key),
            "the keys are averaged, not the values: keys are what a place is found by, values what it hands over",
        ),
    ),
    arguments=_three,
    edge_cases=(
        tuple(
            torch.tensor(rows, dtype=torch.float64)
            for rows in ([[2e4, 0.0], [-2e4, 0.0]], [[1.0, 0.0], [0.5, 1.0]], [[1.0, 2.0], [4.0, 8.0]])
        ),
    ),
)  # fmt: skip

# --- one step of an LSTM


def lstm_step(x, h, c, weight_ih, weight_hh, bias):
    parts = x @ weight_ih.T + h @ weight_hh.T + bias  # (B, 4 D)
    i, f, g, o = parts.chunk(4, dim=-1)  # (B, D) each
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


def _lstm(arguments, order="ifgo", keep=None, candidate=torch.tanh, squash=torch.tanh, reads=None):
    """The step with a switch for each typical mistake."""
    x, h, c, weight_ih, weight_hh, bias = arguments
    parts = x @ weight_ih.T + (h if reads is None else reads) @ weight_hh.T + bias
    part = dict(zip(order, parts.chunk(4, dim=-1), strict=True))
    i, f, o = (torch.sigmoid(part[name]) for name in "ifo")
    c = (f if keep is None else keep(i)) * c + i * candidate(part["g"])
    return o * squash(c), c


def _cell(rng: random.Random) -> tuple[torch.Tensor, ...]:
    b, inputs, d = rng.randint(1, 2), rng.randint(1, 2), rng.randint(1, 2)
    return (
        normal(rng, b, inputs), normal(rng, b, d), 2 * normal(rng, b, d),
        normal(rng, 4 * d, inputs), normal(rng, 4 * d, d), normal(rng, 4 * d),
    )  # fmt: skip


LSTM_STEP = Exercise(
    name="lstm_step",
    chapter="cnn_rnn_attention",
    difficulty=3,
    minutes=25,
    task="Write one step of an LSTM: from the input `x` (B, I), the state `h` and the memory `c`, both (B, D), and the "
    "parameters `weight_ih` (4 D, I), `weight_hh` (4 D, D) and `bias` (4 D,), return the new `h` and `c`. The rows "
    "are, as in PyTorch, input gate, forget gate, candidate, output gate.",
    hint="The new memory is forget gate times the old one plus input gate times candidate. The new state is output "
    "gate times tanh of the new memory. Gates end in a sigmoid, the candidate in tanh.",
    solution=lstm_step,
    mutants=(
        Mutant(
            lambda *arguments: _lstm(arguments, squash=lambda c: c),
            "the memory leaves without a tanh: h is the output gate times tanh(c)",
        ),
        Mutant(
            lambda *arguments: _lstm(arguments, candidate=torch.sigmoid),
            "the candidate ends in a sigmoid, so the memory can only grow; it needs tanh, which can be negative",
        ),
        Mutant(
            lambda *arguments: _lstm(arguments, keep=torch.ones_like),
            "the forget gate is not used: nothing ever leaves the memory",
        ),
        Mutant(
            lambda *arguments: _lstm(arguments, keep=lambda i: 1 - i),
            "one gate does both, as in a GRU; an LSTM has a forget gate of its own",
        ),
        Mutant(
            lambda *arguments: _lstm(arguments, order="ifog"),
            "candidate and output gate are exchanged: the rows are input, forget, candidate, output",
        ),
        Mutant(
            lambda *arguments: _lstm(arguments, order="figo"),
            "input gate and forget gate are exchanged: the rows begin with the input gate",
        ),
        Mutant(
            lambda *arguments: _lstm(arguments, reads=arguments[2]),
            "the gates read the memory c; they read the state h",
        ),
        Mutant(
            lambda *arguments: _lstm(arguments)[::-1],
            "the two results are in the wrong order: first the state h, then the memory c",
        ),
    ),
    arguments=_cell,
)

EXERCISES = (CONVOLVE_1D, RECEPTIVE_FIELD, JOINT_MASK, ATTENTION, LSTM_STEP)
