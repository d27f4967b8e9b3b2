"""What each command of the command line asks for and does. Each returns the sentence to be printed."""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable
from pathlib import Path

from nbcode.triage.columns import Columns, TableError
from nbcode.triage.demo import CHECKPOINTS, RECORDS, demo
from nbcode.triage.evaluate import evaluate
from nbcode.triage.fit import fit
from nbcode.triage.opening import open_table
from nbcode.triage.plan import Plan
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
    flags.add_argument("--key", required=True, metavar="COLUMN", help="the column that tells rows apart, such as an id")


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


def add_fit_flags(flags: argparse.ArgumentParser) -> None:
    """The flags of ``fit``."""
    add_table_flags(flags)
    flags.add_argument("--time", metavar="COLUMN", help="when a row was made: train on the old, measure on the new")
    flags.add_argument(
        "--checkpoint", required=True, metavar="NAME", help="a folder, or a name such as all-MiniLM-L6-v2"
    )
    flags.add_argument(
        "--out", required=True, type=Path, metavar="FOLDER", help="for the model; an earlier model there is replaced"
    )
    flags.add_argument("--keep-split", action="store_true", help="do not train on all labeled rows at the end")
    add_plan_flags(flags)
    add_quiet(flags)


def add_plan_flags(flags: argparse.ArgumentParser) -> None:
    """The flags that tell how to train."""
    told = {
        "epochs": "the most passes over the rows",
        "rate": "the largest learning rate",
        "batch": "texts in one step",
        "max_tokens": "where a text is cut",
        "seed": "of the split and the training",
    }
    for name, words in told.items():
        default = getattr(Plan, name)
        flag = f"--{name.replace('_', '-')}"
        flags.add_argument(flag, type=type(default), default=default, help=f"{words} (default: %(default)s)")


def add_quiet(flags: argparse.ArgumentParser) -> None:
    """The flag against progress bars."""
    flags.add_argument("--quiet", action="store_true", help="show no progress bar")


def run_fit(given: argparse.Namespace, load: Load) -> str:
    """Train a model on the rows of a table that have a label."""
    plan = Plan(
        given.epochs,
        rate=given.rate,
        batch=given.batch,
        max_tokens=given.max_tokens,
        keep_split=given.keep_split,
        seed=given.seed,
    )
    report = fit(table_of(given), given.checkpoint, given.out, plan, progress=not given.quiet)
    return f"Checkpoint {report.origin}\n{report}"


def add_evaluate_flags(flags: argparse.ArgumentParser) -> None:
    """The flags of ``evaluate``."""
    add_table_flags(flags)
    flags.add_argument("--model", required=True, type=Path, metavar="FOLDER", help="what fit has written")
    flags.add_argument("--all", action="store_true", help="measure on rows too that the model was trained on")
    add_quiet(flags)


def run_evaluate(given: argparse.Namespace, load: Load) -> str:
    """Score a model on labeled rows that it was not trained on."""
    table = table_of(given)
    return str(evaluate(table, load(given.model, table.columns), given.all, progress=not given.quiet))


def add_demo_flags(flags: argparse.ArgumentParser) -> None:
    """The flags of ``demo``."""
    flags.add_argument(
        "--out", type=Path, default=Path("triage_demo"), metavar="FOLDER", help="a new folder (default: %(default)s)"
    )
    flags.add_argument("--records", type=int, default=RECORDS, help="of the database (default: %(default)s)")
    flags.add_argument("--language", choices=CHECKPOINTS, default="en", help="of the texts (default: %(default)s)")
    flags.add_argument("--checkpoint", metavar="NAME", help="instead of the one for the language")
    add_quiet(flags)


def run_demo(given: argparse.Namespace, load: Load) -> str:
    """Show all of it on a simulated database."""
    demo(given.out, given.records, given.language, given.checkpoint, progress=not given.quiet)
    return f"\nDatabase and model are in {given.out}; the model card is {given.out / 'model' / 'README.md'}."


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
    add_quiet(flags)


def run_predict(given: argparse.Namespace, load: Load) -> str:
    """Predict what is missing in a table."""
    policy = Policy(given.threshold, given.write_label, given.dry_run, given.again)
    table = table_of(given)
    return str(predict(table, load(given.model, table.columns), policy, progress=not given.quiet))
