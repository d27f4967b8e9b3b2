"""A computation graph: every value with its operation, its number and its gradient."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from nbcode.autograd import Value, ordered
from nbcode.plots.style import BLACK, BLUE, ORANGE, new_figure

MOST = 40  # nodes; more would not be readable
WIDTH = 0.78  # of a box; columns are 1 apart


def computation_graph(result: Value) -> Figure:
    """The graph behind a value, from its inputs on the left to the result on the right.

    Each box shows name or operation, the number, and below it the gradient.

    Args:
        result: call ``backward`` on it before, or all gradients show as 0.

    Raises:
        ValueError: more than 40 values.
    """
    order = ordered(result)
    if len(order) > MOST:
        raise ValueError(f"the graph has {len(order)} values, and more than {MOST} cannot be read; draw a part of it")
    places = _places(order)
    columns = 1 + max(column for column, _ in places.values())
    rows = 1 + max(row for _, row in places.values())
    with new_figure(1.25 * columns, 1.05 * rows + 0.1) as figure:
        ax = figure.subplots()
        for value in order:
            x, y = places[value]
            for parent in value.parents:
                px, py = places[parent]
                arrow = {"arrowstyle": "-|>", "color": "#555555", "shrinkA": 0, "shrinkB": 0}
                ax.annotate("", (x - WIDTH / 2, -y), (px + WIDTH / 2, -py), arrowprops=arrow)
            _draw_box(ax, value, x, -y)
        ax.set(xlim=(-0.5, columns - 0.5), ylim=(-rows + 0.5, 0.5))
        ax.axis("off")
    return figure


def _draw_box(ax: Axes, value: Value, x: float, y: float) -> None:
    edge = BLUE if value.parents else BLACK
    ax.add_patch(Rectangle((x - WIDTH / 2, y - 0.38), WIDTH, 0.76, facecolor="white", edgecolor=edge, linewidth=1.3))
    title = ": ".join(part for part in (value.name, value.operation) if part)
    ax.text(x, y + 0.23, title or "number", ha="center", va="center", fontsize=10, fontweight="bold")
    ax.text(x, y, f"{value.data:.4g}", ha="center", va="center", fontsize=10)
    ax.text(x, y - 0.23, f"∂ {value.grad:.4g}", ha="center", va="center", fontsize=10, color=ORANGE)


def _places(order: list[Value]) -> dict[Value, tuple[int, float]]:
    """Column and row of each value. A value stands just left of the first that uses it; rows are shared out in turn."""
    column = {order[-1]: 0}
    for value in reversed(order):
        for parent in value.parents:
            column[parent] = max(column.get(parent, 0), column[value] + 1)
    last = max(column.values())
    by_column: dict[int, list[Value]] = {}
    for value in order:
        by_column.setdefault(last - column[value], []).append(value)
    tallest = max(len(values) for values in by_column.values())
    return {
        value: (place, row + (tallest - len(values)) / 2)
        for place, values in by_column.items()
        for row, value in enumerate(values)
    }
