"""The exercises of the primer."""

from __future__ import annotations

import random

import torch

from nbcode.exercises.frame import Exercise, Mutant

# --- broadcasting, used


def center(x):
    return x - x.mean(dim=0)  # (B, D) - (D,) -> (B, D)


CENTER = Exercise(
    name="center",
    chapter="before",
    difficulty=1,
    minutes=5,
    task="Each column of `x`, of shape (B, D), holds one measurement. Shift every column so that its mean becomes 0, "
    "and return the result, of shape (B, D). No loop.",
    hint="`x.mean(dim=...)` makes the named dimension disappear. One mean per column must be left.",
    solution=center,
    mutants=(
        Mutant(
            lambda x: x - x.mean(dim=1, keepdim=True),
            "the rows are centered, not the columns: dim is the dimension that disappears",
        ),
        Mutant(
            lambda x: x - x.mean(),
            "one mean for the whole tensor was taken off; each column has its own",
        ),
        Mutant(
            lambda x: (x - x.mean(dim=0)) / x.std(dim=0),
            "the columns were also divided by their spread; only the mean must go",
        ),
        Mutant(lambda x: x.mean(dim=0), "these are the means; return x without them"),
        Mutant(lambda x: x.mean(dim=0) - x, "the sign is turned: take the mean off x, not x off the mean"),
        Mutant(
            lambda x: x - x.mean(dim=1),
            "there is one mean per row here, and (B,) does not fit (B, D); each *column* has a mean",
        ),
    ),
    arguments=lambda rng: (
        3
        + torch.randn(
            rng.randint(5, 7), rng.randint(2, 4), generator=torch.Generator().manual_seed(rng.getrandbits(32))
        ),
    ),
)

# --- broadcasting, understood


def broadcast_shape(a, b):
    width = max(len(a), len(b))
    a = (1,) * (width - len(a)) + tuple(a)  # missing dimensions stand on the left
    b = (1,) * (width - len(b)) + tuple(b)
    if any(m != n and 1 not in (m, n) for m, n in zip(a, b, strict=True)):
        return "does not fit"
    return tuple(n if m == 1 else m for m, n in zip(a, b, strict=True))


def _aligned_left(a, b):
    width = max(len(a), len(b))
    return broadcast_shape((*a, *(1,) * (width - len(a))), (*b, *(1,) * (width - len(b))))


def _never_refuses(a, b):
    width = max(len(a), len(b))
    a, b = (1,) * (width - len(a)) + a, (1,) * (width - len(b)) + b
    return tuple(max(m, n) for m, n in zip(a, b, strict=True))


def _wants_equal_lengths(a, b):
    return broadcast_shape(a, b) if len(a) == len(b) else "does not fit"


def _two_shapes(rng: random.Random) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Two shapes of up to three dimensions that fit in about two cases of three."""
    full = [rng.randint(1, 4) for _ in range(3)]
    a, b = ([1 if rng.random() < 0.3 else n for n in full[3 - rng.randint(1, 3) :]] for _ in range(2))
    if rng.random() < 0.4:
        b[rng.randrange(len(b))] += 1
    return tuple(a), tuple(b)


BROADCAST_SHAPE = Exercise(
    name="broadcast_shape",
    chapter="before",
    difficulty=2,
    minutes=15,
    task="Given two shapes as tuples of integers, return the shape of the sum of two such tensors, as a tuple, or the "
    'string `"does not fit"`. Plain Python, no torch.',
    hint="Write one shape above the other, aligned on the right, and fill the gaps on the left with 1.",
    solution=broadcast_shape,
    mutants=(
        Mutant(
            _aligned_left,
            "the shapes are aligned on the left; missing dimensions are added on the left, so align right",
        ),
        Mutant(
            _never_refuses, "the larger size always wins here; sizes such as 2 and 3 do not fit, only 1 is stretched"
        ),
        Mutant(_wants_equal_lengths, "shapes of different lengths may fit: the shorter one gets ones on its left"),
    ),
    arguments=_two_shapes,
    edge_cases=(((2, 3), (3, 2)), ((4, 1), (3,)), ((5,), (2, 5)), ((1,), (1, 1)), ((2, 2), (3,))),
)

# --- the matrix product


def matrix_product(a, b):
    def dot(row, column):
        return sum(m * n for m, n in zip(row, column, strict=True))

    columns = list(zip(*b, strict=True))
    return [[dot(row, column) for column in columns] for row in a]


def _transposed(rows):
    return [list(column) for column in zip(*rows, strict=True)]


def _two_matrices(rng: random.Random) -> tuple[list, list]:
    n, m, p = (rng.randint(2, 4) for _ in range(3))
    a = [[rng.randint(-5, 5) for _ in range(m)] for _ in range(n)]
    b = [[rng.randint(-5, 5) for _ in range(p)] for _ in range(m)]
    return a, b


MATRIX_PRODUCT = Exercise(
    name="matrix_product",
    chapter="before",
    difficulty=2,
    minutes=10,
    task="Multiply two matrices given as nested lists: `a` has n rows of m numbers, `b` has m rows of p numbers. "
    "Return n rows of p numbers. Plain Python, no torch.",
    hint="The entry in row i and column j needs row i of `a` and column j of `b`: multiply in pairs, add up.",
    solution=matrix_product,
    mutants=(
        Mutant(
            lambda a, b: _transposed(matrix_product(a, b)),
            "rows and columns of the result are exchanged: row i of a makes row i of the result",
        ),
        Mutant(
            lambda a, b: [matrix_product(a, b)[-1]] * len(a),
            "all rows are the last one: [[0] * p] * n makes n names for one and the same row",
        ),
        Mutant(
            lambda a, b: [[row[0] * b[0][j] for j in range(len(b[0]))] for row in a],
            "only the first pair is multiplied; all m pairs are, and added up",
        ),
        Mutant(
            lambda a, b: [[max(row[k] * b[k][j] for k in range(len(b))) for j in range(len(b[0]))] for row in a],
            "the largest product is kept; add all of them up",
        ),
        Mutant(
            lambda a, b: [[sum(row) * sum(b[k][j] for k in range(len(b))) for j in range(len(b[0]))] for row in a],
            "row and column are added up first and multiplied then; multiply in pairs first",
        ),
    ),
    arguments=_two_matrices,
)


# --- the chain rule


def slope_of_square(x, w, b):
    return 2 * (w * x + b) * w  # outer slope at the inner value, times inner slope


SLOPE_OF_SQUARE = Exercise(
    name="slope_of_square",
    chapter="before",
    difficulty=2,
    minutes=10,
    task="Let y = (w x + b)². Return the derivative of y with respect to x, by the chain rule. "
    "`x`, `w` and `b` are numbers.",
    hint="Name the inner value u = w x + b. How fast does y move when u moves? How fast does u move when x moves?",
    solution=slope_of_square,
    mutants=(
        Mutant(
            lambda x, w, b: 2 * (w * x + b),
            "the inner slope is missing: u moves w times as fast as x, so multiply by w",
        ),
        Mutant(
            lambda x, w, b: 2 * (w * x + b) * x,
            "this is the derivative with respect to w; x is the one that moves",
        ),
        Mutant(
            lambda x, w, b: 2 * x * w,
            "the outer slope is taken at x; take it at the inner value u = w x + b",
        ),
        Mutant(lambda x, w, b: (w * x + b) ** 2, "this is y itself; return its slope"),
    ),
    arguments=lambda rng: (rng.gauss(0, 2), rng.gauss(0, 2), rng.gauss(0, 2)),
)

EXERCISES = (CENTER, BROADCAST_SHAPE, MATRIX_PRODUCT, SLOPE_OF_SQUARE)
