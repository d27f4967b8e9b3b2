"""Small gray images in rows, each with a title."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from matplotlib.figure import Figure

from nbcode.plots.style import new_figure

COLUMNS = 8


def image_grid(images: torch.Tensor, titles: Sequence[str]) -> Figure:
    """Images from left to right and from top to bottom; 1 is black, 0 is white.

    Args:
        images: (B, 1, H, W), from 0 to 1.
        titles: one for each.

    Raises:
        ValueError: no image, another shape, or not as many titles.
    """
    if images.ndim != 4 or images.shape[1] != 1 or len(images) != len(titles) or not len(images):
        raise ValueError(f"images have shape {tuple(images.shape)} and {len(titles)} titles; give (B, 1, H, W) and B")
    columns, rows = min(COLUMNS, len(images)), -(-len(images) // COLUMNS)
    with new_figure(0.9 * columns, 1.15 * rows) as figure:
        axes = figure.subplots(rows, columns, squeeze=False).flatten()
        for ax in axes:
            ax.axis("off")
        for ax, image, title in zip(axes, images, titles, strict=False):
            ax.imshow(image[0].tolist(), cmap="gray_r", vmin=0, vmax=1)
            ax.set_title(title, fontsize=9)
    return figure
