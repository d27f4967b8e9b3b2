"""The tool's model: a text classifier with its tokenizer, from text to probabilities."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nbcode.data.wordpiece import Encoding, WordPiece
from nbcode.models.text_classifier import TextClassifier
from nbcode.training.reading import probabilities

CHARACTERS = 100_000  # of a text that are looked at: a cell may hold a megabyte, and only its first tokens are read


class TextModel:
    """A ``Predictor``.

    Attributes:
        network: the classifier.
        tokenizer: of the same checkpoint.
        classes: the C labels, in the order of the network's outputs.
        max_tokens: where a text is cut.
        model_id: tells this model from all others.
        seen: fingerprints of the texts that it was trained on; see :mod:`nbcode.triage.seen`.
    """

    def __init__(
        self,
        network: TextClassifier,
        tokenizer: WordPiece,
        classes: Sequence[str],
        max_tokens: int,
        model_id: str = "unsaved",
        seen: frozenset[str] = frozenset(),
    ) -> None:
        self.network, self.tokenizer = network, tokenizer
        self.classes, self.max_tokens = list(classes), max_tokens
        self.model_id, self.seen = model_id, seen

    def predict(self, texts: list[str]) -> np.ndarray:
        """Probabilities of the classes, (B, C)."""
        return probabilities(self.network, tokens_of(texts, self.tokenizer, self.max_tokens)).numpy()


def tokens_of(texts: Sequence[str], tokenizer: WordPiece, max_tokens: int) -> list[Encoding]:
    """Texts in tokens, cut."""
    return [tokenizer.encode(text[:CHARACTERS], max_length=max_tokens) for text in texts]
