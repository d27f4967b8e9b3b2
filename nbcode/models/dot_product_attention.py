"""Attention: each query takes a weighted mean of values, with weights from how well it matches the keys.

Masks are boolean and true where a key is hidden (:mod:`nbcode.models.masks`). Left out: a cache for decoding.
"""

from __future__ import annotations

import math

import torch

from nbcode.models.fast_dropout import fast_dropout


def attend(
    scores: torch.Tensor,
    value: torch.Tensor,
    mask: torch.Tensor | None = None,
    dropout: float = 0.0,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Turn scores into weights that add up to 1, and take the weighted mean of the values.

    A query whose keys are all hidden gets weights and an output of zeros, and sends back a gradient of zeros. In
    PyTorch ``nn.MultiheadAttention`` gives NaN there when it returns its weights.

    Args:
        scores: (..., T, S), of any size.
        value: (..., S, Kv).
        mask: boolean, true at hidden keys, to be broadcast to (..., T, S); ``None`` hides nothing.
        dropout: the share of weights to drop in the mean.

    Returns:
        (..., T, Kv) and the weights (..., T, S), of which none is dropped.

    Raises:
        ValueError: S differs, or a mask of another dtype or a shape that does not fit.
    """
    _check_attend(scores, value, mask)
    if mask is not None:
        # Not minus infinity: with every key hidden, that makes 0 / 0.
        scores = scores.masked_fill(mask, torch.finfo(scores.dtype).min)
    weights = torch.softmax(scores, dim=-1)
    if mask is not None and _hides_a_row(mask):
        weights = weights.masked_fill(mask, 0.0)
    kept = fast_dropout(weights, dropout)  # none, unless in training
    return kept @ value, weights  # (..., T, S) @ (..., S, Kv) -> (..., T, Kv)


def scaled_dot_product_attention(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    mask: torch.Tensor | None = None,
    dropout: float = 0.0,
) -> tuple[torch.Tensor, torch.Tensor]:
    """softmax(query keyᵀ / sqrt(K)) value; the values of ``F.scaled_dot_product_attention`` with the mask turned round.

    Args:
        query: (..., T, K).
        key: (..., S, K).
        value: (..., S, Kv).
        mask: boolean, true at hidden keys, to be broadcast to (..., T, S); ``None`` hides nothing.
        dropout: the share of weights to drop in the mean.

    Returns:
        (..., T, Kv) and the weights (..., T, S). A query that may see nothing gets zeros.

    Raises:
        ValueError: a shape that does not fit, the message names the dimension; or a mask that is not boolean.

    Source: Vaswani et al. (2017), "Attention Is All You Need", section 3.2.1.
    """
    for name, tensor in (("query", query), ("key", key), ("value", value)):
        if tensor.ndim < 2:
            raise ValueError(f"{name} has shape {tuple(tensor.shape)}; give at least two dimensions, (..., length, K)")
    width = query.shape[-1]
    if width != key.shape[-1] or width == 0:
        raise ValueError(f"K, the width, is {width} in query and {key.shape[-1]} in key; they must be equal, above 0")
    leading = [tuple(tensor.shape[:-2]) for tensor in (query, key, value)]
    if not _fit(*leading):
        raise ValueError(f"the leading dimensions of query, key and value are {leading}; they must be equal")
    scores = query / math.sqrt(width) @ key.mT  # (..., T, K) @ (..., K, S) -> (..., T, S)
    return attend(scores, value, mask, dropout)


def _hides_a_row(mask: torch.Tensor) -> bool:
    """Whether some query may see nothing. On a GPU this waits for the result."""
    return mask.is_meta or bool(mask.all(dim=-1).any())


def _check_attend(scores: torch.Tensor, value: torch.Tensor, mask: torch.Tensor | None) -> None:
    if scores.shape[-1] != value.shape[-2]:
        raise ValueError(f"S, the number of keys, is {scores.shape[-1]} in the scores and {value.shape[-2]} in value")
    if mask is not None:
        _check_mask(mask, scores)


def _check_mask(mask: torch.Tensor, scores: torch.Tensor) -> None:
    if mask.dtype != torch.bool:
        raise ValueError(f"mask has dtype {mask.dtype}; give booleans, true at hidden keys")
    if not _fit(tuple(mask.shape), tuple(scores.shape), into=True):
        raise ValueError(
            f"mask has shape {tuple(mask.shape)}; it must broadcast to (..., T, S) = {tuple(scores.shape)}"
        )


def _fit(*shapes: tuple[int, ...], into: bool = False) -> bool:
    """Whether shapes broadcast together; with ``into``, to no more than the last of them."""
    try:
        together = torch.broadcast_shapes(*shapes)
    except RuntimeError:
        return False
    return not into or tuple(together) == shapes[-1]
