"""A CSV file as a table of records.

Every cell is a text, and an empty one is what NULL is in a database. Writing makes a new file and puts it in the old
one's place; other columns, the order of the rows and the encoding stay. Memory holds a batch, and all keys.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from nbcode.training.interrupt import deferred_interrupt
from nbcode.triage.columns import Columns, TableError, check_names
from nbcode.triage.csv_file import CsvForm, check_replaceable, csv_told, read_form, replace_file, rows_of
from nbcode.triage.table import BATCH, LARGE, Prediction, Record, blank, record


class CsvTable:
    """A CSV file; see ``Table``. Open one with ``open_table``."""

    def __init__(self, path: str | Path, columns: Columns) -> None:
        self.columns = columns
        self.path = Path(path).resolve()  # where a link leads, so that the file is replaced and not the link
        self.where = f"the file {self.path.name!r}"
        self.form = read_form(self.path, columns.asked)
        header = list(self.form.header)
        check_names(columns.asked, header, str(self.path))
        check_names([name for name in columns.own if name in header], header, str(self.path))
        self.place = {name: header.index(name) for name in (*columns.asked, *columns.own) if name in header}
        self.signature = self._signature()
        self.rows = self._checked_count()

    def count(self) -> int:
        """The number of rows when the file was opened."""
        return self.rows

    def batches(self, size: int = BATCH) -> Iterator[list[Record]]:
        """All rows in the order of the file."""
        batch: list[Record] = []
        length = 0
        for _, row in rows_of(self.path, self.form):
            if not row:
                continue
            batch.append(self._record(row))
            length += len(batch[-1].text)
            if len(batch) == size or length > LARGE:
                yield batch
                batch, length = [], 0
        if batch:
            yield batch

    def check_writable(self) -> None:
        """Refuse a file that is read-only, and a folder that takes no new file."""
        check_replaceable(self.path)

    def write(self, batches: Iterable[list[Prediction]], model: str, write_label: bool = False) -> int:
        """All of it by a new file. Refused if somebody changed the file since it was opened."""
        made = [name for name in self.columns.own if name not in self.place]
        form = CsvForm(self.form.encoding, self.form.delimiter, self.form.end, (*self.form.header, *made))
        place = self.place | {name: len(self.form.header) + extra for extra, name in enumerate(made)}
        changed = 0

        def rows() -> Iterator[list[str]]:
            nonlocal changed
            waiting = (prediction for batch in batches for prediction in batch)
            prediction = next(waiting, None)
            for _, row in rows_of(self.path, self.form):
                if interrupted():
                    raise KeyboardInterrupt
                row += [""] * len(made) if row else []
                if row and prediction and row[place[self.columns.key]] == prediction.key:
                    self._fill(row, place, prediction, model, write_label)
                    prediction, changed = next(waiting, None), changed + 1
                yield row
            if prediction or self._signature() != self.signature:
                raise TableError(f"{self.path} was changed by another program in the meantime; run this again")

        with deferred_interrupt() as interrupted, csv_told(self.path):
            replace_file(self.path, form, rows())
            self.form, self.place, self.signature = form, place, self._signature()
        return changed

    def _fill(self, row: list[str], place: dict[str, int], given: Prediction, model: str, write_label: bool) -> None:
        new = (given.label or "", repr(given.confidence), model)
        for name, value in zip(self.columns.own, new, strict=True):
            row[place[name]] = value
        if write_label and given.label is not None:
            row[place[self.columns.label]] = given.label

    def _record(self, row: list[str]) -> Record:
        columns, place = self.columns, self.place
        own = [row[place[name]] if name in place else None for name in columns.own]
        time = None if columns.time is None else row[place[columns.time]]
        key, found = row[place[columns.key]], row[place[columns.label]]
        return record(key, [row[place[name]] for name in columns.text], found, time, own, columns)

    def _checked_count(self) -> int:
        keys: dict[str, int] = {}
        for line, row in rows_of(self.path, self.form):
            if not row:
                continue
            key = row[self.place[self.columns.key]]
            if blank(key):
                raise TableError(
                    f"{self.path}, line {line}: the key {self.columns.key!r} is empty; a key tells every row apart: "
                    "fill it in, or name another column"
                )
            if key in keys:
                raise TableError(
                    f"{self.path}, line {line}: the key {self.columns.key!r} is {key!r}, as in line {keys[key]}; name "
                    "a column that tells every row apart"
                )
            keys[key] = line
        return len(keys)

    def _signature(self) -> tuple[int, int, int]:
        """Changes when the file does."""
        with csv_told(self.path):
            state = self.path.stat()
        return state.st_mtime_ns, state.st_size, state.st_ino
