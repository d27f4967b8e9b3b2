"""How much of its input one output of a convolutional network can see: computed, and measured by gradient."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import torch
from torch import nn


class Window(NamedTuple):
    """What matters of a convolution or a pooling along one axis."""

    kernel: int
    stride: int = 1
    dilation: int = 1


def receptive_field(layers: Iterable[Sequence[int]]) -> int:
    """The number of inputs, along one axis, between the first and the last that one output can see.

    A layer that looks (kernel - 1) dilation places further sees that many steps of its input, and one step there is
    as many pixels as the strides below multiply to.

    Args:
        layers: from the input on, each a :class:`Window` or (kernel, stride, dilation); the last two may be left out.
            No layer at all sees one input.

    Raises:
        ValueError: a layer that is not one to three whole numbers of at least 1.

    Source: Araujo, Norris and Sim (2019), "Computing Receptive Fields of Convolutional Neural Networks", Distill,
        the closed form for a single path; a dilated kernel counts with the length that it spans.
    """
    field, jump = 1, 1
    for layer in layers:
        kernel, stride, dilation = _window(layer)
        field += (kernel - 1) * dilation * jump
        jump *= stride
    return field


def reach(model: Callable, input_shape: Sequence[int], at: Sequence[int] | None = None, seed: int = 0) -> torch.Tensor:
    """The inputs that move one output: true where the gradient of the output is not zero.

    The gradient is looked at for 32 random inputs, since a ReLU or a maximum passes it on for some inputs only.
    Batch normalization and dropout must be in evaluation mode; the first would link the 32.

    Args:
        model: maps (B, C, *sizes) to (B, C', *sizes'); any number of sizes: (H, W) for images, (T,) for sequences.
        input_shape: (C, *sizes), without the batch.
        at: the place of the output, one number for each of sizes'; ``None`` takes the middle.
        seed: of the random inputs.

    Returns:
        Boolean, of shape sizes.

    Raises:
        ValueError: a shape without sizes, or a place that does not exist.
    """
    if len(input_shape) < 2:
        raise ValueError(f"input_shape is {tuple(input_shape)}; give (C, H, W) or (C, T), without the batch")
    example = next(model.parameters(), torch.empty(0)) if isinstance(model, nn.Module) else torch.empty(0)
    drawn = torch.randn(32, *input_shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    x = drawn.to(example).requires_grad_()  # (32, C, *sizes)
    with torch.enable_grad():  # the caller may have switched gradients off
        out = model(x)  # (32, C', *sizes')
    sizes = tuple(out.shape[2:])
    place = tuple(size // 2 for size in sizes) if at is None else tuple(at)
    if len(place) != len(sizes) or not all(-size <= index < size for index, size in zip(place, sizes, strict=True)):
        raise ValueError(f"at is {place}; the output has sizes {sizes}, so give {len(sizes)} number(s) within them")
    with torch.enable_grad():
        chosen = out[(..., *place)].sum() + 0 * x.sum()  # so that an output of constants has a gradient too
    # autograd.grad, not backward: the parameters' own gradients stay what they are.
    (gradient,) = torch.autograd.grad(chosen, x)
    return (gradient != 0).any(dim=1).any(dim=0)  # (32, C, *sizes) -> sizes


def measured_receptive_field(
    model: Callable, input_shape: Sequence[int], at: Sequence[int] | None = None, seed: int = 0
) -> tuple[int, ...]:
    """The extent of :func:`reach` along each axis, from the first to the last input that moves the output.

    The input must be large enough: where the field is cut off by the border, less is measured. An output that no
    input moves has extent 0.
    """
    moved = reach(model, input_shape, at, seed)
    places = moved.nonzero()  # (count, number of axes)
    if len(places) == 0:
        return (0,) * moved.ndim
    return tuple((places.amax(dim=0) - places.amin(dim=0) + 1).tolist())


def _window(layer: Sequence[int]) -> Window:
    parts = tuple(layer)
    if not 1 <= len(parts) <= 3 or not all(type(part) is int and part >= 1 for part in parts):
        raise ValueError(f"a layer is {layer!r}; give (kernel, stride, dilation), whole numbers of at least 1")
    return Window(*parts)
