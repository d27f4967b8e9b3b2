"""Dropout whose random numbers cost less on a CPU: as ``nn.Dropout`` drops, by other random numbers.

On a CPU PyTorch draws a number of 64 bits for each entry, one after another; on one thread that took several times as
long as this (measured in the lab on translation). Here 16 bits decide.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

LEVELS = 2**16  # what 16 bits can tell apart
PER_DRAW = 4  # numbers of 16 bits in one of 64


def fast_dropout(x: torch.Tensor, share: float) -> torch.Tensor:
    """Set a random share of the entries to 0, and scale the rest up so that the expectation stays what it was.

    On a CPU the share is rounded to a multiple of 1 / 65,536 below 1, perhaps to 0, and the scale belongs to the
    rounded one. Elsewhere this is ``functional.dropout``.

    Args:
        x: any shape.
        share: the probability with which an entry is dropped, from 0 to 1.

    Raises:
        ValueError: a share out of range.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"share is {share}; give a probability from 0 to 1")
    if share == 0:
        return x
    if x.device.type != "cpu" or share == 1:
        return functional.dropout(x, share)
    kept = max(1, round((1 - share) * LEVELS))
    if kept == LEVELS:
        return x
    draws = torch.empty(-(-x.numel() // PER_DRAW), dtype=torch.int64).random_(-(2**63), None)  # all 64 bits
    numbers = draws.view(torch.int16)[: x.numel()].view(x.shape)  # from -32,768 to 32,767, each as likely
    stays = numbers.lt_(kept - LEVELS // 2)  # 1 or 0, in place: a new tensor of booleans took longer
    return x * stays.to(x.dtype).mul_(LEVELS / kept)


class FastDropout(nn.Dropout):
    """:func:`fast_dropout` in training, nothing in evaluation; to be used like ``nn.Dropout``."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return fast_dropout(x, self.p) if self.training else x
