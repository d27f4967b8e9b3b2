"""A table in a database that SQLAlchemy reaches. Tested with SQLite.

Names are quoted and values bound by SQLAlchemy; no name or value is ever put into SQL by hand. Every page of rows is
read in a transaction of its own, so that nobody waits for a model to finish its work; a row that changes while others
are predicted is looked at again when predictions are written.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import Any

import sqlalchemy as sa

from nbcode.training.interrupt import deferred_interrupt
from nbcode.triage.columns import Columns, TableError, check_names, listed
from nbcode.triage.sql_columns import AddColumn, column_types, find_table, own_columns
from nbcode.triage.sql_engine import open_engine
from nbcode.triage.sql_errors import told
from nbcode.triage.table import BATCH, LARGE, Prediction, Record, record

WAIT = 5.0  # seconds for another program to let go of an SQLite file
# Of the columns that are made. SQLite's strict tables know no DOUBLE; its REAL is as wide.
TYPES = (sa.Text(), sa.Double().with_variant(sa.REAL(), "sqlite"), sa.Text())


class SqlTable:
    """A table in a database; see ``Table``. Open one with ``open_table``.

    The key may be of any type that can be put in order. Reading takes pages by the key, so the key wants an index,
    which a primary key has.
    """

    def __init__(self, url: str, name: str, columns: Columns, wait: float = WAIT) -> None:
        self.columns = columns
        self.engine = open_engine(url, wait)
        self.where = f"the database {self.engine.url.render_as_string()!r}"  # hides a password
        with self._told(), self.engine.connect() as connection:
            inspector = sa.inspect(connection)
            self.name, schema = find_table(inspector, name, self.where)
            self.where = f"the table {name!r}"
            types = column_types(inspector, self.name, schema)
            self.is_view = self.name in inspector.get_view_names(schema)
        check_names(columns.asked, list(types), self.where)
        self._check_texts(types)
        self.own = own_columns(columns, types, self.where)
        # The columns have no type here: values come and go as the driver gives them, and a key finds its row again.
        made = [sa.Column(name, kind) for name, kind in zip(columns.own, TYPES, strict=True)]
        self.table = sa.Table(self.name, sa.MetaData(), *map(sa.Column, columns.asked), *made, schema=schema)
        self.bound = "b"  # SQLAlchemy would set a column that has the name of a parameter
        while any(name.startswith(self.bound) for name in (*columns.asked, *columns.own)):
            self.bound += "_"
        self.rows = self._checked_count()

    def count(self) -> int:
        """The number of rows when the table was opened."""
        return self.rows

    def batches(self, size: int = BATCH) -> Iterator[list[Record]]:
        """All rows in the order of their keys. Rows that come while this runs may or may not be among them."""
        last: list[Any] = []
        while page := self._page(last, size):
            yield page
            last = [page[-1].key]

    def check_writable(self) -> None:
        """Refuse a view, and a database that is locked or read-only."""
        if self.is_view:
            raise TableError(f"{self.where} is a view, which takes no columns; name the table behind it")
        label = self.table.c[self.columns.label]
        with self._told(), self._writing() as connection:  # SQLite takes the lock even where it may only read
            connection.execute(sa.update(self.table).where(sa.false()).values({label: label}))
            connection.rollback()

    def write(self, batches: Iterable[list[Prediction]], model: str, write_label: bool = False) -> int:
        """All of it in one transaction, which Ctrl-C rolls back."""
        changed = 0
        statement = self._update(model, write_label)
        with self._told(), deferred_interrupt() as interrupted, self._writing() as connection:
            for name in self.columns.own:
                if name not in self.own:
                    connection.execute(AddColumn(self.table.c[name]))
            for batch in batches:
                rows = [{self.bound + field: value for field, value in row._asdict().items()} for row in batch]
                changed += connection.execute(statement, rows).rowcount
                if interrupted():  # later than here, Ctrl-C comes too late: the transaction is complete
                    raise KeyboardInterrupt
        self.own = set(self.columns.own)
        return changed

    def _told(self) -> contextlib.AbstractContextManager[None]:
        return told(self.where)

    def _writing(self) -> contextlib.AbstractContextManager[sa.Connection]:
        """A transaction that takes SQLite's lock for writing at once; one that reads first could lose it."""
        return self.engine.execution_options(begin="IMMEDIATE").begin()

    def _check_texts(self, types: dict[str, Any]) -> None:
        for name in (*self.columns.text, self.columns.label):
            if not isinstance(types[name], (sa.String, sa.types.NullType)):  # SQLite's columns may have no type
                texts = [other for other, kind in types.items() if isinstance(kind, sa.String)]
                raise TableError(
                    f"the column {name!r} of {self.where} has the type {types[name]}; a text is needed. "
                    f"The text columns: {listed(texts)}"
                )

    def _checked_count(self) -> int:
        key = self.table.c[self.columns.key]
        counts = sa.select(sa.func.count(), sa.func.count(key), sa.func.count(key.distinct())).select_from(self.table)
        twice = sa.select(key).group_by(key).having(sa.func.count() > 1).limit(3)
        with self._told(), self.engine.connect() as connection:
            rows, filled, different = connection.execute(counts).one()
            if filled < rows:
                raise TableError(
                    f"the key {self.columns.key!r} of {self.where} is NULL in {rows - filled} of {rows} rows; "
                    "a key tells every row apart: fill it in, or name another column"
                )
            if different < rows:
                examples = ", ".join(map(repr, connection.scalars(twice)))
                raise TableError(
                    f"the key {self.columns.key!r} of {self.where} is not unique: {examples} stand there more than "
                    "once; name a column that tells every row apart"
                )
        return rows

    def _page(self, last: list[Any], size: int) -> list[Record]:
        """The next rows, after the key in ``last`` if there is one."""
        columns, c = self.columns, self.table.c
        key = c[columns.key]
        time = sa.null() if columns.time is None else c[columns.time]
        own = [c[name] if name in self.own else sa.null() for name in columns.own]
        wanted = (key, c[columns.label], time, *own, *(c[name] for name in columns.text))
        # Labels of their own, since two NULLs would share one.
        query = sa.select(*(value.label(f"value{place}") for place, value in enumerate(wanted)))
        query = query.where(*(key > value for value in last)).order_by(key).limit(size)
        page: list[Record] = []
        length = 0
        with self._told(), self.engine.connect() as connection:
            for number, found, time, *rest in connection.execute(query):
                page.append(record(self._key(number), rest[3:], found, time, rest[:3], columns))
                length += len(page[-1].text)
                if length > LARGE:
                    break
        return page

    def _key(self, value: Any) -> Any:
        if isinstance(value, str) and not value.isascii() and value != value.encode("utf-8", "replace").decode():
            raise TableError(f"the key {value!r} of {self.where} is not in UTF-8; mend it, or name another column")
        return value

    def _update(self, model: str, write_label: bool) -> sa.Update:
        """Its parameters are the fields of a ``Prediction``. The label must still be the missing one that was found."""
        c = self.table.c
        label, predicted = c[self.columns.label], sa.bindparam(self.bound + "label", type_=sa.Text)
        new = (predicted, sa.bindparam(self.bound + "confidence"), model)
        values = dict(zip((c[name] for name in self.columns.own), new, strict=True))
        if write_label:
            values[label] = sa.func.coalesce(predicted, label)  # below the threshold it stays as it is
        same = label.is_not_distinct_from(sa.bindparam(self.bound + "found"))
        return sa.update(self.table).where(c[self.columns.key] == sa.bindparam(self.bound + "key"), same).values(values)
