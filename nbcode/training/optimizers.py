"""Gradient descent, momentum and Adam by hand: the rules of ``torch.optim.SGD`` and ``torch.optim.Adam``.

Left out: weight decay, Nesterov's momentum, sparse gradients, and everything that makes them fast.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch


class Optimizer:
    """What all rules share: the parameters, and a step that moves each of them by its ``change``.

    Args:
        parameters: tensors with ``requires_grad``, changed in place.
        lr: the learning rate.

    Raises:
        ValueError: no parameter, one that takes or gets no gradient, or a rate that is not positive and finite.
    """

    def __init__(self, parameters: Iterable[torch.Tensor], lr: float) -> None:
        self.parameters = list(parameters)
        if not self.parameters:
            raise ValueError("no parameters given; model.parameters() can be used up only once: call it again")
        if not all(parameter.requires_grad for parameter in self.parameters):
            raise ValueError("a parameter takes no gradient; set requires_grad=True on it, or leave it out")
        if not all(parameter.is_leaf for parameter in self.parameters):
            raise ValueError(
                "a parameter was computed from other tensors, so backward leaves no gradient in it; give those tensors "
                "instead (and a single tensor stands in a list too: [w])"
            )
        self.lr = positive("lr", lr)

    def zero_grad(self) -> None:
        """Forget the gradients of the last step."""
        for parameter in self.parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """Move every parameter that has a gradient."""
        for place, parameter in enumerate(self.parameters):
            if parameter.grad is not None:
                parameter -= self.change(place, parameter.grad)

    def change(self, place: int, gradient: torch.Tensor) -> torch.Tensor:
        """How far to move the parameter with this number against its gradient; of the parameter's shape."""
        raise NotImplementedError


class SGD(Optimizer):
    """Plain gradient descent: w <- w - lr g."""

    def change(self, place: int, gradient: torch.Tensor) -> torch.Tensor:
        return self.lr * gradient


class Momentum(Optimizer):
    """Gradient descent with a memory of its direction: v <- momentum v + g, then w <- w - lr v.

    Source: Polyak (1964), in the form of ``torch.optim.SGD(momentum=...)``, where the rate stands outside of v.

    Args:
        momentum: from 0 (none) to below 1.
    """

    def __init__(self, parameters: Iterable[torch.Tensor], lr: float, momentum: float = 0.9) -> None:
        super().__init__(parameters, lr)
        self.momentum = fraction("momentum", momentum)
        self.velocity: dict[int, torch.Tensor] = {}

    def change(self, place: int, gradient: torch.Tensor) -> torch.Tensor:
        self.velocity[place] = self.momentum * self.velocity.get(place, 0.0) + gradient
        return self.lr * self.velocity[place]


class Adam(Optimizer):
    """Steps whose length depends on how steady the gradient is, not on how large: Kingma and Ba (2015), algorithm 1.

    Args:
        betas: the memories of the gradient's mean and of its mean square, each from 0 to below 1.
        eps: keeps the division defined where all gradients so far were 0.
    """

    def __init__(
        self,
        parameters: Iterable[torch.Tensor],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
    ) -> None:
        super().__init__(parameters, lr)
        self.betas = fraction("betas[0]", betas[0]), fraction("betas[1]", betas[1])
        self.eps = positive("eps", eps)
        self.mean: dict[int, torch.Tensor] = {}
        self.square: dict[int, torch.Tensor] = {}
        self.steps: dict[int, int] = {}

    def change(self, place: int, gradient: torch.Tensor) -> torch.Tensor:
        b1, b2 = self.betas
        t = self.steps[place] = self.steps.get(place, 0) + 1
        self.mean[place] = b1 * self.mean.get(place, 0.0) + (1 - b1) * gradient
        self.square[place] = b2 * self.square.get(place, 0.0) + (1 - b2) * gradient**2
        # Both began at 0: after t steps they have only part of their size.
        mean = self.mean[place] / (1 - b1**t)
        square = self.square[place] / (1 - b2**t)
        return self.lr * mean / (square.sqrt() + self.eps)


def positive(name: str, value: float) -> float:
    """The value; a ``ValueError`` unless it is positive and finite."""
    if not (value > 0 and math.isfinite(value)):
        raise ValueError(f"{name} is {value}; give a positive, finite number (1e-3 is a common start)")
    return value


def fraction(name: str, value: float) -> float:
    """The value; a ``ValueError`` unless it lies from 0 to below 1."""
    if not 0 <= value < 1:
        raise ValueError(f"{name} is {value}; give a number from 0 to below 1 (0.9 remembers about ten steps)")
    return value
