"""What a database says of its tables and their columns; and how it gets one column more."""

from __future__ import annotations

import warnings
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import ExecutableDDLElement

from nbcode.triage.columns import Columns, TableError, close_to, listed

FITTING = ((sa.String,), (sa.Float, sa.Numeric), (sa.String,))  # types of the tool's columns, where they are there


def find_table(inspector: sa.Inspector, name: str, where: str) -> tuple[str, str | None]:
    """Name and schema of a table or view; ``schema.table`` is one way to write it."""
    schema, _, rest = name.rpartition(".")
    if inspector.has_table(name):
        return name, None
    if schema and schema in inspector.get_schema_names() and inspector.has_table(rest, schema):
        return rest, schema
    names = [*inspector.get_table_names(), *inspector.get_view_names()]
    raise TableError(f"{where} has no table {name!r}{close_to(name, names)}; its tables: {listed(names)}")


def column_types(inspector: sa.Inspector, name: str, schema: str | None) -> dict[str, Any]:
    """The type of each column."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sa.exc.SAWarning)  # of types that SQLAlchemy does not know
        return {column["name"]: column["type"] for column in inspector.get_columns(name, schema)}


def own_columns(columns: Columns, types: dict[str, Any], where: str) -> set[str]:
    """Those of the tool's columns that are there. One of another type, or in other letters, is not ours."""
    lower = {name.lower(): name for name in types}
    for name, fitting in zip(columns.own, FITTING, strict=True):
        there = lower.get(name.lower())
        if there is not None and (there != name or not isinstance(types[there], (*fitting, sa.types.NullType))):
            raise TableError(
                f"{where} has a column {there!r} of type {types[there]}, where predictions would go; rename it"
            )
    return {name for name in columns.own if name in types}


class AddColumn(ExecutableDDLElement):
    """``ALTER TABLE ... ADD COLUMN``, for which SQLAlchemy has no construct."""

    def __init__(self, column: sa.Column) -> None:
        self.column = column


@compiles(AddColumn)
def _add_column(element: AddColumn, compiler: Any, **_: Any) -> str:
    table = compiler.preparer.format_table(element.column.table)
    return f"ALTER TABLE {table} ADD COLUMN {compiler.get_column_specification(element.column)}"
