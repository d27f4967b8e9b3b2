"""What the layers of a network put out, as histograms side by side."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from matplotlib.figure import Figure

from nbcode.plots.style import BLUE, new_figure

BINS = 41


def layer_histograms(rows: Mapping[str, Mapping[str, torch.Tensor]], across: tuple[float, float]) -> Figure:
    """One row per network, one histogram per layer; each is scaled to its own highest bar.

    Args:
        rows: name of the network -> (name of the layer -> its outputs, any shape). All have the same layers.
        across: lowest and highest value that is shown; what lies beyond is counted at the ends.

    Raises:
        ValueError: no network, or networks with different layers.
    """
    layers = [list(row) for row in rows.values()]
    if not layers or not layers[0] or any(names != layers[0] for names in layers):
        raise ValueError(f"layers are {layers}; give at least one network, and for all of them the same layers")
    with new_figure(1.25 * len(layers[0]) + 0.6, 1.15 * len(rows) + 0.5) as figure:
        grid = figure.subplots(len(rows), len(layers[0]), squeeze=False, sharex=True)
        for ax, layer in zip(grid[0], layers[0], strict=True):
            ax.set_title(layer)
        for axes, (name, row) in zip(grid, rows.items(), strict=True):
            for ax, values in zip(axes, row.values(), strict=True):
                counts = torch.histc(values.detach().float().cpu().clamp(*across), BINS, *across)
                edges = torch.linspace(*across, BINS + 1)
                ax.stairs(counts / counts.max(), edges, fill=True, color=BLUE)
                ax.set(yticks=(), xlim=across)
                ax.grid(visible=False)
            axes[0].set_ylabel(name, fontsize=10)
    return figure
