"""Labeled points in the plane that no straight line separates: two circles, two moons."""

from __future__ import annotations

import math

import torch


def circles(n: int = 200, inner: float = 0.5, noise: float = 0.05, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Points on two circles around the origin: label 0 on the outer one, of radius 1, and 1 on the inner one.

    Args:
        n: number of points, at least 2; the labels take turns.
        inner: radius of the inner circle, between 0 and 1.
        noise: standard deviation of the scatter around the circles, 0 or more.
        seed: of the random generator.

    Returns:
        Inputs (n, 2) and labels (n,), both float32.

    Raises:
        ValueError: an argument is out of range.
    """
    _check(n, noise)
    if not 0 < inner < 1:
        raise ValueError(f"inner is {inner}; give a radius between 0 and 1, that of the outer circle")
    generator = torch.Generator().manual_seed(seed)
    labels = (torch.arange(n) % 2).to(torch.float32)  # (n,)
    angle = 2 * math.pi * torch.rand(n, generator=generator, dtype=torch.float32)
    radius = 1 + (inner - 1) * labels
    points = radius.unsqueeze(1) * torch.stack([angle.cos(), angle.sin()], dim=1)  # (n, 1) * (n, 2) -> (n, 2)
    return points + noise * torch.randn(n, 2, generator=generator, dtype=torch.float32), labels


def moons(n: int = 100, noise: float = 0.1, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Points on two half circles that reach into each other: label 0 on the upper, 1 on the lower.

    The upper is the half circle of radius 1 around (0, 0); the lower, around (1, 0.5), is open above.

    Args:
        n: number of points, at least 2; the labels take turns.
        noise: standard deviation of the scatter around the half circles, 0 or more.
        seed: of the random generator.

    Returns:
        Inputs (n, 2) and labels (n,), both float32.

    Raises:
        ValueError: an argument is out of range.
    """
    _check(n, noise)
    generator = torch.Generator().manual_seed(seed)
    labels = (torch.arange(n) % 2).to(torch.float32)  # (n,)
    angle = math.pi * torch.rand(n, generator=generator, dtype=torch.float32)
    upper = torch.stack([angle.cos(), angle.sin()], dim=1)  # (n, 2)
    lower = torch.tensor([1.0, 0.5], dtype=torch.float32) - upper
    points = torch.where(labels.unsqueeze(1) == 1, lower, upper)
    return points + noise * torch.randn(n, 2, generator=generator, dtype=torch.float32), labels


def _check(n: int, noise: float) -> None:
    if isinstance(n, bool) or not isinstance(n, int) or n < 2:
        raise ValueError(f"n is {n!r}; give a whole number of at least 2, a point for each label")
    if not 0 <= noise < math.inf:
        raise ValueError(f"noise is {noise}; give 0 or a positive, finite number")
