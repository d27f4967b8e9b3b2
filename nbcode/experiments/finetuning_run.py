"""One measurement of chapter 8's study: labels drawn, a method trained on them, its score on the test part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from nbcode.data.wordpiece import Encoding

LONGEST = 96  # tokens; nine texts of ten are shorter
"""Text, label and truth of each part, read once."""


@dataclass(frozen=True)
class Part:
    """Some records.

    Attributes:
        texts: title and description.
        tokens: the same in tokens.
        labels: class numbers as recorded, some of them wrong.
        owners: class numbers that are true.
    """

    texts: list[str]
    tokens: list[Encoding]
    labels: torch.Tensor
    owners: torch.Tensor

    def some(self, numbers: Sequence[int]) -> Part:
        """The records of these numbers."""
        return Part(
            [self.texts[i] for i in numbers],
            [self.tokens[i] for i in numbers],
            self.labels[numbers],
            self.owners[numbers],
        )
