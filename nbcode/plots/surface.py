"""A surface over two weights from above, with the paths of descents on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from matplotlib.figure import Figure

from nbcode.plots.style import BLACK, LINES, new_figure

COLUMNS = 3  # of panels
LEVELS = 12  # of contour lines, at equal steps of the square root, so that the middle is not empty
Panel = tuple[Callable[[torch.Tensor], torch.Tensor], Mapping[str, torch.Tensor]]


def descents(
    panels: Mapping[str, Panel], across: tuple[float, float], up: tuple[float, float], names: tuple[str, str],
) -> Figure:  # fmt: skip
    """Panels in rows; in each, contour lines of a surface, darker where it is higher, and paths over it.

    Args:
        panels: title -> (surface, paths). The surface maps (..., 2) to (...); a path is (T, 2).
        across: lowest and highest value of the first weight that is shown.
        up: the same for the second weight.
        names: of the two weights.

    Raises:
        ValueError: no panel, or a path that is not (T, 2).
    """
    if not panels:
        raise ValueError("no panel given; give at least one: {title: (surface, {label: path})}")
    across_page, down_page = min(COLUMNS, len(panels)), -(-len(panels) // COLUMNS)
    side = 2.7 if len(panels) > 1 else 3.8  # inches
    with new_figure(side * across_page + 0.3, side * down_page + 0.1) as figure:
        axes = figure.subplots(down_page, across_page, squeeze=False).flatten()
        for ax in axes[len(panels) :]:
            ax.axis("off")
        for ax, (title, (surface, paths)) in zip(axes, panels.items(), strict=False):
            u, v = torch.linspace(*across, 161), torch.linspace(*up, 161)
            height = surface(torch.cartesian_prod(u, v)).reshape(161, 161).T.detach()  # rows for the vertical axis
            low, high = height.min().item(), height.max().item()
            heights = [low + (high - low) * (k / LEVELS) ** 2 for k in range(LEVELS + 1)]
            ax.contourf(u, v, height, levels=heights, cmap="Greys", alpha=0.35)
            ax.contour(u, v, height, levels=heights[1:-1], colors="#666666", linewidths=0.7)
            _draw_paths(ax, paths)
            ax.set(title=title, xlabel=names[0], ylabel=names[1], xlim=across, ylim=up)
            ax.grid(visible=False)
    return figure


def _draw_paths(ax, paths: Mapping[str, torch.Tensor]) -> None:
    for (label, path), (color, dashes) in zip(paths.items(), LINES, strict=False):
        if path.ndim != 2 or path.shape[1] != 2:
            raise ValueError(f"the path {label!r} has shape {tuple(path.shape)}; give (T, 2)")
        path = path.detach().cpu()
        ax.plot(path[:, 0], path[:, 1], dashes, color=color, marker=".", markersize=5, linewidth=1.4, label=label)
        ax.plot(*path[0], "o", color=BLACK, markersize=7, markerfacecolor="white", markeredgewidth=1.6)
    if len(paths) > 1:
        ax.legend(fontsize=9, loc="upper right", frameon=True, framealpha=0.9, edgecolor="none")
