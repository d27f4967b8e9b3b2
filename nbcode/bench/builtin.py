"""``nn.Transformer`` with what it lacks: embeddings, positions and an output layer. A baseline to measure."""

from __future__ import annotations

import warnings

import torch
from torch import nn

from nbcode.bench.textbook import Embedded
from nbcode.models.masks import causal_mask
from nbcode.models.transformer import TransformerConfig


class BuiltinTransformer(nn.Module):
    """(B, S) and (B, T) tokens -> (B, T, Vt) logits, by PyTorch's layers; of the configuration it reads the sizes."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.padding = config.padding
        self.source = Embedded(config.source_vocabulary, config)
        self.target = Embedded(config.target_vocabulary, config)
        self.core = _core(config)
        self.output = nn.Linear(config.d_model, config.target_vocabulary, bias=False)

    def forward(self, source_ids: torch.Tensor, target_ids: torch.Tensor) -> torch.Tensor:
        padding = source_ids == self.padding  # (B, S)
        y = self.core(
            self.source(source_ids),
            self.target(target_ids),
            tgt_mask=causal_mask(target_ids.size(1), target_ids.device),
            src_key_padding_mask=padding,
            memory_key_padding_mask=padding,
            tgt_is_causal=True,  # spares it the comparison of the mask with a causal one, in each step
        )
        return self.output(y)


def _core(config: TransformerConfig) -> nn.Transformer:
    with warnings.catch_warnings():
        # It tells that pre-norm does without a short cut for padding, which is one for evaluation only.
        warnings.filterwarnings("ignore", "enable_nested_tensor is True", UserWarning)
        return nn.Transformer(
            config.d_model,
            config.n_heads,
            config.encoder_layers,
            config.decoder_layers,
            config.d_ff,
            config.dropout,
            config.activation,
            layer_norm_eps=config.eps,
            batch_first=True,
            norm_first=config.norm_first,
        )
