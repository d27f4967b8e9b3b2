"""Random numbers that Python and a page of the book draw alike, to the last bit.

So a network that a figure computes in the page can be built again here. Only sums, products and shifts of whole
numbers are used: logarithm and cosine, which other recipes need, are rounded differently from machine to machine.
No torch here, since the figures must not load it. Left out: everything that statistics would ask of a generator; for
training there is ``torch.Generator``.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

BITS = 2**32
TERMS = 12  # uniform numbers per normal one: each has the variance 1/12


def uniforms(seed: int) -> Iterator[float]:
    """Endless numbers from 0 to below 1, multiples of 2⁻³². Source: Tommy Ettinger's mulberry32 (2017), public domain.

    Args:
        seed: from 0 to 2³² - 1.

    Raises:
        ValueError: another seed; raised when the first number is asked for.
    """
    if type(seed) is not int or not 0 <= seed < BITS:
        raise ValueError(f"seed is {seed!r}; give a whole number from 0 to {BITS - 1}")
    state = seed
    while True:
        state = (state + 0x6D2B79F5) % BITS
        mixed = (state ^ state >> 15) * (state | 1) % BITS
        mixed ^= (mixed + (mixed ^ mixed >> 7) * (mixed | 61)) % BITS
        yield (mixed ^ mixed >> 14) / BITS


def normals(seed: int, count: int) -> list[float]:
    """Numbers with mean 0 and variance 1 that are nearly normal: the sum of twelve uniform ones, less 6.

    By the central limit theorem; none is outside -6 to 6. The sums are exact in float64.

    Args:
        seed: from 0 to 2³² - 1.
        count: how many, at least 0. The first ones do not depend on it.

    Raises:
        ValueError: another seed or count.
    """
    if type(count) is not int or count < 0:
        raise ValueError(f"count is {count!r}; give a whole number of at least 0")
    drawn = uniforms(seed)
    return [sum(islice(drawn, TERMS)) - TERMS / 2 for _ in range(count)]
