"""Slips of the finger: neighbors swapped, a letter lost or doubled; in Chinese, a character that sounds alike."""

from __future__ import annotations

from nbcode.data.requirements.streams import Stream

ALIKE = {"的": "得", "在": "再", "做": "作", "账": "帐", "那": "哪", "里": "理", "到": "道", "以": "已", "像": "象"}


def with_typos(text: str, rate: float, stream: Stream, language: str) -> str:
    """A text with slips.

    Args:
        text: the text without.
        rate: share of the words that may go wrong and do: English ones of more than three letters, and in Chinese the
            characters of ``ALIKE``. At most 1.
        stream: decides where.
        language: en or zh.
    """
    if rate <= 0:
        return text
    parts = list(text) if language == "zh" else text.split(" ")
    places = [place for place, part in enumerate(parts) if (part in ALIKE if language == "zh" else _long(part))]
    at = stream.misses(rate)  # from slip to slip: far fewer draws than one for each word
    while at < len(places):
        place = places[at]
        parts[place] = ALIKE[parts[place]] if language == "zh" else _slip(parts[place], stream)
        at += 1 + stream.misses(rate)
    return ("" if language == "zh" else " ").join(parts)


def _long(word: str) -> bool:
    return len(word) > 3 and word.isalpha()


def _slip(word: str, stream: Stream) -> str:
    place = 1 + int(stream.random() * (len(word) - 2))
    how = stream.choice(("swapped", "lost", "doubled"))
    if how == "swapped":
        return word[:place] + word[place + 1] + word[place] + word[place + 2 :]
    return word[:place] + (word[place + 1 :] if how == "lost" else word[place] + word[place:])
