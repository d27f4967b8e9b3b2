"""The exercises of the chapter on activations."""

from __future__ import annotations

import math
import random

import torch

from nbcode.exercises.frame import Exercise, Mutant, normal

# --- an activation with its derivative


def leaky_relu(x, leak):
    positive = x > 0
    value = torch.where(positive, x, leak * x)
    slope = torch.where(positive, 1.0, leak * torch.ones_like(x))
    return value, slope


def _leaky(x, leak, slope=lambda x, leak: torch.where(x > 0, 1.0, leak * torch.ones_like(x)), value=None):
    """The answer with one half exchanged for a typical mistake."""
    value = value or (lambda x, leak: torch.where(x > 0, x, leak * x))
    return value(x, leak), slope(x, leak)


LEAKY_RELU = Exercise(
    name="leaky_relu",
    chapter="activations",
    difficulty=1,
    minutes=10,
    task="Leaky ReLU keeps a positive number and multiplies any other by `leak`. Return two tensors of the shape of "
    "`x`: the values, and the derivatives there. At exactly 0 the derivative is `leak`. No autograd.",
    hint="`torch.where(condition, a, b)` chooses entry by entry. Each half is a straight line: what is its slope?",
    solution=leaky_relu,
    mutants=(
        Mutant(
            lambda x, leak: (x.clamp(min=0), (x > 0).to(x.dtype)),
            "this is ReLU: below 0 it is flat, and here it should have the slope leak",
        ),
        Mutant(
            lambda x, leak: _leaky(x, leak, slope=lambda x, leak: torch.where(x > 0, x, leak * x)),
            "the second tensor repeats the values: the derivative of x is 1, and that of leak x is leak",
        ),
        Mutant(
            lambda x, leak: _leaky(x, leak, slope=lambda x, leak: (x > 0).to(x.dtype)),
            "the derivative below 0 is given as 0: there the line has the slope leak",
        ),
        Mutant(
            lambda x, leak: _leaky(x, leak, slope=lambda x, leak: torch.where(x >= 0, 1.0, leak * torch.ones_like(x))),
            "only at exactly 0 is it wrong: there the derivative is leak by definition",
        ),
        Mutant(
            lambda x, leak: _leaky(x, leak, value=lambda x, leak: torch.where(x > 0, x, -leak * x)),
            "the sign below 0 is turned: a negative number stays negative, and only becomes smaller",
        ),
    ),
    arguments=lambda rng: (torch.cat([normal(rng, rng.randint(3, 6)), torch.zeros(1)]), rng.uniform(0.05, 0.4)),
)

# --- the spread of the weights


def weight_std(fan_in, mean_square):
    return 1 / math.sqrt(fan_in * mean_square)


WEIGHT_STD = Exercise(
    name="weight_std",
    chapter="activations",
    difficulty=2,
    minutes=10,
    task="A neuron adds up `fan_in` products of a weight and an input. Weights are independent with mean 0; the inputs "
    "have the mean square `mean_square`. Which standard deviation of the weights makes the sum's variance 1? (ReLU "
    "halves a mean square of 1: with `mean_square` 0.5 you get Kaiming's.)",
    hint="Variances of independent terms add up. A product of a weight of mean 0 with an input has the variance "
    "std² times the input's mean square.",
    solution=weight_std,
    mutants=(
        Mutant(
            lambda fan_in, mean_square: 1 / (fan_in * mean_square),
            "this is the variance of the weights; the standard deviation is its root",
        ),
        Mutant(
            lambda fan_in, mean_square: 1 / math.sqrt(fan_in),
            "the inputs are taken to have a mean square of 1; smaller inputs need larger weights",
        ),
        Mutant(
            lambda fan_in, mean_square: math.sqrt(mean_square / fan_in),
            "the mean square stands on the wrong side: smaller inputs need larger weights",
        ),
        Mutant(
            lambda fan_in, mean_square: math.sqrt(2 / (fan_in * mean_square)),
            "there is a 2 too many: Kaiming's 2 makes up for a mean square of 0.5, and here the mean square is given",
        ),
        Mutant(
            lambda fan_in, mean_square: 1 / (math.sqrt(fan_in) * mean_square),
            "the mean square is a square already: it belongs under the root",
        ),
        Mutant(
            lambda fan_in, mean_square: math.sqrt(fan_in * mean_square),
            "this is the spread of the sum for weights of spread 1; divide by it",
        ),
    ),
    arguments=lambda rng: (rng.randint(2, 500), rng.uniform(0.1, 3.0)),
)

# --- layer normalization


def layer_norm(x, scale, shift):
    centered = x - x.mean(dim=-1, keepdim=True)  # (B, D)
    variance = centered.square().mean(dim=-1, keepdim=True)  # (B, 1)
    return scale * centered / (variance + 1e-5).sqrt() + shift


def _normed(x, scale, shift, dim=-1, correction=0, root=True, eps_inside=True):
    """The result with a switch for each typical mistake."""
    centered = x - x.mean(dim=dim, keepdim=True)
    variance = x.var(dim=dim, keepdim=True, correction=correction)
    spread = (variance + 1e-5 if eps_inside else variance).sqrt() if root else variance + 1e-5
    return scale * centered / spread + shift


LAYER_NORM = Exercise(
    name="layer_norm",
    chapter="activations",
    difficulty=2,
    minutes=15,
    task="Normalize each row of `x`, of shape (B, D): subtract its mean, and divide by the root of its variance plus "
    "1e-5. Then multiply by `scale` and add `shift`, both (D,). Do not use PyTorch's own.",
    hint="The variance is the mean of the squared distances from the mean: divided by D. `keepdim=True` keeps a "
    "dimension of size 1, so that shapes fit.",
    solution=layer_norm,
    mutants=(
        Mutant(
            lambda x, scale, shift: _normed(x, scale, shift, dim=0),
            "the columns are normalized: that mixes examples; a layer norm looks at one row at a time",
        ),
        Mutant(
            lambda x, scale, shift: _normed(x, scale, shift, dim=(0, 1)),
            "all rows share one mean and one variance: each row needs its own, over dimension -1",
        ),
        Mutant(
            lambda x, scale, shift: _normed(x, scale, shift, correction=1),
            "the variance is divided by D - 1, as PyTorch's var does by itself; here it is the plain mean, over D",
        ),
        Mutant(
            lambda x, scale, shift: _normed(x, scale, shift, root=False),
            "divided by the variance instead of its root: the spread does not become 1",
        ),
        Mutant(
            lambda x, scale, shift: _normed(x, scale, shift, eps_inside=False),
            "without the 1e-5, a row of equal numbers becomes 0 / 0",
        ),
        Mutant(
            lambda x, scale, shift: _normed(x, 1, 0), "scale and shift are missing: the network has to learn both"
        ),
        Mutant(
            lambda x, scale, shift: _normed(x, scale, 0) + scale * shift,
            "the shift is scaled too: multiply first, then add it",
        ),
    ),
    arguments=lambda rng: (
        2 + 3 * normal(rng, rng.randint(2, 4), d := rng.randint(3, 6)), normal(rng, d), normal(rng, d)
    ),
    edge_cases=((torch.full((2, 3), 4.0), torch.tensor([1.0, 2.0, 3.0]), torch.tensor([0.5, 0.5, -0.5])),),
)  # fmt: skip

# --- dropout with a given mask


def dropout(x, kept, share, training):
    if not training:
        return x
    return x * kept / (1 - share)


DROPOUT = Exercise(
    name="dropout",
    chapter="activations",
    difficulty=1,
    minutes=10,
    task="In training, set to 0 each number of `x` where `kept`, of the same shape, is 0, and scale the others up so "
    "that the expectation stays what it was; `share` is the probability of a 0 in `kept`. In use, with `training` "
    "false, change nothing.",
    hint="A number survives with the probability 1 - share. By which factor must it grow?",
    solution=dropout,
    mutants=(
        Mutant(
            lambda x, kept, share, training: x * kept if training else x,
            "what is kept is not scaled up: the next layer would read sums that are too small, in training only",
        ),
        Mutant(
            lambda x, kept, share, training: x * kept / (1 - share),
            "it drops in use too: there nothing may change",
        ),
        Mutant(
            lambda x, kept, share, training: x * kept / share if training else x,
            "divided by the share that falls out; the share that stays is 1 - share",
        ),
        Mutant(
            lambda x, kept, share, training: x * kept * (1 - share) if training else x,
            "what is kept shrinks; it must grow, to make up for what fell out",
        ),
        Mutant(
            lambda x, kept, share, training: x * (1 - kept) / (1 - share) if training else x,
            "the mask is turned round: where kept is 0, the result is 0",
        ),
        Mutant(
            lambda x, kept, share, training: x * kept if training else x * (1 - share),
            "scaled down in use instead of up in training: the first form of dropout, which leaves work for later",
        ),
    ),
    arguments=lambda rng: (
        normal(rng, 2, n := rng.randint(3, 6)) + 3,
        (normal(rng, 2, n) > -0.3).float(),
        rng.choice([0.1, 0.2, 0.3, 0.4]),
        rng.random() < 0.7,
    ),
    edge_cases=tuple(
        (torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([[1.0, 0.0], [0.0, 1.0]]), 0.3, training)
        for training in (True, False)
    ),
)

# --- units that never fire


def silent_units(batches):
    return sum(batch.sum(dim=0) for batch in batches) == 0


SILENT_UNITS = Exercise(
    name="silent_units",
    chapter="activations",
    difficulty=2,
    minutes=10,
    task="`batches` is a list of outputs of a ReLU layer, each of shape (B, D), which together are the whole data set. "
    "Which of the D units never fire? Return a tensor of D truth values, true where dead.",
    hint="ReLU gives no negative numbers. A unit that is silent on one batch may fire on the next.",
    solution=silent_units,
    mutants=(
        Mutant(
            lambda batches: (batches[-1] == 0).all(dim=0),
            "only the last batch counts here; a unit that fired on an earlier one is alive",
        ),
        Mutant(
            lambda batches: (batches[0] == 0).all(dim=0),
            "only the first batch counts here; a unit that fires on a later one is alive",
        ),
        Mutant(
            lambda batches: torch.stack([(batch == 0).all(dim=0) for batch in batches]).any(dim=0),
            "a unit that is silent on one batch is called dead; it must be silent on all of them",
        ),
        Mutant(
            lambda batches: (torch.cat(batches) == 0).any(dim=0),
            "a unit that is silent on one example is called dead; it must be silent on all of them",
        ),
        Mutant(
            lambda batches: (torch.cat(batches) > 0).any(dim=0),
            "these are the units that live; the question was which are dead",
        ),
        Mutant(
            lambda batches: (torch.cat(batches) == 0).all(dim=1),
            "one truth value per example; it should be one per unit, so go over the examples, dimension 0",
        ),
    ),
    arguments=lambda rng: (_layer_outputs(rng),),
    # A unit that fires once and weakly is alive.
    edge_cases=(([torch.tensor([[0.0, 0.0, 2.0]]), torch.tensor([[0.0, 1e-3, 0.0], [0.0, 0.0, 1.0]])],),),
)


def _layer_outputs(rng: random.Random) -> list[torch.Tensor]:
    """Batches in which unit 0 is dead, unit 1 fires in the first only, unit 2 in the last only, others now and then."""
    d = rng.randint(4, 6)
    batches = [normal(rng, rng.randint(3, 5), d).clamp(min=0) for _ in range(rng.randint(2, 4))]
    for place, batch in enumerate(batches):
        batch[:, 0] = 0
        batch[:, 1] = float(place == 0)
        batch[:, 2] = float(place == len(batches) - 1)
        batch[0, 3:], batch[1, 3:] = 0.5, 0.0
    return batches


EXERCISES = (LEAKY_RELU, WEIGHT_STD, LAYER_NORM, DROPOUT, SILENT_UNITS)
