"""Matrices as gray or colored fields: attention maps, images, filters, weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from nbcode.plots.style import new_figure, new_panels

ROOM = 16  # letters of labels below a panel, beyond which they stand upright
DARK = 0.55  # weight from which white letters are easier to read than black ones


def attention_maps(
    maps: Mapping[str, torch.Tensor], names: tuple[str, str] = ("looks at", "position"),
    labels: Sequence[str] | None = None, bar: str = "weight", values: bool = False,
) -> Figure:  # fmt: skip
    """Weights from 0, white, to 1, black, side by side: one row per query, one column per key.

    Args:
        maps: title -> (T, S).
        names: of the horizontal and the vertical axis.
        labels: of the keys; where T = S, of the queries too.
        bar: what the numbers are called, beside the color bar.
        values: write each number into its cell; for small maps.

    Raises:
        ValueError: no map, one that is not a matrix, or another number of labels than of keys.
    """
    _check(maps)
    if labels is not None and any(weights.shape[1] != len(labels) for weights in maps.values()):
        keys = [weights.shape[1] for weights in maps.values()]
        raise ValueError(f"{len(labels)} labels given, and the maps have {keys} columns; give one label per column")
    with new_panels(len(maps), 2.7, 2.8, bar=0.6) as (figure, panels):
        for ax, (title, weights) in zip(panels, maps.items(), strict=True):
            shown = ax.imshow(numbers(weights), cmap="Greys", vmin=0, vmax=1, aspect="auto")
            ax.set(title=title, xlabel=names[0], ylabel=names[1])
            ax.grid(visible=False)
            if values:
                _write(ax, numbers(weights))
            for axis in (ax.xaxis, ax.yaxis):
                axis.set_major_locator(MaxNLocator(nbins=5, integer=True))  # positions are whole numbers
            if labels is not None:
                crowded = sum(map(len, labels)) > ROOM
                ax.set_xticks(range(len(labels)), labels, rotation=90 if crowded else 0)
                if weights.shape[0] == len(labels):
                    ax.set_yticks(range(len(labels)), labels)
        figure.colorbar(shown, ax=panels, label=bar, shrink=0.8)
    return figure


def _write(ax: Axes, weights: np.ndarray) -> None:
    for (row, column), weight in np.ndenumerate(weights):
        color = "white" if weight > DARK else "black"
        ax.text(column, row, f"{weight:.2f}", ha="center", va="center", fontsize=9, color=color)


def signed_maps(
    maps: Mapping[str, torch.Tensor], names: tuple[str, str], others: Mapping[str, tuple[str, str]] | None = None
) -> Figure:
    """Matrices of positive and negative numbers: orange below 0, white at 0, purple above; each on its own scale.

    Args:
        maps: title -> matrix.
        names: of the horizontal and the vertical axis.
        others: title -> the same for a map whose axes are called differently.

    Raises:
        ValueError: no map, or one that is not a matrix.
    """
    _check(maps)
    with new_panels(len(maps), 3.0 if len(maps) > 1 else 4.0, 2.7 if len(maps) > 1 else 3.2) as (figure, panels):
        for ax, (title, matrix) in zip(panels, maps.items(), strict=True):
            limit = matrix.abs().max().item() or 1.0
            shown = ax.imshow(
                numbers(matrix), cmap="PuOr", vmin=-limit, vmax=limit, aspect="auto", interpolation="nearest"
            )
            across, down = (others or {}).get(title, names)
            ax.set(title=title, xlabel=across, ylabel=down)
            ax.grid(visible=False)
            figure.colorbar(shown, ax=ax, shrink=0.8)
    return figure


def image_rows(rows: Mapping[str, Sequence[torch.Tensor]], signed: Sequence[str] = ()) -> Figure:
    """Small pictures in rows, each row with its name.

    Args:
        rows: name -> matrices (H, W). White is 0 and black the largest value of the row.
        signed: names of the rows that hold filters: there orange is below 0, white is 0, purple is above.

    Raises:
        ValueError: no row, or one without pictures.
    """
    if not rows or not all(len(row) for row in rows.values()):
        raise ValueError(f"rows have {[len(row) for row in rows.values()]} pictures; give at least one in each")
    columns = max(len(row) for row in rows.values())
    with new_figure(0.85 * columns + 1.2, 0.9 * len(rows)) as figure:
        grid = figure.subplots(len(rows), columns, squeeze=False)
        for axes, (name, row) in zip(grid, rows.items(), strict=True):
            limit = max(matrix.abs().max().item() for matrix in row) or 1.0
            for ax in axes[len(row) :]:
                ax.axis("off")
            for ax, matrix in zip(axes, row, strict=False):
                _picture(ax, matrix, limit, name in signed)
            axes[0].set_ylabel(name, rotation=0, ha="right", va="center")
    return figure


def _picture(ax: Axes, matrix: torch.Tensor, limit: float, signed: bool) -> None:
    low, colors = (-limit, "PuOr") if signed else (0, "Greys")
    ax.imshow(numbers(matrix), cmap=colors, vmin=low, vmax=limit)
    ax.set(xticks=(), yticks=())
    ax.grid(visible=False)
    for side in ax.spines.values():
        side.set(visible=True, color="#888888")


def numbers(matrix: torch.Tensor) -> np.ndarray:
    """A tensor of any device and precision, as matplotlib reads it."""
    return matrix.detach().float().cpu().numpy()  # NumPy knows no bfloat16


def _check(maps: Mapping[str, torch.Tensor]) -> None:
    if not maps or not all(matrix.ndim == 2 for matrix in maps.values()):
        shapes = [tuple(matrix.shape) for matrix in maps.values()]
        raise ValueError(f"maps have shapes {shapes}; give at least one matrix, {{title: (rows, columns)}}")
