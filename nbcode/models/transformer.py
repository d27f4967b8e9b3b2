"""The transformer of 2017: an encoder reads the source, a decoder writes the target, one token after another.

Source: Vaswani et al. (2017), "Attention Is All You Need". Left out: decoding (:mod:`nbcode.decoding`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import nn

from nbcode.models.attention import check_type
from nbcode.models.fast_dropout import FastDropout
from nbcode.models.positions import positions
from nbcode.models.transformer_layers import (
    DecoderLayer,
    EncoderLayer,
    LayerConfig,
    copy_norm,
    is_plain,
    layer_config_of,
)

Maps = dict[str, list[torch.Tensor]]


@dataclass(frozen=True)
class TransformerConfig(LayerConfig):
    """All sizes of a transformer; what stands in :class:`LayerConfig` comes first.

    Attributes:
        source_vocabulary: Vs, the number of tokens that the encoder reads.
        target_vocabulary: Vt, the number of tokens that the decoder reads and writes.
        encoder_layers: how many; 0 is allowed.
        decoder_layers: how many; 0 is allowed.
        max_length: the longest source or target, in tokens.
        padding: the token that fills up shorter sources; the same number in both vocabularies.
        tied: whether one table serves as both embeddings and as output layer; needs Vs = Vt.
        final_norm: whether a normalization follows the last layers. Pre-norm needs one; the paper, post-norm, has none.

    Raises:
        ValueError: a value out of its range, or tied vocabularies of different sizes.
    """

    source_vocabulary: int = 37_000
    target_vocabulary: int = 37_000
    encoder_layers: int = 6
    decoder_layers: int = 6
    max_length: int = 512
    padding: int = 0
    tied: bool = True
    final_norm: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("source_vocabulary", "target_vocabulary", "max_length"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; give at least 1")
        if self.encoder_layers < 0 or self.decoder_layers < 0:
            raise ValueError(f"{self.encoder_layers} and {self.decoder_layers} layers; give 0 or more of each")
        if not 0 <= self.padding < self.source_vocabulary:
            raise ValueError(f"padding is {self.padding}; give a token from 0 to {self.source_vocabulary - 1}")
        if self.tied and self.source_vocabulary != self.target_vocabulary:
            sizes = f"{self.source_vocabulary} and {self.target_vocabulary}"
            raise ValueError(f"the vocabularies have {sizes} tokens; tied=True needs one vocabulary for both")


SMALL = {"d_model": 64, "n_heads": 4, "d_ff": 256, "dropout": 0.0, "norm_first": True}
PRESETS = {
    # Made for the task of the course: dates. Its vocabularies' sizes belong to the data.
    "date": TransformerConfig(**SMALL, encoder_layers=2, decoder_layers=2, max_length=64, tied=False, final_norm=True),
    # Table 3 of the paper. 37,000 tokens: section 5.1.
    "base": TransformerConfig(),
    "big": TransformerConfig(d_model=1024, n_heads=16, d_ff=4096, dropout=0.3),
}


class Transformer(nn.Module):
    """Source tokens and the target so far -> logits for the next target token, at every place.

    Args:
        config: the sizes; see :data:`PRESETS`.
    """

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.config = config
        self.source_embedding = nn.Embedding(config.source_vocabulary, config.d_model)
        self.target_embedding = (
            self.source_embedding if config.tied else nn.Embedding(config.target_vocabulary, config.d_model)
        )
        self.register_buffer("positions", positions(config.max_length, config.d_model), persistent=False)
        self.dropout = FastDropout(config.dropout)
        self.encoder = nn.ModuleList(EncoderLayer(config) for _ in range(config.encoder_layers))
        self.decoder = nn.ModuleList(DecoderLayer(config) for _ in range(config.decoder_layers))
        self.encoder_norm, self.decoder_norm = (
            nn.LayerNorm(config.d_model, config.eps) if config.final_norm else nn.Identity() for _ in range(2)
        )
        self.output = nn.Linear(config.d_model, config.target_vocabulary, bias=False)
        if config.tied:
            self.output.weight = self.target_embedding.weight
        self._initialize()

    @classmethod
    def from_torch(
        cls,
        module: nn.Transformer,
        source_vocabulary: int = TransformerConfig.source_vocabulary,
        target_vocabulary: int = TransformerConfig.target_vocabulary,
    ) -> Transformer:
        """Take over the sizes and a copy of the weights of an ``nn.Transformer``.

        It has neither embeddings nor an output layer: these are new, of the given sizes and not tied. What both have is
        :meth:`transform`.

        Raises:
            ValueError: it is no such module, is not batch first, or has a setting that does not exist here.
        """
        check_type(module, nn.Transformer)
        check_type(module.encoder, nn.TransformerEncoder)
        check_type(module.decoder, nn.TransformerDecoder)
        layers = [*module.encoder.layers, *module.decoder.layers]
        if not layers:
            raise ValueError("this nn.Transformer has no layer; give one with at least one")
        sizes = layer_config_of(layers[0])
        # An activation may differ: copying a decoder layer, PyTorch 2.13 puts relu in the place of a module.
        if any(replace(layer_config_of(layer), activation=sizes.activation) != sizes for layer in layers):
            raise ValueError("the layers of this nn.Transformer differ in size or setting; give one of equal layers")
        config = TransformerConfig(
            **vars(sizes),
            source_vocabulary=source_vocabulary,
            target_vocabulary=target_vocabulary,
            encoder_layers=len(module.encoder.layers),
            decoder_layers=len(module.decoder.layers),
            tied=False,
            final_norm=_has_final_norm(module, sizes.eps),
        )
        own = cls(config).to(next(module.parameters()))
        own.encoder = nn.ModuleList(EncoderLayer.from_torch(layer) for layer in module.encoder.layers)
        own.decoder = nn.ModuleList(DecoderLayer.from_torch(layer) for layer in module.decoder.layers)
        if config.final_norm:
            copy_norm(own.encoder_norm, module.encoder.norm)
            copy_norm(own.decoder_norm, module.decoder.norm)
        return own.train(module.training)

    def forward(
        self, source_ids: torch.Tensor, target_ids: torch.Tensor, need_weights: bool = False
    ) -> torch.Tensor | tuple[torch.Tensor, Maps]:
        """Logits of the token that follows each place of the target.

        Args:
            source_ids: (B, S), padding at the end of shorter ones.
            target_ids: (B, T), beginning with a start token.
            need_weights: whether to return the attention weights too.

        Returns:
            (B, T, Vt), with ``need_weights`` also lists of weights, one entry a layer: "encoder" of (B, N, S, S),
            "decoder" of (B, N, T, T) and "cross" of (B, N, T, S).

        Raises:
            ValueError: a shape that does not fit, more tokens than ``max_length``, or, on the CPU, a token that is not
                in the vocabulary. (On a GPU that look would cost a wait in every step; there PyTorch stops instead.)
        """
        maps: Maps = {"encoder": [], "decoder": [], "cross": []}
        kept = maps if need_weights else None
        memory = self.encode(source_ids, kept)
        logits = self.decode(target_ids, memory, source_ids == self.config.padding, kept)
        return (logits, maps) if need_weights else logits

    def encode(self, source_ids: torch.Tensor, maps: Maps | None = None) -> torch.Tensor:
        """The memory of a source: (B, S) -> (B, S, D). Weights are appended to ``maps["encoder"]``, if it is given.

        Raises:
            ValueError: as :meth:`forward`.
        """
        x = self._embed("source", source_ids, self.source_embedding)
        return self._through_encoder(x, source_ids == self.config.padding, maps)

    def decode(
        self,
        target_ids: torch.Tensor,
        memory: torch.Tensor,
        memory_key_padding_mask: torch.Tensor | None = None,
        maps: Maps | None = None,
    ) -> torch.Tensor:
        """Logits from a memory: (B, T) and (B, S, D) -> (B, T, Vt).

        ``memory_key_padding_mask``, (B, S), is true at source places that must not be seen. Weights are appended
        to ``maps["decoder"]`` and ``maps["cross"]``, if it is given. Padding behind a target needs no mask: no earlier
        place sees it, and the loss leaves it out.

        Raises:
            ValueError: as :meth:`forward`, or a memory or mask of another shape.
        """
        y = self._embed("target", target_ids, self.target_embedding)
        return self.output(self._through_decoder(y, memory, memory_key_padding_mask, None, maps))

    def transform(
        self,
        x: torch.Tensor,
        y: torch.Tensor,
        key_padding_mask: torch.Tensor | None = None,
        target_key_padding_mask: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Encoder and decoder alone, from embedded sequences: (B, S, D) and (B, T, D) -> (B, T, D).

        What ``nn.Transformer`` computes with a causal mask for the target and ``memory_key_padding_mask`` equal to
        ``src_key_padding_mask``. The masks, (B, S) and (B, T), are true at padding.
        """
        memory = self._through_encoder(x, key_padding_mask, None)
        return self._through_decoder(y, memory, key_padding_mask, target_key_padding_mask, None)

    def parameter_count(self) -> int:
        """The number of parameters; a shared table counts once."""
        return sum(parameter.numel() for parameter in self.parameters())

    def _through_encoder(self, x: torch.Tensor, padding: torch.Tensor | None, maps: Maps | None) -> torch.Tensor:
        for layer in self.encoder:
            if maps is None:
                x = layer(x, padding)
            else:
                x, weights = layer(x, padding, need_weights=True)
                maps["encoder"].append(weights)
        return self.encoder_norm(x)

    def _through_decoder(
        self,
        y: torch.Tensor,
        memory: torch.Tensor,
        memory_padding: torch.Tensor | None,
        padding: torch.Tensor | None,
        maps: Maps | None,
    ) -> torch.Tensor:
        for layer in self.decoder:
            if maps is None:
                y = layer(y, memory, memory_padding, padding)
            else:
                y, (own, cross) = layer(y, memory, memory_padding, padding, need_weights=True)
                maps["decoder"].append(own)
                maps["cross"].append(cross)
        return self.decoder_norm(y)

    def _embed(self, name: str, ids: torch.Tensor, embedding: nn.Embedding) -> torch.Tensor:
        """(B, T) -> (B, T, D): the tokens' vectors, times sqrt(D) (section 3.4), plus the positions' (section 3.5)."""
        self._check(name, ids, embedding)
        x = embedding(ids) * math.sqrt(self.config.d_model)  # (B, T, D)
        return self.dropout(x + self.positions[: ids.shape[1]])

    def _check(self, name: str, ids: torch.Tensor, embedding: nn.Embedding) -> None:
        if ids.ndim != 2 or ids.dtype not in (torch.int64, torch.int32):
            raise ValueError(
                f"{name}_ids have shape {tuple(ids.shape)} and dtype {ids.dtype}; give whole numbers (B, T)"
            )
        if ids.shape[1] > self.config.max_length:
            raise ValueError(
                f"the {name} has {ids.shape[1]} tokens; this model takes up to max_length={self.config.max_length}"
            )
        if ids.device.type == "cpu" and ids.numel() and not (ids.min() >= 0 and ids.max() < embedding.num_embeddings):
            raise ValueError(
                f"{name}_ids go from {ids.min()} to {ids.max()}; this vocabulary has the tokens 0 to "
                f"{embedding.num_embeddings - 1}"
            )

    def _initialize(self) -> None:
        for name, parameter in self.named_parameters():
            if name == "output.weight":
                nn.init.normal_(parameter, std=0.02)  # small, so that the first guesses are nearly even
            elif "embedding" in name:
                # Times sqrt(D) in use, so that the numbers of a token's vector have a spread of 1.
                nn.init.normal_(parameter, std=self.config.d_model**-0.5)
            elif parameter.ndim > 1:
                nn.init.xavier_uniform_(parameter)


def _has_final_norm(module: nn.Transformer, eps: float) -> bool:
    """Whether encoder and decoder end with a normalization; it must be both or neither, as here."""
    norms = [module.encoder.norm, module.decoder.norm]
    if norms == [None, None]:
        return False
    if not all(is_plain(norm) and norm.eps == eps for norm in norms):
        raise ValueError(
            f"the last normalizations are {norms[0]} and {norms[1]}; give two nn.LayerNorm with eps={eps}, or none"
        )
    return True
