"""A line that a reader fits to points, by hand and then by Adam."""

from __future__ import annotations

import traitlets

from nbcode.widgets.base import BadTrait, Choice, InteractiveFigure, Number, bundle, is_number, styles

# The part of the plane that the figure shows.
LEFT, RIGHT = -2.5, 2.5
LOW, HIGH = -5, 5
MOST_POINTS = 40
# The points of nbcode.data.regression.around_line(12), rounded; a test compares them. Calling it here would need torch.
POINTS = [
    [-0.01, -0.4], [1.07, 1.36], [-1.65, -3.18], [-1.47, -2.83], [-0.77, -1.83], [0.54, 0.36],
    [-0.04, -0.82], [1.59, 2.21], [-0.18, -1.09], [0.53, 0.33], [-0.6, -1.58], [-0.39, -0.98],
]  # fmt: skip


class Pairs(traitlets.List):
    """Points of the shown part of the plane: [x, y]."""

    def validate(self, obj, value):
        """The points as a new list, or a ``BadTrait`` that names the first bad one."""
        if not isinstance(value, (list, tuple)) or not 2 <= len(value) <= MOST_POINTS:
            raise BadTrait(f"{self.name} must be a list of 2 to {MOST_POINTS} points [x, y]")
        return [self._point(number, point) for number, point in enumerate(value)]

    def _point(self, number: int, point) -> list[float]:
        right = isinstance(point, (list, tuple)) and len(point) == 2 and all(is_number(part) for part in point)
        if not right or not (LEFT <= point[0] <= RIGHT and LOW <= point[1] <= HIGH):
            raise BadTrait(
                f"{self.name}[{number}] is {point!r}; give two numbers x, y: "
                f"x from {LEFT} to {RIGHT}, y from {LOW} to {HIGH}"
            )
        return [float(part) for part in point]


class LineFit(InteractiveFigure):
    """Points, a line y = w x + b that sliders, handles or Adam move, and its mean squared error at every step.

    Traits: ``w``, ``b`` from -10 to 10; ``points``, a list of [x, y]; ``rate``, Adam's learning rate.
    """

    tag = "line-fit"
    _esm = bundle("line_fit.js")
    _css = styles("base.css", "plane.css", "line_fit.css")
    w = Number(-1.0, min=-10, max=10).tag(sync=True)
    b = Number(2.0, min=-10, max=10).tag(sync=True)
    points = Pairs(POINTS).tag(sync=True)
    rate = Choice([0.01, 0.1, 1.0], default_value=0.1).tag(sync=True)
