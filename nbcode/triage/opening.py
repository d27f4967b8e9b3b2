"""From an address to a table."""

from __future__ import annotations

from pathlib import Path

from nbcode.triage.columns import Columns, TableError
from nbcode.triage.table import Table


def open_table(source: str | Path, name: str | None, columns: Columns) -> Table:
    """Find a table and check that it can be read as asked.

    Args:
        source: a URL as SQLAlchemy writes it, such as ``sqlite:///requirements.db``, or the path of a CSV file.
        name: of the table in the database; ``None`` for a CSV file.
        columns: which mean what.

    Raises:
        TableError: there is no such table or column, the texts or labels are no texts, a key is missing or stands there
            twice, the database or file cannot be read.
    """
    if isinstance(source, str) and "://" in source:
        from nbcode.triage.sql_table import SqlTable

        if not name:
            raise TableError("a database holds many tables; say which one is meant")
        return SqlTable(source, name, columns)
    if Path(source).suffix.lower() in (".db", ".sqlite", ".sqlite3"):
        raise TableError(f"{source} looks like an SQLite database; give it as a URL: sqlite:///{source}")
    if name:
        raise TableError(f"{source} is taken for a CSV file, which holds one table only; leave out the name {name!r}")
    from nbcode.triage.csv_table import CsvTable

    return CsvTable(source, columns)
