"""The training loop in plain PyTorch: five steps, and nothing else. :mod:`nbcode.training.loop` is the one to use."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import nn

# Computes the loss of a model on a batch, a scalar.
LossOf = Callable[[nn.Module, tuple], torch.Tensor]


def train(
    model: nn.Module,
    batches: Iterable,
    loss_of: LossOf,
    optimizer: torch.optim.Optimizer,
    epochs: int,
) -> list[float]:
    """Go over the batches ``epochs`` times, one update each.

    Args:
        model: changed in place.
        batches: gives the same batches, or the same data in new batches, each time it is gone over.
        loss_of: maps the model and a batch to a scalar.
        optimizer: over the model's parameters.
        epochs: passes over the batches.

    Returns:
        The loss of each step, before its update.
    """
    losses = []
    for _ in range(epochs):
        for batch in batches:
            losses.append(step(model, batch, loss_of, optimizer))
    return losses


def step(
    model: nn.Module,
    batch: tuple,
    loss_of: LossOf,
    optimizer: torch.optim.Optimizer,
) -> float:
    """One update; returns the loss before it."""
    loss = loss_of(model, batch)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()
