"""Dropout by hand: in training, a random share of the numbers becomes 0. Equals ``nn.Dropout``, given the same mask."""

from __future__ import annotations

import torch
from torch import nn


def dropped(x: torch.Tensor, kept: torch.Tensor, share: float) -> torch.Tensor:
    """Set to 0 what is not kept, and scale the rest up so that the expectation stays what it was.

    Args:
        x: any shape.
        kept: of the shape of ``x``, true where a number stays.
        share: the probability with which a number was dropped, from 0 to below 1.
    """
    return torch.where(kept, x / (1 - share), 0.0)


class Dropout(nn.Module):
    """Drop each number with a probability, anew in each forward pass; in evaluation mode do nothing.

    Scaling in training, so that nothing is left to do in use, is called *inverted* dropout. Srivastava et al. (2014)
    scale the weights afterwards instead.

    Args:
        share: the probability, from 0 to below 1.

    Raises:
        ValueError: a share out of range.
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        if not 0 <= share < 1:
            raise ValueError(f"share is {share}; give a probability from 0 to below 1 (0.5 drops every second number)")
        self.share = share

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not self.training or self.share == 0:
            return x
        return dropped(x, torch.rand_like(x) >= self.share, self.share)
