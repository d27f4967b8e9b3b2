"""The transformer as textbooks write it: what a reader of section 3 of the paper types first. A baseline to measure.

Nothing here is tuned: three layers make query, key and value, -1e9 fills what a mask hides, normalization and attention
are spelled out. It computes what :class:`nbcode.models.transformer.Transformer` does with pre-norm and separate tables.
Left out: all checks, and maps of the weights.
"""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional

from nbcode.models.masks import causal_mask
from nbcode.models.positions import positions
from nbcode.models.transformer import TransformerConfig


class Attention(nn.Module):
    """Multi-head attention; ``hidden`` is true where a key must not be seen."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.n_heads = config.n_heads
        self.query, self.key, self.value, self.output = (nn.Linear(config.d_model, config.d_model) for _ in range(4))
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, query: torch.Tensor, memory: torch.Tensor, hidden: torch.Tensor) -> torch.Tensor:
        """(B, T, D) looks at (B, S, D) -> (B, T, D)."""
        q, k, v = self.split(self.query(query)), self.split(self.key(memory)), self.split(self.value(memory))
        scores = q @ k.transpose(-2, -1) / math.sqrt(q.size(-1))  # (B, N, T, S)
        scores = scores.masked_fill(hidden, -1e9)
        weights = self.dropout(functional.softmax(scores, dim=-1))
        mixed = (weights @ v).transpose(1, 2).contiguous()  # (B, T, N, K)
        return self.output(mixed.view(query.shape))

    def split(self, x: torch.Tensor) -> torch.Tensor:
        """(B, T, D) -> (B, N, T, K)."""
        return x.view(x.size(0), x.size(1), self.n_heads, -1).transpose(1, 2)


class Norm(nn.Module):
    """Layer normalization."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(config.d_model)), nn.Parameter(torch.zeros(config.d_model))
        self.eps = config.eps

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        mean = x.mean(dim=-1, keepdim=True)
        variance = x.var(dim=-1, keepdim=True, unbiased=False)
        return self.weight * (x - mean) / torch.sqrt(variance + self.eps) + self.bias


class FeedForward(nn.Module):
    """The network at each place."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.inner, self.outer = nn.Linear(config.d_model, config.d_ff), nn.Linear(config.d_ff, config.d_model)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.outer(self.dropout(functional.relu(self.inner(x))))


class EncoderLayer(nn.Module):
    """Attention, then the network."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.attention, self.feed_forward = Attention(config), FeedForward(config)
        self.norm1, self.norm2 = Norm(config), Norm(config)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: torch.Tensor, hidden: torch.Tensor) -> torch.Tensor:
        h = self.norm1(x)
        x = x + self.dropout(self.attention(h, h, hidden))
        return x + self.dropout(self.feed_forward(self.norm2(x)))


class DecoderLayer(nn.Module):
    """Attention to what is written, to the source, then the network."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.attention, self.cross_attention, self.feed_forward = (
            Attention(config),
            Attention(config),
            FeedForward(config),
        )
        self.norm1, self.norm2, self.norm3 = Norm(config), Norm(config), Norm(config)
        self.dropout = nn.Dropout(config.dropout)

    def forward(
        self, y: torch.Tensor, memory: torch.Tensor, hidden: torch.Tensor, memory_hidden: torch.Tensor
    ) -> torch.Tensor:
        h = self.norm1(y)
        y = y + self.dropout(self.attention(h, h, hidden))
        y = y + self.dropout(self.cross_attention(self.norm2(y), memory, memory_hidden))
        return y + self.dropout(self.feed_forward(self.norm3(y)))


class Embedded(nn.Module):
    """Tokens become vectors, and positions are added."""

    def __init__(self, vocabulary: int, config: TransformerConfig) -> None:
        super().__init__()
        self.table = nn.Embedding(vocabulary, config.d_model)
        self.register_buffer("positions", positions(config.max_length, config.d_model), persistent=False)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """(B, T) -> (B, T, D)."""
        x = self.table(ids) * math.sqrt(self.table.embedding_dim)
        return self.dropout(x + self.positions[: ids.size(1)])


class TextbookTransformer(nn.Module):
    """(B, S) and (B, T) tokens -> (B, T, Vt) logits; of the configuration it reads the sizes."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.padding = config.padding
        self.source = Embedded(config.source_vocabulary, config)
        self.target = Embedded(config.target_vocabulary, config)
        self.encoder = nn.ModuleList(EncoderLayer(config) for _ in range(config.encoder_layers))
        self.decoder = nn.ModuleList(DecoderLayer(config) for _ in range(config.decoder_layers))
        self.encoder_norm, self.decoder_norm = Norm(config), Norm(config)
        self.output = nn.Linear(config.d_model, config.target_vocabulary, bias=False)

    def forward(self, source_ids: torch.Tensor, target_ids: torch.Tensor) -> torch.Tensor:
        padding = (source_ids == self.padding)[:, None, None]  # (B, 1, 1, S)
        causal = causal_mask(target_ids.size(1), target_ids.device)  # (T, T)
        x, y = self.source(source_ids), self.target(target_ids)
        for layer in self.encoder:
            x = layer(x, padding)
        memory = self.encoder_norm(x)
        for layer in self.decoder:
            y = layer(y, memory, causal, padding)
        return self.output(self.decoder_norm(y))
