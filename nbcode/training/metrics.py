"""How far a classifier can be trusted: calibration, and what it gets right of the cases in which it is sure enough.

Accuracy, confusion and F1 are scikit-learn's and are not repeated here.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Bin:
    """The cases whose confidence lies in one range.

    Attributes:
        low, high: the range, ``low < confidence <= high``.
        count: how many cases.
        confidence: their mean confidence.
        accuracy: the share of them that is right.
    """

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class Coverage:
    """What follows from each threshold; entry k is of the k + 1 surest cases.

    Attributes:
        threshold: (n,), the confidence of the least sure of them, descending.
        share: (n,), the share of all cases that they are.
        accuracy: (n,), the share of them that is right.
    """

    threshold: torch.Tensor
    share: torch.Tensor
    accuracy: torch.Tensor


def calibration(confidence: torch.Tensor, right: torch.Tensor, bins: int = 10) -> list[Bin]:
    """The cases by confidence: of a calibrated model, 80 % of those at 0.8 are right.

    Args:
        confidence: (n,), the probability of the class that was chosen, from 0 to 1.
        right: (n,), true where the choice was right.
        bins: ranges of equal width; those without a case are left out.

    Raises:
        ValueError: no case, shapes that do not fit, or no bin.

    Source: Guo et al. (2017), "On Calibration of Modern Neural Networks", section 2.
    """
    confidence, right = _checked(confidence, right)
    if bins < 1:
        raise ValueError(f"bins is {bins}; give at least 1")
    number = (confidence * bins).ceil().sub(1).clamp(0, bins - 1).long()  # (n,), the bin of each case
    found = []
    for each in number.unique().tolist():
        here = number == each
        means = confidence[here].mean().item(), right[here].mean().item()
        found.append(Bin(each / bins, (each + 1) / bins, int(here.sum()), *means))
    return found


def calibration_error(bins: list[Bin]) -> float:
    """The mean distance of confidence and accuracy, each bin by its cases (Guo et al. 2017, equation 3)."""
    return sum(each.count * abs(each.accuracy - each.confidence) for each in bins) / sum(each.count for each in bins)


def coverage(confidence: torch.Tensor, right: torch.Tensor) -> Coverage:
    """The surest cases first: how many there are above each threshold, and how many of them are right.

    Cases of the same confidence cannot be told apart by a threshold; all of them have the numbers of the last one.

    Args:
        confidence: (n,), the probability of the class that was chosen, from 0 to 1.
        right: (n,), true where the choice was right.

    Raises:
        ValueError: no case, or shapes that do not fit.
    """
    confidence, right = _checked(confidence, right)
    threshold, order = confidence.sort(descending=True, stable=True)  # (n,)
    count = torch.searchsorted(-threshold, -threshold, right=True)  # (n,), cases that are at least as sure
    accuracy = right[order].cumsum(dim=0)[count - 1] / count
    return Coverage(threshold, count / len(threshold), accuracy)


def threshold_for(covered: Coverage, accuracy: float) -> float:
    """The lowest threshold above which at least this share is right; above 1, which no case reaches, if there is none.

    Choose it on the validation part and report it on the test: on the part that it was chosen on it looks better.
    """
    enough = covered.threshold[covered.accuracy >= accuracy]
    return enough.min().item() if len(enough) else 1.01


def _checked(confidence: torch.Tensor, right: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Both in float64: right as 1.0 or 0.0."""
    if confidence.ndim != 1 or right.shape != confidence.shape or not len(right):
        raise ValueError(
            f"confidence has shape {tuple(confidence.shape)} and right {tuple(right.shape)}; give (n,) twice, "
            "n at least 1"
        )
    if not ((confidence >= 0) & (confidence <= 1)).all():
        raise ValueError(f"confidence goes from {confidence.min()} to {confidence.max()}; give probabilities")
    return confidence.double(), right.double()
