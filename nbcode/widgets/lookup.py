"""Attention as a look-up: a query, keys, and what comes out."""

from __future__ import annotations

import traitlets

from nbcode.widgets.base import BadTrait, Choice, InteractiveFigure, bundle, is_number, styles

REACH = 4.0  # of every coordinate: both squares that the figure shows
FEWEST, MOST = 2, 6  # entries; more cannot be told apart on a telephone
MODES = ("average", "hard", "soft")  # by the names of static/lookup_arithmetic.js
ENTRIES = [[1.9, 0.6, -3.0, -2.0], [-0.4, 2.0, 2.5, -2.5], [-2.0, -0.5, 3.0, 2.0], [0.6, -1.9, -2.0, 3.0]]


def are_coordinates(value: object, n: int) -> bool:
    """Whether a value is a list of n numbers within reach."""
    right = isinstance(value, (list, tuple)) and len(value) == n
    return right and all(is_number(part) and abs(part) <= REACH for part in value)


class Query(traitlets.List):
    """A vector of the shown square: [q1, q2]."""

    def validate(self, obj, value):
        """The two numbers as floats, or a ``BadTrait``."""
        if not are_coordinates(value, 2):
            raise BadTrait(f"{self.name} is {value!r}; give [q1, q2], finite numbers from -{REACH:g} to {REACH:g}")
        return [float(part) for part in value]


class Entries(traitlets.List):
    """Keys with their values: [k1, k2, v1, v2]."""

    def validate(self, obj, value):
        """The entries as a new list, or a ``BadTrait`` that names the first bad one."""
        if not isinstance(value, (list, tuple)) or not FEWEST <= len(value) <= MOST:
            raise BadTrait(f"{self.name} must be a list of {FEWEST} to {MOST} entries [k1, k2, v1, v2]")
        for number, entry in enumerate(value):
            if not are_coordinates(entry, 4):
                raise BadTrait(
                    f"{self.name}[{number}] is {entry!r}; give a key and its value as four numbers "
                    f"k1, k2, v1, v2 from -{REACH:g} to {REACH:g}"
                )
        return [[float(part) for part in entry] for entry in value]


class Lookup(InteractiveFigure):
    """A query that a reader turns among keys, the weights that it gives them, and the weighted mean of their values.

    Traits: ``query``, [q1, q2]; ``entries``, a list of [k1, k2, v1, v2], each a key and its value; ``mode``, how the
    scores become weights; ``score``, "scaled" for q · k / √K or "plain" for q · k. The scores, weights and output are
    those of scaled dot-product attention (Vaswani et al. 2017, section 3.2.1) for one query and K = 2.
    """

    tag = "lookup"
    _esm = bundle("lookup.js")
    _css = styles("base.css", "plane.css", "lookup.css")
    query = Query([0.7, 0.7]).tag(sync=True)
    entries = Entries(ENTRIES).tag(sync=True)
    mode = Choice(list(MODES), default_value="soft").tag(sync=True)
    score = Choice(["scaled", "plain"], default_value="scaled").tag(sync=True)
