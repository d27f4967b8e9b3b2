"""Neurons that read the same inputs: a weighted sum and a bias each, then a threshold.

Left out: smooth activations, which gradients need; the threshold's slope is zero everywhere but at the jump.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import nn


def step(z: torch.Tensor) -> torch.Tensor:
    """The threshold: 1 where ``z`` is above 0, else 0, in the dtype of ``z``. At exactly 0 a neuron is silent.

    Source: McCulloch and Pitts (1943); the strict inequality is this course's convention.
    """
    return (z > 0).to(z.dtype)


class Neurons(nn.Module):
    """``n_neurons`` neurons over ``n_inputs`` inputs; the values of ``nn.Linear`` with the same parameters.

    ``weight`` has shape (C, D), one row per neuron, and ``bias`` has shape (C,): PyTorch's layout.
    Both start at zero, where the perceptron rule starts.

    Raises:
        ValueError: a size below 1.
    """

    def __init__(self, n_inputs: int, n_neurons: int = 1) -> None:
        super().__init__()
        if n_inputs < 1 or n_neurons < 1:
            raise ValueError(f"n_inputs={n_inputs}, n_neurons={n_neurons}; both must be at least 1")
        self.weight = nn.Parameter(torch.zeros(n_neurons, n_inputs))
        self.bias = nn.Parameter(torch.zeros(n_neurons))

    @classmethod
    def of(cls, weight, bias) -> Neurons:
        """Neurons with given parameters.

        Args:
            weight: (C, D), one row per neuron; nested lists or a tensor.
            bias: (C,).

        Raises:
            ValueError: shapes that do not fit together, or values that are not finite.
        """
        dtype = torch.get_default_dtype()
        try:
            weight, bias = torch.as_tensor(weight).to(dtype), torch.as_tensor(bias).to(dtype)
        except (TypeError, RuntimeError) as error:
            raise ValueError(f"weight and bias must be numbers in nested lists or tensors ({error})") from error
        if weight.ndim != 2 or bias.shape != weight.shape[:1]:
            raise ValueError(
                f"weight has shape {tuple(weight.shape)} and bias {tuple(bias.shape)}; "
                "give (C, D) and (C,): one row and one bias per neuron"
            )
        require_finite("weight", weight)
        require_finite("bias", bias)
        neurons = cls(weight.shape[1], weight.shape[0])
        neurons.weight = nn.Parameter(weight.detach().clone())
        neurons.bias = nn.Parameter(bias.detach().clone())
        return neurons

    @classmethod
    def from_torch(cls, linear: nn.Linear) -> Neurons:
        """Take over the weights of an ``nn.Linear``; a missing bias becomes zeros."""
        neurons = cls(linear.in_features, linear.out_features)
        neurons.weight = nn.Parameter(linear.weight.detach().clone())
        bias = torch.zeros(linear.out_features).to(linear.weight) if linear.bias is None else linear.bias
        neurons.bias = nn.Parameter(bias.detach().clone())
        return neurons

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The weighted sums, before the threshold.

        Args:
            x: (..., D).

        Returns:
            (..., C).

        Raises:
            ValueError: the last dimension of ``x`` is not D.
        """
        if x.shape[-1:] != self.weight.shape[1:]:
            need = self.weight.shape[1]
            raise ValueError(f"x has shape {tuple(x.shape)}; give (..., {need})")
        return x @ self.weight.T + self.bias  # (..., D) @ (D, C) + (C,) -> (..., C)

    def fire(self, x: torch.Tensor) -> torch.Tensor:
        """The outputs after the threshold, 0 or 1: (..., D) -> (..., C)."""
        return step(self(x))


class ThresholdNetwork(nn.Module):
    """Layers of threshold neurons, each reading the outputs of the one before.

    Raises:
        ValueError: no layer, or a layer whose inputs are not as many as the neurons before it.
    """

    def __init__(self, *layers: Neurons) -> None:
        super().__init__()
        if not layers:
            raise ValueError("no layer given; give at least one Neurons")
        for before, after in pairwise(layers):
            if after.weight.shape[1] != before.weight.shape[0]:
                raise ValueError(
                    f"a layer of {before.weight.shape[0]} neurons is followed by one with "
                    f"{after.weight.shape[1]} inputs; they must be equal"
                )
        self.layers = nn.ModuleList(layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(..., D) -> (..., C), zeros and ones."""
        for layer in self.layers:
            x = layer.fire(x)
        return x


def xor_network() -> ThresholdNetwork:
    """Exclusive or from three neurons: OR and NAND read the inputs, AND reads those two."""
    hidden = Neurons.of([[1.0, 1.0], [-1.0, -1.0]], [-0.5, 1.5])  # OR, NAND
    return ThresholdNetwork(hidden, Neurons.of([[1.0, 1.0]], [-1.5]))


def require_finite(name: str, tensor: torch.Tensor) -> None:
    """Raise a ``ValueError`` that counts the entries of ``tensor`` that are NaN or infinite, if there are any."""
    bad = int((~torch.isfinite(tensor)).sum())
    if bad:
        raise ValueError(f"{name} has {bad} value(s) that are not finite (NaN or infinity); remove or replace them")
