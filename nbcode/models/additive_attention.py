"""Bahdanau's attention of 2014: a small network scores how well a decoder's state and a source position fit.

Left out: the recurrent encoder and decoder around it.
"""

from __future__ import annotations

import torch
from torch import nn

from nbcode.models.dot_product_attention import attend
from nbcode.models.masks import attention_mask


def additive_scores(query: torch.Tensor, key: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    """vᵀ tanh(query + key), for each pair of a query and a key.

    Both are in a common width already; :class:`AdditiveAttention` brings them there. Unlike a dot product, this holds
    T S F numbers at once, since every pair has a hidden layer of its own.

    Args:
        query: (..., T, F).
        key: (..., S, F).
        v: (F,).

    Returns:
        (..., T, S).

    Raises:
        ValueError: F differs.
    """
    widths = query.shape[-1], key.shape[-1], *v.shape
    if len(widths) != 3 or len(set(widths)) != 1:
        raise ValueError(
            f"query has shape {tuple(query.shape)}, key {tuple(key.shape)} and v {tuple(v.shape)}; "
            "give (..., T, F), (..., S, F) and (F,) with the same F"
        )
    pairs = query.unsqueeze(-2) + key.unsqueeze(-3)  # (..., T, 1, F) + (..., 1, S, F) -> (..., T, S, F)
    return torch.tanh(pairs) @ v  # (..., T, S, F) @ (F,) -> (..., T, S)


class AdditiveAttention(nn.Module):
    """Scores vᵀ tanh(W query + U key), softmax over the keys, weighted mean of the values.

    Args:
        d_query: width of the queries; in the paper, the decoder's states.
        d_key: width of the keys; in the paper, the encoder's states, which are the values too.
        d_hidden: F, the width of the small network.

    Raises:
        ValueError: a size below 1.

    Source: Bahdanau, Cho and Bengio (2015), "Neural Machine Translation by Jointly Learning to Align and Translate",
        section 3.1 and appendix A.1.2.
    """

    def __init__(self, d_query: int, d_key: int, d_hidden: int) -> None:
        super().__init__()
        if min(d_query, d_key, d_hidden) < 1:
            raise ValueError(f"d_query={d_query}, d_key={d_key}, d_hidden={d_hidden}; all must be at least 1")
        self.query = nn.Linear(d_query, d_hidden, bias=False)  # W
        self.key = nn.Linear(d_key, d_hidden, bias=False)  # U
        self.v = nn.Parameter(torch.empty(d_hidden).uniform_(-1, 1) / d_hidden**0.5)

    def forward(
        self,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        key_padding_mask: torch.Tensor | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Look up each query among the keys.

        Args:
            query: (B, T, d_query).
            key: (B, S, d_key).
            value: (B, S, Kv).
            key_padding_mask: (B, S), true at padding.

        Returns:
            (B, T, Kv) and the weights (B, T, S).

        Raises:
            ValueError: a shape or dtype that does not fit.
        """
        for name, tensor, layer in (("query", query, self.query), ("key", key, self.key)):
            if tensor.ndim != 3 or tensor.shape[-1] != layer.in_features:
                raise ValueError(f"{name} has shape {tuple(tensor.shape)}; give (B, length, {layer.in_features})")
        if value.ndim != 3 or not len(query) == len(key) == len(value):
            shapes = [tuple(tensor.shape) for tensor in (query, key, value)]
            raise ValueError(
                f"query, key and value have shapes {shapes}; give three dimensions each, with the same batch B"
            )
        scores = additive_scores(self.query(query), self.key(key), self.v)  # (B, T, S)
        mask = attention_mask(tuple(scores.shape), key_padding_mask)
        return attend(scores, value, mask)
