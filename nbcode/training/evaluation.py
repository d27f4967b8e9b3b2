"""Measuring a model without changing it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator

import torch
from accelerate.utils import find_batch_size, send_to_device
from torch import nn


@contextlib.contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Evaluation mode (no dropout) without gradients; afterwards the mode of every layer is what it was."""
    were_training = {module: module.training for module in model.modules()}  # one may be frozen on its own
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module, was_training in were_training.items():
            module.training = was_training


def evaluate(model: nn.Module, batches: Iterable, measure: Callable[[nn.Module, tuple], torch.Tensor | float]) -> float:
    """The mean of a measure over all examples, not over batches: a smaller last batch counts for less.

    Args:
        model: on any device; batches are moved to it.
        batches: tuples, lists or dicts of tensors whose first dimension is the batch.
        measure: maps the model and a batch to a scalar, the batch's mean: a loss, an accuracy.

    Raises:
        ValueError: no example.
    """
    device = next((parameter.device for parameter in model.parameters()), torch.device("cpu"))
    total, count = 0.0, 0
    with evaluating(model):
        for batch in batches:
            examples = find_batch_size(batch)
            total += examples * float(measure(model, send_to_device(batch, device)))
            count += examples
    if count == 0:
        raise ValueError("there is no example to evaluate on")
    return total / count
