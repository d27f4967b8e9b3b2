"""One measurement of chapter 8's study: labels drawn, a method trained on them, its score on the test part."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from nbcode.data.requirements import SPLITS, Requirement, generate
from nbcode.data.wordpiece import Encoding, WordPiece
from nbcode.device import Compute, choose, set_seed
from nbcode.models.bert import Bert
from nbcode.models.text_classifier import TextClassifier
from nbcode.pretrained import MINILM, located
from nbcode.training.baselines import bag_of_words, majority
from nbcode.training.finetune import RECIPE, Recipe, finetune
from nbcode.training.probe import probe, start_head
from nbcode.training.reading import features, probabilities

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
