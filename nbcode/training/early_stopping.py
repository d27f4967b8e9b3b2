"""Stop when validation no longer gets better, and keep the weights from when it was best."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable

from torch import nn

from nbcode.training.history import Record
from nbcode.training.loop import StopTraining


class EarlyStopping:
    """A hook for one ``fit``: measures from time to time, and ends the run when that has not improved for a while.

    A run may also end otherwise, by its plan or by Ctrl-C, so ``restore`` is a call of its own::

        stop = EarlyStopping(model, validation_loss, every=20, patience=5)
        fit(model, ..., on_step=stop)
        stop.restore()

    Attributes:
        measured: step -> what was measured there.
        best_step: the step of the lowest value, 0 before the first.

    Args:
        model: the one that is trained.
        measure: returns a number, the lower the better; a NaN counts as no improvement.
        every: steps between two measurements.
        patience: after so many measurements in a row without improvement the run ends.

    Raises:
        ValueError: ``every`` or ``patience`` below 1.
    """

    def __init__(self, model: nn.Module, measure: Callable[[], float], every: int, patience: int) -> None:
        if every < 1 or patience < 1:
            raise ValueError(f"every={every}, patience={patience}; both must be at least 1")
        self.model, self.measure = model, measure
        self.every, self.patience = every, patience
        self.measured: dict[int, float] = {}
        self.best_step, self._best, self._weights = 0, math.inf, None

    def __call__(self, record: Record) -> None:
        if record.step % self.every:
            return
        value = self.measured[record.step] = float(self.measure())
        if value < self._best:
            self.best_step, self._best = record.step, value
            self._weights = copy.deepcopy(self.model.state_dict())  # state_dict alone points into the living weights
        elif record.step - self.best_step >= self.every * self.patience:
            raise StopTraining(f"no better than at step {self.best_step} for {self.patience} measurements")

    def restore(self) -> None:
        """Give the model the weights from when it was best.

        Raises:
            ValueError: nothing was measured, or nothing but NaN.
        """
        if self._weights is None:
            raise ValueError(f"no measurement yet; the first one is due after step {self.every}")
        self.model.load_state_dict(self._weights)
