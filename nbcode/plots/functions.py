"""Functions of one number with their derivatives."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from matplotlib.figure import Figure

from nbcode.plots.style import BLUE, ORANGE, new_figure

COLUMNS = 3  # of panels
Curve = Callable[[torch.Tensor], torch.Tensor]


def functions_with_slopes(panels: Mapping[str, tuple[Curve, Curve]], across: tuple[float, float] = (-4, 4)) -> Figure:
    """Panels in rows; in each, a function as a solid line and its derivative as a dashed one.

    Args:
        panels: title -> (function, derivative), on tensors.
        across: lowest and highest number that is shown.

    Raises:
        ValueError: no panel.
    """
    if not panels:
        raise ValueError("no panel given; give at least one: {title: (function, derivative)}")
    columns, rows = min(COLUMNS, len(panels)), -(-len(panels) // COLUMNS)
    x = torch.linspace(*across, 401)
    with new_figure(2.5 * columns, 2.1 * rows + 0.3) as figure:
        axes = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).flatten()
        for ax in axes[len(panels) :]:
            ax.axis("off")
        for ax, (title, (function, slope)) in zip(axes, panels.items(), strict=False):
            ax.plot(x, function(x), "-", color=BLUE, label="function")
            ax.plot(x, slope(x), "--", color=ORANGE, label="derivative")
            ax.set(title=title, ylim=(-1.3, 2.2))
        axes[0].legend(loc="upper left", fontsize=9)
    return figure
