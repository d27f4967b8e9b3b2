"""Reading many texts with a network that is not changed: in batches of similar length, results in the texts' order."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from accelerate.utils import send_to_device
from torch import nn

from nbcode.data.wordpiece import Encoding, padded
from nbcode.device import Compute, choose
from nbcode.models.bert import Bert
from nbcode.models.text_classifier import TextClassifier, mean_of_tokens
from nbcode.training.evaluation import evaluating
from nbcode.training.finetune import FILLING

BATCH = 64  # texts read at once


def probabilities(model: TextClassifier, texts: Sequence[Encoding], compute: Compute | None = None) -> torch.Tensor:
    """The probability of each class for each of n texts, (n, C), float32, on the CPU.

    Args:
        model: moved to the device, not changed.
        texts: in tokens.
        compute: device and precision; ``None`` lets :func:`nbcode.device.choose` decide.

    Raises:
        ValueError: no text.
    """
    return _read(model, texts, lambda batch: model(**batch).float().softmax(dim=-1), compute)


def features(encoder: Bert, texts: Sequence[Encoding], compute: Compute | None = None) -> torch.Tensor:
    """The mean over the tokens of each of n texts, (n, D), float32, on the CPU; arguments as above."""

    def mean(batch: dict[str, torch.Tensor]) -> torch.Tensor:
        return mean_of_tokens(encoder(**batch), batch["attention_mask"]).float()

    return _read(encoder, texts, mean, compute)


def _read(
    model: nn.Module,
    texts: Sequence[Encoding],
    read: Callable[[dict[str, torch.Tensor]], torch.Tensor],
    compute: Compute | None,
) -> torch.Tensor:
    if not texts:
        raise ValueError("there is no text to read; give at least one")
    compute = compute or choose()
    model.to(compute.device)
    order = sorted(range(len(texts)), key=lambda number: len(texts[number]))  # little padding in each batch
    parts = []
    with evaluating(model), compute.autocast():
        for start in range(0, len(order), BATCH):
            batch = padded([texts[number] for number in order[start : start + BATCH]], FILLING)
            parts.append(read(send_to_device(batch, compute.device)).cpu())
    result = torch.cat(parts)  # (n, ...), by length
    return torch.empty_like(result).index_copy_(0, torch.tensor(order), result)
