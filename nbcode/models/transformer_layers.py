"""The layers of a transformer: attention and a network at each place, each with residual, normalization and dropout.

Equal to ``nn.TransformerEncoderLayer`` and ``nn.TransformerDecoderLayer``. Normalization, dropout and linear layers are
PyTorch's, which are fast; earlier chapters hold hand-built ones equal to them.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from nbcode.models.attention import MultiHeadAttention, check_dropout, check_heads, check_type, copy_linear
from nbcode.models.fast_dropout import FastDropout

ACTIVATIONS = {"relu": functional.relu, "gelu": functional.gelu}


@dataclass(frozen=True)
class LayerConfig:
    """The sizes of one layer. Vaswani et al. (2017) have 512, 8, 2048, 0.1, and normalize last.

    Attributes:
        d_model: D, the width of the sequence.
        n_heads: N; must divide D.
        d_ff: F, the width inside the network at each place.
        dropout: the share dropped from each change, in the network, and of the attention weights; from 0 to below 1.
        norm_first: whether each part normalizes what it reads (pre-norm), or the sum behind it (post-norm).
        activation: in the network, "relu" or "gelu".
        eps: added to the variance in normalization.

    Raises:
        ValueError: a value out of its range.
    """

    d_model: int = 512
    n_heads: int = 8
    d_ff: int = 2048
    dropout: float = 0.1
    norm_first: bool = False
    activation: str = "relu"
    eps: float = 1e-5

    def __post_init__(self) -> None:
        check_heads(self.d_model, self.n_heads)
        check_dropout(self.dropout)
        if self.d_ff < 1:
            raise ValueError(f"d_ff is {self.d_ff}; give at least 1")
        if self.activation not in ACTIVATIONS:
            raise ValueError(f"activation is {self.activation!r}; choose one of {', '.join(ACTIVATIONS)}")
        if not self.eps > 0:
            raise ValueError(f"eps is {self.eps}; give a small positive number")


class FeedForward(nn.Module):
    """The network at each place, the same at all of them: D -> F -> D. Source: Vaswani et al. (2017), section 3.3."""

    def __init__(self, config: LayerConfig) -> None:
        super().__init__()
        self.inner = nn.Linear(config.d_model, config.d_ff)
        self.outer = nn.Linear(config.d_ff, config.d_model)
        self.activation = ACTIVATIONS[config.activation]
        self.dropout = FastDropout(config.dropout)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(..., D) -> (..., D)."""
        return self.outer(self.dropout(self.activation(self.inner(x))))  # (..., D) -> (..., F) -> (..., D)


class Residual(nn.Module):
    """What stands around each part of a layer: x + part(norm(x)) if the norm is first, else norm(x + part(x))."""

    def __init__(self, config: LayerConfig) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(config.d_model, config.eps)
        self.norm_first = config.norm_first
        self.dropout = FastDropout(config.dropout)

    def enter(self, x: torch.Tensor) -> torch.Tensor:
        """What the part reads: (B, T, D) -> (B, T, D)."""
        if x.shape[-1:] != self.norm.normalized_shape:
            width = self.norm.normalized_shape[0]
            came = tuple(x.shape)
            raise ValueError(
                f"the sequence is {came}; "  # shown in the book
                f"give (B, T, D) with D = {width}"
            )
        return self.norm(x) if self.norm_first else x

    def leave(self, x: torch.Tensor, change: torch.Tensor) -> torch.Tensor:
        """The sum of what came in and what the part made of it, both (B, T, D)."""
        x = x + self.dropout(change)
        return x if self.norm_first else self.norm(x)


class EncoderLayer(nn.Module):
    """Every place looks at all places, then passes through the network. Equals ``nn.TransformerEncoderLayer``."""

    def __init__(self, config: LayerConfig) -> None:
        super().__init__()
        self.attention = MultiHeadAttention(config.d_model, config.n_heads, config.dropout)
        self.feed_forward = FeedForward(config)
        self.around_attention, self.around_feed_forward = Residual(config), Residual(config)

    @classmethod
    def from_torch(cls, module: nn.TransformerEncoderLayer) -> EncoderLayer:
        """Take over the sizes and a copy of the weights; missing biases become zeros.

        Raises:
            ValueError: it is no such layer, is not batch first, or has a setting that does not exist here.
        """
        check_type(module, nn.TransformerEncoderLayer)
        own = cls(layer_config_of(module)).to(module.linear1.weight)
        own.attention = MultiHeadAttention.from_torch(module.self_attn)
        own.feed_forward = _feed_forward_of(module, own.feed_forward)
        copy_norm(own.around_attention.norm, module.norm1)
        copy_norm(own.around_feed_forward.norm, module.norm2)
        return own.train(module.training)

    def forward(
        self, x: torch.Tensor, key_padding_mask: torch.Tensor | None = None, need_weights: bool = False
    ) -> torch.Tensor | tuple[torch.Tensor, torch.Tensor]:
        """Run the layer.

        Args:
            x: (B, T, D).
            key_padding_mask: (B, T), true at padding, which no place sees.
            need_weights: whether to return the attention weights too.

        Returns:
            (B, T, D), with ``need_weights`` also the weights (B, N, T, T).

        Raises:
            ValueError: a shape that does not fit, the message names the dimension; or a mask that is not boolean.
        """
        h = self.around_attention.enter(x)
        change, weights = _both(self.attention(h, h, h, key_padding_mask, need_weights=need_weights))
        x = self.around_attention.leave(x, change)
        x = self.around_feed_forward.leave(x, self.feed_forward(self.around_feed_forward.enter(x)))
        return (x, weights) if need_weights else x


class DecoderLayer(nn.Module):
    """Every place looks at itself and those before it, then at the memory, then passes through the network.

    The memory is what the encoder made of the source. Equals ``nn.TransformerDecoderLayer`` with a causal mask.
    """

    def __init__(self, config: LayerConfig) -> None:
        super().__init__()
        self.attention, self.cross_attention = (
            MultiHeadAttention(config.d_model, config.n_heads, config.dropout) for _ in range(2)
        )
        self.feed_forward = FeedForward(config)
        self.around_attention, self.around_cross, self.around_feed_forward = (Residual(config) for _ in range(3))

    @classmethod
    def from_torch(cls, module: nn.TransformerDecoderLayer) -> DecoderLayer:
        """Take over the sizes and a copy of the weights; missing biases become zeros.

        Raises:
            ValueError: it is no such layer, is not batch first, or has a setting that does not exist here.
        """
        check_type(module, nn.TransformerDecoderLayer)
        own = cls(layer_config_of(module)).to(module.linear1.weight)
        own.attention = MultiHeadAttention.from_torch(module.self_attn)
        own.cross_attention = MultiHeadAttention.from_torch(module.multihead_attn)
        own.feed_forward = _feed_forward_of(module, own.feed_forward)
        norms = (own.around_attention.norm, module.norm1), (own.around_cross.norm, module.norm2)
        for mine, twin in (*norms, (own.around_feed_forward.norm, module.norm3)):
            copy_norm(mine, twin)
        return own.train(module.training)

    def forward(
        self,
        y: torch.Tensor,
        memory: torch.Tensor,
        memory_key_padding_mask: torch.Tensor | None = None,
        key_padding_mask: torch.Tensor | None = None,
        need_weights: bool = False,
    ) -> torch.Tensor | tuple[torch.Tensor, tuple[torch.Tensor, torch.Tensor]]:
        """Run the layer.

        Args:
            y: (B, T, D).
            memory: (B, S, D).
            memory_key_padding_mask: (B, S), true at padding of the source.
            key_padding_mask: (B, T), true at padding of ``y``. Padding at the end needs none: nothing looks ahead.
            need_weights: whether to return the attention weights too.

        Returns:
            (B, T, D), with ``need_weights`` also the weights (B, N, T, T) and (B, N, T, S).

        Raises:
            ValueError: a shape that does not fit, the message names the dimension; or a mask that is not boolean.
        """
        h = self.around_attention.enter(y)
        change, own_weights = _both(self.attention(h, h, h, key_padding_mask, causal=True, need_weights=need_weights))
        y = self.around_attention.leave(y, change)
        h = self.around_cross.enter(y)
        looked = self.cross_attention(h, memory, memory, memory_key_padding_mask, need_weights=need_weights)
        change, cross_weights = _both(looked)
        y = self.around_cross.leave(y, change)
        y = self.around_feed_forward.leave(y, self.feed_forward(self.around_feed_forward.enter(y)))
        return (y, (own_weights, cross_weights)) if need_weights else y


def layer_config_of(module: nn.TransformerEncoderLayer | nn.TransformerDecoderLayer) -> LayerConfig:
    """The configuration of one of PyTorch's layers.

    Raises:
        ValueError: an activation or a normalization that does not exist here, or several rates of dropout.
    """
    eps, dropout = _only_eps(module), _only_dropout(module)
    known = {function: name for name, function in ACTIVATIONS.items()}
    modules = {nn.ReLU: "relu", nn.GELU: "gelu"}
    activation = known.get(module.activation, modules.get(type(module.activation)))
    exact = getattr(module.activation, "approximate", "none") == "none"
    if activation is None or not exact:
        names = ", ".join(ACTIVATIONS)
        raise ValueError(f"activation is {module.activation}; give a layer with one of {names}, without approximation")
    return LayerConfig(
        d_model=module.linear1.in_features,
        n_heads=module.self_attn.num_heads,
        d_ff=module.linear1.out_features,
        dropout=dropout,
        norm_first=module.norm_first,
        activation=activation,
        eps=eps,
    )


def is_plain(norm: nn.Module | None) -> bool:
    """Whether it is an ``nn.LayerNorm`` with a learned scale."""
    return isinstance(norm, nn.LayerNorm) and norm.elementwise_affine


def _only_eps(module: nn.Module) -> float:
    norms = [child for name, child in module.named_children() if name.startswith("norm")]
    if not all(is_plain(norm) and norm.eps == norms[0].eps for norm in norms):
        raise ValueError(f"the normalizations are {norms}; give nn.LayerNorm with a learned scale and one eps")
    return norms[0].eps


def _only_dropout(module: nn.Module) -> float:
    shares = {child.p for name, child in module.named_children() if name.startswith("dropout")}
    shares |= {child.dropout for child in module.children() if isinstance(child, nn.MultiheadAttention)}
    if len(shares) != 1:
        raise ValueError(f"the layer drops {sorted(shares)} at different places; give one with the same everywhere")
    return shares.pop()


def _feed_forward_of(module: nn.Module, own: FeedForward) -> FeedForward:
    copy_linear(own.inner, module.linear1.weight, module.linear1.bias)
    copy_linear(own.outer, module.linear2.weight, module.linear2.bias)
    return own


def copy_norm(own: nn.LayerNorm, norm: nn.LayerNorm) -> None:
    """Copy scale and shift; no shift becomes zeros."""
    copy_linear(own, norm.weight, norm.bias)


def _both(result: torch.Tensor | tuple) -> tuple[torch.Tensor, torch.Tensor | None]:
    return result if isinstance(result, tuple) else (result, None)
