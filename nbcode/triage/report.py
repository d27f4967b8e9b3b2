"""What ``fit`` found: as a text for a terminal, and as a table of values for a file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from nbcode.triage.columns import Columns
from nbcode.triage.labeled_rows import LabeledRows
from nbcode.triage.plan import Plan
from nbcode.triage.scores import Decided, Scores
from nbcode.triage.splits import Split
from nbcode.triage.table import Table

if TYPE_CHECKING:
    from nbcode.triage.fitting import Fitted


@dataclass(frozen=True)
class Report:
    """What was trained on what, and what came of it.

    Attributes:
        where: the table.
        columns: of it.
        rows: with a label and a text.
        left_out: of these, and why, as the end of a sentence.
        classes: label -> its number of rows, the most frequent first.
        split: the number of rows of the training, the validation and the test part.
        scores: of each method on the test part; the last is the model that was trained on the training part.
        epochs: passes over the rows, chosen on the validation part.
        losses: on the validation part, after 0, 1, 2, ... epochs.
        temperature: by which logits are divided, chosen on the validation part.
        checkpoint: its name.
        origin: where it came from, in a sentence.
        unknown: the share of words that it cannot spell.
        plan: how it was trained.
    """

    where: str
    columns: Columns
    rows: int
    left_out: str
    classes: dict[str, int]
    split: dict[str, int]
    scores: dict[str, Scores]
    epochs: int
    losses: tuple[float, ...]
    temperature: float
    checkpoint: str
    origin: str
    unknown: float
    plan: Plan

    @classmethod
    def of(cls, table: Table, rows: LabeledRows, split: Split, found: Fitted) -> Report:
        """The report of a run."""
        learned, start = found.learned, found.checkpoint
        return cls(
            table.where,
            table.columns,
            len(rows),
            rows.left_out,
            dict(Counter(rows.labels).most_common()),
            {name: len(getattr(split, name)) for name in ("train", "validation", "test")},
            found.scores,
            learned.epochs,
            learned.losses,
            learned.temperature,
            start.name,
            start.why,
            found.unknown,
            found.plan,
        )

    @property
    def own(self) -> Scores:
        """Of the fine-tuned model."""
        return list(self.scores.values())[-1]

    @property
    def stored(self) -> str:
        """Which model was stored, in a sentence."""
        if self.plan.keep_split:
            return f"Stored is the model of the {self.split['train']} training rows, the one that was scored."
        return f"Stored is a model trained in the same way on all {self.rows} rows; it was not scored itself."

    @property
    def cut(self) -> str:
        """How the rows were split, in words."""
        dropped = self.rows - sum(self.split.values())
        how = f"by {self.columns.time!r}, the newest for the test" if self.columns.time else "at random"
        parts = "{train} training, {validation} validation, {test} test".format(**self.split)
        lost = f", {dropped} in none, since they repeat an older row or lack a time" if dropped else ""
        return f"split {how}: {parts}{lost}"

    def as_dict(self) -> dict:
        """For JSON, all but where the checkpoint came from, which may name a private folder."""
        values = asdict(self)
        del values["origin"]
        return values

    def __str__(self) -> str:
        lines = [
            f"{self.rows} labeled rows of {len(self.classes)} classes{self.left_out}; {self.cut}.",
            *score_lines(self.scores),
            *coverage_lines(self.own.coverage),
            f"Epochs: {self.epochs}, chosen on the validation part. Calibration error: "
            f"{self.own.calibration_error:.3f}. {self.stored}",
        ]
        return "\n".join(lines)


def score_lines(found: Mapping[str, Scores]) -> list[str]:
    """A table of scores for a terminal."""
    wide = max(map(len, found))
    lines = [f"{'on the test part':{wide}}  accuracy  macro F1"]
    return lines + [f"{name:{wide}}  {each.accuracy:8.3f}  {each.macro_f1:8.3f}" for name, each in found.items()]


def coverage_lines(coverage: Sequence[Decided]) -> list[str]:
    """The table of thresholds for a terminal."""
    lines = ["threshold  decided  of them right"]
    for row in coverage:
        right = "-" if row.accuracy is None else f"{row.accuracy:.1%}"
        lines.append(f"{row.threshold:9.2f}  {row.share:7.1%}  {right:>13}")
    return lines
