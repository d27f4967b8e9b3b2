"""The rows of a table that have a label and a text: what a model learns from, and what it is measured on."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from nbcode.training.progress import bar
from nbcode.triage.columns import TableError, counted, quoted
from nbcode.triage.table import Table

LEAST = 5  # rows of a class; three for the training, and one for each other part


@dataclass
class LabeledRows:
    """N rows, in the order of the table.

    Attributes:
        texts: N, none empty.
        labels: N, without blanks at the ends.
        times: N, each a number or ``None``.
        predicted: N, whether a model predicted another label here, or was not sure enough.
        by_model: rows that were left out, since this tool's prediction stands in the label column.
        empty: rows that were left out, since they have a label and no text.
        unlabeled: rows without a label.
    """

    texts: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    times: list[float | None] = field(default_factory=list)
    predicted: list[bool] = field(default_factory=list)
    by_model: int = 0
    empty: int = 0
    unlabeled: int = 0

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def left_out(self) -> str:
        """What was left out and why, as the end of a sentence; may be empty."""
        parts = [f"{self.by_model} left out whose label this tool predicted"] * (self.by_model > 0)
        parts += [f"{self.empty} left out without a text"] * (self.empty > 0)
        return "".join(f", {part}" for part in parts)


def labeled_rows(table: Table, progress: bool = True) -> LabeledRows:
    """Read them all; memory holds their texts.

    Raises:
        TableError: there is none, or the table cannot be read.
    """
    rows = LabeledRows()
    with bar(table.count(), "row", progress) as shown:
        for records in table.batches():
            for record in records:
                if record.label is None:
                    rows.unlabeled += 1
                elif record.labeled_by_model:
                    rows.by_model += 1
                elif not record.text:
                    rows.empty += 1
                else:
                    rows.texts.append(record.text)
                    rows.labels.append(record.label.strip())
                    rows.times.append(record.time)
                    rows.predicted.append(record.model is not None)
            shown.update(len(records))
    if not len(rows):
        raise TableError(
            f"no row of {table.where} has a label in {table.columns.label!r} and a text{rows.left_out}; a person must "
            "label some first"
        )
    return rows


def check_classes(rows: LabeledRows) -> None:
    """Refuse labels that nothing can be learned from.

    Raises:
        TableError: one class, or classes with too few rows; they are named.
    """
    counts = Counter(rows.labels)
    if len(counts) == 1:
        raise TableError(
            f"all {len(rows)} labeled rows have the label {quoted(rows.labels[0])}; a model needs at least two to tell "
            "apart"
        )
    few = {label: count for label, count in sorted(counts.items()) if count < LEAST}
    if few:
        raise TableError(
            f"too few rows of {counted(few)}; every label needs at least {LEAST}: label more rows, or "
            "give these another label"
        )
