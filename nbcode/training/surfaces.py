"""The surfaces of :mod:`nbcode.data.surfaces` as functions of a tensor."""

from __future__ import annotations

import torch

from nbcode.data.surfaces import SURFACES
from nbcode.training.stability import Surface


def surface(name: str) -> Surface:
    """The function of a surface; it maps (..., 2), the weights u and v, to (...).

    Raises:
        ValueError: an unknown name.
    """
    if name not in SURFACES:
        raise ValueError(f"unknown surface {name!r}; choose one of {', '.join(SURFACES)}")
    a, b, c, q = SURFACES[name]

    def height(weights: torch.Tensor) -> torch.Tensor:
        u, v = weights.unbind(-1)
        return (a * u**2 + 2 * b * u * v + c * v**2) / 2 + q * u**4 / 4

    return height
