"""One look for all figures: readable in print, in black and white, and by color-blind readers.

Two classes differ in shape and filling before they differ in color; lines differ in dashes.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

# Okabe and Ito (2008), "Color universal design": distinguishable with all common color deficiencies.
BLUE, ORANGE, GREEN, PURPLE, BLACK = "#0072b2", "#d55e00", "#009e73", "#a0527d", "#1a1a1a"
LINES = ((BLUE, "-"), (ORANGE, "--"), (GREEN, "-."), (PURPLE, ":"))
MARKERS = ("o", "s")
FILLS = ("white", BLUE)
EDGES = (ORANGE, BLUE)

STYLE = {
    "figure.dpi": 144,
    "figure.facecolor": "white",
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
def new_figure(width: float = 6.0, height: float = 3.6) -> Iterator[Figure]:
    """A figure in the course's style, in inches. It is closed at the end, so that a notebook shows it only once."""
    with plt.rc_context(STYLE):
        figure = plt.figure(figsize=(width, height), layout="constrained")
        try:
            yield figure
        finally:
            plt.close(figure)  # the object lives on; pyplot alone forgets it
