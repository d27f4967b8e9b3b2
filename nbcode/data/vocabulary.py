"""Text to numbers and back: words, single digits, single other characters. Nothing is lost: tokens join to the text.

Left out: learned subwords, which come with the pretrained models.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import torch

PADDING, START, END, UNKNOWN = range(4)
SPECIAL = ("<pad>", "<start>", "<end>", "<unknown>")
# A tag such as <fr>, a word in Latin letters, or any single character. The figure in the page splits by the same rule.
TOKEN = re.compile(r"<[a-z]+>|[A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f]+|.", re.DOTALL)


def tokenize(text: str) -> list[str]:
    """Split a text: ``"23 Jan, 2029年"`` -> ``["2", "3", " ", "Jan", ",", " ", "2", "0", "2", "9", "年"]``."""
    return TOKEN.findall(text)


class Vocabulary:
    """Numbers for tokens: first the special ones (padding 0, start 1, end 2, unknown 3), then those given, sorted.

    Attributes:
        tokens: token number i is ``tokens[i]``.

    Args:
        tokens: in any order; repeats count once.
    """

    def __init__(self, tokens: Iterable[str]) -> None:
        self.tokens = (*SPECIAL, *sorted(set(tokens) - set(SPECIAL)))
        self._numbers = {token: number for number, token in enumerate(self.tokens)}

    @classmethod
    def of(cls, texts: Iterable[str]) -> Vocabulary:
        """The vocabulary of all tokens in some texts."""
        return cls(token for text in texts for token in tokenize(text))

    def __len__(self) -> int:
        return len(self.tokens)

    def encode(self, text: str) -> list[int]:
        """The numbers of a text's tokens; ``UNKNOWN`` for one that is not in the vocabulary, or is special."""
        return [max(self._numbers.get(token, UNKNOWN), UNKNOWN) for token in tokenize(text)]

    def decode(self, numbers: Iterable[int]) -> str:
        """The text before the first ``END``, without start and padding; an unknown token becomes "\ufffd".

        Raises:
            ValueError: a number that has no token.
        """
        words = []
        for number in map(int, numbers):
            if not 0 <= number < len(self):
                raise ValueError(f"token {number} is not in this vocabulary of {len(self)}")
            if number == END:
                break
            if number not in (PADDING, START):
                words.append("\ufffd" if number == UNKNOWN else self.tokens[number])
        return "".join(words)


def padded(rows: Sequence[Sequence[int]]) -> torch.Tensor:
    """Rows of different length as one table (B, T), int64, filled up with ``PADDING`` behind; T is the longest's.

    Raises:
        ValueError: no row.
    """
    if not rows:
        raise ValueError("there is no row to make a batch of")
    length = max(map(len, rows))
    return torch.tensor([[*row, *[PADDING] * (length - len(row))] for row in rows], dtype=torch.int64)
