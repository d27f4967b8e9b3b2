"""One transformer three times, from the same weights: ours, PyTorch's and a textbook's; and the proof that they agree.

Only what computes the same is compared: the same logits, and the same gradient on the way back.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import torch
from torch import nn

from nbcode.bench.builtin import BuiltinTransformer
from nbcode.bench.textbook import TextbookTransformer
from nbcode.experiments.translation_run import loss_of
from nbcode.models.transformer import Transformer

Batch = tuple[torch.Tensor, torch.Tensor]
Names = Sequence[tuple[str, str]]

# Our names -> theirs, one rule after another.
SHARED = (
    (r"^(source|target)_embedding", r"\1.table"),
    (r"around_attention\.norm", "norm1"),
    (r"around_cross\.norm", "norm2"),
    (r"^(encoder.*)around_feed_forward\.norm", r"\1norm2"),
    (r"around_feed_forward\.norm", "norm3"),
)
BUILTIN = (
    *SHARED,
    (r"^(encoder|decoder)_norm", r"core.\1.norm"),
    (r"^(encoder|decoder)\.(\d)", r"core.\1.layers.\2"),
    (r"\.attention\.", ".self_attn."),
    (r"cross_attention\.", "multihead_attn."),
    (r"attn\.project\.", "attn.in_proj_"),
    (r"attn\.output\.", "attn.out_proj."),
    (r"feed_forward\.inner", "linear1"),
    (r"feed_forward\.outer", "linear2"),
)


def twins(ours: Transformer) -> dict[str, nn.Module]:
    """Ours, and the two others with copies of its weights, under the names that the table shows.

    Raises:
        ValueError: a configuration that the others do not have: tied, without a final norm, post-norm, or not relu.
    """
    config, state = ours.config, ours.state_dict()
    if config.tied or not config.final_norm or not config.norm_first or config.activation != "relu":
        raise ValueError(f"{config}; the textbook's is not tied, has a final norm, pre-norm and relu")
    builtin, textbook = (kind(config).to(ours.output.weight) for kind in (BuiltinTransformer, TextbookTransformer))
    builtin.load_state_dict(renamed(state, BUILTIN))
    textbook.load_state_dict(renamed(_three_apart(state), SHARED))
    return {"ours": ours, "nn.Transformer": builtin, "textbook": textbook}


def renamed(state: Mapping[str, torch.Tensor], names: Names) -> dict[str, torch.Tensor]:
    """The same weights under names to which each rule was applied in turn."""
    found = {}
    for name, weight in state.items():
        for ours, theirs in names:
            name = re.sub(ours, theirs, name)
        found[name] = weight
    return found


def check_equal(models: Mapping[str, nn.Module], batch: Batch, tolerance: float) -> None:
    """Compare logits, and the gradient at the very first weights, of all models with those of the first.

    The models are in evaluation mode while it looks, without dropout, and left in training mode.

    Raises:
        ValueError: they differ by more than ``tolerance``, of the size of the largest number.
    """
    (first, *others), results = models, {}
    for name, model in models.items():
        model.eval()
        table = model.get_parameter("source_embedding.weight" if name == first else "source.table.weight")
        (gradient,) = torch.autograd.grad(loss_of(model, batch), table)
        results[name] = model(batch[0], batch[1][:, :-1]).detach(), gradient
        model.train()
    for name in others:
        for what, one, other in zip(("logits", "gradients"), results[first], results[name], strict=True):
            distance = ((one - other).abs().max() / one.abs().max()).item()
            if not distance <= tolerance:
                raise ValueError(
                    f"{what} of {name} are {distance:.1e} away from those of {first}, more than {tolerance:.0e}; "
                    "only what computes the same can be compared"
                )


def _three_apart(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Query, key and value as layers of their own."""
    apart = {}
    for name, weight in state.items():
        if ".project." in name:
            for part, rows in zip(("query", "key", "value"), weight.chunk(3), strict=True):
                apart[name.replace("project", part)] = rows
        else:
            apart[name] = weight
    return apart
