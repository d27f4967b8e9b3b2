"""What each command of the command line asks for and does. Each returns the sentence to be printed."""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable
from pathlib import Path

from nbcode.triage.columns import Columns, TableError
from nbcode.triage.opening import open_table
from nbcode.triage.predict import Policy, predict
from nbcode.triage.predictor import Predictor
from nbcode.triage.table import Table

Load = Callable[[Path, Columns], Predictor]  # from a model's folder, refused if it was trained on other columns


def add_table_flags(flags: argparse.ArgumentParser) -> None:
    """The flags that name a table and its columns."""
    flags.add_argument(
        "--database", required=True, metavar="URL", help="such as sqlite:///requirements.db; or the path of a CSV file"
    )
    flags.add_argument("--table", help="its name; not for a CSV file")
    flags.add_argument(
        "--text", required=True, metavar="COLUMN,...", help='text columns, in order; "a, b" in quotes is one name'
    )
    flags.add_argument("--label", required=True, metavar="COLUMN", help="what is to be filled in where it is missing")
    flags.add_argument("--key", required=True, metavar="COLUMN", help="what tells rows apart, such as an id")


def table_of(given: argparse.Namespace) -> Table:
    """The table that the flags name."""
    return open_table(given.database, given.table, columns_of(given))


def columns_of(given: argparse.Namespace) -> Columns:
    """The columns that the flags name. A command without ``--time`` needs none."""
    try:
        text = next(csv.reader([given.text], skipinitialspace=True, strict=True), ())
    except csv.Error as error:
        raise TableError(f"--text {given.text!r} cannot be read: {error}; write title,description") from error
    return Columns(tuple(text), given.label, given.key, getattr(given, "time", None))


def add_predict_flags(flags: argparse.ArgumentParser) -> None:
    """The flags of ``predict``."""
    add_table_flags(flags)
    flags.add_argument("--model", required=True, type=Path, metavar="FOLDER", help="what fit has written")
    flags.add_argument(
        "--threshold", type=float, default=Policy.threshold, help="below this confidence NULL is written (default: 0)"
    )
    flags.add_argument("--dry-run", action="store_true", help="write nothing, not even a column")
    flags.add_argument("--write-label", action="store_true", help="fill in the label column too, where it is missing")
    flags.add_argument("--again", action="store_true", help="predict rows anew that this model has predicted before")
    flags.add_argument("--quiet", action="store_true", help="show no progress bar")


def run_predict(given: argparse.Namespace, load: Load) -> str:
    """Predict what is missing in a table."""
    policy = Policy(given.threshold, given.write_label, given.dry_run, given.again)
    table = table_of(given)
    return str(predict(table, load(given.model, table.columns), policy, progress=not given.quiet))
