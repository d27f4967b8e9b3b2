"""One attention head over four tokens, every step in numbers."""

from __future__ import annotations

import traitlets

from nbcode.widgets.base import BadTrait, Choice, InteractiveFigure, Switch, Whole, bundle, styles

LENGTH = 4  # tokens; with more, the weights do not fit on a telephone
LIMIT = 2  # of each given number: q, k and v stay whole, and all sums can be done in the head
LONGEST = 5  # letters of a token


class GivenMatrix(traitlets.List):
    """A matrix of small whole numbers as nested lists, of the shape of its default value."""

    def __init__(self, default: list[list[int]]) -> None:
        self.rows, self.columns = len(default), len(default[0])
        super().__init__(default)

    def validate(self, obj, value):
        """The matrix as a new list, or a ``BadTrait`` that says what it must be."""
        rows = value if isinstance(value, (list, tuple)) else []
        widths = [len(row) if isinstance(row, (list, tuple)) else 0 for row in rows]
        right = widths == [self.columns] * self.rows
        if not right or not all(type(n) is int and abs(n) <= LIMIT for row in rows for n in row):
            raise BadTrait(
                f"{self.name} is {value!r}; give {self.rows} rows of {self.columns} whole numbers "
                f"from -{LIMIT} to {LIMIT}"
            )
        return [list(row) for row in rows]


class Tokens(traitlets.List):
    """The words of a short sentence."""

    def validate(self, obj, value):
        """The words as a new list, or a ``BadTrait`` that says how many and how long they may be."""
        words = value if isinstance(value, (list, tuple)) else []
        if len(words) != LENGTH or not all(isinstance(word, str) and 1 <= len(word) <= LONGEST for word in words):
            raise BadTrait(f"{self.name} is {value!r}; give {LENGTH} words of 1 to {LONGEST} letters")
        return list(words)


class AttentionHead(InteractiveFigure):
    """Self-attention by one head: from token vectors to queries, keys, values, weights, and the output of one query.

    Traits: ``tokens``, four words; ``x``, their vectors, (T, D) = (4, 3); ``w_query``, ``w_key`` and ``w_value``, the
    matrices of the three projections, (D, K) = (3, 2), without biases; ``query`` and ``key``, the positions of the
    pair that is worked out; ``causal``, whether a token sees none after it; ``padding``, which token is padding:
    "none", "last" or "first"; ``score``, "scaled" for q · k / √K or "plain" for q · k. All numbers are those of
    ``nbcode.models.dot_product_attention`` (Vaswani et al. 2017, section 3.2.1); a query that may see nothing gets 0.
    """

    tag = "attention-head"
    _esm = bundle("attention_head.js")
    _css = styles("base.css", "plane.css", "attention_head.css")
    tokens = Tokens(["the", "cat", "sat", "down"]).tag(sync=True)
    # Made up: how much a thing, how much an action, and whether it stands before or behind what it belongs to.
    x = GivenMatrix([[1, 0, 1], [2, 0, 0], [0, 2, 0], [0, 1, -1]]).tag(sync=True)
    w_query = GivenMatrix([[0, 1], [1, 0], [1, -1]]).tag(sync=True)  # things look for actions, actions for things
    w_key = GivenMatrix([[1, 0], [0, 1], [0, 0]]).tag(sync=True)
    w_value = GivenMatrix([[1, 0], [0, 1], [1, 1]]).tag(sync=True)
    query = Whole(1, min=0, max=LENGTH - 1).tag(sync=True)
    key = Whole(2, min=0, max=LENGTH - 1).tag(sync=True)
    causal = Switch(False).tag(sync=True)
    padding = Choice(["none", "last", "first"], default_value="none").tag(sync=True)
    score = Choice(["scaled", "plain"], default_value="scaled").tag(sync=True)
