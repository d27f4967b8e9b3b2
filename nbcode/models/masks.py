"""Masks: which places of a sequence must not be seen. True hides, in all of them.

``nn.MultiheadAttention`` reads its masks like this; ``F.scaled_dot_product_attention`` reads a true as "may be seen".
"""

from __future__ import annotations

import torch


def padding_mask(lengths: torch.Tensor, length: int) -> torch.Tensor:
    """True at the padding behind sequences of the given lengths: (B,) -> (B, T), T = ``length``.

    Raises:
        ValueError: lengths are not whole numbers from 0 to ``length``, in one row.
    """
    whole = not (lengths.is_floating_point() or lengths.is_complex() or lengths.dtype == torch.bool)
    if lengths.ndim != 1 or not whole or (lengths.numel() and not (lengths.min() >= 0 and lengths.max() <= length)):
        raise ValueError(f"lengths are {lengths.tolist()}; give a row of whole numbers from 0 to {length}")
    return torch.arange(length, device=lengths.device) >= lengths[:, None]  # (T,) >= (B, 1) -> (B, T)


def causal_mask(length: int, device: torch.device | str | None = None) -> torch.Tensor:
    """True above the diagonal, (T, T): place t sees the places up to t and none after it."""
    return torch.ones(length, length, dtype=torch.bool, device=device).triu(diagonal=1)


def attention_mask(
    shape: tuple[int, int, int],
    key_padding_mask: torch.Tensor | None = None,
    causal: bool = False,
    device: torch.device | str | None = None,
) -> torch.Tensor | None:
    """One mask from both sources, to be broadcast to (B, T, S); ``None`` where nothing is hidden.

    Args:
        shape: (B, T, S).
        key_padding_mask: (B, S), true at padding.
        causal: whether place t sees only the sources up to t; needs T = S.
        device: of the causal mask.

    Returns:
        (B, 1, S), (1, T, S) or (B, T, S).

    Raises:
        ValueError: a shape or dtype that does not fit.
    """
    batch, length, source = shape
    if causal and length != source:
        raise ValueError(f"causal attention needs as many queries as keys; T is {length} and S is {source}")
    hidden = causal_mask(length, device)[None] if causal else None  # (1, T, S)
    if key_padding_mask is None:
        return hidden
    if key_padding_mask.shape != (batch, source) or key_padding_mask.dtype != torch.bool:
        came = f"shape {tuple(key_padding_mask.shape)} and dtype {key_padding_mask.dtype}"
        raise ValueError(f"key_padding_mask has {came}; give (B, S) = ({batch}, {source}) of dtype bool")
    padding = key_padding_mask[:, None]  # (B, 1, S)
    return padding if hidden is None else padding | hidden  # (B, T, S)
