"""Panels of matrices with tokens beside them: one row per query, one column per key."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from nbcode.plots.style import WIDEST, columns_and_rows, new_figure

Tokens = Sequence[str] | None
SIZE = 10  # points of a token
SMALLEST, LARGEST = 0.15, 0.32  # inches of a cell; beside smaller ones tokens would touch
FAINTEST = 0.12  # inches of a cell; between smaller ones, lines would hide what is in them
LETTER = 0.09  # inches; its mean width
GAP, TITLE, NAME, TOP = 0.15, 0.33, 0.25, 0.6  # inches: between panels, above each, at an axis, above all of them


@contextlib.contextmanager
def token_panels(
    groups: Sequence[Sequence[str]], shape: tuple[int, int], queries: Tokens, keys: Tokens, names: tuple[str, str]
) -> Iterator[tuple[Figure, list[Axes]]]:
    """A figure with a panel under each title, to draw a matrix into. Words at outer panels are written on leaving.

    Args:
        groups: titles; each group begins a row of its own.
        shape: (T, S), of all matrices.
        queries: T tokens; without them, rows are numbered.
        keys: S tokens; without them, columns are numbered.
        names: of the horizontal and the vertical axis.

    Raises:
        ValueError: another number of tokens.
    """
    for name, tokens, count in (("queries", queries, shape[0]), ("keys", keys, shape[1])):
        if tokens is not None and len(tokens) != count:
            raise ValueError(f"{len(tokens)} {name} given for {count}; give one token for each, or none")
    layout = _Layout.of(groups, shape, queries, keys)
    with new_figure(layout.width, layout.height) as figure:
        grid = figure.subplots(len(groups) * layout.rows, layout.columns, squeeze=False)
        blocks = [grid[place * layout.rows :][: layout.rows].flatten() for place in range(len(groups))]
        yield figure, [ax for block, titles in zip(blocks, groups, strict=True) for ax in block[: len(titles)]]
        for block, titles in zip(blocks, groups, strict=True):
            for place, ax in enumerate(block):
                if place >= len(titles):
                    ax.axis("off")
                    continue
                row, column = divmod(place, layout.columns)
                # A row above one with a gap is written at in full: else only some of its panels would be.
                is_end = (row + 2) * layout.columns > len(titles)
                ax.set(title=titles[place], xlabel=names[0] if is_end else "", ylabel="" if column else names[1])
                _border(ax, shape, lines=layout.cell >= FAINTEST)
                size = min(SIZE, 0.8 * 72 * layout.cell)
                _write(ax.yaxis, queries, size, column == 0)
                _write(ax.xaxis, keys, size, is_end)


@dataclass(frozen=True)
class _Layout:
    """How panels are laid out: columns, rows of each group; width and height of the figure and of a cell in inches."""

    columns: int
    rows: int
    width: float
    height: float
    cell: float

    @classmethod
    def of(cls, groups: Sequence[Sequence[str]], shape: tuple[int, int], queries: Tokens, keys: Tokens) -> _Layout:
        length, source = shape
        room = WIDEST - NAME - _longest(queries)
        title = 1.1 * LETTER * max(len(title) for titles in groups for title in titles)
        smallest = SMALLEST if queries or keys else 0.0
        columns, rows = columns_and_rows(max(map(len, groups)), max(smallest * source, title) + GAP, room)
        cell = min(LARGEST, (room / columns - GAP) / source)
        width = WIDEST - room + columns * (max(cell * source, title) + GAP)
        written = sum(1 + (len(titles) % columns > 0 and rows > 1) for titles in groups)  # rows with keys below them
        height = TOP + len(groups) * rows * (cell * length + TITLE) + written * (_longest(keys) + NAME)
        return cls(columns, rows, width, height, cell)


def _longest(tokens: Tokens) -> float:
    """Inches of the longest token. A Chinese character is about as wide as two letters."""
    widths = [sum(2 if ord(letter) > 0x2E80 else 1 for letter in token) for token in tokens or ["00"]]
    return LETTER * max(widths)


def _border(ax: Axes, shape: tuple[int, int], lines: bool) -> None:
    """A border, and thin lines between the cells."""
    for axis, cells in ((ax.yaxis, shape[0]), (ax.xaxis, shape[1])):
        axis.set_ticks([cell + 0.5 for cell in range(cells - 1)], minor=True)
    ax.tick_params(which="minor", length=0)
    ax.grid(visible=False)
    if lines:
        ax.grid(visible=True, which="minor", linewidth=0.5)
    for side in ax.spines.values():
        side.set(visible=True, color="#888888", linewidth=0.8)


def _write(axis, tokens: Tokens, size: float, outer: bool) -> None:
    """Tokens at an axis, spaces as "␣"; below the cells, words stand on their end."""
    side = {"x": "labelbottom", "y": "labelleft"}[axis.axis_name]
    axis.set_tick_params(labelsize=SIZE if tokens is None else size, length=2, pad=2, **{side: outer})
    if tokens is None:
        axis.set_major_locator(MaxNLocator(nbins=5, integer=True))
        return
    axis.set_ticks(range(len(tokens)), [token.replace(" ", "␣") for token in tokens])
    for label in axis.get_ticklabels() if axis.axis_name == "x" else ():
        label.set_rotation(90 if len(label.get_text()) > 1 else 0)
