"""Calibration: how sure a model was, and how often it was right then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from nbcode.plots.style import BLACK, BLUE, ORANGE, new_panels
from nbcode.training.metrics import Bin

FILL = "#9ec9e2"
ENOUGH = 10  # cases in a bar


def calibrations(panels: Mapping[str, Sequence[Bin]]) -> Figure:
    """A bar for each range of confidence, as high as the share that was right, with the number of cases in it.

    A bar of fewer than ten cases is white: it says little. A hollow diamond stands where the bar would end if the model
    were calibrated; all of them lie near the diagonal.

    Args:
        panels: title -> ranges, as :func:`nbcode.training.metrics.calibration` returns them.

    Raises:
        ValueError: no panel, or one without a range.
    """
    if not panels or not all(len(bins) for bins in panels.values()):
        sizes = [len(bins) for bins in panels.values()]
        raise ValueError(f"panels have {sizes} ranges; give at least one panel, none empty")
    with new_panels(len(panels), 3.0 if len(panels) > 1 else 4.4, 3.2, sharex=True, sharey=True) as (figure, axes):
        for ax, (title, bins) in zip(axes, panels.items(), strict=True):
            _bars(ax, bins)
            ax.set(title=title, xlabel="confidence", xlim=(0, 1), ylim=(0, 1.05))
        axes[0].set_ylabel("share right")
        handles, _ = axes[0].get_legend_handles_labels()
        handles = [Patch(facecolor=FILL, edgecolor=BLUE, label="right"), *handles]
        figure.legend(handles=handles, loc="outside upper center", ncols=3, fontsize=10)
    return figure


def _bars(ax: Axes, bins: Sequence[Bin]) -> None:
    lows, widths = [each.low for each in bins], [each.high - each.low for each in bins]
    heights = [each.accuracy for each in bins]
    fills = [FILL if each.count >= ENOUGH else "white" for each in bins]
    ax.bar(lows, heights, widths, align="edge", color=fills, edgecolor=BLUE)
    ax.plot([0, 1], [0, 1], color=BLACK, linewidth=1)
    means = [each.confidence for each in bins]
    ax.plot(means, means, "D", markerfacecolor="white", markeredgecolor=ORANGE, markeredgewidth=1.5, label="confidence")
    for each in bins:
        middle = (each.low + each.high) / 2
        ax.text(middle, 0.02, f"{each.count}", ha="center", va="bottom", fontsize=8)
