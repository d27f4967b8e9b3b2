"""A small computation, walked backward one node at a time."""

from __future__ import annotations

from collections.abc import Mapping

import traitlets

from nbcode.widgets.base import BadTrait, Choice, InteractiveFigure, Whole, bundle, is_number, styles

LIMIT = 2.0  # of each input
# Each expression as it is written, the inputs with their first values, and the operations: the name of the result,
# the operation, and what it is applied to. The parents of an operation are in the order of nbcode.autograd.
EXPRESSIONS = {
    "product": {
        "text": "a · b + c",
        "inputs": {"a": 2.0, "b": -1.5, "c": 0.5},
        "operations": [["p", "×", ["a", "b"]], ["s", "+", ["p", "c"]]],
    },
    "shared": {
        "text": "(a + b) · (b + 1)",
        "inputs": {"a": 1.5, "b": 0.5},
        "operations": [["p", "+", ["a", "b"]], ["q", "plus 1", ["b"]], ["s", "×", ["p", "q"]]],
    },
    "neuron": {
        "text": "(tanh(w · x + b) − y)²",
        "inputs": {"w": 0.5, "x": 1.5, "b": -0.2, "y": 1.0},
        "operations": [
            ["p", "×", ["w", "x"]],
            ["z", "+", ["p", "b"]],
            ["t", "tanh", ["z"]],
            ["d", "−", ["t", "y"]],
            ["L", "square", ["d"]],
        ],
    },
}
MOST_STEPS = max(len(each["operations"]) for each in EXPRESSIONS.values())


class Inputs(traitlets.Dict):
    """Numbers by the names of inputs. Which names are right depends on the expression, so the figure checks them."""

    def validate(self, obj, value):
        """The numbers as floats, or a ``BadTrait``."""
        if not isinstance(value, Mapping) or not all(is_number(v) and abs(v) <= LIMIT for v in value.values()):
            raise BadTrait(
                f"{self.name} is {value!r}; give numbers from -{LIMIT:g} to {LIMIT:g} by name, as {{'a': 1.5}}"
            )
        return {name: float(v) for name, v in value.items()}


class Backward(InteractiveFigure):
    """The graph of a small expression, with values; each step takes one gradient backward through one operation.

    Traits: ``expression``, one of ``EXPRESSIONS``; ``inputs``, numbers by name, where those left out start as
    ``EXPRESSIONS`` says; ``done``, how many steps are done, where more than there are mean all.
    """

    tag = "backward"
    _esm = bundle("backward.js")
    _css = styles("base.css", "backward.css")
    expression = Choice(list(EXPRESSIONS), default_value="product").tag(sync=True)
    inputs = Inputs(EXPRESSIONS["product"]["inputs"]).tag(sync=True)
    done = Whole(0, min=0, max=MOST_STEPS).tag(sync=True)
    expressions = traitlets.Dict(EXPRESSIONS, read_only=True).tag(sync=True)

    @traitlets.default("inputs")
    def _first_inputs(self):
        return dict(EXPRESSIONS[self.expression]["inputs"])

    @traitlets.validate("inputs")
    def _names_fit(self, proposal):
        first = EXPRESSIONS[self.expression]["inputs"]
        unknown = [name for name in proposal.value if name not in first]
        if unknown:
            raise BadTrait(
                f"inputs has {', '.join(map(str, unknown))}; the inputs of {self.expression!r} are {', '.join(first)}"
            )
        return {**first, **proposal.value}

    @traitlets.observe("expression")
    def _start_anew(self, change):
        """Another expression has other inputs, unless fitting ones were given with it."""
        if set(self.inputs) != set(EXPRESSIONS[self.expression]["inputs"]):
            self.inputs = EXPRESSIONS[self.expression]["inputs"]
