"""Dates as one writes them in English, in many styles, and the same dates in another language.

A task for translation that never runs out of examples and in which every answer is right or wrong. How dates are
written comes from the Unicode CLDR (https://cldr.unicode.org) by way of ``babel``. In Chinese the order turns round:
"Tuesday, 23 January 2029" is 2029年1月23日星期二.

The weekday stands in the target only where it stands in the source: to compute it would be another task.
"""

from __future__ import annotations

import datetime
import functools
import random
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from nbcode.data.vocabulary import END, START, Vocabulary, padded, tokenize

FIRST, LAST = datetime.date(1900, 1, 1), datetime.date(2099, 12, 31)
VALIDATION, TEST = 1_000, 1_000  # days

# Locale and pattern: a length that CLDR names, or a pattern of its letters (E weekday, d day, M month, y year).
# Left out are short forms such as 1/2/29, which mean one day in the United States and another in Great Britain.
STYLES = (
    ("en", "full"),  # Tuesday, January 23, 2029
    ("en", "long"),  # January 23, 2029
    ("en", "medium"),  # Jan 23, 2029
    ("en_GB", "full"),  # Tuesday, 23 January 2029
    ("en_GB", "long"),  # 23 January 2029
    ("en_GB", "medium"),  # 23 Jan 2029
    ("en_IE", "full"),  # Tuesday 23 January 2029
    ("en", "E, MMM d, y"),  # Tue, Jan 23, 2029
    ("en_GB", "E, d MMM y"),  # Tue, 23 Jan 2029
    ("en_CA", "short"),  # 2029-01-23
)
TARGETS = ("zh",)
MORE_TARGETS = ("zh", "ja", "fr", "de", "es", "it", "pl", "sv")  # the larger task, each asked for by a tag: <fr>


@dataclass(frozen=True)
class Pair:
    """A date in two languages.

    Attributes:
        source: the English text, behind a tag such as <fr> where there are several target languages.
        target: the same in the target language.
    """

    source: str
    target: str


@dataclass(frozen=True)
class Days:
    """Three lists of days that share none."""

    train: list[datetime.date]
    validation: list[datetime.date]
    test: list[datetime.date]


def split(seed: int) -> Days:
    """All days from 1900 to 2099, in random order: 1,000 for the test, 1,000 for validation, and the rest to train.

    Args:
        seed: of the order.
    """
    days = [FIRST + datetime.timedelta(number) for number in range((LAST - FIRST).days + 1)]
    random.Random(seed).shuffle(days)
    return Days(days[TEST + VALIDATION :], days[TEST : TEST + VALIDATION], days[:TEST])


def pairs(
    days: Sequence[datetime.date],
    n: int,
    seed: int,
    styles: Sequence[tuple[str, str]] = STYLES,
    targets: Sequence[str] = TARGETS,
) -> list[Pair]:
    """Pairs of random days in random styles.

    Args:
        days: which days may come; each comes once before one comes twice.
        n: how many pairs.
        seed: of days, styles and target languages.
        styles: locale and pattern of the sources, each as likely as the others.
        targets: locales of the targets; with more than one, the source begins with a tag.

    Raises:
        ValueError: nothing to choose from, or a negative number of pairs.
    """
    if not days or not styles or not targets or n < 0:
        raise ValueError(
            f"{len(days)} days, {len(styles)} styles, {len(targets)} targets, n={n}; give at least one of each, n >= 0"
        )
    draw = random.Random(seed)
    order: list[datetime.date] = []
    made = []
    for _ in range(n):
        if not order:
            order = draw.sample(list(days), len(days))
        target = draw.choice(targets)
        pair = translated(order.pop(), draw.choice(styles), target)
        made.append(Pair(f"<{target}>{pair.source}", pair.target) if len(targets) > 1 else pair)
    return made


def translated(day: datetime.date, style: tuple[str, str], target: str = "zh") -> Pair:
    """One day in an English style and in the target language, there with the weekday only if the style has it."""
    locale, pattern = style
    weekday = pattern == "full" or "E" in pattern
    return Pair(written(day, locale, pattern), written(day, target, "full" if weekday else "long"))


def written(day: datetime.date, locale: str, pattern: str) -> str:
    """A day as the CLDR writes it, with plain spaces."""
    from babel.dates import format_date

    return " ".join(format_date(day, pattern, locale=locale).split())  # some locales have narrow, unbreakable spaces


def source_parts(text: str) -> list[str]:
    """What each token of an English date belongs to: "weekday", "month", "day", "year", or "" (signs between).

    Numbers are told apart by their length and place: four digits are a year, two behind a year and a dash the month.
    """
    parts: list[str] = []
    number = ""
    for token in tokenize(text):
        if token.isdigit():
            number += token
            parts.append("number")
            continue
        parts = _named(parts, number)
        number = ""
        word = "weekday" if token in _weekdays() else "month"
        parts.append(word if token.isalpha() else "")
    return _named(parts, number)


@functools.cache
def _weekdays() -> frozenset[str]:
    """The English names of the weekdays, in full and cut short."""
    week = [datetime.date(2024, 1, day) for day in range(1, 8)]
    return frozenset(written(day, "en", pattern) for day in week for pattern in ("EEEE", "EEE"))


def _named(parts: list[str], number: str) -> list[str]:
    """The parts, with the digits at their end named."""
    if not number:
        return parts
    known = "year" if len(number) == 4 else "month" if "year" in parts and "month" not in parts else "day"
    return [*parts[: -len(number)], *[known] * len(number)]


def target_parts(text: str) -> list[str]:
    """What each token of a Chinese date belongs to, as :func:`source_parts`; 年, 月, 日 and 星期 belong to no part."""
    ends = {"年": "month", "月": "day", "日": "weekday"}
    part, parts = "year", []
    for token in tokenize(text):
        sign = token in "星期" or (token in ends and part != "weekday")  # the last 日 of 日星期日 is Sunday
        parts.append("" if sign else part)
        part = ends[token] if token in ends and sign else part
    return parts


def vocabularies(examples: Sequence[Pair]) -> tuple[Vocabulary, Vocabulary]:
    """Those of the sources and of the targets."""
    return Vocabulary.of(pair.source for pair in examples), Vocabulary.of(pair.target for pair in examples)


def tensors(examples: Sequence[Pair], source: Vocabulary, target: Vocabulary) -> tuple[torch.Tensor, torch.Tensor]:
    """Source tokens (B, S), and target tokens (B, T) from ``START`` to ``END``; padding behind both.

    Raises:
        ValueError: no example.
    """
    sources = padded([source.encode(pair.source) for pair in examples])
    return sources, padded([[START, *target.encode(pair.target), END] for pair in examples])
