"""A table of records, wherever it lies: in a database that SQLAlchemy reaches, or in a CSV file.

Left out: tables without a key, and keys of several columns.
"""

from __future__ import annotations

import contextlib
import datetime
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple, Protocol

from nbcode.triage.columns import Columns, TableError

BATCH = 512  # records
LARGE = 4_000_000  # characters of text after which a batch ends early: a cell may hold a megabyte


@dataclass(frozen=True)
class Record:
    """One row.

    Attributes:
        key: as the database gives it; of a CSV file, a text.
        text: its text columns, joined by newlines; those that are NULL or blank are left out. May be empty.
        label: ``None`` where it is missing: NULL, empty or blank.
        found: what stands in the label column: with a missing label ``None`` or a blank text.
        time: a number that grows with time; ``None`` where there is none.
        predicted: what an earlier run left there, as are the next two.
        confidence: of that, in [0, 1].
        model: the one that predicted it.
    """

    key: Any
    text: str
    label: str | None
    found: str | None
    time: float | None = None
    predicted: str | None = None
    confidence: float | None = None
    model: str | None = None

    @property
    def labeled_by_model(self) -> bool:
        """Whether the label is what a model predicted here: nothing to learn from, even if a person agreed."""
        return self.label is not None and self.model is not None and self.label == self.predicted


class Prediction(NamedTuple):
    """What is to be written into a row.

    Attributes:
        key: of the row.
        found: what stood in the label column. If something else stands there now, the row is left alone.
        label: the predicted one; ``None`` below the threshold.
        confidence: in [0, 1].
    """

    key: Any
    found: str | None
    label: str | None
    confidence: float


class Table(Protocol):
    """What ``predict`` and ``fit`` need of a table. Whatever goes wrong there is a ``TableError``.

    Attributes:
        columns: which mean what.
        where: what the table is called in a message: the table 'requirements'.
    """

    columns: Columns
    where: str

    def count(self) -> int:
        """The number of rows."""

    def batches(self, size: int = BATCH) -> Iterator[list[Record]]:
        """All rows, in an order that stays the same, at most ``size`` at once."""

    def check_writable(self) -> None:
        """Refuse now what ``write`` would refuse later. Changes nothing."""

    def write(self, batches: Iterable[list[Prediction]], model: str, write_label: bool = False) -> int:
        """Write predictions, all or none, in the order in which the rows were read. Returns how many rows took one.

        Columns that are not there are made. A row that was deleted, or got a label in the meantime, is left out.

        Args:
            batches: the predictions.
            model: the name of the one that made them.
            write_label: put them into the label column too. Only missing labels are replaced.
        """


def record(key: Any, texts: Iterable[Any], found: Any, time: Any, own: Iterable[Any], columns: Columns) -> Record:
    """A row's values as a record.

    Raises:
        TableError: a value of a kind that its column should not hold.
    """
    parts = [_text(text, key, name) for text, name in zip(texts, columns.text, strict=True)]
    found = _text(found, key, columns.label)
    predicted, confidence, model = own
    return Record(
        key,
        "\n".join(part for part in parts if not blank(part)),
        None if blank(found) else found,
        found,
        moment(time, key, columns.time),
        None if blank(predicted) else _text(predicted, key, columns.own[0]),
        _confidence(confidence, key, columns.own[1]),
        None if blank(model) else _text(model, key, columns.own[2]),
    )


def blank(value: Any) -> bool:
    """Whether there is nothing: NULL, empty, or white space."""
    return value is None or (isinstance(value, str) and not value.strip())


def moment(value: Any, key: Any, column: str | None) -> float | None:
    """A date, a time or an ISO 8601 text as seconds since 1970, in UTC where no zone is named; a number as it is.

    A text of digits is a number. Python would read some of them as ISO 8601, and of a column of milliseconds take a few
    for days of the Middle Ages.
    """
    if blank(value):
        return None
    when = value
    if isinstance(value, str) and not value.strip().isdigit():
        with contextlib.suppress(ValueError):
            when = datetime.datetime.fromisoformat(value.strip())
    if isinstance(when, datetime.date):
        if not isinstance(when, datetime.datetime):
            when = datetime.datetime.combine(when, datetime.time())
        return (when if when.tzinfo else when.replace(tzinfo=datetime.UTC)).timestamp()
    number = _number(when)
    if number is None:
        raise TableError(
            f"row {key!r}: the time column {column!r} holds {_brief(value)}; "
            "write times as 2025-01-31, as 2025-01-31 17:05:00, or as numbers"
        )
    return number


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal, str)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _text(value: Any, key: Any, column: str) -> str | None:
    """A text that can be written in UTF-8: bytes of a database that are none become question marks."""
    if value is not None and not isinstance(value, str):
        raise TableError(
            f"row {key!r}: the column {column!r} holds {_brief(value)}; a text is needed. Mend the row, or name "
            "another column"
        )
    return value if value is None or value.isascii() else value.encode("utf-8", "replace").decode("utf-8")


def _confidence(value: Any, key: Any, column: str) -> float | None:
    number = None if blank(value) else _number(value)
    if number is None and not blank(value):
        raise TableError(f"row {key!r}: {column!r} holds {_brief(value)}, no number. It is not ours; rename it")
    return number


def _brief(value: Any) -> str:
    shown = repr(value)
    return f"{shown[:40]}{'...' if len(shown) > 40 else ''} ({type(value).__name__})"
