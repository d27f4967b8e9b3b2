"""The signal and the gradient in a deep network before training."""

from __future__ import annotations

from nbcode.widgets.base import Choice, InteractiveFigure, Switch, Whole, bundle, styles

ACTIVATIONS = ("none", "sigmoid", "tanh", "relu", "leaky_relu", "elu", "gelu")  # by the names of static/activations.js
INITIALIZATIONS = ("constant", "small normal", "xavier", "kaiming")
DEEPEST = 30
SEEDS = 10_000


class Signal(InteractiveFigure):
    """The size of the signal and of the gradient in each layer of a multilayer perceptron, computed in the page.

    It has 32 units a layer and 64 random examples; static/signal_arithmetic.js defines the network, whose numbers are
    those of ``nbcode.data.noise``.

    Traits: ``activation``; ``initialization``; ``depth``, the number of layers; ``residual`` and ``normalization``,
    two cures; ``seed``, of the random numbers; ``layer``, the chosen one, or the last where there are fewer.
    """

    tag = "signal"
    _esm = bundle("signal.js")
    _css = styles("base.css", "plane.css", "signal.css")
    activation = Choice(list(ACTIVATIONS), default_value="sigmoid").tag(sync=True)
    initialization = Choice(list(INITIALIZATIONS), default_value="xavier").tag(sync=True)
    depth = Whole(8, min=1, max=DEEPEST).tag(sync=True)
    residual = Switch(False).tag(sync=True)
    normalization = Switch(False).tag(sync=True)
    seed = Whole(0, min=0, max=SEEDS - 1).tag(sync=True)
    layer = Whole(1, min=1, max=DEEPEST).tag(sync=True)
