"""Inputs with a number to predict: the article's ten points, and points around a line."""

from __future__ import annotations

import torch

# The article's bias. Its digits are those of Planck's constant, 6.6260693e-34 J s (CODATA 2002).
BIAS = 6.6260693


def article_points(n: int = 10) -> tuple[torch.Tensor, torch.Tensor]:
    """The data of the article's first program: inputs around 0 with standard deviation 10, target x1 + x2 + ``BIAS``.

    Draws from PyTorch's global generator, as the article does; seed that before.

    Args:
        n: number of examples, at least 1.

    Returns:
        Inputs (n, 2) and targets (n, 1), both float32.

    Raises:
        ValueError: ``n`` is not a whole number of at least 1.
    """
    _at_least_one(n)
    x = torch.randn(n, 2, dtype=torch.float32) * 10  # else a changed default would draw other numbers
    return x, x.sum(dim=1, keepdim=True) + BIAS


def around_line(
    n: int = 100, weight: float = 1.5, bias: float = -0.5, noise: float = 0.3, seed: int = 0
) -> tuple[torch.Tensor, torch.Tensor]:
    """Points scattered around the line y = weight x + bias, with x spread evenly from -2 to 2.

    Args:
        n: number of examples, at least 1.
        noise: standard deviation of y around the line, 0 or more.
        seed: of the random generator.

    Returns:
        Inputs (n, 1) and targets (n, 1), both float32.

    Raises:
        ValueError: ``n`` or ``noise`` is out of range.
    """
    _at_least_one(n)
    if not 0 <= noise < float("inf"):
        raise ValueError(f"noise is {noise}; give 0 or a positive, finite number")
    generator = torch.Generator().manual_seed(seed)
    x = 4 * torch.rand(n, 1, generator=generator, dtype=torch.float32) - 2
    return x, weight * x + bias + noise * torch.randn(n, 1, generator=generator, dtype=torch.float32)


def _at_least_one(n: int) -> None:
    if isinstance(n, bool) or not isinstance(n, int) or n < 1:
        raise ValueError(f"n is {n!r}; give a whole number of at least 1")
