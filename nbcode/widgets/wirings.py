"""Three wirings of a sequence, and the path from one token to one result in each."""

from __future__ import annotations

from nbcode.widgets.base import Choice, InteractiveFigure, Whole, bundle, styles

FEWEST_TOKENS, MOST_TOKENS = 4, 16
MOST_LAYERS = MOST_TOKENS - 1  # so many connect the ends of the longest row by a kernel of 3
MOST_WIDTH = 1024


class Wirings(InteractiveFigure):
    """Convolution, recurrence and attention over one row of tokens, with the shortest path from a source to a target.

    Traits: ``tokens``, how many; ``depth``, layers; ``convolution``, "plain" or "dilated" by 1, 2, 4, ...; ``source``,
    a position in the input, and ``target``, one in the top layer, both from 0, where those beyond the last token mean
    the last; ``width``, of the vectors whose multiplications are counted.
    """

    tag = "wirings"
    _esm = bundle("wirings.js")
    _css = styles("base.css", "plane.css", "wirings.css")
    tokens = Whole(12, min=FEWEST_TOKENS, max=MOST_TOKENS).tag(sync=True)
    depth = Whole(2, min=1, max=MOST_LAYERS).tag(sync=True)
    convolution = Choice(["plain", "dilated"], default_value="plain").tag(sync=True)
    source = Whole(0, min=0, max=MOST_TOKENS - 1).tag(sync=True)
    target = Whole(MOST_TOKENS - 1, min=0, max=MOST_TOKENS - 1).tag(sync=True)
    width = Whole(64, min=1, max=MOST_WIDTH).tag(sync=True)
