"""The two pictures of the primer: a partial derivative as a slice, and the chain rule as number lines."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.figure import Figure

from nbcode.plots.style import BLACK, BLUE, ORANGE, new_figure


def slice_through_surface(
    f: Callable[[np.ndarray, np.ndarray], np.ndarray],
    at: tuple[float, float],
    slope: float,
    levels: Sequence[float] | int = 10,
    reach: float = 2.0,
) -> Figure:
    """Left, a function of x and y from above with one line of constant y; right, the function along that line.

    Args:
        f: takes arrays.
        at: the point (x, y) where the tangent is drawn.
        slope: of the tangent, the partial derivative by x at that point.
        levels: values of f at which contour lines are drawn, or how many to draw.
        reach: half the width of the shown square.
    """
    x0, y0 = at
    ticks = np.linspace(-reach, reach, 121)
    with new_figure(7.2, 3.2) as figure:
        above, along = figure.subplots(1, 2)
        heights = f(*np.meshgrid(ticks, ticks))
        lines = above.contour(ticks, ticks, heights, levels=levels, colors="#666666", linewidths=1)
        above.clabel(lines, fontsize=8)
        above.axhline(y0, color=BLUE)
        above.plot(x0, y0, "o", color=ORANGE, markersize=8)
        above.set(xlabel="x", ylabel="y", title=f"from above: keep y = {y0:g}", aspect="equal")
        along.plot(ticks, f(ticks, np.full_like(ticks, y0)), color=BLUE)
        height = float(f(np.array(x0), np.array(y0)))
        step = np.array([-0.9, 0.9])
        along.plot(x0 + step, height + slope * step, "--", color=ORANGE)
        along.plot(x0, height, "o", color=ORANGE, markersize=8)
        along.set(xlabel="x", ylabel=f"f(x, {y0:g})", title="along the line, with a tangent")
    return figure


def chain_of_slopes(names: Sequence[str], values: Sequence[float], nudges: Sequence[float]) -> Figure:
    """Number lines one below the other, with the same small nudge as it arrives on each.

    Args:
        names: of the quantities, from the input to the output.
        values: where each stands.
        nudges: how far each moves; the ratio of two neighbors is the slope between them.

    Raises:
        ValueError: the three are not equally long, or empty, or a nudge is 0: no ratio could be shown.
    """
    if not names or not len(names) == len(values) == len(nudges):
        raise ValueError(f"{len(names)} names, {len(values)} values and {len(nudges)} nudges; give as many of each")
    if not all(nudges):
        raise ValueError(f"nudges are {list(nudges)}; none may be 0")
    reach = max(abs(nudge) for nudge in nudges) * 1.35
    with new_figure(6.4, 1.15 * len(names)) as figure:
        ax = figure.subplots()
        for row, (name, value, nudge) in enumerate(zip(names, values, nudges, strict=True)):
            ax.plot([min(-0.15 * reach, 1.3 * nudge), reach], [-row, -row], color=BLACK, linewidth=1)
            ax.plot(0, -row, "o", color=BLACK)
            ax.annotate("", (nudge, -row), (0, -row), arrowprops={"arrowstyle": "-|>", "color": ORANGE, "linewidth": 3})
            ax.text(0, -row - 0.32, f"{name} = {value:g}", ha="left")
            ax.text(nudge, -row + 0.14, f"{nudge:+g}", ha="right", color=ORANGE)
            if row:
                ratio = nudge / nudges[row - 1]
                ax.text(-0.17 * reach, -row + 0.5, f"× {ratio:.4g}", ha="right", va="center", color=BLUE)
        ax.set(xlim=(min(-0.4 * reach, 1.35 * min(nudges)), reach * 1.02), ylim=(-len(names) + 0.45, 0.45))
        ax.axis("off")
    return figure
