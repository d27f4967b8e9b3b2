"""Labeled points in the plane, and where a model with two inputs fires."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nbcode.plots.style import BLACK, EDGES, FILLS, MARKERS, new_figure

Panel = tuple[torch.Tensor, torch.Tensor, Callable[[torch.Tensor], torch.Tensor] | None]


INPUTS = ("$x_1$", "$x_2$")
CROWD = 60  # with more points than this, markers are drawn at half their size


def decision_planes(panels: Mapping[str, Panel], axes: Mapping[str, tuple[str, str]] | None = None) -> Figure:
    """Panels side by side; in each, labeled points, the region where a model fires, and a cross on every miss.

    Args:
        panels: title -> (points (B, 2), labels (B,), model). The model maps (N, 2) to (N, 1) zeros and ones;
            ``None`` shows the points alone.
        axes: title -> names of the two axes of that panel; ``x_1`` and ``x_2`` where nothing else is given.

    Raises:
        ValueError: no panel, or points that are not (B, 2).
    """
    if not panels:
        raise ValueError("no panel given; give at least one: {title: (points, labels, model)}")
    with new_figure(2.3 * len(panels) if len(panels) > 1 else 3.6, 2.7 if len(panels) > 1 else 3.6) as figure:
        for ax, (title, (x, y, model)) in zip(
            figure.subplots(1, len(panels), squeeze=False)[0], panels.items(), strict=True
        ):
            _panel(ax, x, y, model)
            across, up = (axes or {}).get(title, INPUTS)
            ax.set(title=title, xlabel=across, ylabel=up, aspect="equal", xticks=(0, 1), yticks=(0, 1))
    return figure


def _panel(ax: Axes, x: torch.Tensor, y: torch.Tensor, model: Callable | None) -> None:
    if x.ndim != 2 or x.shape[1] != 2 or not len(x):
        raise ValueError(f"points have shape {tuple(x.shape)}; a plane needs (B, 2), with at least one point")
    low, high = x.min().item() - 0.5, x.max().item() + 0.5
    shrink = 1 if len(x) <= CROWD else 0.5
    if model is not None:
        _shade(ax, model, low, high)
        missed = x[model(x).squeeze(1) != y]
        ax.plot(
            missed[:, 0],
            missed[:, 1],
            "x",
            color=BLACK,
            markersize=13 * shrink,
            markeredgewidth=1.6 * shrink,
            label="miss",
        )
    for label in (0, 1):
        points = x[y == label]
        ax.plot(
            points[:, 0], points[:, 1], MARKERS[label], markerfacecolor=FILLS[label], markeredgecolor=EDGES[label],
            markeredgewidth=1.8 * shrink, markersize=7 * shrink, label=f"label {label}",
        )  # fmt: skip
    ax.set(xlim=(low, high), ylim=(low, high))


def _shade(ax: Axes, model: Callable, low: float, high: float, steps: int = 200) -> None:
    """Shade where the model fires and draw the border."""
    ticks = torch.linspace(low, high, steps)
    grid = torch.cartesian_prod(ticks, ticks)  # (N, 2), N = steps * steps
    with torch.no_grad():
        fires = model(grid).reshape(steps, steps).T  # contourf wants rows for the vertical axis
    ax.contourf(ticks, ticks, fires, levels=[0.5, 1.5], colors=["#cfe3f3"])
    if 0 < fires.mean() < 1:
        ax.contour(ticks, ticks, fires, levels=[0.5], colors=[BLACK], linewidths=1.2)
