"""Classes: how many examples each has, where they lie in a plane, and which are taken for which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nbcode.plots.matrices import DARK, numbers
from nbcode.plots.style import BLACK, BLUE, GREEN, ORANGE, PURPLE, WIDEST, new_figure

# Each class has a shape of its own, so that eight are told apart in black and white; of one color, one is hollow.
SHAPES = ("o", "s", "^", "D", "v", "P", "*", "X")
COLORS = (BLUE, ORANGE, GREEN, PURPLE)
STRIPES = ("", "////", "....")
PIECES = (BLUE, "#e8b08a", "#ffffff")


def class_counts(counts: Mapping[str, Mapping[str, float]], name: str) -> Figure:
    """One horizontal bar for each class, of several pieces one behind the other, with their sum at its end.

    Args:
        counts: piece -> class -> how many; at most three pieces, all of the same classes.
        name: of what is counted.

    Raises:
        ValueError: no piece, more than three, or pieces of different classes.
    """
    classes = [list(piece) for piece in counts.values()]
    if not 1 <= len(classes) <= len(STRIPES) or any(each != classes[0] for each in classes):
        raise ValueError(f"pieces have the classes {classes}; give 1 to {len(STRIPES)} pieces, all of the same classes")
    with new_figure(height=0.34 * len(classes[0]) + 1.1) as figure:
        ax = figure.subplots()
        ends = [0.0] * len(classes[0])
        for (piece, each), color, stripes in zip(counts.items(), PIECES, STRIPES, strict=False):
            widths = list(each.values())
            ax.barh(classes[0], widths, left=ends, color=color, edgecolor=BLACK, hatch=stripes, label=piece)
            ends = [end + width for end, width in zip(ends, widths, strict=True)]
        for row, end in enumerate(ends):
            ax.text(end, row, f" {end:,g}", va="center", fontsize=10)
        ax.set(xlabel=name, xlim=(0, 1.15 * max(ends)))
        ax.invert_yaxis()  # the first class on top
        ax.grid(visible=False, axis="y")
        if len(counts) > 1:
            ax.legend(loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.2, fontsize=10, ncols=3)
    return figure


def class_points(points: torch.Tensor, labels: torch.Tensor, names: Sequence[str], axes: tuple[str, str]) -> Figure:
    """Points of a plane, each class with a shape and a color of its own, and a large mark in the middle of each class.

    Args:
        points: (n, 2).
        labels: (n,), class numbers.
        names: of the classes; at most eight, the number of shapes.
        axes: names of the two axes.

    Raises:
        ValueError: other shapes, more than eight classes, or a label without a name.
    """
    if points.ndim != 2 or points.shape[1] != 2 or labels.shape != points.shape[:1] or not len(points):
        raise ValueError(
            f"points {tuple(points.shape)} and labels {tuple(labels.shape)}; give (n, 2) and (n,), n at least 1"
        )
    if not 1 <= len(names) <= len(SHAPES) or not 0 <= int(labels.min()) <= int(labels.max()) < len(names):
        raise ValueError(
            f"labels go from {int(labels.min())} to {int(labels.max())} and {len(names)} names are given; give 1 to "
            f"{len(SHAPES)} names, one for each class"
        )
    with new_figure(height=4.6) as figure:
        ax = figure.subplots()
        for number, name in enumerate(names):
            _cloud(ax, points[labels == number], number, name)
        ax.set(xlabel=axes[0], ylabel=axes[1], xticks=(), yticks=())
        figure.legend(loc="outside upper center", ncols=4, fontsize=10, handletextpad=0.2, columnspacing=1.2)
    return figure


def _cloud(ax: Axes, points: torch.Tensor, number: int, name: str) -> None:
    color, shape = COLORS[number % len(COLORS)], SHAPES[number]
    filled = color if number < len(COLORS) else "white"
    style = {"linestyle": "", "marker": shape, "markeredgecolor": color, "markerfacecolor": filled}
    if len(points):
        ax.plot(*numbers(points).T, **style, markersize=4, markeredgewidth=0.8, alpha=0.55)
        middle = numbers(points.float().mean(dim=0, keepdim=True)).T
        style |= {"markeredgecolor": color if filled == "white" else BLACK, "zorder": 4}
        ax.plot(*middle, **style, markersize=12, markeredgewidth=1.8, label=name)


def confusions(panels: Mapping[str, torch.Tensor], names: Sequence[str]) -> Figure:
    """Counts of what was taken for what: a row is the right class, a column the one that was named.

    The darker a cell, the larger its share of the row. Counts of 0 are left out.

    Args:
        panels: title -> (C, C), counts.
        names: C names of the classes.

    Raises:
        ValueError: no panel, or one of another shape.
    """
    shapes = [tuple(counts.shape) for counts in panels.values()]
    if not shapes or any(shape != (len(names), len(names)) for shape in shapes):
        raise ValueError(f"panels have shapes {shapes} and {len(names)} names are given; give (C, C) and C names")
    with new_figure(WIDEST if len(panels) > 1 else 3.6, 3.9) as figure:
        grid = figure.subplots(1, len(panels), squeeze=False, sharex=True, sharey=True)[0]
        for ax, (title, counts) in zip(grid, panels.items(), strict=True):
            shares = numbers(counts / counts.sum(dim=1, keepdim=True).clamp(min=1))
            ax.imshow(shares, cmap="Greys", vmin=0, vmax=1)
            ax.set(title=title, xlabel="named")
            ax.grid(visible=False)
            ax.set_xticks(range(len(names)), names, rotation=90, fontsize=9)
            ax.set_yticks(range(len(names)), names, fontsize=9)
            for row, column in counts.nonzero().tolist():
                color = "white" if shares[row, column] > DARK else "black"
                shown = f"{counts[row, column].item():g}"
                ax.text(column, row, shown, ha="center", va="center", fontsize=8, color=color)
        grid[0].set_ylabel("right")
    return figure
