"""What the tool asks of a model."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from nbcode.triage.table import blank

OFF = 1e-3  # by which probabilities may miss a sum of 1: half precision


class Predictor(Protocol):
    """A trained model.

    Attributes:
        classes: the C labels.
        model_id: tells this model from all others; it is written beside each prediction.
    """

    classes: list[str]
    model_id: str

    def predict(self, texts: list[str]) -> np.ndarray:
        """Probabilities of the classes, (B, C). The texts are as they stand in the table, of any length."""


def check_predictor(predictor: Predictor) -> None:
    """Refuse a model whose predictions could not be told apart once they are written."""
    classes = list(predictor.classes)
    if not classes or any(not isinstance(name, str) or blank(name) for name in classes):
        raise ValueError(f"the model's classes are {classes!r}; they must be texts, none of them blank")
    if len(set(classes)) < len(classes):
        raise ValueError(f"the model's classes are {classes!r}; one stands there twice")
    if not isinstance(predictor.model_id, str) or blank(predictor.model_id):
        raise ValueError(f"the model's name is {predictor.model_id!r}; it must be a text that is not blank")


def probabilities(predictor: Predictor, texts: list[str]) -> np.ndarray:
    """What the model says of some texts, checked.

    Returns:
        (B, C), as float64: what is written is compared with a threshold again in the next run.
    """
    found = np.asarray(predictor.predict(texts), dtype=np.float64)
    shape = (len(texts), len(predictor.classes))
    if found.shape != shape:
        raise ValueError(f"the model returned the shape {found.shape}; probabilities of shape {shape} are needed")
    if not (np.isfinite(found).all() and (found >= 0).all() and (abs(found.sum(axis=1) - 1) < OFF).all()):
        raise ValueError("the model returned values that are no probabilities: some are negative, NaN, or sum not to 1")
    return found
