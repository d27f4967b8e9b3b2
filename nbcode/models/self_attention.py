"""One head of self-attention: a sequence looks at itself. Several heads: :mod:`nbcode.models.attention`."""

from __future__ import annotations

import torch
from torch import nn

from nbcode.models.dot_product_attention import scaled_dot_product_attention
from nbcode.models.masks import attention_mask


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
