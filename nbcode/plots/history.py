"""Curves of what happened during training, and of studies over several seeds."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from nbcode.plots.style import BLACK, BLUE, LINES, ORANGE, new_figure

TICKS = (1, 2, 5, 10, 20, 50, 100, 1_000, 10_000, 100_000)  # of a logarithmic axis, as plain numbers


def mistakes_per_epoch(runs: Mapping[str, Sequence[int]]) -> Figure:
    """One line per run: mistakes of the perceptron rule in each epoch, counted from 1.

    Args:
        runs: label -> mistakes per epoch; at most four, the number of line styles.

    Raises:
        ValueError: no run, or more than four.
    """
    if not 1 <= len(runs) <= len(LINES):
        raise ValueError(f"{len(runs)} runs given; give 1 to {len(LINES)}, one per line style")
    with new_figure() as figure:
        ax = figure.subplots()
        for (label, mistakes), (color, dashes) in zip(runs.items(), LINES, strict=False):
            ax.plot(range(1, len(mistakes) + 1), mistakes, dashes, color=color, marker=".", label=label)
        ax.set(xlabel="epoch", ylabel="mistakes in the epoch", ylim=(0, None))
        ax.legend()
    return figure


def study_spread(
    values: Mapping[float, Sequence[float]], limits: Mapping[float, float], names: tuple[str, str, str]
) -> Figure:
    """Measured values of every seed against one parameter, on two logarithmic axes, below a theoretical limit.

    Args:
        values: parameter -> one measured value per seed.
        limits: parameter -> the limit.
        names: of the parameter, of the value, of the limit.
    """
    with new_figure() as figure:
        ax = figure.subplots()
        for parameter, measured in values.items():
            ax.plot([parameter] * len(measured), measured, "o", color=BLUE, alpha=0.45, markersize=5)
        middles = [statistics.median(measured) for measured in values.values()]
        ax.plot(list(values), middles, "-", color=BLACK, label=f"{names[1]}: dots are seeds, the line joins medians")
        ax.plot(list(limits), list(limits.values()), "--", color=ORANGE, label=names[2])
        top = 8 * max(limits.values())  # room for the legend
        ax.set(xscale="log", yscale="log", xlabel=names[0], ylabel=names[1], ylim=(None, top))
        ax.set_xticks(list(values), [f"{parameter:g}" for parameter in values])
        ax.set_yticks([tick for tick in TICKS if ax.get_ylim()[0] <= tick <= ax.get_ylim()[1]])
        ax.yaxis.set_major_formatter("{x:,g}")
        ax.minorticks_off()
        ax.legend(loc="upper right")
    return figure
