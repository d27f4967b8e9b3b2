"""Points in the plane with labels 0 and 1: the logic gates, two clouds, and points with a known margin."""

from __future__ import annotations

import math

import torch

from nbcode.data.gates import CORNERS, GATES


def gate(name: str) -> tuple[torch.Tensor, torch.Tensor]:
    """The truth table of a logic gate.

    Args:
        name: ``"and"``, ``"or"``, ``"nand"`` or ``"xor"``.

    Returns:
        Inputs (4, 2) and labels (4,), both float32.

    Raises:
        ValueError: an unknown gate.
    """
    if name not in GATES:
        raise ValueError(f"unknown gate {name!r}; choose one of {', '.join(GATES)}")
    return torch.tensor(CORNERS), torch.tensor(GATES[name], dtype=torch.float32)


def clouds(n: int = 40, spread: float = 0.3, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Two round clouds of points around (0, 0) and (1, 1), with labels 0 and 1 in turn.

    Args:
        n: number of points, at least 2.
        spread: standard deviation of each cloud, positive. The centers are 1.41 apart.
        seed: of the random generator.

    Returns:
        Inputs (n, 2) and labels (n,), both float32.

    Raises:
        ValueError: ``n`` or ``spread`` is out of range.
    """
    _at_least_two(n)
    if not (spread > 0 and math.isfinite(spread)):
        raise ValueError(f"spread is {spread}; give a positive, finite number")
    generator = torch.Generator().manual_seed(seed)
    labels = (torch.arange(n) % 2).float()  # (n,)
    noise = spread * torch.randn(n, 2, generator=generator)
    return labels.unsqueeze(1) + noise, labels  # (n, 1) + (n, 2) -> (n, 2)


def separable(n: int = 100, margin: float = 0.1, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Points of the square [-1, 1] x [-1, 1], split by a random line that keeps its distance from them.

    The line passes within 0.3 of the center, at a random angle; points closer to it than ``margin`` are drawn again.

    Args:
        n: number of points, at least 2.
        margin: smallest distance between a point and the line, from 0 to 0.5.
        seed: of the random generator.

    Returns:
        Inputs (n, 2), labels (n,), and the line (3,): the unit normal w1, w2 and the offset b.
        The label is 1 where w1 x1 + w2 x2 + b > 0.

    Raises:
        ValueError: ``n`` or ``margin`` is out of range.
    """
    _at_least_two(n)
    if not 0 <= margin <= 0.5:
        raise ValueError(f"margin is {margin}; give a number from 0 to 0.5 (the square is 2 wide)")
    generator = torch.Generator().manual_seed(seed)
    angle, shift = torch.rand(2, generator=generator).tolist()
    angle *= 2 * math.pi
    line = torch.tensor([math.cos(angle), math.sin(angle), 0.6 * shift - 0.3])
    points = torch.empty(0, 2)
    while len(points) < n:  # the band takes away less than 0.71 of the square, so a few rounds suffice
        drawn = 2 * torch.rand(n, 2, generator=generator) - 1  # (n, 2)
        distance = (drawn @ line[:2] + line[2]).abs()  # (n,)
        points = torch.cat([points, drawn[distance >= margin]])
    points = points[:n]
    return points, (points @ line[:2] + line[2] > 0).float(), line


def _at_least_two(n: int) -> None:
    if isinstance(n, bool) or not isinstance(n, int) or n < 2:
        raise ValueError(f"n is {n!r}; give an integer of at least 2, a point for each label")
