"""The matrix product, one entry at a time."""

from __future__ import annotations

import traitlets

from nbcode.widgets.base import BadTrait, InteractiveFigure, Whole, bundle, styles

MOST = 4  # rows or columns; more do not fit on a telephone
LIMIT = 99


class Matrix(traitlets.List):
    """A matrix of whole numbers as nested lists, with 1 to 4 rows and columns."""

    def validate(self, obj, value):
        """The matrix, or a ``BadTrait`` that says what it must be."""
        rows = value if isinstance(value, (list, tuple)) else []
        widths = {len(row) if isinstance(row, (list, tuple)) else 0 for row in rows}
        fits = 1 <= len(rows) <= MOST and len(widths) == 1 and 1 <= min(widths) <= MOST
        if not fits or not all(type(n) is int and abs(n) <= LIMIT for row in rows for n in row):
            raise BadTrait(
                f"{self.name} is {value!r}; give 1 to {MOST} rows of equally many (1 to {MOST}) whole numbers "
                f"from -{LIMIT} to {LIMIT}"
            )
        return [list(row) for row in rows]


class MatrixProduct(InteractiveFigure):
    """Two matrices and their product; the reader picks an entry of the product and sees the row and column behind it.

    Traits: ``left`` (n rows, m columns), ``right`` (m rows, p columns), ``row``, ``column`` of the chosen entry;
    beyond the last one they mean the last one.
    """

    tag = "matrix-product"
    _esm = bundle("matrix_product.js")
    _css = styles("base.css", "matrix_product.css")
    left = Matrix([[2, 1, 0], [-1, 3, 2]]).tag(sync=True)
    right = Matrix([[1, 4], [2, -1], [3, 0]]).tag(sync=True)
    row = Whole(0, min=0, max=MOST - 1).tag(sync=True)
    column = Whole(0, min=0, max=MOST - 1).tag(sync=True)

    @traitlets.validate("right", "left")
    def _inner_sizes_agree(self, proposal):
        left = proposal.value if proposal.trait.name == "left" else self.left
        right = proposal.value if proposal.trait.name == "right" else self.right
        if len(left[0]) != len(right):
            raise BadTrait(
                f"left has {len(left[0])} columns and right has {len(right)} rows; they must be equal. "
                "To change both, use hold_trait_notifications or make a new figure"
            )
        return proposal.value
