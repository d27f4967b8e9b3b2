"""The perceptron rule: the oldest way in which a neuron learns from its mistakes.

Left out: the averaged and the voted perceptron, which do better on data that no line separates.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from nbcode.models.neuron import Neurons, require_finite


@dataclass(frozen=True)
class PerceptronRun:
    """A finished run.

    Attributes:
        neuron: as the last update left it.
        mistakes: number of mistakes, that is of updates, in each epoch.
        converged: whether the last epoch had none.
    """

    neuron: Neurons
    mistakes: list[int]
    converged: bool


def correct(neuron: Neurons, x: torch.Tensor, y: torch.Tensor) -> bool:
    """Show one example to the neuron and, if its answer is wrong, move it once.

    The rule is w <- w + (y - a) x and b <- b + (y - a), where a is the neuron's answer, 0 or 1.
    Source: Rosenblatt (1962), the error-correction procedure, in the form with labels 0 and 1.

    Args:
        neuron: a single neuron, changed in place.
        x: (D,).
        y: scalar, 0 or 1.

    Returns:
        Whether the answer was wrong.

    Raises:
        ValueError: more than one neuron; each would need a label of its own.
    """
    _require_one(neuron)
    with torch.no_grad():
        error = y - neuron.fire(x)  # (1,): 0, or +1 silent, or -1 fired by mistake
        neuron.weight += error * x  # (1,) * (D,) -> (D,), added to the one row
        neuron.bias += error
    return bool(error != 0)


def learn(
    x: torch.Tensor,
    y: torch.Tensor,
    epochs: int = 100,
    on_step: Callable[[dict], None] | None = None,
) -> PerceptronRun:
    """Run the perceptron rule over the data, in order, from a neuron of zeros, until an epoch has no mistake.

    Args:
        x: inputs (B, D).
        y: labels (B,), each 0 or 1.
        epochs: how many passes over the data at most.
        on_step: called after each epoch with ``epoch`` (from 1), ``mistakes``, ``weight`` and ``bias`` (lists).

    Raises:
        ValueError: data that is empty, not finite, of the wrong shape, or with labels other than 0 and 1.
    """
    check_labeled_points(x, y)
    if not isinstance(epochs, int) or epochs < 1:
        raise ValueError(f"epochs is {epochs}; give at least 1, a whole number")
    neuron, y = Neurons(x.shape[1]).to(x.dtype), y.to(x.dtype)
    mistakes: list[int] = []
    for epoch in range(1, epochs + 1):
        mistakes.append(sum(correct(neuron, *example) for example in zip(x, y, strict=True)))
        if on_step is not None:
            weight, bias = neuron.weight[0].tolist(), neuron.bias.item()
            on_step({"epoch": epoch, "mistakes": mistakes[-1], "weight": weight, "bias": bias})
        if mistakes[-1] == 0:
            break
    return PerceptronRun(neuron, mistakes, converged=mistakes[-1] == 0)


def mistake_bound(x: torch.Tensor, y: torch.Tensor, line: torch.Tensor) -> float:
    """The most mistakes that the rule can ever make on this data, given any line that separates it: (R / gamma)^2.

    The bias counts as the weight of one more input that is always 1: R is the length of the longest input so
    extended, gamma the smallest distance of such an input from the separating plane through the origin.
    Source: Novikoff (1962), theorem 1; it holds for every order of the examples.

    Args:
        x: inputs (B, D).
        y: labels (B,), each 0 or 1.
        line: (D + 1,): the weights and then the bias of a neuron that makes no mistake.

    Raises:
        ValueError: bad data, or a line that does not separate it.
    """
    check_labeled_points(x, y)
    if line.shape != (x.shape[1] + 1,):
        raise ValueError(f"line has shape {tuple(line.shape)}; give ({x.shape[1] + 1},): the weights, then the bias")
    y, line = y.to(x.dtype), line.to(x.dtype)
    extended = torch.cat([x, torch.ones(len(x), 1).to(x)], dim=1)  # (B, D) -> (B, D + 1)
    gamma = ((2 * y - 1) * (extended @ line)).min() / line.norm()  # labels to -1 and +1
    if not gamma > 0:
        raise ValueError("the line does not separate the labels, so no bound follows from it")
    return float((extended.norm(dim=1).max() / gamma) ** 2)


def _require_one(neuron: Neurons) -> None:
    if neuron.bias.shape != (1,):
        raise ValueError(f"{len(neuron.bias)} neurons given; the rule corrects one, with one label per example")


def check_labeled_points(x: torch.Tensor, y: torch.Tensor) -> None:
    """Raise a ``ValueError`` unless ``x`` is (B, D) of floats, ``y`` (B,) of zeros and ones, and all is finite."""
    if x.ndim != 2 or x.numel() == 0:
        raise ValueError(f"x has shape {tuple(x.shape)}; give (B, D) with at least one example and one input")
    if not x.is_floating_point():
        raise ValueError(f"x has dtype {x.dtype}; give floating-point numbers, for example x.float()")
    if y.shape != x.shape[:1]:
        raise ValueError(f"y has shape {tuple(y.shape)}; give ({len(x)},): one label per row of x")
    require_finite("x", x)
    if not ((y == 0) | (y == 1)).all():
        raise ValueError(f"labels must be 0 or 1; y has {sorted(set(y.tolist()))}")
