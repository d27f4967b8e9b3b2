"""Attention: each query takes a weighted mean of values, with weights from how well it matches the keys.

Masks are boolean and true where a key is hidden (:mod:`nbcode.models.masks`). Left out: dropout.
"""

from __future__ import annotations

import math

import torch
from torch import nn

from nbcode.models.masks import attention_mask


def attend(
    scores: torch.Tensor, value: torch.Tensor, mask: torch.Tensor | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Turn scores into weights that add up to 1, and take the weighted mean of the values.

    A query whose keys are all hidden gets weights and an output of zeros, and sends back a gradient of zeros. In
    PyTorch ``nn.MultiheadAttention`` gives NaN there when it returns its weights.

    Args:
        scores: (..., T, S), of any size.
        value: (..., S, Kv).
        mask: boolean, true at hidden keys, to be broadcast to (..., T, S); ``None`` hides nothing.

    Returns:
        (..., T, Kv) and the weights (..., T, S).

    Raises:
        ValueError: S differs, or a mask of another dtype or a shape that does not fit.
    """
    _check_attend(scores, value, mask)
    if mask is None:
        weights = torch.softmax(scores, dim=-1)
    else:
        # Not minus infinity: with every key hidden, that makes 0 / 0 on the way.
        lowest = torch.finfo(scores.dtype).min
        weights = torch.softmax(scores.masked_fill(mask, lowest), dim=-1)
        weights = weights.masked_fill(mask, 0.0)
    return weights @ value, weights  # (..., T, S) @ (..., S, Kv) -> (..., T, Kv)


def scaled_dot_product_attention(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, mask: torch.Tensor | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """softmax(query keyᵀ / sqrt(K)) value; the values of ``F.scaled_dot_product_attention`` with the mask turned round.

    Args:
        query: (..., T, K).
        key: (..., S, K).
        value: (..., S, Kv).
        mask: boolean, true at hidden keys, to be broadcast to (..., T, S); ``None`` hides nothing.

    Returns:
        (..., T, Kv) and the weights (..., T, S). A query that may see nothing gets zeros.

    Raises:
        ValueError: a shape or dtype that does not fit; the message names the dimension.

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
    scores = query @ key.mT / math.sqrt(width)  # (..., T, K) @ (..., K, S) -> (..., T, S)
    return attend(scores, value, mask)


class SelfAttention(nn.Module):
    """One head over one sequence: query, key and value are three views of the same ``x``.

    Args:
        d_model: D, the width of the sequence.
        d_head: K, the width of query, key and value.

    Raises:
        ValueError: a size below 1.
    """

    def __init__(self, d_model: int, d_head: int) -> None:
        super().__init__()
        if d_model < 1 or d_head < 1:
            raise ValueError(f"d_model={d_model}, d_head={d_head}; both must be at least 1")
        self.query, self.key, self.value = (nn.Linear(d_model, d_head) for _ in range(3))
        self.output = nn.Linear(d_head, d_model)

    @classmethod
    def from_torch(cls, module: nn.MultiheadAttention) -> SelfAttention:
        """Take over the weights of an ``nn.MultiheadAttention`` with one head; missing biases become zeros.

        Raises:
            ValueError: it has several heads, is not batch first, or has settings that do not exist here.
        """
        parts = module.in_proj_weight is not None and module.bias_k is None
        plain = parts and not module.add_zero_attn and not module.dropout
        if module.num_heads != 1 or not module.batch_first or not plain:
            raise ValueError(
                f"num_heads={module.num_heads}, batch_first={module.batch_first}; give an nn.MultiheadAttention with "
                "one head, batch_first=True, and neither kdim, vdim, dropout, add_bias_kv nor add_zero_attn"
            )
        own = cls(module.embed_dim, module.embed_dim).to(module.in_proj_weight)
        weights = (*module.in_proj_weight.chunk(3), module.out_proj.weight)  # (3 D, D) -> three of (D, D)
        inner = (None,) * 3 if module.in_proj_bias is None else module.in_proj_bias.chunk(3)
        biases = (*inner, module.out_proj.bias)
        with torch.no_grad():
            for layer, weight, bias in zip((own.query, own.key, own.value, own.output), weights, biases, strict=True):
                layer.weight.copy_(weight)
                layer.bias.zero_() if bias is None else layer.bias.copy_(bias)
        return own

    def forward(
        self, x: torch.Tensor, key_padding_mask: torch.Tensor | None = None, causal: bool = False
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Let every place of a sequence look at the others.

        Args:
            x: (B, T, D).
            key_padding_mask: (B, T), true at padding, which no place sees.
            causal: whether a place sees only itself and those before it.

        Returns:
            (B, T, D) and the weights (B, T, T).

        Raises:
            ValueError: a shape or dtype that does not fit.
        """
        d_model = self.query.in_features
        if x.ndim != 3 or x.shape[-1] != d_model:
            raise ValueError(f"x has shape {tuple(x.shape)}; give (B, T, D) = (B, T, {d_model})")
        batch, length, _ = x.shape
        mask = attention_mask((batch, length, length), key_padding_mask, causal, x.device)
        mixed, weights = scaled_dot_product_attention(self.query(x), self.key(x), self.value(x), mask)  # (B, T, K)
        return self.output(mixed), weights


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
