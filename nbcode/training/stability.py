"""The largest learning rate at which descent can converge: predicted from the curvature, and found by trying."""

from __future__ import annotations

from collections.abc import Callable

import torch

from nbcode.training.optimizers import Optimizer, fraction

Surface = Callable[[torch.Tensor], torch.Tensor]


def curvatures(surface: Surface, at: torch.Tensor) -> torch.Tensor:
    """The eigenvalues of the Hessian, in ascending order: how sharply the surface bends along its own axes.

    Args:
        surface: maps a point (D,) to a scalar.
        at: (D,).

    Returns:
        (D,).
    """
    return torch.linalg.eigvalsh(torch.autograd.functional.hessian(surface, at))


def largest_stable_rate(largest_curvature: float, momentum: float = 0.0) -> float:
    """The rate above which (heavy-ball) gradient descent moves away from a minimum with this curvature.

    Along a direction of curvature h, a step multiplies the distance by 1 - lr h, which stays below 1 in size exactly
    for 0 < lr < 2 / h. With momentum m the limit is 2 (1 + m) / h. Source: Polyak (1964).

    Raises:
        ValueError: a curvature that is not positive (there is no minimum along it), or a momentum outside of [0, 1).
    """
    if not largest_curvature > 0:
        raise ValueError(f"the largest curvature is {largest_curvature}; at a minimum it is positive")
    return 2 * (1 + fraction("momentum", momentum)) / largest_curvature


def descend(
    surface: Surface, start: torch.Tensor, optimizer: Callable[[list[torch.Tensor]], Optimizer], steps: int
) -> torch.Tensor:
    """Roll down a surface.

    Args:
        surface: maps a point (D,) to a scalar.
        start: (D,); it stays as it is.
        optimizer: makes an optimizer from a list of parameters, for example ``lambda ps: SGD(ps, lr=0.1)``.
        steps: how many.

    Returns:
        The path, (steps + 1, D), from the start on.
    """
    point = start.detach().clone().requires_grad_()
    rule = optimizer([point])
    path = [start.detach().clone()]
    for _ in range(steps):
        rule.zero_grad()
        surface(point).backward()
        rule.step()
        path.append(point.detach().clone())
    return torch.stack(path)


def observed_limit(grows: Callable[[float], bool], low: float, high: float, precision: float = 1e-3) -> float:
    """The rate at which ``grows`` changes from false to true, by halving the interval.

    Args:
        grows: whether a run with this rate ends farther from the minimum than it began.
        low: a rate that converges.
        high: a rate that diverges.
        precision: the relative width of the interval at which the search ends.

    Raises:
        ValueError: ``low`` diverges or ``high`` converges.
    """
    if not 0 < low < high or grows(low) or not grows(high):
        raise ValueError(f"the limit must lie between low={low} (converges) and high={high} (diverges)")
    while high - low > precision * low:
        middle = (low + high) / 2
        low, high = (low, middle) if grows(middle) else (middle, high)
    return (low + high) / 2
