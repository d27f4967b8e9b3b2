"""Activation functions and their derivatives by hand, on tensors of any shape: the step of a layer that is not linear.

Each works entry by entry, and its gradient by PyTorch's autograd equals the derivative written here. Left out:
functions with parameters that are learned.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch

from nbcode.autograd import LEAK


def sigmoid(x: torch.Tensor) -> torch.Tensor:
    """1 / (1 + exp(-x)), between 0 and 1, written as a tanh: its exponential would overflow for large negative x."""
    return (1 + (x / 2).tanh()) / 2


def sigmoid_slope(x: torch.Tensor) -> torch.Tensor:
    """s (1 - s), at most 1/4."""
    s = sigmoid(x)
    return s * (1 - s)


def tanh(x: torch.Tensor) -> torch.Tensor:
    """The hyperbolic tangent, between -1 and 1."""
    return x.tanh()


def tanh_slope(x: torch.Tensor) -> torch.Tensor:
    """1 - tanh², at most 1."""
    return 1 - x.tanh().square()


def relu(x: torch.Tensor) -> torch.Tensor:
    """x where it is positive, else 0."""
    return torch.where(x <= 0, 0.0, x)  # in this order a NaN stays one and is not hidden as 0


def relu_slope(x: torch.Tensor) -> torch.Tensor:
    """1 or 0; 0 at exactly 0, as in PyTorch."""
    return (x > 0).to(x.dtype)


def leaky_relu(x: torch.Tensor) -> torch.Tensor:
    """x where it is positive, else ``LEAK`` x. Source: Maas, Hannun and Ng (2013), section 2."""
    return torch.where(x <= 0, LEAK * x, x)


def leaky_relu_slope(x: torch.Tensor) -> torch.Tensor:
    """1 or ``LEAK``."""
    return torch.where(x <= 0, LEAK, torch.ones_like(x))  # two plain numbers would make a float32


def elu(x: torch.Tensor) -> torch.Tensor:
    """x where it is positive, else exp(x) - 1. Source: Clevert, Unterthiner and Hochreiter (2016), with alpha = 1."""
    # Both branches are computed everywhere: without the clamp, an infinite one would make the gradient NaN.
    return torch.where(x <= 0, x.clamp(max=0).expm1(), x)


def elu_slope(x: torch.Tensor) -> torch.Tensor:
    """1 where x is positive, else exp(x): no corner at 0."""
    return x.clamp(max=0).exp()


def gelu(x: torch.Tensor) -> torch.Tensor:
    """x times the share of the standard normal distribution below x. Source: Hendrycks and Gimpel (2016), section 2."""
    return x * _normal_share(x)


def gelu_slope(x: torch.Tensor) -> torch.Tensor:
    """The share below x, plus x times the normal density: negative left of about -0.75, and above 1 on the right."""
    return _normal_share(x) + x * (-x.square() / 2).exp() / math.sqrt(2 * math.pi)


def _normal_share(x: torch.Tensor) -> torch.Tensor:
    return torch.erfc(-x / math.sqrt(2)) / 2  # erfc and not 1 + erf, which has no digits left far below 0


@dataclass(frozen=True)
class Activation:
    """A function and its derivative, both on tensors of any shape."""

    function: Callable[[torch.Tensor], torch.Tensor]
    slope: Callable[[torch.Tensor], torch.Tensor]


ACTIVATIONS = {
    "sigmoid": Activation(sigmoid, sigmoid_slope),
    "tanh": Activation(tanh, tanh_slope),
    "relu": Activation(relu, relu_slope),
    "leaky_relu": Activation(leaky_relu, leaky_relu_slope),
    "elu": Activation(elu, elu_slope),
    "gelu": Activation(gelu, gelu_slope),
}


def activation(name: str) -> Activation:
    """One of ``ACTIVATIONS``.

    Raises:
        ValueError: an unknown name.
    """
    if name not in ACTIVATIONS:
        raise ValueError(f"unknown activation {name!r}; choose one of {', '.join(ACTIVATIONS)}")
    return ACTIVATIONS[name]
