"""Weights as one string of bytes: half precision, one parameter after another, for whoever computes without PyTorch.

The figure in the page reads it. Left out: optimizer state, and everything that a network can compute anew.
"""

from __future__ import annotations

import math

import torch
from torch import nn

Shapes = list[tuple[str, list[int]]]
BYTES = 2  # of a number in half precision


def packed(model: nn.Module) -> tuple[bytes, Shapes]:
    """All parameters in half precision (IEEE 754 binary16, little endian), row after row, without gaps.

    Half the size of float32, and about three digits of each number are left. A shared parameter comes once, under its
    first name.

    Args:
        model: on any device, of any floating dtype.

    Returns:
        The bytes, and name and shape of each parameter in their order.

    Raises:
        ValueError: a number that is not finite in half precision, which ends at 65,504.
    """
    parts, shapes = [], []
    for name, parameter in model.named_parameters():
        halves = _halves(name, parameter)
        parts.append(halves.numpy().astype("<f2").tobytes())
        shapes.append((name, list(parameter.shape)))
    return b"".join(parts), shapes


def unpack_into(model: nn.Module, data: bytes, shapes: Shapes) -> None:
    """Give a model the weights that :func:`packed` made of one like it.

    Raises:
        ValueError: other parameters than the model's, or another number of bytes than they need.
    """
    parameters = dict(model.named_parameters())
    if [(name, list(shape)) for name, shape in shapes] != [(n, list(p.shape)) for n, p in parameters.items()]:
        raise ValueError(f"the {len(shapes)} packed parameters are not the {len(parameters)} of this model")
    needed = BYTES * sum(parameter.numel() for parameter in parameters.values())
    if len(data) != needed:
        raise ValueError(f"{len(data)} bytes came; this model needs {needed}, {BYTES} for each number")
    numbers = torch.frombuffer(bytearray(data), dtype=torch.float16) if data else torch.empty(0, dtype=torch.float16)
    ends = [math.prod(shape) for _, shape in shapes]
    with torch.no_grad():
        for parameter, part in zip(parameters.values(), numbers.split(ends), strict=True):
            parameter.copy_(part.view_as(parameter))


def _halves(name: str, parameter: torch.Tensor) -> torch.Tensor:
    """A parameter in half precision, on the CPU."""
    halves = parameter.detach().cpu().to(torch.float16)
    if not halves.isfinite().all():
        largest = parameter.detach().abs().max().item()
        limit = torch.finfo(torch.float16).max
        raise ValueError(f"{name} has numbers up to {largest:g}; half precision holds finite numbers up to {limit:,g}")
    return halves
