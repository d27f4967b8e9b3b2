"""How large weights should be before training: constant, normal, Xavier and Kaiming, as in ``torch.nn.init``.

All change a weight (C, D) in place: C neurons that read D inputs each, the *fan-in*; each input is read by C neurons,
the *fan-out*. Left out: uniform draws of the same spread, and convolutions, whose fans count the filter's size too.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch

from nbcode.models.activations import activation

CONSTANT, SMALL = 0.05, 0.01  # what the names "constant" and "small normal" stand for


@torch.no_grad()
def constant_(weight: torch.Tensor, value: float) -> torch.Tensor:
    """Every weight the same. The neurons of a layer then compute the same, get the same gradient, and stay the same."""
    return weight.fill_(value)


@torch.no_grad()
def normal_(weight: torch.Tensor, std: float, generator: torch.Generator | None = None) -> torch.Tensor:
    """Normal with mean 0 and this standard deviation.

    Raises:
        ValueError: the standard deviation is negative or not finite.
    """
    if not 0 <= std < math.inf:
        raise ValueError(f"std is {std}; give 0 or a positive, finite number")
    draw = torch.randn(weight.shape, generator=generator, dtype=weight.dtype, device=weight.device)
    return weight.copy_(std * draw)


def xavier_normal_(weight: torch.Tensor, generator: torch.Generator | None = None) -> torch.Tensor:
    """Variance 2 / (fan-in + fan-out). Source: Glorot and Bengio (2010), equation 12; they draw uniformly instead."""
    fan_out, fan_in = fans(weight)
    return normal_(weight, math.sqrt(2 / (fan_in + fan_out)), generator)


def kaiming_normal_(
    weight: torch.Tensor, gain: float = math.sqrt(2), generator: torch.Generator | None = None
) -> torch.Tensor:
    """Variance gain² / fan-in; the default gain is that of ReLU. Source: He et al. (2015), equation 10."""
    return normal_(weight, gain / math.sqrt(fans(weight)[1]), generator)


def fans(weight: torch.Tensor) -> tuple[int, int]:
    """(C, D) of a weight: fan-out and fan-in.

    Raises:
        ValueError: another number of dimensions.
    """
    if weight.ndim != 2:
        raise ValueError(f"weight has shape {tuple(weight.shape)}; give (C, D): one row per neuron")
    return weight.shape[0], weight.shape[1]


def gain(name: str) -> float:
    """The factor on weights that keeps the mean square of a signal through an activation: 1 / sqrt(E f(z)²).

    z is standard normal, and the expectation a sum over a fine grid. For ReLU this is sqrt(2), the factor of He et al.
    (2015), and for ReLU and leaky ReLU ``torch.nn.init.calculate_gain``. For tanh PyTorch has 5/3, a little more.

    Args:
        name: a key of ``ACTIVATIONS``.
    """
    z = torch.linspace(-12, 12, 24_001, dtype=torch.float64)
    density = (-z.square() / 2).exp()
    squares = activation(name).function(z).square()
    mean_square = (squares * density).sum() / density.sum()
    return 1 / math.sqrt(mean_square.item())


# name -> fills a weight (C, D) for a layer that ends in the activation of the given name
INITIALIZATIONS: dict[str, Callable[[torch.Tensor, str], torch.Tensor]] = {
    "constant": lambda weight, after: constant_(weight, CONSTANT),
    "small normal": lambda weight, after: normal_(weight, SMALL),
    "xavier": lambda weight, after: xavier_normal_(weight),
    "kaiming": lambda weight, after: kaiming_normal_(weight, gain(after)),
}


def initialize(weight: torch.Tensor, name: str, after: str) -> torch.Tensor:
    """Fill a weight (C, D) in place, with PyTorch's global generator.

    Args:
        weight: changed in place, and returned.
        name: a key of ``INITIALIZATIONS``.
        after: the activation that the layer ends in, a key of ``ACTIVATIONS``; Kaiming's factor depends on it.

    Raises:
        ValueError: an unknown name.
    """
    if name not in INITIALIZATIONS:
        raise ValueError(f"unknown initialization {name!r}; choose one of {', '.join(INITIALIZATIONS)}")
    return INITIALIZATIONS[name](weight, after)
