"""A convolution, one place of its window at a time."""

from __future__ import annotations

import traitlets

from nbcode.data.digit_samples import DIGIT_SAMPLES
from nbcode.widgets.base import BadTrait, Choice, InteractiveFigure, Whole, bundle, styles

SIDE = 3  # of the kernel
LIMIT = 5  # of each weight; larger ones would make numbers that do not fit into their cells
LAST = 7  # row or column of the largest output, 8 by 8
KERNELS = {
    "vertical edge": [[-1, 0, 1], [-1, 0, 1], [-1, 0, 1]],
    "horizontal edge": [[-1, -1, -1], [0, 0, 0], [1, 1, 1]],
    "blur": [[1, 1, 1], [1, 1, 1], [1, 1, 1]],  # nine times the mean: whole numbers can be added in the head
    "sharpen": [[0, -1, 0], [-1, 5, -1], [0, -1, 0]],
    "identity": [[0, 0, 0], [0, 1, 0], [0, 0, 0]],
}


class Kernel(traitlets.List):
    """Three rows of three whole numbers, the weights."""

    def validate(self, obj, value):
        """The kernel as a new list, or a ``BadTrait`` that says what it must be."""
        rows = value if isinstance(value, (list, tuple)) else []
        widths = [len(row) if isinstance(row, (list, tuple)) else 0 for row in rows]
        right = widths == [SIDE] * SIDE and all(type(n) is int and abs(n) <= LIMIT for row in rows for n in row)
        if not right:
            raise BadTrait(
                f"{self.name} is {value!r}; give {SIDE} rows of {SIDE} whole numbers from -{LIMIT} to {LIMIT}"
            )
        return [list(row) for row in rows]


class Convolution(InteractiveFigure):
    """A window that a reader moves over a handwritten digit, the nine products under it, and the output image.

    Traits: ``image``, the label of one in ``nbcode.data.digit_samples``; ``kernel``, its 3 by 3 weights; ``stride`` and
    ``padding``, as of ``torch.nn.functional.conv2d``; ``row`` and ``column`` of the chosen entry of the output; beyond
    the last one they mean the last one.
    """

    tag = "convolution"
    _esm = bundle("convolution.js")
    _css = styles("base.css", "plane.css", "convolution.css")
    image = Choice(list(DIGIT_SAMPLES), default_value=7).tag(sync=True)
    kernel = Kernel(KERNELS["vertical edge"]).tag(sync=True)
    stride = Choice([1, 2], default_value=1).tag(sync=True)
    padding = Choice([0, 1], default_value=0).tag(sync=True)
    row = Whole(0, min=0, max=LAST).tag(sync=True)
    column = Whole(0, min=0, max=LAST).tag(sync=True)
    images = traitlets.Dict({str(label): rows for label, rows in DIGIT_SAMPLES.items()}, read_only=True).tag(sync=True)
    kernels = traitlets.Dict(KERNELS, read_only=True).tag(sync=True)
