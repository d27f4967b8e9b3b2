"""Measured values of several seeds against a parameter: a line through the medians, a band over all seeds."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nbcode.plots.style import BLACK, LINES, new_panels

Values = Mapping[float, Sequence[float]]


def spreads(
    panels: Mapping[str, Mapping[str, Values]], names: tuple[str, str], log: str = "x",
    level: tuple[str, float] | None = None,
) -> Figure:  # fmt: skip
    """Panels one below the other on common axes.

    Args:
        panels: title -> label -> parameter -> one value per seed; at most four labels in a panel.
        names: of the parameter and of the value.
        log: which axes are logarithmic: ``""``, ``"x"`` or ``"xy"``.
        level: name and height of a horizontal line to compare with.

    Raises:
        ValueError: no panel, a panel without a label or with more than four, or a parameter without a value.
    """
    counts = [len(lines) for lines in panels.values()]
    if not counts or not all(1 <= count <= len(LINES) for count in counts):
        raise ValueError(f"panels have {counts} lines; give at least one panel, with 1 to {len(LINES)} lines in each")
    with new_panels(len(panels), 5.4, 3.4 if len(panels) == 1 else 2.9, sharex=True, sharey=True) as (figure, axes):
        for ax, (title, lines) in zip(axes, panels.items(), strict=True):
            for (label, values), style in zip(lines.items(), LINES, strict=False):
                _line(ax, label, values, style)
            if level is not None:
                ax.axhline(level[1], color=BLACK, linewidth=1, linestyle=(0, (1, 2)))
                ax.text(0.01, level[1], level[0], transform=ax.get_yaxis_transform(), va="bottom")
            ax.set(title=title, ylabel=names[1], **{f"{name}scale": "log" for name in log})
            _ticks(ax, lines, "x" in log)
            ax.legend(fontsize=10, frameon=True, framealpha=0.9, edgecolor="none")
        axes[-1].set_xlabel(names[0])
    return figure


def _line(ax: Axes, label: str, values: Values, style: tuple[str, str]) -> None:
    color, dashes = style
    if not all(len(each) for each in values.values()):
        raise ValueError(f"{label!r} has a parameter without a value")
    places = list(values)
    low, high = ([choose(each) for each in values.values()] for choose in (min, max))
    ax.fill_between(places, low, high, color=color, alpha=0.18, linewidth=0)
    middles = [statistics.median(each) for each in values.values()]
    ax.plot(places, middles, dashes, color=color, marker=".", label=label)


def _ticks(ax: Axes, lines: Mapping[str, Values], log: bool) -> None:
    """At the measured parameters, in plain numbers."""
    places = sorted({place for values in lines.values() for place in values})
    if log:
        ax.set_xticks(places, [f"{place:g}" for place in places], fontsize=10, rotation=45 if len(places) > 7 else 0)
        ax.xaxis.minorticks_off()
