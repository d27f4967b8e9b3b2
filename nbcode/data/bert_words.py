"""The words of a text as BERT counts them: clean, lower case, no accents; punctuation and CJK characters stand alone.

What becomes of a character depends on no other one: nothing, a space, itself, or itself between two spaces. So a text
of any length takes one look-up a character.

Equal to Hugging Face's ``BertNormalizer`` followed by ``BertPreTokenizer``, but for some 560 rare characters: most are
younger than Unicode 8 (2015), where their tables of marks and punctuation end, and Python's do not.

Source: Devlin et al. (2019), "BERT", with the rules of its code (google-research/bert, ``tokenization.py``).
"""

from __future__ import annotations

import string
import unicodedata

# Blocks of Chinese characters. U+2B820 to U+2B91F is one too, but Hugging Face leaves it out, by a slip.
CJK = (
    range(0x3400, 0x4DC0),
    range(0x4E00, 0xA000),
    range(0xF900, 0xFB00),
    range(0x20000, 0x2A6E0),
    range(0x2A700, 0x2B820),
    range(0x2B920, 0x2CEB0),
    range(0x2F800, 0x2FA20),
)
REMOVED = ("Cc", "Cf", "Co", "Cs")  # control and format characters (a joiner between emoji), private use, half pairs


class Replacements(dict):
    """What each character is replaced by; made when it is first met. A table for ``str.translate``.

    Args:
        lower_case: whether words are put into lower case.
        strip_accents: whether accents are dropped; ``None``: if ``lower_case``.
        split_cjk: whether each Chinese character is a word.
    """

    def __init__(self, lower_case: bool = True, strip_accents: bool | None = None, split_cjk: bool = True) -> None:
        super().__init__()
        self.lower_case = lower_case
        self.strip_accents = lower_case if strip_accents is None else strip_accents
        self.split_cjk = split_cjk

    def __missing__(self, code: int) -> str:
        self[code] = replaced = self._replaced(chr(code))
        return replaced

    def _replaced(self, character: str) -> str:
        if character in "\t\n\r":  # control characters by kind, but spaces in use
            return " "
        if character in "\0\ufffd" or unicodedata.category(character) in REMOVED:
            return ""
        if character.isspace():
            return " "
        kept = without_accents(character) if self.strip_accents else character
        kept = kept.lower() if self.lower_case else kept
        kept = "".join(f" {part} " if is_punctuation(part) else part for part in kept)
        return f" {kept} " if self.split_cjk and any(ord(character) in block for block in CJK) else kept


def without_accents(character: str) -> str:
    """A character taken apart (é is e and an accent), without the marks."""
    return "".join(part for part in unicodedata.normalize("NFD", character) if unicodedata.category(part) != "Mn")


def is_punctuation(character: str) -> bool:
    """Whether a character is punctuation; of ASCII, also $, +, <, = and their like, which Unicode counts as symbols."""
    return character in string.punctuation or unicodedata.category(character).startswith("P")
