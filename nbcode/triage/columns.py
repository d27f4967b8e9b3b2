"""Which columns of a table mean what, and the one error for a table that cannot be used."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

SHOWN, LONG = 20, 60  # names in a message, and characters of each


class TableError(ValueError):
    """A table that cannot be used as asked: the message says what came, what is allowed and what to do."""


class TriageWarning(UserWarning):
    """Something that works, but hardly as it was meant."""


@dataclass(frozen=True)
class Columns:
    """The columns of a table that the tool works on.

    Attributes:
        text: what a record says; several are joined by a newline.
        label: what is to be filled in where it is missing.
        key: tells the records apart: never empty, never twice.
        time: when a record was made, or ``None``.

    Raises:
        TableError: no text column, a name that is no name, or one column in two roles. A label among the texts would
            be learned by heart.
    """

    text: tuple[str, ...]
    label: str
    key: str
    time: str | None = None

    def __post_init__(self) -> None:
        if isinstance(self.text, str):
            raise TableError(f"text is {self.text!r}; give a tuple of column names, such as ({self.text!r},)")
        object.__setattr__(self, "text", tuple(self.text))
        if not self.text:
            raise TableError("no text column; give at least one")
        nameless = [name for name in self.asked if not isinstance(name, str) or not name]
        if nameless:
            raise TableError(f"{nameless[0]!r} stands where the name of a column should")
        twice = [name for name, count in Counter((*self.asked, *self.own)).items() if count > 1]
        if twice:
            raise TableError(
                f"the column {twice[0]!r} is asked for twice; text, label, key and time want columns of their own, "
                f"and {', '.join(self.own)} are for predictions"
            )

    @property
    def asked(self) -> tuple[str, ...]:
        """The columns that must be there."""
        return (*self.text, self.label, self.key, *(() if self.time is None else (self.time,)))

    @property
    def own(self) -> tuple[str, str, str]:
        """The columns that the tool makes: what is predicted, how sure that is, and by which model."""
        return f"{self.label}_predicted", f"{self.label}_confidence", f"{self.label}_model"


def check_names(asked: Sequence[str], there: Sequence[str], where: str) -> None:
    """Refuse names of columns that a table does not have, or has twice."""
    for name in asked:
        if name not in there:
            raise TableError(f"{where} has no column {name!r}{close_to(name, there)}; its columns: {listed(there)}")
        if there.count(name) > 1:
            raise TableError(f"{where} has {there.count(name)} columns called {name!r}; rename all but one")


def close_to(name: str, names: Sequence[str]) -> str:
    """The question whether another name was meant, if one is close."""
    lower = {other.casefold(): other for other in names}
    found = difflib.get_close_matches(name.casefold(), lower, n=1)
    return f" (is {lower[found[0]]!r} meant?)" if found else ""


def listed(names: Sequence[str]) -> str:
    """Names for a message."""
    return _some([quoted(name) for name in names])


def counted(rows: Mapping[str, int]) -> str:
    """Labels and their numbers of rows for a message."""
    return _some([f"{quoted(label)} ({count})" for label, count in rows.items()])


def quoted(name: str) -> str:
    """A name or label for a message, in quotes and not too long, since it may be anything."""
    return repr(f"{name[:LONG]}..." if len(name) > LONG else name)


def _some(parts: Sequence[str]) -> str:
    more = f" and {len(parts) - SHOWN} more" if len(parts) > SHOWN else ""
    return (", ".join(parts[:SHOWN]) or "none") + more
