"""BERT: our own encoder layers, behind embeddings that are learned, with the weights of an open checkpoint.

Equal to ``transformers.BertModel`` without its pooler. Left out: what only its pre-training needs.

Source: Devlin et al. (2019), "BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from nbcode.checkpoint_files import read_config, read_weights
from nbcode.models.attention import check_dropout
from nbcode.models.fast_dropout import FastDropout
from nbcode.models.transformer_layers import EncoderLayer, LayerConfig
from nbcode.pretrained import located

# In a checkpoint, but no part of the encoder: heads of the pre-training, and a table that only counts.
NOT_OURS = ("pooler.", "cls.", "classifier.", "embeddings.position_ids")
OLD_NAMES = {"gamma": "weight", "beta": "bias"}  # of a normalization, in checkpoints from TensorFlow


@dataclass(frozen=True)
class BertConfig(LayerConfig):
    """All sizes of a BERT; it always normalizes last.

    Attributes:
        vocabulary: V, the number of tokens.
        layers: how many.
        max_length: the longest text, in tokens.
        token_types: how many kinds of tokens are told apart: those of a first and of a second text.
        attention_dropout: the share of attention weights dropped in training.

    Raises:
        ValueError: a value out of its range.
    """

    d_model: int = 768
    n_heads: int = 12
    d_ff: int = 3072
    activation: str = "gelu"
    eps: float = 1e-12
    vocabulary: int = 30_522
    layers: int = 12
    max_length: int = 512
    token_types: int = 2
    attention_dropout: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        check_dropout(self.attention_dropout)
        if self.norm_first:
            raise ValueError("norm_first is True; BERT normalizes last")
        for name in ("vocabulary", "layers", "max_length", "token_types"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; give at least 1")

    @classmethod
    def from_hugging_face(cls, values: Mapping[str, object]) -> BertConfig:
        """The configuration in a checkpoint's ``config.json``. Old ones lack some values; those are BERT's own.

        Raises:
            ValueError: it is no BERT, lacks a size, or has a variation that does not exist here.
        """
        if values.get("model_type", "bert") != "bert":
            raise ValueError(f"model_type is {values['model_type']!r}; give the checkpoint of a BERT")
        if values.get("position_embedding_type", "absolute") != "absolute" or values.get("is_decoder"):
            raise ValueError("relative positions or a decoder: give a BERT encoder with absolute positions")
        missing = sorted(set(SIZES) - set(values))
        if missing:
            raise ValueError(f"config.json lacks {', '.join(missing)}; is it whole?")
        try:
            return cls(**{own: values[theirs] for theirs, own in (SIZES | OTHERS).items() if theirs in values})
        except TypeError as error:  # a text or a null where a number belongs
            raise ValueError(f"config.json holds a value of another kind than BERT's ({error})") from error


# Hugging Face's names of what every checkpoint tells, and of what old ones leave out.
SIZES = {
    "hidden_size": "d_model",
    "num_attention_heads": "n_heads",
    "intermediate_size": "d_ff",
    "vocab_size": "vocabulary",
    "num_hidden_layers": "layers",
}
OTHERS = {
    "hidden_dropout_prob": "dropout",
    "hidden_act": "activation",
    "layer_norm_eps": "eps",
    "max_position_embeddings": "max_length",
    "type_vocab_size": "token_types",
    "attention_probs_dropout_prob": "attention_dropout",
}


class Bert(nn.Module):
    """Tokens -> one vector for each, which knows the whole text.

    Args:
        config: the sizes.
    """

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.config = config
        self.tokens = nn.Embedding(config.vocabulary, config.d_model)
        self.positions = nn.Embedding(config.max_length, config.d_model)
        self.token_types = nn.Embedding(config.token_types, config.d_model)
        self.norm = nn.LayerNorm(config.d_model, config.eps)
        self.dropout = FastDropout(config.dropout)
        self.layers = nn.ModuleList(EncoderLayer(config) for _ in range(config.layers))
        for layer in self.layers:
            layer.attention.dropout = config.attention_dropout
            layer.feed_forward.dropout.p = 0.0  # BERT drops behind this part only
        self._initialize()

    @classmethod
    def from_pretrained(cls, name_or_folder: str | Path) -> Bert:
        """A BERT with the weights of a checkpoint, in evaluation mode.

        Args:
            name_or_folder: as :func:`nbcode.pretrained.located` takes it.

        Raises:
            ValueError: the checkpoint cannot be had, is damaged, or is no BERT.
        """
        folder = located(name_or_folder).path
        own = cls(BertConfig.from_hugging_face(read_config(folder)))
        weights = own_names(read_weights(folder), len(own.layers))
        try:
            own.load_state_dict(weights)
        except RuntimeError as error:
            raise ValueError(f"{folder}: the weights have other shapes than config.json says: {error}") from error
        return own.eval()

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        token_type_ids: torch.Tensor | None = None,
        need_weights: bool = False,
    ) -> torch.Tensor | tuple[torch.Tensor, list[torch.Tensor]]:
        """Read texts.

        Args:
            input_ids: (B, T).
            attention_mask: (B, T), 1 at tokens and 0 at padding, as Hugging Face's tokenizers give it; ``None``: no
                padding. A text of padding alone gets numbers that mean nothing, but are finite.
            token_type_ids: (B, T), 0 in the first text and 1 in the second; ``None``: all 0.
            need_weights: whether to return the attention weights too.

        Returns:
            (B, T, D), with ``need_weights`` also a list with the weights (B, N, T, T) of each layer.

        Raises:
            ValueError: a shape that does not fit, more tokens than ``max_length``, or, on the CPU, a number that is no
                token. (On a GPU that look would cost a wait in every step; there PyTorch stops instead.)
        """
        self._check(input_ids, attention_mask, token_type_ids)
        padding = None if attention_mask is None else attention_mask == 0  # (B, T)
        token_type_ids = torch.zeros_like(input_ids) if token_type_ids is None else token_type_ids
        x = self.tokens(input_ids) + self.token_types(token_type_ids)  # (B, T, D)
        x = self.dropout(self.norm(x + self.positions.weight[: input_ids.shape[1]]))
        maps = []
        for layer in self.layers:
            if need_weights:
                x, weights = layer(x, padding, need_weights=True)
                maps.append(weights)
            else:
                x = layer(x, padding)
        return (x, maps) if need_weights else x

    def parameter_count(self) -> int:
        """The number of parameters."""
        return sum(parameter.numel() for parameter in self.parameters())

    def _check(
        self, ids: torch.Tensor, attention_mask: torch.Tensor | None, token_type_ids: torch.Tensor | None
    ) -> None:
        if ids.ndim != 2 or ids.dtype not in (torch.int64, torch.int32):
            raise ValueError(
                f"input_ids have shape {tuple(ids.shape)} and dtype {ids.dtype}; give whole numbers (B, T)"
            )
        if ids.shape[1] > self.config.max_length:
            raise ValueError(
                f"a text has {ids.shape[1]} tokens; this model takes up to {self.config.max_length}: cut it off there"
            )
        for name, other in (("attention_mask", attention_mask), ("token_type_ids", token_type_ids)):
            if other is not None and other.shape != ids.shape:
                raise ValueError(f"{name} has shape {tuple(other.shape)}; give input_ids' {tuple(ids.shape)}")
        for name, numbers, count in (
            ("input_ids", ids, self.config.vocabulary),
            ("token_type_ids", token_type_ids, self.config.token_types),
        ):
            if numbers is None or numbers.device.type != "cpu" or not numbers.numel():
                continue
            if not (numbers.min() >= 0 and numbers.max() < count):
                raise ValueError(
                    f"{name} go from {numbers.min()} to {numbers.max()}; this model knows 0 to {count - 1}: is the "
                    "tokenizer of the same checkpoint?"
                )

    def _initialize(self) -> None:
        """As BERT began before its pre-training (its appendix A.2 says nothing; its code draws with 0.02)."""
        for name, parameter in self.named_parameters():
            if parameter.ndim > 1:
                nn.init.normal_(parameter, std=0.02)
            elif name.endswith("bias"):
                nn.init.zeros_(parameter)


def own_names(weights: Mapping[str, torch.Tensor], layers: int) -> dict[str, torch.Tensor]:
    """The weights of a Hugging Face checkpoint under the names that they have here.

    Query, key and value are one matrix here, there three.

    Raises:
        ValueError: a weight is missing, or there is one that nobody knows.
    """
    given = {_plain(name): tensor for name, tensor in weights.items()}
    given = {name: tensor for name, tensor in given.items() if not name.startswith(NOT_OURS)}
    sources = _sources(layers)
    wanted = {theirs for names in sources.values() for theirs in names}
    if wanted != set(given):
        missing, unknown = sorted(wanted - set(given)), sorted(set(given) - wanted)
        raise ValueError(
            f"the checkpoint lacks {missing[:3] or 'nothing'}, and nobody knows {unknown[:3] or 'nothing'}"
        )
    return {own: torch.cat([given[name] for name in names]) for own, names in sources.items()}


def hugging_face_names(weights: Mapping[str, torch.Tensor], layers: int) -> dict[str, torch.Tensor]:
    """The way back from :func:`own_names`: our weights under Hugging Face's names, as copies on the CPU."""
    found = {}
    for own, names in _sources(layers).items():
        parts = weights[own].detach().cpu().chunk(len(names))  # (3 D, ...) -> query, key, value
        found |= {name: part.clone() for name, part in zip(names, parts, strict=True)}
    return found


def _plain(name: str) -> str:
    """A name without the prefix that checkpoints with a head have, and in today's words."""
    *path, last = name.removeprefix("bert.").split(".")
    return ".".join([*path, OLD_NAMES.get(last, last)])


def _sources(layers: int) -> dict[str, list[str]]:
    """Own name -> the names in the checkpoint whose tensors make it up, one below the other."""
    own = {"tokens": "word_embeddings", "positions": "position_embeddings", "token_types": "token_type_embeddings"}
    sources = {f"{ours}.weight": [f"embeddings.{theirs}.weight"] for ours, theirs in own.items()}
    for kind in ("weight", "bias"):
        sources[f"norm.{kind}"] = [f"embeddings.LayerNorm.{kind}"]
        for number in range(layers):
            ours, theirs = f"layers.{number}", f"encoder.layer.{number}"
            parts = {
                "attention.project": [f"attention.self.{part}" for part in ("query", "key", "value")],
                "attention.output": ["attention.output.dense"],
                "around_attention.norm": ["attention.output.LayerNorm"],
                "feed_forward.inner": ["intermediate.dense"],
                "feed_forward.outer": ["output.dense"],
                "around_feed_forward.norm": ["output.LayerNorm"],
            }
            for part, names in parts.items():
                sources[f"{ours}.{part}.{kind}"] = [f"{theirs}.{name}.{kind}" for name in names]
    return sources
