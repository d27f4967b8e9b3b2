"""What does each part of a transformer do for a translator of dates? One is taken out, over several seeds.

``python -m nbcode.experiments.translation [--variants whole ...] [--seeds 5] [--workers 1] [--out FILE]``
"""

from __future__ import annotations

import dataclasses
import statistics
import sys
from collections.abc import Callable

import torch
from torch import nn

from nbcode.experiments.study import Study, add_workers, main, parser
from nbcode.experiments.translation_run import (
    PLAIN,
    STEPS,
    TAIL,
    WARMUP,
    Recipe,
    Task,
    exact_match,
    task,
    token_accuracy,
    train,
)
from nbcode.models.attention import MultiHeadAttention
from nbcode.models.transformer import Transformer
from nbcode.training.schedules import inverse_square_root, warmup_cosine


class SeesAhead(nn.Module):
    """Attention that does not care for the causal mask."""

    def __init__(self, attention: MultiHeadAttention) -> None:
        super().__init__()
        self.attention = attention

    def forward(self, query, key, value, key_padding_mask=None, causal=False, need_weights=False):
        return self.attention(query, key, value, key_padding_mask, need_weights=need_weights)


class SeesNothing(nn.Module):
    """In the place of attention: changes nothing."""

    def forward(self, query, key, value, key_padding_mask=None, causal=False, need_weights=False):
        nothing = torch.zeros_like(query)
        weights = query.new_zeros(len(query), 1, query.shape[1], key.shape[1])
        return (nothing, weights) if need_weights else nothing


def without_positions(model: Transformer) -> Transformer:
    """No token knows its place."""
    model.positions.zero_()
    return model


def without_causal_mask(model: Transformer) -> Transformer:
    """In training, the decoder sees the token that it should guess."""
    for layer in model.decoder:
        layer.attention = SeesAhead(layer.attention)
    return model


def without_cross_attention(model: Transformer) -> Transformer:
    """The decoder does not see the source."""
    for layer in model.decoder:
        layer.cross_attention = SeesNothing()
    return model


def whole(model: Transformer) -> Transformer:
    """Nothing is taken out."""
    return model


@dataclasses.dataclass(frozen=True)
class Variant:
    """How a run differs from the whole one.

    Attributes:
        change: applied to the new model.
        config: what is replaced in its configuration.
        recipe: how it is trained.
    """

    change: Callable[[Transformer], Transformer] = whole
    config: dict = dataclasses.field(default_factory=dict)
    recipe: Recipe = PLAIN


POST_NORM = {"norm_first": False, "final_norm": False}
NO_WARMUP = Recipe(warmup_cosine(STEPS, 0))
SIX_LAYERS = {"encoder_layers": 6, "decoder_layers": 6}
VARIANTS = {
    "whole": Variant(),
    "no positions": Variant(without_positions),
    "no causal mask": Variant(without_causal_mask),
    "no cross-attention": Variant(without_cross_attention),
    "one head": Variant(config={"n_heads": 1}),
    "post-norm, no warm-up": Variant(config=POST_NORM, recipe=NO_WARMUP),
    "paper's schedule": Variant(recipe=Recipe(inverse_square_root(64, WARMUP), rate=1.0)),
    "label smoothing": Variant(recipe=Recipe(smoothing=0.1)),
    "6 layers, no warm-up": Variant(config=SIX_LAYERS, recipe=NO_WARMUP),
    "6 layers, post-norm": Variant(config={**SIX_LAYERS, **POST_NORM}),
    "6 layers, post-norm, no warm-up": Variant(config={**SIX_LAYERS, **POST_NORM}, recipe=NO_WARMUP),
}


def build(variant: Variant, task: Task, seed: int) -> Transformer:
    """The model of a variant; the same seed gives the same weights to all whose sizes are equal."""
    torch.manual_seed(seed)
    return variant.change(Transformer(dataclasses.replace(task.config, **variant.config)))


def measure(variant: str, seed: int) -> dict:
    """Train it; the last loss, and on unseen days the share of right tokens and of dates without a mistake."""
    chosen, data = VARIANTS[variant], task(seed)
    model = build(chosen, data, seed)
    losses = train(model, data, seed, chosen.recipe).column("loss")
    return {
        "last_loss": round(statistics.fmean(losses[-TAIL:]), 5),
        "token_accuracy": round(token_accuracy(model, data), 5),
        "exact_match": exact_match(model, data),
    }


STUDY = Study(
    "nbcode.experiments.translation", ("variant", "seed"), ("last_loss", "token_accuracy", "exact_match"), measure
)


if __name__ == "__main__":
    flags = parser(STUDY, __doc__.splitlines()[0], seeds=5)
    add_workers(flags)
    flags.add_argument("--variants", nargs="+", choices=tuple(VARIANTS), default=tuple(VARIANTS), metavar="NAME")
    chosen = flags.parse_args()
    torch.set_num_threads(1)
    grid = [{"variant": name, "seed": seed} for name in dict.fromkeys(chosen.variants) for seed in range(chosen.seeds)]
    sys.exit(main(STUDY, grid, chosen))
