"""Predict the missing labels of a table: read, think, and only then write, all or nothing.

Which rows: those without a label that say anything. A row that this model predicted before under the same threshold is
left as it is; one that another model predicted, or that another threshold would decide otherwise, is predicted anew.
Whether a row's text changed since is not noticed; ``Policy(again=True)`` predicts all of them anew.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from nbcode.training.progress import bar
from nbcode.triage.columns import TableError
from nbcode.triage.predictor import Predictor, check_predictor, probabilities
from nbcode.triage.side_file import SideFile
from nbcode.triage.table import BATCH, Prediction, Record, Table

LABELED, EMPTY, LEFT, FRESH = "labeled", "empty", "left", "fresh"  # what a row is to a run


@dataclass(frozen=True)
class Policy:
    """What to do with predictions.

    Attributes:
        threshold: the least confidence, in [0, 1], for which a class is written; below it a person decides.
        write_label: put them into the label column too. Nobody can tell later who filled it in.
        dry_run: write nothing, not even a column.
        again: predict rows anew that this model has predicted before.

    Raises:
        ValueError: the threshold is no probability.
    """

    threshold: float = 0.0
    write_label: bool = False
    dry_run: bool = False
    again: bool = False

    def __post_init__(self) -> None:
        number = isinstance(self.threshold, (int, float)) and not isinstance(self.threshold, bool)
        if not number or not 0 <= self.threshold <= 1:
            raise ValueError(f"the threshold is {self.threshold!r}; give a probability, from 0 to 1")


@dataclass(frozen=True)
class Summary:
    """What a run found and did, in rows.

    Attributes:
        seen: all.
        labeled: had a label.
        empty: had neither a label nor a text, and were left.
        left: this model had predicted them before.
        predicted: were predicted in this run.
        below: of those, below the threshold.
        labels: label columns to fill in, of rows predicted before too.
        written: took what was written; 0 in a dry run.
        missed: were deleted or given a label by somebody else in the meantime, and left.
        classes: how often each class was predicted in this run, not below the threshold.
        dry_run: whether nothing was to be written.
    """

    seen: int
    labeled: int
    empty: int
    left: int
    predicted: int
    below: int
    labels: int
    written: int
    missed: int
    classes: dict[str, int]
    dry_run: bool

    def __str__(self) -> str:
        parts = [f"{self.seen} rows: {self.labeled} have a label"]
        parts += [f"{self.empty} without a label have no text"] * (self.empty > 0)
        parts += [f"{self.left} were predicted by this model before"] * (self.left > 0)
        if not self.predicted and not self.labels:
            return f"Nothing to predict. {', '.join(parts)}."
        parts += [f"{self.predicted} predicted, {self.below} of them below the threshold"]
        parts += [f"{self.labels} labels {'to fill in' if self.dry_run else 'filled in'}"] * (self.labels > 0)
        parts += [f"{self.missed} changed by others in the meantime and left"] * (self.missed > 0)
        end = " A dry run: nothing was written." if self.dry_run else ""
        return f"{', '.join(parts)}.{end}"


def predict(
    table: Table, predictor: Predictor, policy: Policy | None = None, batch: int = BATCH, progress: bool = True
) -> Summary:
    """Predict the missing labels of a table and write them into columns of their own.

    Nothing is written before all is predicted; then it is written at once or, on an error or Ctrl-C, not at all.
    Memory holds one batch of rows.

    Args:
        table: from ``open_table``.
        predictor: a trained model.
        policy: what to do with predictions.
        batch: the most rows that the model gets at once.
        progress: show a bar.

    Raises:
        ValueError: a model that returns no probabilities, a batch of less than one row.
        TableError: a table that cannot be read or written, or whose columns for predictions hold something else.
    """
    policy = policy or Policy()
    check_predictor(predictor)
    if isinstance(batch, bool) or not isinstance(batch, int) or batch < 1:
        raise ValueError(f"batch is {batch!r}; give a whole number of at least 1")
    if not policy.dry_run:
        table.check_writable()
    tally = _Tally()
    with SideFile() as side, bar(table.count(), "row", progress) as shown:
        for records in table.batches(batch):
            side.add(_predictions(records, predictor, policy, tally))
            shown.update(len(records))
        writing = side.count > 0 and not policy.dry_run
        written = table.write(side, predictor.model_id, policy.write_label) if writing else 0
        return tally.summary(written, side.count - written if writing else 0, policy)


class _Tally:
    """What has been seen so far."""

    def __init__(self) -> None:
        self.kinds: Counter[str] = Counter()
        self.classes: Counter[str | None] = Counter()
        self.labels = 0

    def summary(self, written: int, missed: int, policy: Policy) -> Summary:
        kinds, classes = self.kinds, dict(self.classes)
        below = classes.pop(None, 0)
        return Summary(
            kinds.total(),
            *(kinds[kind] for kind in (LABELED, EMPTY, LEFT, FRESH)),
            below,
            self.labels,
            written,
            missed,
            classes,
            policy.dry_run,
        )


def _predictions(records: list[Record], predictor: Predictor, policy: Policy, tally: _Tally) -> list[Prediction]:
    """What is to be written for a batch, in its order."""
    kinds = [_kind(record, predictor.model_id, policy) for record in records]
    fresh = [record for record, kind in zip(records, kinds, strict=True) if kind == FRESH]
    new = iter(_answers(fresh, predictor, policy.threshold) if fresh else ())
    found = []
    for record, kind in zip(records, kinds, strict=True):
        tally.kinds[kind] += 1
        if kind == FRESH:
            found.append(next(new))
            tally.classes[found[-1].label] += 1
        elif kind == LEFT and policy.write_label and record.predicted is not None:
            found.append(Prediction(record.key, record.found, record.predicted, record.confidence))
    tally.labels += policy.write_label and sum(prediction.label is not None for prediction in found)
    return found


def _kind(record: Record, model: str, policy: Policy) -> str:
    if record.model is None and (record.predicted is not None or record.confidence is not None):
        raise TableError(
            f"row {record.key!r}: the columns for predictions hold something, but no model is named beside it; they "
            "are not ours: rename them"
        )
    if record.label is not None:
        return LABELED
    if not record.text:
        return EMPTY
    sure = record.confidence is not None and record.confidence >= policy.threshold
    same = record.model == model and record.confidence is not None and sure == (record.predicted is not None)
    return LEFT if same and not policy.again else FRESH


def _answers(records: list[Record], predictor: Predictor, threshold: float) -> Iterator[Prediction]:
    found = probabilities(predictor, [record.text for record in records])  # (B, C)
    for record, row in zip(records, found, strict=True):
        best = int(np.argmax(row))
        confidence = min(float(row[best]), 1.0)  # rounding may carry it above
        label = predictor.classes[best] if confidence >= threshold else None
        yield Prediction(record.key, record.found, label, confidence)
