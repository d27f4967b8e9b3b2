"""Temperature: one number that takes back a classifier's confidence without changing what it chooses.

A network that is trained until it knows its examples by heart is too sure of everything. Dividing its logits by a
number T > 1, chosen on examples that it was not trained on, mends most of that.

Source: Guo et al. (2017), "On Calibration of Modern Neural Networks", section 4.2.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

LOW, HIGH, STEPS = 0.5, 16.0, 97  # a grid, each 1.04 times the one before; few examples must not sharpen much


def temperature(logits: torch.Tensor, labels: torch.Tensor) -> tuple[float, float]:
    """The temperature under which some labels are least surprising.

    Args:
        logits: (n, C), finite; logarithms of probabilities will do. With a NaN among them, the cross-entropy is NaN.
        labels: (n,), class numbers below C.

    Returns:
        T, from a grid, and the mean cross-entropy under it.

    Raises:
        ValueError: no example, shapes that do not fit, or a label that is no class number.
    """
    if logits.ndim != 2 or labels.shape != logits.shape[:1] or not len(labels):
        raise ValueError(
            f"logits {tuple(logits.shape)}, labels {tuple(labels.shape)}; give (n, C) and (n,), n at least 1"
        )
    if not 0 <= int(labels.min()) <= int(labels.max()) < logits.shape[1]:
        raise ValueError(
            f"the labels go from {labels.min()} to {labels.max()}; give numbers from 0 to {logits.shape[1] - 1}"
        )
    grid = torch.logspace(0, 1, STEPS, base=HIGH / LOW, dtype=torch.float64) * LOW  # (S,)
    losses = torch.stack([functional.cross_entropy(logits.double() / each, labels) for each in grid])  # (S,)
    best = int(losses.argmin())
    return grid[best].item(), losses[best].item()


def soften(head: nn.Linear, temperature: float) -> None:
    """Divide the logits of a linear layer by a temperature, for good.

    Raises:
        ValueError: it is not positive.
    """
    if not temperature > 0:
        raise ValueError(f"the temperature is {temperature}; give a positive number")
    with torch.no_grad():
        head.weight /= temperature
        head.bias /= temperature
