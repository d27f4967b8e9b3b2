"""Train a model on the rows that have a label, measure it on rows that it never saw, and store it."""

from __future__ import annotations

import json
from pathlib import Path

from nbcode.triage.columns import TableError, quoted
from nbcode.triage.labeled_rows import LabeledRows, check_classes, labeled_rows
from nbcode.triage.model_card import card
from nbcode.triage.model_folder import CARD, FILES, METRICS, check_out, save_model
from nbcode.triage.near_duplicates import near_duplicates
from nbcode.triage.new_folder import new_folder
from nbcode.triage.plan import Plan
from nbcode.triage.report import Report
from nbcode.triage.splits import Split, split_at_random, split_by_time
from nbcode.triage.table import Table


def fit(
    table: Table, checkpoint: str | Path, out: str | Path, plan: Plan | None = None, progress: bool = True
) -> Report:
    """Train a model to tell the label of a row from its text, and store it in a folder. The table is only read.

    The labeled rows are split: by time if the table has one, else at random; near-duplicates stay together. A linear
    probe and then all weights are trained on the training part until the validation part gains no more, and scored on
    the test part, beside baselines. Then all of it is done again on all labeled rows, for as many epochs, unless
    ``plan.keep_split``. Rows whose label this tool predicted are left out.

    Args:
        table: from ``open_table``.
        checkpoint: a BERT: a folder, or a name as :func:`nbcode.pretrained.located` takes it.
        out: the folder to be made. One that holds an earlier model of this tool is replaced, when all is done.
        plan: epochs, rate and so on.
        progress: show bars.

    Returns:
        What was measured; it prints as a table.

    Raises:
        TableError: no labeled row, one class, fewer than five rows of a class, a folder that holds something else.
        ValueError: the checkpoint is not to be had, too few rows to split, a rate under which training breaks down.
    """
    plan, out = plan or Plan(), Path(out)
    check_out(out.resolve())
    rows = labeled_rows(table, progress)
    check_classes(rows)
    split = _split(rows, table.columns.time, plan.seed)
    from nbcode.triage.fitting import fitted  # brings PyTorch, which loads for seconds

    found = fitted(rows, split, checkpoint, plan, progress)
    report = Report.of(table, rows, split, found)
    with new_folder(out, FILES) as draft:
        save_model(draft, found.model, table.columns, found.checkpoint.config, found.checkpoint.name)
        metrics = {"model": found.model.model_id} | report.as_dict()
        (draft / METRICS).write_text(json.dumps(metrics, indent=1, ensure_ascii=False), encoding="utf-8")
        (draft / CARD).write_text(card(report, found.model.model_id), encoding="utf-8")
    return report


def _split(rows: LabeledRows, time: str | None, seed: int) -> Split:
    groups = near_duplicates(rows.texts).tolist()
    split = split_at_random(rows.labels, groups, seed) if time is None else split_by_time(rows.times, groups)
    classes = {rows.labels[place] for place in split.train}
    if len(classes) < 2:
        which, remedy = f"oldest labeled rows by {time!r}", "without a time, the rows are split at random"
        if time is None:
            which, remedy = "labeled rows", "rows of other labels say almost the same as many others; label more"
        raise TableError(
            f"the {len(split.train)} {which}, on which to train, all have the label {quoted(classes.pop())}; {remedy}"
        )
    return split
