"""Masks as small grids: which keys a query may see, and which are hidden."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from nbcode.plots.style import BLUE
from nbcode.plots.tokens import Tokens, token_panels

CROSS = "#8a8a8a"
REACH = 0.22  # of a cross, in cells


def masks(
    hidden: Mapping[str, torch.Tensor], queries: Tokens = None, keys: Tokens = None,
    names: tuple[str, str] = ("looks at", "position"), words: tuple[str, str] = ("may be seen", "hidden"),
) -> Figure:  # fmt: skip
    """Masks side by side: one row per query, one column per key. What may be seen is filled; a cross is hidden.

    Empty is hidden in a map of attention too, since there its weight is 0.

    Args:
        hidden: title -> (T, S), boolean, true where a key is hidden; all of one shape.
        queries: T tokens.
        keys: S tokens.
        names: of the horizontal and the vertical axis.
        words: in the legend, for filled and for crossed cells.

    Raises:
        ValueError: no mask, another dtype, different shapes, or another number of tokens.
    """
    given = [(tuple(mask.shape), mask.dtype) for mask in hidden.values()]
    if not given or any(each != given[0] for each in given) or len(given[0][0]) != 2 or given[0][1] != torch.bool:
        raise ValueError(f"masks are {given}; give at least one of shape (T, S) and dtype bool, all of one shape")
    with token_panels([list(hidden)], given[0][0], queries, keys, names) as (figure, panels):
        for ax, mask in zip(panels, hidden.values(), strict=True):
            _draw(ax, mask.cpu())
        seen = Patch(color=BLUE, label=words[0])
        crossed = Line2D([], [], linestyle="", marker="x", color=CROSS, markersize=8, label=words[1])
        figure.legend(handles=[seen, crossed], loc="outside upper center", ncols=2)
    return figure


def _draw(ax: Axes, mask: torch.Tensor) -> None:
    ax.imshow((~mask).numpy(), cmap=ListedColormap(["white", BLUE]), vmin=0, vmax=1, aspect="auto")
    strokes = [
        [(column - REACH, row - turn * REACH), (column + REACH, row + turn * REACH)]
        for row, column in mask.nonzero().tolist()
        for turn in (1, -1)
    ]
    ax.add_collection(LineCollection(strokes, colors=CROSS, linewidths=1), autolim=False)
