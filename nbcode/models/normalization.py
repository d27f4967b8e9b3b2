"""Layer normalization by hand: each example gets mean 0 and spread 1 over its own features. Equals ``nn.LayerNorm``."""

from __future__ import annotations

import torch
from torch import nn


def layer_norm(x: torch.Tensor, eps: float = 1e-5) -> torch.Tensor:
    """Shift and scale the last dimension to mean 0 and variance 1: (..., D) -> (..., D).

    In float16 the square of a number above 255 overflows; PyTorch computes it in float32, and autocast here too.

    Args:
        x: (..., D).
        eps: added to the variance; keeps the division defined where all D numbers are equal.
    """
    centered = x - x.mean(dim=-1, keepdim=True)  # (..., D)
    variance = centered.square().mean(dim=-1, keepdim=True)  # (..., 1), over D
    return centered / (variance + eps).sqrt()


class LayerNorm(nn.Module):
    """:func:`layer_norm`, then a scale and a shift for each feature, which are learned and begin at 1 and 0.

    No other example counts, so it does the same in training and in use. Source: Ba, Kiros and Hinton (2016), section 3.

    Args:
        width: D.
        eps: added to the variance.

    Raises:
        ValueError: a width below 1, or an input whose last dimension is not D.
    """

    def __init__(self, width: int, eps: float = 1e-5) -> None:
        super().__init__()
        if width < 1:
            raise ValueError(f"width is {width}; give at least 1")
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.shape[-1:] != self.weight.shape:
            raise ValueError(f"x has shape {tuple(x.shape)}; give (..., {len(self.weight)})")
        return self.weight * layer_norm(x, self.eps) + self.bias
