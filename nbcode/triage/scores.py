"""How good predictions are, with the table from which a threshold is chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

THRESHOLDS = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)


@dataclass(frozen=True)
class Decided:
    """What happens at one threshold.

    Attributes:
        threshold: the least confidence for which a class is written.
        rows: how many rows get one; a person decides about the others.
        share: the share of all rows that they are.
        accuracy: the share of them that is right; ``None`` without rows.
    """

    threshold: float
    rows: int
    share: float
    accuracy: float | None


@dataclass(frozen=True)
class Scores:
    """How good predictions of n rows are.

    Attributes:
        rows: n.
        accuracy: the share that is right.
        macro_f1: the mean of the classes' F1; each class of the labels counts alike, however rare.
        calibration_error: the mean distance of confidence and accuracy; ``None`` where there is no confidence.
        coverage: what happens at each threshold; empty where there is no confidence.
    """

    rows: int
    accuracy: float
    macro_f1: float
    calibration_error: float | None = None
    coverage: tuple[Decided, ...] = ()

    @property
    def margin(self) -> float:
        """Two standard errors of the accuracy: another sample of as many rows may miss it by as much.

        As if two more rows were right and two more wrong, so that ten of ten are not certain: Agresti and Coull (1998).
        """
        rows = self.rows + 4
        share = (self.accuracy * self.rows + 2) / rows
        return 2 * (share * (1 - share) / rows) ** 0.5


def scores(truth: Sequence[str], guesses: Sequence[str], confidence: Sequence[float] | None = None) -> Scores:
    """Compare guesses with labels.

    Args:
        truth: n labels.
        guesses: n labels; a label that the model does not know is never guessed and counts as wrong.
        confidence: n probabilities of the guesses, or ``None``.

    Raises:
        ValueError: no row.
    """
    from sklearn.metrics import f1_score

    if not truth:
        raise ValueError("there is no row to score on; give at least one")
    right = np.array([one == other for one, other in zip(truth, guesses, strict=True)])  # (n,)
    f1 = f1_score(list(truth), list(guesses), labels=sorted(set(truth)), average="macro", zero_division=0)
    found = Scores(len(right), float(right.mean()), float(f1))
    if confidence is None:
        return found
    return Scores(found.rows, found.accuracy, found.macro_f1, *_trust(np.asarray(confidence, dtype=float), right))


def _trust(confidence: np.ndarray, right: np.ndarray) -> tuple[float, tuple[Decided, ...]]:
    import torch

    from nbcode.training.metrics import calibration, calibration_error

    error = calibration_error(calibration(torch.as_tensor(confidence), torch.as_tensor(right)))
    table = []
    for threshold in THRESHOLDS:
        kept = right[confidence >= threshold]
        table.append(Decided(threshold, len(kept), len(kept) / len(right), float(kept.mean()) if len(kept) else None))
    return error, tuple(table)
