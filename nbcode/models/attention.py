"""Multi-head attention: several heads look at the same places, each in its own way. Equals ``nn.MultiheadAttention``.

Masks are boolean and true where a key is hidden (:mod:`nbcode.models.masks`). Left out: a cache for decoding.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn
from torch.nn import functional

from nbcode.models.dot_product_attention import scaled_dot_product_attention
from nbcode.models.masks import attention_mask


class MultiHeadAttention(nn.Module):
    """Several heads side by side: each attends in its own K = D / N dimensions, and a last layer mixes what they found.

    Two paths give the same values. The fast one is PyTorch's fused function, which makes no weights; the plain one is
    :func:`scaled_dot_product_attention`. The plain one runs where weights are asked for, and where it is the faster of
    the two (:func:`fused_is_faster`; with dropout, on every CPU).

    Source: Vaswani et al. (2017), "Attention Is All You Need", section 3.2.2.

    Args:
        d_model: D, the width of queries, keys and values.
        n_heads: N; must divide D.
        dropout: the share of attention weights to drop in training.

    Raises:
        ValueError: a size below 1, D not divisible by N, or a share outside of [0, 1).
    """

    def __init__(self, d_model: int, n_heads: int, dropout: float = 0.0) -> None:
        super().__init__()
        check_heads(d_model, n_heads)
        check_dropout(dropout)
        self.n_heads, self.dropout = n_heads, dropout
        self.project = nn.Linear(d_model, 3 * d_model)  # query, key and value of all heads, one below the other
        self.output = nn.Linear(d_model, d_model)
        nn.init.xavier_uniform_(self.project.weight)
        for layer in (self.project, self.output):
            nn.init.zeros_(layer.bias)

    @classmethod
    def from_torch(cls, module: nn.MultiheadAttention) -> MultiHeadAttention:
        """Take over the sizes and a copy of the weights of an ``nn.MultiheadAttention``; missing biases become zeros.

        Raises:
            ValueError: it is no ``nn.MultiheadAttention``, or has a setting that does not exist here.
        """
        check_type(module, nn.MultiheadAttention)
        parts = module.in_proj_weight is not None and module.bias_k is None and not module.add_zero_attn
        if not parts or not module.batch_first:
            raise ValueError(
                f"batch_first={module.batch_first}; give an nn.MultiheadAttention with batch_first=True and without "
                "kdim, vdim, add_bias_kv and add_zero_attn"
            )
        own = cls(module.embed_dim, module.num_heads, module.dropout).to(module.in_proj_weight)
        copy_linear(own.project, module.in_proj_weight, module.in_proj_bias)
        copy_linear(own.output, module.out_proj.weight, module.out_proj.bias)
        return own.train(module.training)

    def forward(
        self,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        key_padding_mask: torch.Tensor | None = None,
        causal: bool = False,
        need_weights: bool = False,
    ) -> torch.Tensor | tuple[torch.Tensor, torch.Tensor]:
        """Let every place of ``query`` look at the places of ``key``, and take what it finds from ``value``.

        Args:
            query: (B, T, D).
            key: (B, S, D).
            value: (B, S, D).
            key_padding_mask: (B, S), true at padding, which nobody sees.
            causal: whether place t sees only the places up to t; needs T = S.
            need_weights: whether to return each head's weights too, which takes the plain path.

        Returns:
            (B, T, D), with ``need_weights`` also the weights (B, N, T, S).

        Raises:
            ValueError: a shape that does not fit, the message names the dimension; or a mask that is not boolean.
        """
        self._check(query, key, value)
        (batch, length, d_model), source = query.shape, key.shape[1]
        mask = attention_mask((batch, length, source), key_padding_mask, causal, query.device)
        mask = None if mask is None else mask[:, None]  # one more dimension, for the heads: (B | 1, 1, T | 1, S)
        heads = [self._split(x) for x in self._projected(query, key, value)]  # three of (B, N, length, K)
        dropout = self.dropout if self.training else 0.0
        # With dropout PyTorch's function is not fused on a CPU, and draws as slowly as ``nn.Dropout``.
        drops_on_cpu = dropout > 0 and query.device.type == "cpu"
        if need_weights or drops_on_cpu or not fused_is_faster(heads[0].device.type, heads[0].dtype):
            mixed, weights = scaled_dot_product_attention(*heads, mask, dropout)
        else:
            mixed, weights = _fused(*heads, mask, dropout, causal and key_padding_mask is None), None
        mixed = mixed.transpose(1, 2).reshape(batch, length, d_model)  # (B, N, T, K) -> (B, T, N K)
        return (self.output(mixed), weights) if need_weights else self.output(mixed)

    def _projected(self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> Iterable[torch.Tensor]:
        """Queries, keys and values of all heads, with as few matrix products as the inputs allow."""
        if query is key is value:
            return self.project(query).chunk(3, dim=-1)  # (B, T, 3 D) -> three of (B, T, D)
        d_model = query.shape[-1]
        weights, biases = (
            self.project.weight.split([d_model, 2 * d_model]),
            self.project.bias.split([d_model, 2 * d_model]),
        )
        first = functional.linear(query, weights[0], biases[0])  # (B, T, D)
        if key is value:
            return first, *functional.linear(key, weights[1], biases[1]).chunk(2, dim=-1)
        others = zip((key, value), weights[1].chunk(2), biases[1].chunk(2), strict=True)
        return first, *(functional.linear(*each) for each in others)

    def _split(self, x: torch.Tensor) -> torch.Tensor:
        """(B, T, D) -> (B, N, T, K)."""
        return x.unflatten(-1, (self.n_heads, -1)).transpose(1, 2)

    def _check(self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> None:
        d_model = self.output.in_features
        for name, tensor in (("query", query), ("key", key), ("value", value)):
            if tensor.ndim != 3 or tensor.shape[-1] != d_model:
                raise ValueError(f"{name} has shape {tuple(tensor.shape)}; give (B, length, D) with D = {d_model}")
        if not len(query) == len(key) == len(value):
            raise ValueError(f"B, the batch, is {len(query)} in query, {len(key)} in key and {len(value)} in value")
        if key.shape[1] != value.shape[1]:
            raise ValueError(f"S, the number of keys, is {key.shape[1]} in key and {value.shape[1]} in value")


def check_type(module: nn.Module, kind: type[nn.Module]) -> None:
    """Refuse a module of PyTorch that is not of this kind."""
    if not isinstance(module, kind):
        raise ValueError(f"it is a {type(module).__name__}; give an nn.{kind.__name__}")


def check_heads(d_model: int, n_heads: int) -> None:
    """Refuse a width below 1, or one that cannot be shared out among the heads."""
    if d_model < 1 or n_heads < 1 or d_model % n_heads:
        raise ValueError(
            f"d_model={d_model}, n_heads={n_heads}; both must be at least 1, and d_model divisible by n_heads"
        )


def check_dropout(dropout: float) -> None:
    """Refuse a share outside of [0, 1)."""
    if not 0 <= dropout < 1:
        raise ValueError(f"dropout is {dropout}; give a probability from 0 to below 1")


def fused_is_faster(device: str, dtype: torch.dtype) -> bool:
    """Whether PyTorch's fused attention beats the plain product, softmax, product: as measured, not on a CPU in bf16.

    There it took about five times as long, forward and backward, at the sizes of ``python -m nbcode.bench training``.
    Without dropout; with it, see :meth:`MultiHeadAttention.forward`.

    Args:
        device: a type of device, for example "cpu".
        dtype: of query, key and value.
    """
    return not (device == "cpu" and dtype is torch.bfloat16)


def copy_linear(layer: nn.Linear, weight: torch.Tensor, bias: torch.Tensor | None) -> None:
    """Copy a weight and a bias into a layer; no bias becomes zeros."""
    with torch.no_grad():
        layer.weight.copy_(weight)
        layer.bias.zero_() if bias is None else layer.bias.copy_(bias)


def _fused(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    mask: torch.Tensor | None,
    dropout: float,
    only_causal: bool,
) -> torch.Tensor:
    attend = functional.scaled_dot_product_attention
    if only_causal:  # said in a word, the mask need not be read: on a GPU the fastest kernels take no other
        return attend(query, key, value, dropout_p=dropout, is_causal=True)
    allowed = None if mask is None else ~mask  # here a true means: may be seen
    return attend(query, key, value, attn_mask=allowed, dropout_p=dropout)
