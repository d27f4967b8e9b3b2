"""A network of tanh neurons on :class:`nbcode.autograd.Value`: one number at a time, for reading, not for speed."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from itertools import pairwise

from nbcode.autograd import Value


class ValueMLP:
    """Layers of neurons, each reading all outputs of the layer before; every neuron ends in tanh.

    ``layers[l][c]`` is neuron c of layer l: its weights as a list of D values, then its bias. Weights start at random,
    normal with standard deviation 1 / sqrt(D), so that the sums start at about the size of the inputs; biases at 0.

    Args:
        sizes: number of inputs, then of neurons in each layer, for example (2, 8, 1).
        seed: of the random generator.

    Raises:
        ValueError: fewer than two sizes, or one below 1.
    """

    def __init__(self, sizes: Sequence[int], seed: int = 0) -> None:
        if len(sizes) < 2 or min(sizes) < 1:
            raise ValueError(f"sizes are {tuple(sizes)}; give the inputs and at least one layer, each at least 1")
        rng = random.Random(seed)
        self.layers = [
            [([Value(rng.gauss(0, 1 / math.sqrt(d))) for _ in range(d)], Value(0.0)) for _ in range(c)]
            for d, c in pairwise(sizes)
        ]

    def __call__(self, x: Sequence[float | Value]) -> list[Value]:
        """The outputs of the last layer for one example of D numbers, each between -1 and 1.

        Raises:
            ValueError: ``x`` has not as many numbers as the network has inputs.
        """
        need = len(self.layers[0][0][0])
        if len(x) != need:
            raise ValueError(f"x has {len(x)} numbers; this network has {need} inputs")
        for layer in self.layers:
            x = [sum((w * value for w, value in zip(weights, x, strict=True)), bias).tanh() for weights, bias in layer]
        return list(x)

    def parameters(self) -> list[Value]:
        """All weights and biases, in a fixed order: layer by layer, neuron by neuron, the bias last."""
        return [value for layer in self.layers for weights, bias in layer for value in (*weights, bias)]
