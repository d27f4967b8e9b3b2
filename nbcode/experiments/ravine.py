"""How many steps do plain descent, momentum and Adam need as a valley gets narrower, each with its best rate?

``python -m nbcode.experiments.ravine [--seeds 40] [--out FILE]``

A quadratic surface whose curvatures are 1 and 1/condition, along the axes of the two weights or turned by 30 degrees.
A seed is a start at distance 1 from the minimum, in a random direction. Each rule gets the one rate, of 41, with which
the median start needs the fewest steps.
"""

from __future__ import annotations

import math
import statistics
import sys

import torch

from nbcode.data.surfaces import quadratic
from nbcode.experiments.study import Study, main, parser
from nbcode.training.optimizers import SGD, Adam, Momentum

RULES = {"plain": SGD, "momentum": Momentum, "Adam": Adam}
CONDITIONS = (1, 3, 10, 30, 100, 300, 1000)
DEGREES = (0, 30)
RATES = tuple(10 ** (k / 16) for k in range(-32, 9))  # 0.01 to 3.16
FALL = 1e-6  # down means: the loss is below this part of what it was at the start, and stays there
MOST_STEPS = 5_000


def starts(seeds: int) -> torch.Tensor:
    """Points at distance 1 from the origin: (seeds, 2)."""
    draws = [
        torch.rand((), generator=torch.Generator().manual_seed(seed), dtype=torch.float64) for seed in range(seeds)
    ]
    return torch.stack([torch.stack([(2 * math.pi * part).cos(), (2 * math.pi * part).sin()]) for part in draws])


def steps_needed(condition: float, degrees: float, rule: str, rate: float, begin: torch.Tensor, most: int) -> list[int]:
    """For each start, the first step from which on the loss is down; ``most`` + 1 where that does not happen.

    Args:
        condition: the ratio of the two curvatures.
        degrees: by which the surface is turned.
        rule: a key of ``RULES``.
        rate: the learning rate.
        begin: (S, 2). The rules treat each number by itself, so that all starts run at once.
        most: how many steps to try.
    """
    a, b, c, _ = quadratic((1 / condition, 1.0), degrees)
    point = begin.clone().requires_grad_()
    optimizer = RULES[rule]([point], rate)
    first = _heights(point.detach(), a, b, c)
    last_above = torch.zeros(len(begin), dtype=torch.int64)
    for number in range(1, most + 1):
        optimizer.zero_grad()
        point.grad = torch.stack([a * point[:, 0] + b * point[:, 1], b * point[:, 0] + c * point[:, 1]], dim=1).detach()
        optimizer.step()
        height = _heights(point.detach(), a, b, c)
        above = ~(height < FALL * first)  # also where it is NaN
        last_above[above] = number
        if number - last_above.max() > 200 or not (height < 1e12).all():
            break
    last_above[above] = most
    return (last_above + 1).tolist()


def _heights(point: torch.Tensor, a: float, b: float, c: float) -> torch.Tensor:
    u, v = point.unbind(-1)
    return (a * u**2 + 2 * b * u * v + c * v**2) / 2


def measure(condition: float, degrees: float, rule: str, seeds: int) -> dict:
    """The best rate, and the steps of the quickest, the middle and the slowest start with it."""
    begin = starts(seeds)
    best, best_rate = None, None
    for rate in RATES:
        steps = steps_needed(condition, degrees, rule, rate, begin, MOST_STEPS)
        if best is None or statistics.median(steps) < statistics.median(best):
            best, best_rate = steps, rate
    return {"rate": round(best_rate, 5), "quickest": min(best), "median": statistics.median(best), "slowest": max(best)}


STUDY = Study(
    "nbcode.experiments.ravine",
    ("condition", "degrees", "rule", "seeds"),
    ("rate", "quickest", "median", "slowest"),
    measure,
)

if __name__ == "__main__":
    flags = parser(STUDY, __doc__.splitlines()[0])
    flags.set_defaults(seeds=40)
    chosen = flags.parse_args()
    torch.set_num_threads(1)  # forty points: a second thread would only wait
    grid = [
        {"condition": condition, "degrees": degrees, "rule": rule, "seeds": chosen.seeds}
        for condition in CONDITIONS
        for degrees in DEGREES
        for rule in RULES
    ]
    sys.exit(main(STUDY, grid, chosen))
