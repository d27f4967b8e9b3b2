"""A soft look-up in four rungs: from the plain average to attention. Each returns an output and its weights.

The fourth rung, with masks, is :func:`nbcode.models.dot_product_attention.scaled_dot_product_attention`.
"""

from __future__ import annotations

import math

import torch


def average(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Every place takes the mean of all: the weights know nothing of what they weigh.

    Args:
        x: (..., T, D).

    Returns:
        (..., T, D) and the weights (..., T, T), all 1 / T.

    Raises:
        ValueError: whole numbers, among which there is no 1 / T.
    """
    if not x.is_floating_point():
        raise ValueError(f"x has dtype {x.dtype}; give floating-point numbers, for example x.float()")
    length = x.shape[-2]
    weights = x.new_full((*x.shape[:-1], length), 1 / max(length, 1))  # (..., T, T)
    return weights @ x, weights  # (..., T, T) @ (..., T, D) -> (..., T, D)


def by_similarity(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Every place takes more from those that resemble it: weights softmax(x xᵀ), made by the data, nothing learned.

    (..., T, D) -> (..., T, D) and the weights (..., T, T).
    """
    weights = torch.softmax(x @ x.mT, dim=-1)  # (..., T, D) @ (..., D, T) -> (..., T, T)
    return weights @ x, weights


def by_query(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """What a place looks for, what it is found by, and what it hands over become three things.

    (..., T, K), (..., S, K) and (..., S, Kv) -> (..., T, Kv) and the weights (..., T, S).
    """
    weights = torch.softmax(query @ key.mT, dim=-1)  # (..., T, K) @ (..., K, S) -> (..., T, S)
    return weights @ value, weights  # (..., T, S) @ (..., S, Kv) -> (..., T, Kv)


def by_scaled_query(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """As :func:`by_query`, with scores divided by sqrt(K): a sum of K products has a spread that grows with sqrt(K)."""
    return by_query(query / math.sqrt(query.shape[-1]), key, value)
