"""Sinusoidal positions: a vector for each place of a sequence, made of sines and cosines, nothing learned."""

from __future__ import annotations

import torch


def positions(length: int, width: int, base: float = 10_000.0) -> torch.Tensor:
    """One row per place, to be added to a batch of sequences (B, T, D) by broadcasting.

    Entry 2 i is sin(t / base^(2 i / D)), entry 2 i + 1 the cosine of the same angle. An odd width ends with a sine
    whose cosine has no room. Angles are computed in float64: at place 10,000 float32 would lose three digits of them.

    Args:
        length: T, the number of places; 0 is allowed.
        width: D, at least 1.
        base: the longest wavelength is nearly 2 pi base places.

    Returns:
        (T, D), of the default dtype.

    Raises:
        ValueError: a size or base out of range.

    Source: Vaswani et al. (2017), "Attention Is All You Need", section 3.5.
    """
    if length < 0 or width < 1:
        raise ValueError(f"length={length}, width={width}; give a length of at least 0 and a width of at least 1")
    if not base > 0:
        raise ValueError(f"base is {base}; give a positive number")
    place = torch.arange(length, dtype=torch.float64)[:, None]  # (T, 1)
    even = torch.arange(0, width, 2, dtype=torch.float64)  # (ceil(D / 2),): the numbers 2 i
    angle = place / base ** (even / width)  # (T, 1) / (ceil(D / 2),) -> (T, ceil(D / 2))
    both = torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1)  # sine, cosine, sine, ...
    return both[:, :width].to(torch.get_default_dtype())
