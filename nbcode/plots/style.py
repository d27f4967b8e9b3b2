"""One look for all figures: readable in print, in black and white, and by color-blind readers.

Two classes differ in shape and filling before they differ in color; lines differ in dashes.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Okabe and Ito (2008), "Color universal design": distinguishable with all common color deficiencies.
BLUE, ORANGE, GREEN, PURPLE, BLACK = "#0072b2", "#d55e00", "#009e73", "#a0527d", "#1a1a1a"
LINES = ((BLUE, "-"), (ORANGE, "--"), (GREEN, "-."), (PURPLE, ":"))
MARKERS = ("o", "s")
FILLS = ("white", BLUE)
EDGES = (ORANGE, BLUE)

LATIN, EAST_ASIAN = "DejaVu Sans", "nbcode East Asian"  # families; the second steps in where the first has no glyph
FOLDER = Path(__file__).parent / "fonts"
FONTS = {"Regular": FOLDER / "dates-regular.otf", "Bold": FOLDER / "dates-bold.otf"}  # made by nbsite.font

# Inches. On a phone a figure is 342 pixels wide, so that text of 11 points keeps 9 of them; wider ones keep less.
WIDEST = 6.0

STYLE = {
    "figure.dpi": 144,
    "figure.facecolor": "white",
    "font.family": [LATIN, EAST_ASIAN],
    "font.size": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e4e4e4",
    "lines.linewidth": 2,
    "legend.frameon": False,
}


@contextlib.contextmanager
def new_figure(width: float = WIDEST, height: float = 3.6) -> Iterator[Figure]:
    """A figure in the course's style, in inches. It is closed at the end, so that a notebook shows it only once."""
    _add_east_asian()
    with plt.rc_context(STYLE):
        figure = plt.figure(figsize=(width, height), layout="constrained")
        try:
            yield figure
        finally:
            plt.close(figure)  # the object lives on; pyplot alone forgets it


def columns_and_rows(count: int, width: float, room: float = WIDEST) -> tuple[int, int]:
    """How to lay out panels of a width in inches: as many beside each other as there is room for, in even rows."""
    fitting = max(1, min(count, int(room / width)))
    rows = -(-count // fitting)
    return -(-count // rows), rows


@contextlib.contextmanager
def new_panels(
    count: int, width: float, height: float, bar: float = 0.0, **shared
) -> Iterator[tuple[Figure, list[Axes]]]:
    """A figure with panels of a size in inches, as many beside each other as fit into ``WIDEST``.

    Args:
        count: of the panels.
        width: of a panel.
        height: of a panel.
        bar: inches at the right for a common color bar.
        shared: which axes are common, as in ``Figure.subplots``.
    """
    columns, rows = columns_and_rows(count, width, WIDEST - bar)
    with new_figure(columns * width + bar, rows * height) as figure:
        axes = figure.subplots(rows, columns, squeeze=False, **shared).flatten()
        for ax in axes[count:]:
            ax.axis("off")
        yield figure, list(axes[:count])


@functools.cache
def _add_east_asian() -> None:
    """Make the small fonts known to matplotlib, once: most machines, and Colab, have none with Chinese characters."""
    for path in FONTS.values():
        font_manager.fontManager.addfont(path)
