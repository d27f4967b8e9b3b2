"""All of the tool in two minutes, on a simulated database, where the truth is known."""

from __future__ import annotations

import shlex
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from nbcode.data.requirements import generate, write_database
from nbcode.pretrained import MINILM, MINIRBT, located
from nbcode.triage.columns import Columns, TableError
from nbcode.triage.fit import fit
from nbcode.triage.model_folder import load_predictor
from nbcode.triage.opening import open_table
from nbcode.triage.plan import Plan
from nbcode.triage.predict import Summary, predict
from nbcode.triage.report import Report, coverage_lines
from nbcode.triage.scores import Scores, scores

CHECKPOINTS = {"en": MINILM, "zh": MINIRBT}
RECORDS, PLAN = 600, Plan(epochs=4)  # so that it takes under two minutes on two cores
TABLE = "requirement"
COLUMNS = Columns(("title", "description"), "sub_technical_pm", "req_id", "created_on")
TRUTH = f"""
select truth.owner, truth.second_owner, {COLUMNS.own[0]}, {COLUMNS.own[1]}
from {TABLE} join truth using (req_id) where {COLUMNS.own[2]} is not null
"""


@dataclass(frozen=True)
class Demo:
    """What the demonstration found.

    Attributes:
        report: of ``fit``.
        summary: of ``predict``.
        truth: how good the predictions of the rows without a label are. Where two people are right, either counts.
    """

    report: Report
    summary: Summary
    truth: Scores


def demo(
    folder: str | Path,
    records: int = RECORDS,
    language: str = "en",
    checkpoint: str | Path | None = None,
    plan: Plan | None = None,
    *,
    seed: int = 1,
    progress: bool = True,
    say: Callable[[str], object] = print,
) -> Demo:
    """Write a SIMULATED database, fit a model, fill in what is missing, and compare it with the truth.

    Args:
        folder: for the database and the model; not there yet, or empty.
        records: of the database, some hundreds at least.
        language: en or zh.
        checkpoint: as ``fit`` takes it; ``None`` takes one for the language.
        plan: of the training; ``None`` takes a short one.
        seed: of the database.
        progress: show bars.
        say: is told what happens.

    Raises:
        ValueError: the folder is not empty, an unknown language, too few records, or what ``fit`` raises.
    """
    folder = Path(folder)
    made = generate(seed, records, language)  # refuses a wrong number or language
    checkpoint, plan = checkpoint or CHECKPOINTS[language], plan or PLAN
    origin = located(checkpoint).why  # refuses one that is not to be had, while nothing is written
    database, model = _places(folder)
    write_database(made, database)
    url = f"sqlite:///{database}"
    names = ["--database", url, "--table", TABLE, "--text", ",".join(COLUMNS.text), "--label", COLUMNS.label]
    names += ["--key", COLUMNS.key]
    training = ["--time", COLUMNS.time, "--checkpoint", str(checkpoint), "--out", str(model)]
    training += ["--epochs", str(plan.epochs)]
    say(f"{database}: {len(made)} SIMULATED requirements. Nothing in it is real.\nCheckpoint {origin}\n")
    say(_command("fit", *names, *training))
    try:
        report = fit(open_table(url, TABLE, COLUMNS), checkpoint, model, plan, progress)
    except BaseException:  # Ctrl-C too: the next try wants an empty folder
        database.unlink()
        raise
    say(f"{report}\n\n{_command('predict', *names, '--model', str(model))}")
    summary = predict(open_table(url, TABLE, COLUMNS), load_predictor(model, COLUMNS), progress=progress)
    found = Demo(report, summary, _against_truth(database))
    say(f"{summary}\n\nBeside the truth, which only a simulation knows, these {found.truth.rows} predictions are right")
    say(f"in {found.truth.accuracy:.1%} (two standard errors: {found.truth.margin:.1%}); by threshold:")
    say("\n".join(coverage_lines(found.truth.coverage)))
    return found


def _command(*words: str) -> str:
    return f"python -m nbcode.triage {shlex.join(words)}"


def _places(folder: Path) -> tuple[Path, Path]:
    """Where database and model will be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise TableError(f"{folder} is not empty; give another folder with --out, or delete it first")
    except OSError as error:
        raise TableError(f"{folder} cannot be made: {error.strerror or error}; give another with --out") from error
    return folder / "requirements.db", folder / "model"


def _against_truth(database: Path) -> Scores:
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute(TRUTH).fetchall()
    if not rows:
        raise TableError("no row was without a label, so nothing was predicted; give more records")
    owners = [guess if guess in (owner, second) else owner for owner, second, guess, _ in rows]
    return scores(owners, [guess for *_, guess, _ in rows], [confidence for *_, confidence in rows])
