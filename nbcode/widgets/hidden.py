"""Two hidden neurons and what they make of the plane."""

from __future__ import annotations

import traitlets

from nbcode.data.gates import GATES
from nbcode.widgets.base import BadTrait, Choice, InteractiveFigure, bundle, is_number, styles
from nbcode.widgets.neuron import points_of_gate

LIMIT = 10.0


class Parameters(traitlets.List):
    """The parameters of one neuron with two inputs: [w1, w2, b]."""

    def validate(self, obj, value):
        """The three numbers as floats, or a ``BadTrait``."""
        right = isinstance(value, (list, tuple)) and len(value) == 3
        if not right or not all(is_number(v) and abs(v) <= LIMIT for v in value):
            raise BadTrait(f"{self.name} is {value!r}; give [w1, w2, b], finite numbers from -{LIMIT:g} to {LIMIT:g}")
        return [float(v) for v in value]


class Hidden(InteractiveFigure):
    """Left the inputs with the lines of two hidden neurons, right the plane of their outputs with the output neuron.

    Traits: ``first``, ``second``, ``output``, each [w1, w2, b]; ``gate``, the labels of the four corners.
    """

    tag = "hidden"
    _esm = bundle("hidden.js")
    _css = styles("base.css", "plane.css")
    first = Parameters([1.0, 0.2, -0.6]).tag(sync=True)
    second = Parameters([0.2, 1.0, -0.6]).tag(sync=True)
    output = Parameters([1.0, 1.0, -0.5]).tag(sync=True)
    gate = Choice(list(GATES), default_value="xor").tag(sync=True)
    gates = traitlets.Dict({name: points_of_gate(name) for name in GATES}, read_only=True).tag(sync=True)
