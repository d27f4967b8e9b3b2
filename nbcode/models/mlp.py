"""A multilayer perceptron with the choices that decide whether a deep one can learn; it returns logits."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import nn

from nbcode.models.activations import activation
from nbcode.models.dropout import Dropout
from nbcode.models.initialization import INITIALIZATIONS, initialize
from nbcode.models.normalization import LayerNorm


@dataclass(frozen=True)
class MLPConfig:
    """The shape of a network and what its layers are made of.

    Attributes:
        inputs: D, numbers per example.
        outputs: C, logits per example.
        width: neurons in each hidden layer.
        depth: hidden layers, at least 1.
        activation: a key of ``ACTIVATIONS``.
        initialization: a key of ``INITIALIZATIONS``, for hidden layers; biases begin at 0.
        normalize: whether each layer but the first, and the output, normalizes what it reads.
        residual: whether each hidden layer but the first adds its result to what it read.
        dropout: share of each hidden layer's results that is dropped in training.

    Raises:
        ValueError: a size below 1, an unknown name.
    """

    inputs: int
    outputs: int
    width: int = 64
    depth: int = 2
    activation: str = "relu"
    initialization: str = "kaiming"
    normalize: bool = False
    residual: bool = False
    dropout: float = 0.0

    def __post_init__(self) -> None:
        sizes = {name: getattr(self, name) for name in ("inputs", "outputs", "width", "depth")}
        if min(sizes.values()) < 1:
            raise ValueError(f"sizes are {sizes}; each must be at least 1")
        activation(self.activation)
        if self.initialization not in INITIALIZATIONS:
            raise ValueError(
                f"unknown initialization {self.initialization!r}; choose one of {', '.join(INITIALIZATIONS)}"
            )


class Layer(nn.Module):
    """One hidden layer: (B, D) -> (B, width), normalized before and added to its input after, where that is chosen."""

    def __init__(self, inputs: int, config: MLPConfig) -> None:
        super().__init__()
        self.norm = LayerNorm(inputs) if config.normalize else nn.Identity()
        self.linear = nn.Linear(inputs, config.width)
        self.activate = activation(config.activation).function
        self.dropout = Dropout(config.dropout)
        self.residual = config.residual
        initialize(self.linear.weight, config.initialization, config.activation)
        nn.init.zeros_(self.linear.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.dropout(self.activate(self.linear(self.norm(x))))
        return x + y if self.residual else y


class MLP(nn.Module):
    """Hidden layers one after another, then a linear layer that gives the logits.

    Raises:
        ValueError: a share of dropout out of range; an input of another width.
    """

    def __init__(self, config: MLPConfig) -> None:
        super().__init__()
        self.config = config
        # The first layer changes the width, so nothing can be added to it; and two coordinates must not be normalized.
        first = Layer(config.inputs, replace(config, normalize=False, residual=False))
        self.layers = nn.ModuleList([first, *(Layer(config.width, config) for _ in range(config.depth - 1))])
        self.norm = LayerNorm(config.width) if config.normalize else nn.Identity()
        self.output = nn.Linear(config.width, config.outputs)
        initialize(self.output.weight, "xavier", config.activation)
        nn.init.zeros_(self.output.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, ...) -> (B, C). Everything after the first dimension is read as one row of D numbers."""
        x = x.flatten(1)  # (B, 1, H, W) -> (B, D)
        if x.shape[1] != self.config.inputs:
            raise ValueError(f"each example has {x.shape[1]} numbers; this network reads {self.config.inputs}")
        for layer in self.layers:
            x = layer(x)  # (B, width)
        return self.output(self.norm(x))
