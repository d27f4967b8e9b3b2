"""A ball that rolls down a loss surface."""

from __future__ import annotations

import traitlets

from nbcode.data.surfaces import SURFACES
from nbcode.widgets.base import BadTrait, Choice, InteractiveFigure, Number, Whole, bundle, is_number, styles

REACH = 3.0  # of both weights: the square that the figure shows
MOST_STEPS = 1000
RULES = ("sgd", "momentum", "adam")  # by the names of static/optimizers.js


class Place(traitlets.List):
    """A place in the shown square: [u, v]."""

    def validate(self, obj, value):
        """The two numbers as floats, or a ``BadTrait``."""
        right = isinstance(value, (list, tuple)) and len(value) == 2
        if not right or not all(is_number(v) and abs(v) <= REACH for v in value):
            raise BadTrait(f"{self.name} is {value!r}; give [u, v], finite numbers from -{REACH:g} to {REACH:g}")
        return [float(v) for v in value]


class Descent(InteractiveFigure):
    """A loss over two weights as contour lines, and the path of a ball by one of three optimizers.

    Traits: ``surface``, one of ``nbcode.data.surfaces.SURFACES``; ``rule``, the optimizer; ``rate``, its learning
    rate; ``start``, [u, v]; ``steps``, how many are done. A run that has ended makes no more of them.
    """

    tag = "descent"
    _esm = bundle("descent.js")
    _css = styles("base.css", "plane.css", "descent.css")
    surface = Choice(list(SURFACES), default_value="ravine").tag(sync=True)
    rule = Choice(list(RULES), default_value="sgd").tag(sync=True)
    rate = Number(0.09, min=0.001, max=10).tag(sync=True)
    start = Place([-2.5, 1.5]).tag(sync=True)
    steps = Whole(0, min=0, max=MOST_STEPS).tag(sync=True)
    surfaces = traitlets.Dict({name: list(each) for name, each in SURFACES.items()}, read_only=True).tag(sync=True)
