"""The neuron that a reader moves by hand."""

from __future__ import annotations

import traitlets

from nbcode.data.gates import CORNERS, GATES
from nbcode.widgets.base import BadTrait, InteractiveFigure, Number, bundle, is_number, styles

LOW, HIGH = -0.75, 1.75  # of both coordinates: the square that the figure shows
MOST_POINTS = 40
# The points of nbcode.data.toy.clouds(12), rounded; a test compares them. Calling it here would need torch.
CLOUDS = [
    [-0.34, -0.35, 0], [0.92, 0.87, 1], [0.25, 0.21, 0], [0.91, 0.37, 1], [0.14, -0.05, 0], [1.43, 1.08, 1],
    [0.05, 0.26, 0], [0.96, 0.97, 1], [0.28, 0.38, 0], [1.6, 1.02, 1], [0.19, -0.12, 0], [0.75, 0.31, 1],
]  # fmt: skip


def points_of_gate(name: str) -> list[list[float]]:
    """The four corners with a gate's outputs as labels."""
    return [[x1, x2, label] for (x1, x2), label in zip(CORNERS, GATES[name], strict=True)]


PRESETS = {**{name: points_of_gate(name) for name in ("and", "or", "xor")}, "clouds": CLOUDS}


class Points(traitlets.List):
    """Labeled points of the shown square: [x1, x2, label], with label 0 or 1."""

    def validate(self, obj, value):
        """The points as a new list, or a ``BadTrait`` that names the first bad one."""
        if not isinstance(value, (list, tuple)) or not 1 <= len(value) <= MOST_POINTS:
            raise BadTrait(f"{self.name} must be a list of 1 to {MOST_POINTS} points [x1, x2, label]")
        return [self._point(number, point) for number, point in enumerate(value)]

    def _point(self, number: int, point) -> list[float]:
        right = isinstance(point, (list, tuple)) and len(point) == 3 and all(is_number(part) for part in point)
        if not right or not all(LOW <= part <= HIGH for part in point[:2]) or point[2] not in (0, 1):
            raise BadTrait(
                f"{self.name}[{number}] is {point!r}; give three numbers x1, x2, label: "
                f"coordinates from {LOW} to {HIGH}, labels are 0 or 1"
            )
        return [float(point[0]), float(point[1]), int(point[2])]


class Neuron(InteractiveFigure):
    """One threshold neuron with two inputs: sliders, a movable line, movable points, and the perceptron rule.

    Traits: ``w1``, ``w2``, ``b`` from -10 to 10; ``points``, a list of [x1, x2, label].
    """

    tag = "neuron"
    _esm = bundle("neuron.js")
    _css = styles("base.css", "plane.css")
    w1 = Number(1.0, min=-10, max=10).tag(sync=True)
    w2 = Number(1.0, min=-10, max=10).tag(sync=True)
    b = Number(-0.4, min=-10, max=10).tag(sync=True)
    points = Points(PRESETS["and"]).tag(sync=True)
    presets = traitlets.Dict(PRESETS, read_only=True).tag(sync=True)
