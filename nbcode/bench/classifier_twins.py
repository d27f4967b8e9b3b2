"""One text classifier twice, from the same weights: ours and Hugging Face's; and the proof that they agree."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from transformers import BertModel, logging

from nbcode.bench.trainer import MeanClassifier
from nbcode.models.bert import own_names
from nbcode.models.text_classifier import TextClassifier
from nbcode.training.finetune import loss_of


def twin_of(ours: TextClassifier, folder: Path) -> MeanClassifier:
    """Hugging Face's network with the weights of a checkpoint, and with a copy of our head.

    Args:
        ours: with the weights of the same checkpoint.
        folder: of the checkpoint.
    """
    with _quiet():
        bert = BertModel.from_pretrained(folder, add_pooling_layer=False)
    twin = MeanClassifier(bert, ours.head.out_features, ours.dropout.p).to(ours.head.weight)
    twin.head.load_state_dict(ours.head.state_dict())
    return twin


def own_weights(twin: Mapping[str, torch.Tensor], layers: int) -> dict[str, torch.Tensor]:
    """The twin's weights, or their gradients, under the names that they have in ours.

    Args:
        twin: by their names in the twin.
        layers: how many the encoder has.
    """
    head = {name: tensor for name, tensor in twin.items() if name.startswith("head.")}
    encoder = own_names({name: tensor for name, tensor in twin.items() if name not in head}, layers)
    return {f"encoder.{name}": tensor for name, tensor in encoder.items()} | head


def check_equal(
    ours: TextClassifier, twin: MeanClassifier, batch: Mapping[str, torch.Tensor], tolerance: float
) -> None:
    """Compare the logits and the gradients of all weights.

    The models are in evaluation mode while it looks, without dropout, and left in training mode.

    Args:
        ours, twin: the models.
        batch: what both take, with ``labels``.
        tolerance: of each tensor's largest number.

    Raises:
        ValueError: they differ by more.
    """
    ours.eval()
    twin.eval()
    inputs = {name: tensor for name, tensor in batch.items() if name != "labels"}
    found = twin(**batch)
    pairs = {"logits": (ours(**inputs), found["logits"])}
    expected, gradients = _gradients(ours, loss_of(ours, batch)), _gradients(twin, found["loss"])
    gradients = own_weights(gradients, len(ours.encoder.layers))
    pairs |= {f"gradients of {name}": (gradient, gradients[name]) for name, gradient in expected.items()}
    for what, (one, other) in pairs.items():
        distance = ((one - other).abs().max() / one.abs().max()).item()
        if not distance <= tolerance:
            raise ValueError(
                f"{what} are {distance:.1e} away from those of ours, more than {tolerance:.0e}; only what computes the "
                "same can be compared"
            )
    ours.train()
    twin.train()


def _gradients(model: torch.nn.Module, loss: torch.Tensor) -> dict[str, torch.Tensor]:
    names, parameters = zip(*model.named_parameters(), strict=True)
    return dict(zip(names, torch.autograd.grad(loss, parameters), strict=True))


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """No bar, and no report that the checkpoint's pooler is left over."""
    level, bar = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bar:
            logging.enable_progress_bar()
