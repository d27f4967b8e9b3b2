"""Convolution in two dimensions: one small dense layer that slides over the image, and pooling.

Left out: groups, transposed convolutions, padding with anything but zeros. Like ``nn.Conv2d`` it does not turn the
kernel round, as the convolution of mathematics does; the right name would be cross-correlation.
"""

from __future__ import annotations

import math

import torch
from torch import nn

Pair = int | tuple[int, int]


def output_size(size: int, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> int:
    """How many places a kernel finds along one axis of ``size`` pixels; 0 or less where it finds none.

    Source: Dumoulin and Visin (2016), "A guide to convolution arithmetic for deep learning", relationships 6 and 15.
    """
    return (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1


def windows(x: torch.Tensor, kernel: Pair, stride: Pair = 1, padding: Pair = 0, dilation: Pair = 1) -> torch.Tensor:
    """What the kernel sees at each of its places: (B, C, H, W) -> (B, C, H', W', h, w).

    A view of the padded image, not a copy: windows that overlap share their pixels in memory.

    Args:
        x: (B, C, H, W).
        kernel: h and w, the size of a window; one number stands for both, here and below.
        stride: pixels from one window to the next.
        padding: zeros added on each side.
        dilation: pixels from one entry of a window to the next.

    Raises:
        ValueError: wrong shape or setting, or an image that is smaller than the window.
    """
    (h, w), (down, right), (top, left), (dh, dw) = _settings(kernel, stride, padding, dilation)
    if x.ndim != 4:
        raise ValueError(f"x has shape {tuple(x.shape)}; give (B, C, H, W)")
    for name, size, *setting in (("H", x.shape[2], h, down, top, dh), ("W", x.shape[3], w, right, left, dw)):
        if output_size(size, *setting) < 1:
            k, _, pad, spread = setting
            raise ValueError(
                f"{name} is {size}, with padding {size + 2 * pad}, and the window is {spread * (k - 1) + 1} long; "
                "give a larger image, more padding or a smaller kernel"
            )
    padded = nn.functional.pad(x, (left, left, top, top))  # (B, C, H + 2 top, W + 2 left)
    spread = padded.unfold(2, dh * (h - 1) + 1, down).unfold(3, dw * (w - 1) + 1, right)
    return spread[..., ::dh, ::dw]  # (B, C, H', W', h, w)


def convolve(
    x: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None = None,
    stride: Pair = 1,
    padding: Pair = 0,
    dilation: Pair = 1,
) -> torch.Tensor:
    """One dense layer applied to every window of an image; the values of ``F.conv2d``.

    The windows are copied side by side before the product, so each pixel stands in memory up to h w times: the price
    of having one matrix product. ``F.conv2d`` avoids it.

    Args:
        x: (B, C, H, W).
        weight: (C_out, C, h, w), one kernel per output channel.
        bias: (C_out,), or ``None`` for zeros.
        stride: see :func:`windows`, also for the next two.

    Returns:
        (B, C_out, H', W'), the sizes of :func:`output_size`.

    Raises:
        ValueError: shapes that do not fit together; what :func:`windows` refuses.
    """
    _check_weight(x, weight, bias)
    # (B, C, H, W) -> (B, C, H', W', h, w): a window for each place
    seen = windows(x, tuple(weight.shape[2:]), stride, padding, dilation)
    # -> (B, H', W', C h w): each window as the inputs of a dense layer
    rows = seen.permute(0, 2, 3, 1, 4, 5).flatten(3)
    out = rows @ weight.flatten(1).T  # (B, H', W', C_out)
    if bias is not None:
        out = out + bias
    return out.movedim(-1, 1)  # (B, C_out, H', W')


def max_pool(x: torch.Tensor, size: Pair) -> torch.Tensor:
    """The largest value of each window, windows side by side: (B, C, H, W) -> (B, C, H // h, W // w).

    The values of ``F.max_pool2d``. Where two are equally large, both get half the gradient; PyTorch's gives it to one.
    """
    return windows(x, size, stride=size).amax(dim=(-2, -1))


class Conv2d(nn.Module):
    """A convolution with its parameters; the values of ``nn.Conv2d`` with the same ones.

    ``weight`` has shape (C_out, C, h, w) and ``bias`` has shape (C_out,). Both start uniform within 1 / sqrt(C h w),
    as PyTorch's do.

    Args:
        channels: C, of the input.
        channels_out: C_out.
        kernel: h and w; one number stands for both, here and below.
        stride: see :func:`windows`, also for the next two.

    Raises:
        ValueError: a size out of range.
    """

    def __init__(
        self,
        channels: int,
        channels_out: int,
        kernel: Pair,
        stride: Pair = 1,
        padding: Pair = 0,
        dilation: Pair = 1,
    ) -> None:
        super().__init__()
        if channels < 1 or channels_out < 1:
            raise ValueError(f"channels={channels}, channels_out={channels_out}; both must be at least 1")
        (h, w), self.stride, self.padding, self.dilation = _settings(kernel, stride, padding, dilation)
        bound = 1 / math.sqrt(channels * h * w)
        self.weight = nn.Parameter(torch.empty(channels_out, channels, h, w).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(channels_out).uniform_(-bound, bound))

    @classmethod
    def from_torch(cls, conv: nn.Conv2d) -> Conv2d:
        """Take over settings and weights of an ``nn.Conv2d``; a missing bias becomes zeros.

        Raises:
            ValueError: it uses groups, padding by name, or padding with anything but zeros.
        """
        if conv.groups != 1 or conv.padding_mode != "zeros" or isinstance(conv.padding, str):
            raise ValueError(
                f"groups={conv.groups}, padding={conv.padding!r}, padding_mode={conv.padding_mode!r}; "
                "only groups=1, padding in numbers and padding_mode='zeros' exist here"
            )
        settings = conv.kernel_size, conv.stride, conv.padding, conv.dilation
        own = cls(conv.in_channels, conv.out_channels, *settings)
        own.weight = nn.Parameter(conv.weight.detach().clone())
        bias = conv.weight.new_zeros(conv.out_channels) if conv.bias is None else conv.bias
        own.bias = nn.Parameter(bias.detach().clone())
        return own

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, C, H, W) -> (B, C_out, H', W'); raises what :func:`convolve` raises."""
        return convolve(x, self.weight, self.bias, self.stride, self.padding, self.dilation)


def _settings(kernel: Pair, stride: Pair, padding: Pair, dilation: Pair) -> list[tuple[int, int]]:
    """Each setting as a pair: down, then across."""
    named = {"kernel": (kernel, 1), "stride": (stride, 1), "padding": (padding, 0), "dilation": (dilation, 1)}
    return [_pair(name, value, least) for name, (value, least) in named.items()]


def _pair(name: str, value: Pair, least: int) -> tuple[int, int]:
    both = tuple(value) if isinstance(value, (tuple, list)) else (value, value)
    if len(both) != 2 or not all(type(part) is int and part >= least for part in both):
        raise ValueError(f"{name} is {value!r}; give a whole number of at least {least}, or a pair of them")
    return both


def _check_weight(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> None:
    if weight.ndim != 4 or x.ndim != 4 or x.shape[1] != weight.shape[1]:
        raise ValueError(
            f"x has shape {tuple(x.shape)} and weight {tuple(weight.shape)}; "
            "give (B, C, H, W) and (C_out, C, h, w) with the same C, the channels"
        )
    if bias is not None and bias.shape != weight.shape[:1]:
        raise ValueError(f"bias has shape {tuple(bias.shape)}; give ({weight.shape[0]},), one number per kernel")
