"""Batches of texts of similar length, so that little is padding."""

from __future__ import annotations

from collections.abc import Sequence

import torch

POOL = 16  # batches


def by_length(lengths: Sequence[int], batch_size: int, generator: torch.Generator, pool: int = POOL) -> list[list[int]]:
    """One epoch of batches: every index once. Call it again, with the same generator, for the next.

    The indices are shuffled and dealt into pools; each pool is sorted by length and cut into batches; then the batches
    of all pools are shuffled. Which texts meet, and when, is random, but a short text never meets a long one of its
    pool. Where length goes with class, so do the batches: choose a small ``pool`` then.

    Args:
        lengths: of all texts, in tokens.
        batch_size: B, how many indices a batch has; the last of one pool may have fewer.
        generator: what the order is drawn from; on the CPU.
        pool: how many batches are sorted together. 1 is plain shuffling; the more, the less padding.

    Raises:
        ValueError: ``batch_size`` or ``pool`` is not a whole number of at least 1.
    """
    for name, value in (("batch_size", batch_size), ("pool", pool)):
        if not isinstance(value, int) or value < 1:
            raise ValueError(f"{name} is {value!r}; give a whole number of at least 1")
    order = torch.randperm(len(lengths), generator=generator).tolist()
    batches = []
    for start in range(0, len(order), pool * batch_size):
        near = sorted(order[start : start + pool * batch_size], key=lambda index: lengths[index])
        batches += [near[first : first + batch_size] for first in range(0, len(near), batch_size)]
    return [batches[number] for number in torch.randperm(len(batches), generator=generator).tolist()]
