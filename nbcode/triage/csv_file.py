"""A CSV file as rows: how it is written (encoding, delimiter, ends of lines) is found out and kept."""

from __future__ import annotations

import codecs
import contextlib
import csv
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbcode.triage.columns import TableError

DELIMITERS = ",;\t"
ANYBODY_WRITES = 0o222  # the bits of a file's mode; without them it is read-only for the administrator too
LONGEST = 2**31 - 1  # characters in a cell, the most that csv takes everywhere; its own limit is 131,072


@dataclass(frozen=True)
class CsvForm:
    """How a file is written.

    Attributes:
        encoding: UTF-8, with or without the mark that Excel puts at the start.
        delimiter: between cells.
        end: of a line.
        header: the names of the columns.
    """

    encoding: str
    delimiter: str
    end: str
    header: tuple[str, ...]


def read_form(path: Path, asked: Iterable[str]) -> CsvForm:
    """Find out how a file is written. Of the delimiters, the one is taken under which most columns are found.

    Args:
        path: of the file.
        asked: columns that should be there.

    Raises:
        TableError: the file cannot be read, or has no header.
    """
    with csv_told(path):
        with path.open("rb") as file:
            encoding = "utf-8-sig" if file.read(3) == codecs.BOM_UTF8 else "utf-8"
        forms = []
        for delimiter in DELIMITERS:
            with path.open(encoding=encoding, newline="") as file:
                header = tuple(_next(csv.reader(file, delimiter=delimiter)) or ())
            forms.append(CsvForm(encoding, delimiter, _end(path, encoding), header))
    best = max(forms, key=lambda form: (len(set(form.header) & set(asked)), len(form.header)))
    if not best.header:
        raise TableError(f"{path} is empty or begins with an empty line; its first line should name the columns")
    return best


def rows_of(path: Path, form: CsvForm) -> Iterator[tuple[int, list[str]]]:
    """The lines behind the header with their numbers. An empty line is an empty row.

    Raises:
        TableError: a line with another number of cells than the header, or what csv and UTF-8 do not allow.
    """
    with csv_told(path), path.open(encoding=form.encoding, newline="") as file:
        lines = csv.reader(file, delimiter=form.delimiter, strict=True)
        _next(lines)
        while (row := _next(lines)) is not None:
            if row and len(row) != len(form.header):
                raise TableError(
                    f"{path}, line {lines.line_num}: {len(row)} cells, but the header has {len(form.header)}; a cell "
                    "with a delimiter or a line break in it needs quotes"
                )
            yield lines.line_num, row


def check_replaceable(path: Path) -> None:
    """Refuse a file that ``replace_file`` could not replace, or should not. Changes nothing.

    Raises:
        TableError: it is read-only, or its folder takes no new file.
    """
    with csv_told(path):
        # To replace a file asks for no right to the file itself, only to its folder.
        if not (os.access(path, os.W_OK) and path.stat().st_mode & ANYBODY_WRITES):
            raise TableError(f"{path} is read-only; change its rights, or work on a copy")
        handle, draft = _draft(path)
        os.close(handle)
        Path(draft).unlink()


def replace_file(path: Path, form: CsvForm, rows: Iterable[list[str]]) -> None:
    """Write a new file beside the old one and put it in its place at once; until then the old one is as it was."""
    handle, draft = _draft(path)
    try:
        with os.fdopen(handle, "w", encoding=form.encoding, newline="") as file:
            writer = csv.writer(_Ends(file, form.end), delimiter=form.delimiter)
            writer.writerow(form.header)
            writer.writerows(rows)
            file.flush()
            os.fsync(file.fileno())  # the name must not move to a file whose content may still get lost
        shutil.copymode(path, draft)
        Path(draft).replace(path)
    finally:
        Path(draft).unlink(missing_ok=True)


@contextlib.contextmanager
def csv_told(path: Path) -> Iterator[None]:
    """Turn what goes wrong with a file into a ``TableError``."""
    try:
        yield
    except OSError as error:
        words = error.strerror or str(error)
        raise TableError(f"{path}: {words}. Is it there, closed in other programs, and its folder yours?") from error
    except UnicodeDecodeError as error:
        raise TableError(f"{path} is not in UTF-8 ({error.reason}); save it as CSV in UTF-8") from error
    except csv.Error as error:
        raise TableError(f"{path} is no sound CSV file: {error}") from error


def _draft(path: Path) -> tuple[int, str]:
    """A new file beside another, under a name that nobody has."""
    return tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)


class _Ends:
    """Gives lines their end. csv writes a line at once, and only before its usual end it quotes all line breaks."""

    def __init__(self, file: Any, end: str) -> None:
        self.file, self.end = file, end

    def write(self, line: str) -> None:
        self.file.write(line.removesuffix("\r\n") + self.end)


def _next(lines: Iterator[list[str]]) -> list[str] | None:
    """The next row, ``None`` at the end. The limit for a cell is one for all of Python, so it is lent for one row."""
    before = csv.field_size_limit(LONGEST)
    try:
        return next(lines, None)
    finally:
        csv.field_size_limit(before)


def _end(path: Path, encoding: str) -> str:
    with path.open(encoding=encoding, newline="") as file:
        return "\r\n" if file.readline().endswith("\r\n") else "\n"
