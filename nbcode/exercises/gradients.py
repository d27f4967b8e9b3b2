"""The exercises of the chapter on loss and gradients."""

from __future__ import annotations

import math
import random

import torch

from nbcode.exercises.frame import Exercise, Mutant, normal

# --- the gradient of a line's loss, by hand


def line_gradient(w, b, x, y):
    error = w * x + b - y  # (B,)
    return (2 * error * x).mean(), (2 * error).mean()


LINE_GRADIENT = Exercise(
    name="line_gradient",
    chapter="gradients",
    difficulty=1,
    minutes=10,
    task="The loss of the line `w x + b` on the examples `x`, `y`, both (B,), is the mean squared error. Return its "
    "two derivatives, by `w` and by `b`, from a formula: no autograd, no finite differences.",
    hint="Name the error of one example, `e = w x + b - y`. The derivative of `e²` is `2 e` times that of `e`.",
    solution=line_gradient,
    mutants=(
        Mutant(
            lambda w, b, x, y: (((w * x + b - y) * x).mean(), (w * x + b - y).mean()),
            "the factor 2 is missing: the derivative of e² is 2e times that of e",
        ),
        Mutant(
            lambda w, b, x, y: ((2 * (w * x + b - y)).mean(), (2 * (w * x + b - y)).mean()),
            "the derivative by w lacks the inner part: e changes by x when w changes by 1",
        ),
        Mutant(
            lambda w, b, x, y: ((2 * (y - w * x - b) * x).mean(), (2 * (y - w * x - b)).mean()),
            "the sign is turned: this points downhill; the gradient points uphill, and the step goes against it",
        ),
        Mutant(
            lambda w, b, x, y: ((2 * (w * x + b - y) * x).sum(), (2 * (w * x + b - y)).sum()),
            "the examples are added up; the loss is a mean, so its derivative is one too",
        ),
        Mutant(
            lambda w, b, x, y: (2 * (w * x + b - y).mean() * x.mean(), (2 * (w * x + b - y)).mean()),
            "the mean of a product is not the product of the means: multiply e and x first, example by example",
        ),
        Mutant(
            lambda w, b, x, y: ((2 * (w * x + b - y) * x).mean(), (2 * (w * x + b - y) * b).mean()),
            "the derivative by b has a factor b too much: e changes by 1 when b changes by 1",
        ),
    ),
    arguments=lambda rng: (
        rng.uniform(-2, 2), rng.uniform(0.5, 2), normal(rng, n := rng.randint(3, 7)) + 1, 2 * normal(rng, n)
    ),
)  # fmt: skip

# --- finite differences


def numerical_gradient(f, at, h):
    slopes = []
    for place in range(len(at)):
        up, down = list(at), list(at)
        up[place] += h
        down[place] -= h
        slopes.append((f(up) - f(down)) / (2 * h))
    return slopes


def _one_sided(f, at, h):
    return [(f([*at[:place], at[place] + h, *at[place + 1 :]]) - f(at)) / h for place in range(len(at))]


def _never_back(f, at, h):
    moved, slopes = list(at), []
    for place in range(len(at)):
        moved[place] += h
        high = f(moved)
        moved[place] -= 2 * h
        slopes.append((high - f(moved)) / (2 * h))
    return slopes


def _wrong_width(f, at, h):
    return [2 * slope for slope in numerical_gradient(f, at, h)]


def _all_at_once(f, at, h):
    slope = (f([value + h for value in at]) - f([value - h for value in at])) / (2 * h)
    return [slope] * len(at)


def _curved(rng: random.Random):
    """A cubic in two or three variables, with mixed terms: a step of size h shows in all the wrong answers."""
    n = rng.randint(2, 3)
    cubic = [rng.uniform(0.5, 2) for _ in range(n)]
    mixed = rng.uniform(0.5, 2)

    def f(point):
        total = sum(c * value**3 for c, value in zip(cubic, point, strict=True))
        return total + mixed * math.prod(point) + sum(point)

    return f, [rng.uniform(0.5, 2) for _ in range(n)], 0.1


NUMERICAL_GRADIENT = Exercise(
    name="numerical_gradient",
    chapter="gradients",
    difficulty=2,
    minutes=15,
    task="`f` maps a list of numbers to a number. Estimate its gradient at the list `at` by central differences: move "
    "one coordinate by `h` up, then by `h` down, and divide. Return a list of slopes. Plain Python.",
    hint="Between the two places lies a distance of 2h. Make a fresh copy of `at` for each move.",
    solution=numerical_gradient,
    mutants=(
        Mutant(_one_sided, "this is the one-sided difference, whose error is about h; look to both sides of the point"),
        Mutant(
            _never_back, "a coordinate is not put back before the next one moves: start from a fresh copy each time"
        ),
        Mutant(_wrong_width, "every slope is twice too large: the two places are 2h apart"),
        Mutant(
            _all_at_once,
            "all coordinates are moved together: that is one slope along the diagonal, not one for each",
        ),
        Mutant(
            lambda f, at, h: [-slope for slope in numerical_gradient(f, at, h)],
            "the sign is turned: the value above minus the value below",
        ),
    ),
    arguments=_curved,
)

# --- softmax that does not overflow


def softmax(logits):
    largest = logits.max(dim=-1, keepdim=True).values  # (B, 1)
    powers = (logits - largest).exp()  # (B, C), none above 1
    return powers / powers.sum(dim=-1, keepdim=True)


def _rows(rng: random.Random) -> tuple[torch.Tensor]:
    return (2 * normal(rng, rng.randint(2, 4), rng.randint(2, 5)).double(),)


SOFTMAX = Exercise(
    name="softmax",
    chapter="gradients",
    difficulty=2,
    minutes=10,
    task="Turn each row of `logits`, of shape (B, C), into positive numbers that add up to 1, in the proportions "
    "`exp(z)`. Logits of 10,000 must work. Do not use PyTorch's own softmax.",
    hint="Subtracting the same number from all logits of a row changes no proportion. Which number makes the largest "
    "exponential 1?",
    solution=softmax,
    mutants=(
        Mutant(
            lambda logits: logits.exp() / logits.exp().sum(dim=-1, keepdim=True),
            "large logits overflow: exp(1000) is infinite, and inf / inf is NaN; subtract the row's largest first",
        ),
        Mutant(
            lambda logits: (p := (logits - logits.max()).exp()) / p.sum(dim=-1, keepdim=True),
            "one maximum for the whole batch: a row far below it becomes 0 / 0; each row needs its own",
        ),
        Mutant(
            lambda logits: (p := (logits - logits.max(dim=0).values).exp()) / p.sum(dim=0),
            "the columns add up to 1, not the rows: the classes are the last dimension",
        ),
        Mutant(
            lambda logits: (p := (logits - logits.max(dim=-1, keepdim=True).values).exp()) / p.sum(),
            "the whole batch adds up to 1; each row has a distribution of its own",
        ),
        Mutant(
            lambda logits: (
                (p := (logits - logits.max(dim=-1, keepdim=True).values).exp()) / p.max(dim=-1, keepdim=True).values
            ),
            "divided by the largest instead of the sum: the rows do not add up to 1",
        ),
        Mutant(
            lambda logits: (p := logits.abs()) / p.sum(dim=-1, keepdim=True),
            "the exponential is missing: a logit of -3 must end up smaller than one of 1",
        ),
        Mutant(
            lambda logits: (
                (z := logits - logits.max(dim=-1, keepdim=True).values) - z.exp().sum(dim=-1, keepdim=True).log()
            ),
            "these are the logarithms of the softmax; take exp of them",
        ),
    ),
    arguments=_rows,
    edge_cases=tuple(
        (torch.tensor(rows, dtype=torch.float64),)
        for rows in ([[1e4, 0.0, -1e4], [1e4, 1e4, 9_999.0]], [[-1e4, -1e4]], [[1e4, 0.0], [0.0, -1e4]])
    ),
)

# --- the limit of the learning rate


def stable_rate(hessian):
    return 2 / torch.linalg.eigvalsh(hessian).max().item()


def _hessian(rng: random.Random) -> tuple[torch.Tensor]:
    n = rng.randint(2, 4)
    m = normal(rng, n, n)
    return (m @ m.T + 0.2 * torch.eye(n),)


STABLE_RATE = Exercise(
    name="stable_rate",
    chapter="gradients",
    difficulty=2,
    minutes=10,
    task="A quadratic surface has the `hessian` (D, D), symmetric with positive eigenvalues. Above which learning rate "
    "does plain gradient descent diverge? Return a number. `torch.linalg.eigvalsh` gives the eigenvalues.",
    hint="Along a direction of curvature h, a step multiplies the distance to the minimum by 1 - lr h. It must stay "
    "between -1 and 1 in every direction.",
    solution=stable_rate,
    mutants=(
        Mutant(
            lambda hessian: 1 / torch.linalg.eigvalsh(hessian).max().item(),
            "at this rate the steepest direction is done in one step; it may go further, until the factor reaches -1",
        ),
        Mutant(
            lambda hessian: 2 / torch.linalg.eigvalsh(hessian).min().item(),
            "the flattest direction allows this much; the steepest one diverges long before",
        ),
        Mutant(
            lambda hessian: 2 / hessian.diagonal().max().item(),
            "the largest entry of the diagonal is not the largest curvature: a turned valley is steeper",
        ),
        Mutant(
            lambda hessian: 2 / hessian.trace().item(),
            "the trace is the sum of all curvatures; the steepest alone sets the limit",
        ),
        Mutant(
            lambda hessian: 2 * torch.linalg.eigvalsh(hessian).max().item(),
            "multiplied instead of divided: a sharper curve needs a smaller rate",
        ),
    ),
    arguments=_hessian,
)

# --- one step of Adam


def adam_step(w, g, m, v, t, lr):
    m = 0.9 * m + 0.1 * g
    v = 0.999 * v + 0.001 * g**2
    m_hat = m / (1 - 0.9**t)
    v_hat = v / (1 - 0.999**t)
    return w - lr * m_hat / (v_hat.sqrt() + 1e-8), m, v


def _adam(w, g, m, v, t, lr, correct=True, root=True, sign=-1, swap=False, gradient_on_top=False):
    """The step with a switch for each typical mistake."""
    b1, b2 = (0.999, 0.9) if swap else (0.9, 0.999)
    m = b1 * m + (1 - b1) * g
    v = b2 * v + (1 - b2) * g**2
    m_hat, v_hat = (m / (1 - b1**t), v / (1 - b2**t)) if correct else (m, v)
    above = g if gradient_on_top else m_hat
    return w + sign * lr * above / ((v_hat.sqrt() if root else v_hat) + 1e-8), m, v


ADAM_STEP = Exercise(
    name="adam_step",
    chapter="gradients",
    difficulty=3,
    minutes=20,
    task="Write step number `t` (counted from 1) of Adam, with betas 0.9 and 0.999 and eps 1e-8: from the weights `w`, "
    "their gradient `g`, the memories `m` and `v`, all of one shape, and the rate `lr`, return new `w`, `m`, `v`. "
    "Do not change the arguments in place.",
    hint="First the two memories, then their correction by `1 - beta**t`, then the step. Return uncorrected memories.",
    solution=adam_step,
    mutants=(
        Mutant(
            lambda w, g, m, v, t, lr: _adam(w, g, m, v, t, lr, correct=False),
            "the correction is missing: both memories began at 0, and after t steps have only part of their size",
        ),
        Mutant(
            lambda w, g, m, v, t, lr: _adam(w, g, m, v, t, lr, root=False),
            "the square root is missing: v has the unit of a squared gradient",
        ),
        Mutant(
            lambda w, g, m, v, t, lr: _adam(w, g, m, v, t, lr, sign=1),
            "it climbs: the step goes against the gradient",
        ),
        Mutant(
            lambda w, g, m, v, t, lr: _adam(w, g, m, v, t, lr, swap=True),
            "the two betas are exchanged: m remembers about 10 steps, v about 1,000",
        ),
        Mutant(
            lambda w, g, m, v, t, lr: _adam(w, g, m, v, t, lr, gradient_on_top=True),
            "the gradient of this step alone is divided; Adam divides the remembered mean",
        ),
        Mutant(
            lambda w, g, m, v, t, lr: (
                (new := _adam(w, g, m, v, t, lr))[0], new[1] / (1 - 0.9**t), new[2] / (1 - 0.999**t)
            ),
            "the corrected memories are returned: keep the uncorrected ones, or the next step corrects twice",
        ),
    ),
    arguments=lambda rng: (
        normal(rng, n := rng.randint(2, 4)),
        normal(rng, n),
        0.5 * normal(rng, n),
        0.1 + normal(rng, n) ** 2,
        rng.randint(2, 20),
        rng.uniform(0.05, 0.5),
    ),
)  # fmt: skip

EXERCISES = (LINE_GRADIENT, NUMERICAL_GRADIENT, SOFTMAX, STABLE_RATE, ADAM_STEP)
