"""Curves of training runs, predictions against targets, and one measured value for many seeds."""

from __future__ import annotations

import statistics
import textwrap
from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from nbcode.plots.style import BLACK, BLUE, LINES, ORANGE, new_figure

LABEL = 22  # letters; longer names of rows go on in a second line
FEW = 20  # seeds; their dots are drawn larger


def curves(
    runs: Mapping[str, Sequence[float]], axes: tuple[str, str] = ("step", "loss"), log: str = "",
    at: Mapping[str, Sequence[float]] | None = None,
) -> Figure:  # fmt: skip
    """One line per run, against the number of the step where nothing else is given.

    Args:
        runs: label -> one value per step; at most four, the number of line styles.
        axes: names of the two axes.
        log: which axes are logarithmic: ``""``, ``"y"`` or ``"xy"``.
        at: label -> where on the horizontal axis the values stand; without it at 1, 2, 3 and so on.

    Raises:
        ValueError: no run, more than four, or an empty one.
    """
    if not 1 <= len(runs) <= len(LINES) or not all(len(values) for values in runs.values()):
        sizes = [len(values) for values in runs.values()]
        raise ValueError(f"runs have lengths {sizes}; give 1 to {len(LINES)} runs, one per line style, none empty")
    with new_figure() as figure:
        ax = figure.subplots()
        for (label, values), (color, dashes) in zip(runs.items(), LINES, strict=False):
            places = (at or {}).get(label, range(1, len(values) + 1))
            ax.plot(places, values, dashes, color=color, label=label)
        scale = {name + "scale": "log" for name in log}
        ax.set(xlabel=axes[0], ylabel=axes[1], **scale)
        if len(runs) > 1:
            ax.legend(frameon=True, framealpha=0.9, edgecolor="none")
    return figure


def bundle(
    lines: Sequence[Sequence[float]], target: tuple[str, float], bound: tuple[str, Sequence[float]],
    axes: tuple[str, str],
) -> Figure:  # fmt: skip
    """The same quantity in many runs, as thin lines on their way to a target, and a bound to compare them with.

    Args:
        lines: one sequence per run, from step 0 on.
        target: name and value of a horizontal line.
        bound: name and values, from step 0 on.
        axes: names of the two axes.
    """
    with new_figure() as figure:
        ax = figure.subplots()
        for number, line in enumerate(lines):
            label = f"{len(lines)} runs" if number == 0 else None
            ax.plot(line, color=BLUE, linewidth=1, alpha=0.6, label=label)
        ax.axhline(target[1], color=BLACK, linewidth=1.2, label=target[0])
        ax.plot(bound[1], "--", color=ORANGE, label=bound[0])
        ax.set(xlabel=axes[0], ylabel=axes[1], ylim=(None, 1.15 * target[1]))
        ax.legend(loc="lower right")
    return figure


def strips(groups: Mapping[str, Sequence[float]], target: tuple[str, float] | None, name: str) -> Figure:
    """One row per group, one dot per seed, a bar at the median, and a line at the target.

    Args:
        groups: label -> one value per seed; drawn from top to bottom.
        target: name and value of a vertical line, or ``None``.
        name: of the measured value.
    """
    with new_figure(height=0.45 * len(groups) + 1.2) as figure:
        ax = figure.subplots()
        for row, values in enumerate(groups.values()):
            # Apart from each other, so that no dot hides another.
            spread = [row + 0.22 * ((7 * place) % 11 - 5) / 5 for place in range(len(values))]
            few = len(values) <= FEW
            ax.plot(values, spread, "o", color=BLUE, alpha=0.7 if few else 0.4, markersize=6 if few else 4, zorder=3)
            middle = statistics.median(values)
            bar = [row - 0.36, row + 0.36]  # drawn below the dots
            ax.plot([middle, middle], bar, color=ORANGE, linewidth=3, label=None if row else "median")
        if target is not None:
            ax.axvline(target[1], color=BLACK, linewidth=1.2, label=target[0])
        ax.legend(loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.2, fontsize=10, ncols=2)  # hides no dot
        labels = [textwrap.fill(label, LABEL, break_on_hyphens=False) for label in groups]
        ax.set_yticks(range(len(groups)), labels, fontsize=10, linespacing=1)
        ax.set(xlabel=name, ylim=(len(groups) - 0.5, -0.5))
    return figure


def predicted_against_true(target: Sequence[float], predictions: Mapping[str, Sequence[float]]) -> Figure:
    """Panels side by side: each prediction over its target; perfect ones lie on the diagonal.

    Args:
        target: one number per example.
        predictions: title -> one number per example.
    """
    with new_figure(3.0 * len(predictions), 3.0) as figure:
        panels = figure.subplots(1, len(predictions), squeeze=False, sharex=True, sharey=True)[0]
        for ax, (title, values) in zip(panels, predictions.items(), strict=True):
            ends = [min(target), max(target)]
            ax.plot(ends, ends, color=BLACK, linewidth=1)
            ax.plot(target, values, "o", color=BLUE)
            ax.set(title=title, xlabel="target", ylabel="prediction")
    return figure


def errors_by_choice(
    choices: Sequence[float], errors: Mapping[str, Sequence[float]], names: tuple[str, str], ticks: Sequence[float]
) -> Figure:
    """Errors against a choice that was made before training, one line per part of the data, logarithmic upward.

    Args:
        choices: the values that were tried.
        errors: part -> one error for each choice.
        names: of the choice and of the error.
        ticks: where the vertical axis is marked, in plain numbers.
    """
    with new_figure() as figure:
        ax = figure.subplots()
        for (label, values), (color, dashes) in zip(errors.items(), LINES, strict=False):
            ax.plot(choices, values, dashes, color=color, marker=".", label=label)
        ax.set(xlabel=names[0], ylabel=names[1], yscale="log", xticks=choices)
        ax.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
        ax.minorticks_off()
        ax.legend()
    return figure
