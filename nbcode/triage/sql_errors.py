"""What a database refuses, in words: what came, and what to do."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator

from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError

from nbcode.triage.columns import TableError

# By SQLite's primary result code (https://www.sqlite.org/rescode.html).
REMEDIES = {
    sqlite3.SQLITE_BUSY: "Another program is using the database and did not let go; close it, or run this again",
    sqlite3.SQLITE_LOCKED: "Another program is using the table; close it, or run this again",
    sqlite3.SQLITE_READONLY: "The database is read-only; change the rights of file and folder, or work on a copy",
    sqlite3.SQLITE_CORRUPT: "The file is damaged; restore it from a backup",
    sqlite3.SQLITE_FULL: "The disk is full; make room",
    sqlite3.SQLITE_CANTOPEN: "Is the path right, and may its folder be written to?",
    sqlite3.SQLITE_NOTADB: "The file is no SQLite database; for a CSV file give its path alone, without sqlite://",
}
LONGEST = 300  # characters of a driver's own words


@contextlib.contextmanager
def told(where: str) -> Iterator[None]:
    """Turn a database's error into a ``TableError``. What was not committed is rolled back already."""
    try:
        yield
    except SQLAlchemyError as error:
        raise TableError(f"{where}: {in_words(error)}") from error


def in_words(error: SQLAlchemyError) -> str:
    """The driver's own words, without statement and values, and a remedy if one is known."""
    origin = error.orig if isinstance(error, DBAPIError) and error.orig else error
    words = (str(origin).strip().splitlines() or [type(origin).__name__])[0][:LONGEST]
    code = getattr(origin, "sqlite_errorcode", None)  # an extended one, of which the low byte is the primary
    remedy = REMEDIES.get(code & 0xFF) if code is not None else None
    if isinstance(error, IntegrityError):
        remedy = "A rule of the table forbids it; nothing was changed"
    return f"{words}. {remedy}" if remedy else words
