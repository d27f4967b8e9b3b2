"""The exercises of the chapter on training."""

from __future__ import annotations

import random

import torch

from nbcode.exercises.frame import Exercise, Mutant, normal

# --- mean squared error


def mse(prediction, target):
    return ((prediction - target) ** 2).mean()


def _two_of_a_shape(rng: random.Random) -> tuple[torch.Tensor, torch.Tensor]:
    shape = rng.choice(((rng.randint(2, 6), 1), (rng.randint(2, 6), rng.randint(2, 3)), (rng.randint(2, 6),)))
    return 2 * normal(rng, *shape), normal(rng, *shape)


MSE = Exercise(
    name="mse",
    chapter="training",
    difficulty=1,
    minutes=5,
    task="Return the mean squared error of `prediction` against `target`, two tensors of one shape: a scalar tensor. "
    "Do not use PyTorch's own loss.",
    hint="Three operations, from the inside out: difference, square, mean.",
    solution=mse,
    mutants=(
        Mutant(
            lambda prediction, target: ((prediction - target) ** 2).sum(),
            "the squares are added up, not averaged: twice as many examples would double the loss",
        ),
        Mutant(
            lambda prediction, target: (prediction - target).abs().mean(),
            "this is the mean absolute error: square the differences",
        ),
        Mutant(
            lambda prediction, target: (prediction - target).mean() ** 2,
            "the mean is squared: errors of opposite sign cancel before the square can see them; square first",
        ),
        Mutant(
            lambda prediction, target: ((prediction - target) ** 2).mean().sqrt(),
            "this is the square root of it, which has the target's unit; return the mean of the squares",
        ),
        Mutant(
            lambda prediction, target: ((prediction - target) ** 2).mean() / 2,
            "half of it: some books do that to spare a factor 2 in the gradient; here it is the plain mean",
        ),
        Mutant(
            lambda prediction, target: (prediction - target) ** 2,
            "there is one square per entry still; a loss is one number",
        ),
    ),
    arguments=_two_of_a_shape,
)

# --- cutting an epoch into batches


def batch_indices(order, size):
    return [order[start : start + size] for start in range(0, len(order), size)]


def _drops_the_last(order, size):
    return [order[start : start + size] for start in range(0, len(order) - size + 1, size)]


def _ignores_the_order(order, size):
    return [list(range(start, min(start + size, len(order)))) for start in range(0, len(order), size)]


def _counts_batches(order, size):
    each = -(-len(order) // size)
    return [order[start : start + each] for start in range(0, len(order), each)]


def _empty_at_the_end(order, size):
    return [order[start : start + size] for start in range(0, len(order) + 1, size)]


def _overlapping(order, size):
    return [order[start : start + size] for start in range(0, len(order))]


def _shuffled(rng: random.Random) -> tuple[list[int], int]:
    """An order, never the sorted one, and a batch size that leaves a smaller last batch in most cases."""
    n = rng.randint(5, 14)
    order = list(range(n))
    while order == sorted(order):
        rng.shuffle(order)
    return order, rng.randint(2, n - 1)


BATCH_INDICES = Exercise(
    name="batch_indices",
    chapter="training",
    difficulty=1,
    minutes=10,
    task="An epoch goes over the examples in a shuffled `order`, a list of their places. Cut it into batches of `size` "
    "places: return a list of lists. The last batch may be smaller. Plain Python.",
    hint="`range(0, len(order), size)` gives the place where each batch begins.",
    solution=batch_indices,
    mutants=(
        Mutant(
            _drops_the_last,
            "the last, smaller batch is lost: its examples would never be learned from in this epoch",
        ),
        Mutant(
            _ignores_the_order,
            "these are places in sorted order: the batches must follow the shuffled order that is given",
        ),
        Mutant(_counts_batches, "size is the number of examples in a batch, not the number of batches"),
        Mutant(
            _empty_at_the_end,
            "where the size divides the number of examples, there is an empty batch at the end: its mean would be NaN",
        ),
        Mutant(_overlapping, "the batches overlap: each example belongs to one batch of the epoch"),
    ),
    arguments=_shuffled,
    edge_cases=(([2, 0, 3, 1, 5, 4], 3), ([1, 0], 5), ([4, 1, 0, 2, 3], 2)),
)

# --- standardizing without looking at the test data


def standardize(train, test):
    mean, std = train.mean(dim=0), train.std(dim=0)  # (D,) each, from train alone
    return (train - mean) / std, (test - mean) / std


def _by_both(train, test):
    both = torch.cat([train, test])
    return (train - both.mean(dim=0)) / both.std(dim=0), (test - both.mean(dim=0)) / both.std(dim=0)


def _each_by_itself(train, test):
    return (train - train.mean(dim=0)) / train.std(dim=0), (test - test.mean(dim=0)) / test.std(dim=0)


def _one_for_all(train, test):
    return (train - train.mean()) / train.std(), (test - train.mean()) / train.std()


STANDARDIZE = Exercise(
    name="standardize",
    chapter="training",
    difficulty=2,
    minutes=10,
    task="Bring each column of the inputs to mean 0 and standard deviation 1, as `std(dim=0)` computes it. `train` has "
    "shape (B, D), `test` has shape (S, D). Return both, standardized. Test data must not influence anything that is "
    "decided before the test.",
    hint="How many means may you compute, from how many of the rows, if the test data did not exist yet? "
    "`train.mean(dim=0)` gives one mean per column.",
    solution=standardize,
    mutants=(
        Mutant(
            _by_both,
            "mean and spread come from both parts: the test data leaks into the training data; use the training part's",
        ),
        Mutant(
            _each_by_itself,
            "the test part has its own mean and spread here: the model would meet other units than it learned",
        ),
        Mutant(
            lambda train, test: (
                (train - train.mean(dim=0)) / train.std(dim=0, correction=0),
                (test - train.mean(dim=0)) / train.std(dim=0, correction=0),
            ),
            "divided by the standard deviation over B; `std(dim=0)` divides by B - 1 under the root",
        ),
        Mutant(_one_for_all, "one mean and one spread for all columns: each column has its own"),
        Mutant(
            lambda train, test: (train - train.mean(dim=0), test - train.mean(dim=0)),
            "the columns are centered but not divided by their standard deviation",
        ),
        Mutant(
            lambda train, test: ((train - train.mean(dim=0)) / train.std(dim=0), test),
            "the test part was left as it was: the model would meet inputs in units that it never saw",
        ),
        Mutant(
            lambda train, test: (
                (train - train.mean(dim=0)) / train.var(dim=0),
                (test - train.mean(dim=0)) / train.var(dim=0),
            ),
            "divided by the variance, the square of the standard deviation",
        ),
    ),
    arguments=lambda rng: (
        5 + 3 * normal(rng, rng.randint(5, 9), d := rng.randint(2, 4)) * torch.arange(1.0, d + 1),
        4 + 2 * normal(rng, rng.randint(3, 6), d),
    ),
)

# --- the whole loop


def train_line(x, y, lr, epochs):
    w = torch.zeros((), requires_grad=True)
    b = torch.zeros((), requires_grad=True)
    for _ in range(epochs):
        loss = ((w * x + b - y) ** 2).mean()
        w.grad = b.grad = None  # forget the last gradients
        loss.backward()
        with torch.no_grad():  # the update itself needs no gradient
            w -= lr * w.grad
            b -= lr * b.grad
    return w.item(), b.item()


def _descent(x, y, lr, epochs, bias=True, sign=-1, forget=True, mean=True):
    """The loop with a switch for each typical mistake, in closed form."""
    w = b = w_grad = b_grad = 0.0
    for _ in range(epochs):
        error = w * x + b - y
        gather = torch.mean if mean else torch.sum
        kept_w, kept_b = (0.0, 0.0) if forget else (w_grad, b_grad)
        w_grad, b_grad = kept_w + gather(2 * error * x).item(), kept_b + gather(2 * error).item()
        w += sign * lr * w_grad
        b += sign * lr * b_grad * bias
    return w, b


TRAIN_LINE = Exercise(
    name="train_line",
    chapter="training",
    difficulty=3,
    minutes=20,
    task="Fit the line `w x + b` to the examples `x`, `y`, both of shape (B,), by gradient descent on the mean squared "
    "error: start from `w = b = 0`, go over all examples at once `epochs` times, and each time move both parameters by "
    "`lr` times their gradient. Return the two numbers `w` and `b`. PyTorch may compute the gradients.",
    hint="`w = torch.zeros((), requires_grad=True)` is a parameter. After `backward()` the gradient is in `w.grad`, "
    "and it stays there until you remove it. The update belongs into `with torch.no_grad():`.",
    solution=train_line,
    mutants=(
        Mutant(
            lambda x, y, lr, epochs: _descent(x, y, lr, epochs, forget=False),
            "the gradients are never reset: each backward adds to the last one, and the steps follow old advice",
        ),
        Mutant(
            lambda x, y, lr, epochs: _descent(x, y, lr, epochs, sign=1),
            "it climbs: the gradient points to where the loss grows, so step against it",
        ),
        Mutant(
            lambda x, y, lr, epochs: _descent(x, y, lr, epochs, mean=False),
            "the loss is a sum of squares here: take the mean, or the steps would grow with the number of examples",
        ),
        Mutant(
            lambda x, y, lr, epochs: _descent(x, y, lr, epochs, bias=False),
            "the bias does not learn: it is a parameter like w",
        ),
        Mutant(
            lambda x, y, lr, epochs: _descent(x, y, lr, epochs - 1),
            "one update is missing: go over the examples exactly `epochs` times",
        ),
        Mutant(
            lambda x, y, lr, epochs: _descent(x, y, lr / 2, epochs),
            "every step is half as long: the derivative of a square has a factor 2",
        ),
    ),
    arguments=lambda rng: (
        normal(rng, b := rng.randint(4, 8)),
        2 + 3 * normal(rng, b),
        rng.uniform(0.02, 0.1),
        rng.randint(3, 8),
    ),
)

EXERCISES = (MSE, BATCH_INDICES, STANDARDIZE, TRAIN_LINE)
