"""WordPiece: words to pieces that BERT has numbers for, and back.

A word that is not in the vocabulary is spelled with the longest pieces that are: ``unaffable`` is ``una ##ffa ##ble``;
``##`` marks a piece inside a word. Equal to Hugging Face's ``BertTokenizer`` (``nbcode.data.bert_words`` says where
not). Left out: how a vocabulary is learned.

Source: Devlin et al. (2019), "BERT", section 3; the greedy search is of its code.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from nbcode.data.bert_words import Replacements
from nbcode.data.tokenizer_files import PADDING, SEPARATOR, SPECIAL, START, UNKNOWN, read, write

LONGEST = 100  # characters; a longer word is unknown, which bounds the search
SPECIAL_TOKEN = re.compile(f"({'|'.join(map(re.escape, SPECIAL))})")
CLINGING = (".", "?", "!", ",", "n't", "'m", "'s", "'ve", "'re")  # what decoding writes without a space before it


@dataclass(frozen=True)
class Encoding:
    """A text, or two, as BERT reads it.

    Attributes:
        input_ids: T numbers of tokens.
        token_type_ids: T times 0 or 1: of the first text or of the second.
    """

    input_ids: list[int]
    token_type_ids: list[int]

    def __len__(self) -> int:
        return len(self.input_ids)


class WordPiece:
    """Texts to numbers and back.

    A special token that is written in a text, such as ``[SEP]``, is that token, as at Hugging Face: whoever writes it
    can feign the end of a text.

    Attributes:
        vocabulary: token number i is ``vocabulary[i]``.
        padding_id: the number of ``[PAD]``.

    Args:
        vocabulary: all tokens in order, with the five special ones; of a repeated token, the last number counts.
        lower_case: whether the vocabulary is of lower case.
        strip_accents: whether accents are dropped; ``None``: if ``lower_case``.
        split_cjk: whether each Chinese character is a word.

    Raises:
        ValueError: a special token is missing, or the vocabulary is no list of texts.
    """

    def __init__(
        self,
        vocabulary: Sequence[str],
        lower_case: bool = True,
        strip_accents: bool | None = None,
        split_cjk: bool = True,
    ) -> None:
        for token in vocabulary:
            _check_text("a token of the vocabulary", token)
        self.vocabulary = tuple(vocabulary)
        self._numbers = {token: number for number, token in enumerate(self.vocabulary)}
        missing = [token for token in SPECIAL if token not in self._numbers]
        if missing:
            raise ValueError(
                f"the vocabulary of {len(self.vocabulary)} tokens lacks {', '.join(missing)}; give BERT's, which has "
                f"{', '.join(SPECIAL)}"
            )
        self.padding_id = self._numbers[PADDING]
        self._reach = max(len(token.removeprefix("##")) for token in self.vocabulary)
        self._settings = {"lower_case": lower_case, "strip_accents": strip_accents, "split_cjk": split_cjk}
        self._replacements = Replacements(**self._settings)

    @classmethod
    def from_folder(cls, folder: str | Path) -> WordPiece:
        """The tokenizer of a checkpoint: its ``vocab.txt``, and ``tokenizer_config.json`` if there is one.

        Raises:
            ValueError: no vocabulary, a damaged file, or tokens or settings that do not exist here.
        """
        vocabulary, settings = read(Path(folder))
        return cls(vocabulary, **settings)

    def save(self, folder: str | Path) -> None:
        """Write the files that :meth:`from_folder` reads, and Hugging Face's ``AutoTokenizer`` too.

        Raises:
            ValueError: a token that a line of a file cannot hold.
        """
        write(Path(folder), self.vocabulary, self._settings)

    def __len__(self) -> int:
        return len(self.vocabulary)

    def words(self, text: str) -> list[str]:
        """The words of a text; a special token is one.

        Raises:
            ValueError: it is no text.
        """
        _check_text("text", text)
        found = []
        for part in SPECIAL_TOKEN.split(text):
            found += [part] if part in SPECIAL else part.translate(self._replacements).split()
        return found

    def steps(self, word: str) -> list[tuple[str, bool]]:
        """The search for the pieces of a word: what was tried, and whether the vocabulary has it.

        From the left, the longest piece first; what is longer than any piece of the vocabulary is not tried. Where none
        fits, the search ends without a hit. A word of more than ``LONGEST`` characters is tried as a whole and not hit.
        """
        if len(word) > LONGEST:
            return [(word, False)]
        tries, start, end = [], 0, min(self._reach, len(word))
        while start < end:
            tried = "##" * (start > 0) + word[start:end]
            hit = tried in self._numbers
            tries.append((tried, hit))
            if hit:
                start, end = end, min(end + self._reach, len(word))
            else:
                end -= 1
        return tries

    def pieces(self, word: str) -> list[str]:
        """The pieces of a word, or ``[UNK]`` alone if the search ends without a hit."""
        if word in self._numbers and len(word) <= LONGEST:  # most words; the search's first try, made faster
            return [word]
        tries = self.steps(word)
        if tries and not tries[-1][1]:
            return [UNKNOWN]
        return [tried for tried, hit in tries if hit]

    def tokens(self, text: str) -> list[str]:
        """The pieces of all words of a text."""
        return [piece for word in self.words(text) for piece in self.pieces(word)]

    def unknown(self, text: str) -> list[str]:
        """The words of a text that the vocabulary cannot spell; divide their number by that of ``words(text)``."""
        return [word for word in self.words(text) if self.pieces(word) == [UNKNOWN]]

    def encode(self, text: str, pair: str | None = None, max_length: int | None = None) -> Encoding:
        """``[CLS] text [SEP]``, or ``[CLS] text [SEP] pair [SEP]``.

        Args:
            text: the first text.
            pair: the second, which may be empty; ``None``: there is none.
            max_length: how many tokens at most, special ones included; ``None``: any number. The longer text is cut
                first, down to the other's length, then both alike; of two equally long ones the first is cut first.

        Raises:
            ValueError: no text, or a ``max_length`` that does not hold the special tokens.
        """
        parts = [self._ids(part) for part in ([text] if pair is None else [text, pair])]
        if max_length is not None:
            parts = cut(parts, max_length)
        ids, types = [self._numbers[START]], [0]
        for number, part in enumerate(parts):
            ids += [*part, self._numbers[SEPARATOR]]
            types += [number] * (len(part) + 1)
        return Encoding(ids, types)

    def decode(self, ids: Iterable[int], skip_special: bool = False) -> str:
        """Pieces joined to words, with spaces between them: close to the text, but its case and spaces are lost.

        Args:
            ids: numbers of tokens.
            skip_special: whether to leave out special tokens, ``[UNK]`` among them.

        Raises:
            ValueError: a number that has no token.
        """
        first, *others = self._kept(ids, skip_special) or [""]
        spaced = (token if token.startswith(("##", *CLINGING)) else f" {token}" for token in others)
        return first + "".join(token.removeprefix("##") for token in spaced)

    def _ids(self, text: str) -> list[int]:
        return [self._numbers[token] for token in self.tokens(text)]

    def _kept(self, ids: Iterable[int], skip_special: bool) -> list[str]:
        numbers = list(map(int, ids))
        for number in numbers:
            if not 0 <= number < len(self):
                raise ValueError(f"token {number} is not in this vocabulary of {len(self)}")
        tokens = [self.vocabulary[number] for number in numbers]
        return [token for token in tokens if not (skip_special and token in SPECIAL)]


def cut(parts: Sequence[list[int]], max_length: int) -> list[list[int]]:
    """One or two lists of tokens, cut so that they and their special tokens are at most ``max_length`` together.

    Raises:
        ValueError: it is no whole number, or the special tokens alone are more.
    """
    special = len(parts) + 1
    if not isinstance(max_length, int) or max_length < special:
        raise ValueError(
            f"max_length is {max_length!r}; give a whole number of at least {special}, the special tokens alone"
        )
    room = max_length - special
    if sum(map(len, parts)) <= room:
        return list(parts)
    if len(parts) == 1:
        return [parts[0][:room]]
    first, second = map(len, parts)
    shorter = min(first, second, room // 2)
    kept = (shorter, room - shorter) if first <= second else (room - shorter, shorter)
    return [part[:length] for part, length in zip(parts, kept, strict=True)]


def padded(encodings: Sequence[Encoding], padding_id: int) -> dict[str, torch.Tensor]:
    """A batch for :class:`nbcode.models.bert.Bert`, filled up behind to the length T of its longest text.

    Args:
        encodings: B texts.
        padding_id: what to fill ``input_ids`` with: ``WordPiece.padding_id``.

    Returns:
        ``input_ids``, ``attention_mask`` (1 at tokens, 0 at padding) and ``token_type_ids``, each (B, T), int64.

    Raises:
        ValueError: no text.
    """
    if not encodings:
        raise ValueError("there is no text to make a batch of; give at least one encoding")
    length = max(map(len, encodings))
    rows = {
        "input_ids": [(encoding.input_ids, padding_id) for encoding in encodings],
        "attention_mask": [([1] * len(encoding), 0) for encoding in encodings],
        "token_type_ids": [(encoding.token_type_ids, 0) for encoding in encodings],
    }
    return {
        name: torch.tensor([[*row, *[filling] * (length - len(row))] for row, filling in table])  # (B, T)
        for name, table in rows.items()
    }


def _check_text(what: str, value: object) -> None:
    if not isinstance(value, str):
        raise ValueError(f"{what} is a {type(value).__name__} ({value!r:.60}); give a str")
