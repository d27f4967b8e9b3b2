"""Random numbers by name: each decision about each record has a stream of its own.

With one stream for everything, a knob that draws one number more changes all that comes after it. Here a knob changes
only the decisions that it is about, so that two settings can be compared record by record. A hash of the name (BLAKE2b)
starts a SplitMix64 generator (Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators"): a sixth of
the cost of seeding ``random.Random``, and the same numbers in every version of Python.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")
WORD = 2**64 - 1  # keeps the lower 64 bits


class Stream:
    """Random numbers that depend on a name alone.

    Args:
        name: its parts, such as seed, record and decision.
    """

    def __init__(self, *name: object) -> None:
        text = "/".join(map(str, name))
        self._state = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")

    def random(self) -> float:
        """A number from 0 to below 1, each as likely as the others."""
        self._state = word = (self._state + 0x9E3779B97F4A7C15) & WORD
        word = ((word ^ (word >> 30)) * 0xBF58476D1CE4E5B9) & WORD
        word = ((word ^ (word >> 27)) * 0x94D049BB133111EB) & WORD
        return ((word ^ (word >> 31)) >> 11) / 2**53  # 53 bits are what a float holds

    def chance(self, probability: float) -> bool:
        """True with a probability. The same name is true for every larger probability too."""
        return self.random() < probability

    def choice(self, options: Sequence[T]) -> T:
        """One of several, each as likely as the others."""
        return options[int(self.random() * len(options))]

    def weighted(self, options: Sequence[T], weights: Sequence[float]) -> T:
        """One of several, in proportion to their weights."""
        left = self.random() * sum(weights)
        for option, weight in zip(options, weights, strict=True):
            left -= weight
            if left < 0:
                return option
        return options[-1]  # rounding may leave a little over

    def shuffled(self, options: Sequence[T], count: int | None = None) -> list[T]:
        """All of them in random order, or the first ``count`` of that order, which do not depend on ``count``."""
        mixed = list(options)
        for place in range(min(len(mixed) - 1, len(mixed) if count is None else count)):
            other = place + int(self.random() * (len(mixed) - place))
            mixed[place], mixed[other] = mixed[other], mixed[place]
        return mixed[:count]

    def misses(self, probability: float) -> int:
        """How often a chance fails before it succeeds for the first time (a geometric distribution)."""
        if probability >= 1:
            return 0
        return int(math.log(1 - self.random()) / math.log(1 - probability))
