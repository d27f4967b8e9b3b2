"""The attention of all heads: one map per head."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from matplotlib.figure import Figure

from nbcode.plots.matrices import numbers
from nbcode.plots.tokens import Tokens, token_panels


def head_maps(
    weights: torch.Tensor | Mapping[str, torch.Tensor],
    queries: Tokens = None,
    keys: Tokens = None,
    title: str = "",
    names: tuple[str, str] = ("looks at", "position"),
) -> Figure:
    """Weights from 0, white, to 1, black, for every head: one row per query, one column per key.

    All heads are shown and none is chosen: among many heads one can always be found that fits a story.

    Args:
        weights: (N, T, S), of one sequence; of several layers {name: (N, T, S)}, with the same T and S.
        queries: T tokens.
        keys: S tokens.
        title: of the whole figure.
        names: of the horizontal and the vertical axis.

    Raises:
        ValueError: no head, another shape, layers with different T or S, or another number of tokens.
    """
    layers = weights if isinstance(weights, Mapping) else {"": weights}
    shapes = [tuple(maps.shape) for maps in layers.values()]
    if not shapes or any(len(shape) != 3 or 0 in shape or shape[1:] != shapes[0][1:] for shape in shapes):
        raise ValueError(
            f"weights have shapes {shapes}; give (N, T, S) of one sequence, in all layers the same T and S"
        )
    groups = [[f"{name}, head {k + 1}".lstrip(", ") for k in range(len(maps))] for name, maps in layers.items()]
    with token_panels(groups, shapes[0][1:], queries, keys, names) as (figure, panels):
        for ax, head in zip(panels, (head for maps in layers.values() for head in maps), strict=True):
            shown = ax.imshow(numbers(head), cmap="Greys", vmin=0, vmax=1, aspect="auto")
        pad = 0.15 / figure.get_figheight()  # as much in a tall figure as in a low one
        figure.colorbar(shown, ax=panels, label="weight", location="top", shrink=0.6, aspect=30, pad=pad)
        figure.suptitle(title or None, fontsize=12)
    return figure
