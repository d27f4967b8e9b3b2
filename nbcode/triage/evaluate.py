"""Score a stored model on the labeled rows of a table, those left out that it was trained on."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from nbcode.training.progress import bar
from nbcode.triage.columns import TableError, counted
from nbcode.triage.labeled_rows import labeled_rows
from nbcode.triage.predictor import Predictor, check_predictor, probabilities
from nbcode.triage.report import coverage_lines
from nbcode.triage.scores import Scores, scores
from nbcode.triage.seen import fingerprint
from nbcode.triage.table import BATCH, Table


@dataclass(frozen=True)
class Evaluation:
    """How good a model is on a table.

    Attributes:
        scores: of the rows that were measured.
        majority: the share of the most frequent label among them: what always saying it would get right.
        trained_on: labeled rows whose text was part of the model's training.
        everything: whether these were measured too.
        strange: labels that the model does not know -> their rows, which all count as wrong.
        left_out: rows without a text, or predicted before, that were left out, as the end of a sentence.
    """

    scores: Scores
    majority: float
    trained_on: int
    everything: bool
    strange: dict[str, int]
    left_out: str

    def __str__(self) -> str:
        found = self.scores
        lines = [f"{found.rows} labeled rows{self.left_out}."]
        if self.trained_on and self.everything:
            lines.append(
                f"{self.trained_on} of them were part of the model's training: the numbers are too good for new rows."
            )
        elif self.trained_on:
            lines.append(f"Not among them: {self.trained_on} that were part of the model's training.")
        if self.strange:
            lines.append(
                f"{sum(self.strange.values())} of them have labels that the model lacks, all wrong: "
                f"{counted(self.strange)}."
            )
        lines.append(
            f"accuracy {found.accuracy:.3f} (two standard errors: {found.margin:.3f}), macro F1 {found.macro_f1:.3f}, "
            f"calibration error {found.calibration_error:.3f}; always the most frequent label: {self.majority:.3f}"
        )
        return "\n".join([*lines, *coverage_lines(found.coverage)])


def evaluate(table: Table, predictor: Predictor, everything: bool = False, progress: bool = True) -> Evaluation:
    """Compare a model's predictions with the labels of a table, which is only read.

    Rows for which a model's prediction stands in the table are left out. Where it is the label, nobody can tell whether
    a person agreed or ``predict`` wrote it; the others alone would all count as wrong. A text that was changed since
    the training counts as new, even if by a word only.

    Args:
        table: from ``open_table``.
        predictor: a trained model. Its ``seen``, if it has one, are the fingerprints of the texts it was trained on.
        everything: measure on those too.
        progress: show bars.

    Raises:
        TableError: no labeled row, or none that the model was not trained on.
    """
    check_predictor(predictor)
    rows = labeled_rows(table, progress)
    seen = getattr(predictor, "seen", frozenset())
    fair = [place for place in range(len(rows)) if not rows.predicted[place]]
    known = {place for place in fair if seen and fingerprint(rows.texts[place]) in seen}
    places = [place for place in fair if everything or place not in known]
    before = len(rows) - len(fair)
    left_out = rows.left_out + (f", {before} left out for which a model predicted something else" if before else "")
    _check_some(table, fair, places, left_out)
    truth = [rows.labels[place] for place in places]
    guesses, confidence = _guesses(predictor, [rows.texts[place] for place in places], progress)
    counts = Counter(truth).most_common()
    return Evaluation(
        scores(truth, guesses, confidence),
        counts[0][1] / len(truth),
        len(known),
        everything,
        {label: count for label, count in counts if label not in predictor.classes},
        left_out,
    )


def _check_some(table: Table, fair: list[int], places: list[int], left_out: str) -> None:
    if not fair:
        raise TableError(f"no row of {table.where} is left to measure on{left_out}; label some that no model predicted")
    if not places:
        raise TableError(
            f"all {len(fair)} labeled rows were part of the model's training{left_out}; a score on them would say "
            "little. Its score on its test part stands in its folder; --all (everything=True) measures all the same"
        )


def _guesses(predictor: Predictor, texts: list[str], progress: bool) -> tuple[list[str], list[float]]:
    guesses, confidence = [], []
    with bar(len(texts), "row", progress) as shown:
        for start in range(0, len(texts), BATCH):
            found = probabilities(predictor, texts[start : start + BATCH])  # (B, C)
            guesses += [predictor.classes[number] for number in found.argmax(axis=1).tolist()]
            confidence += found.max(axis=1).clip(max=1).tolist()
            shown.update(len(found))
    return guesses, confidence
