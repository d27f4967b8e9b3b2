"""Fine-tuning: a text classifier on labeled texts, with the loop of the course.

What differs from training from nothing: a small rate, few epochs, a warm-up so that the untrained head does not spoil
what is below it, and no weight decay on what a normalization or a bias holds. Left out: early stopping, which is a hook
(:mod:`nbcode.training.early_stopping`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, Sampler

from nbcode.data.batches import POOL, by_length
from nbcode.data.wordpiece import Encoding, padded
from nbcode.device import Compute, choose
from nbcode.models.text_classifier import TextClassifier
from nbcode.training.history import History, Record
from nbcode.training.loop import fit
from nbcode.training.schedules import warmup_linear


@dataclass(frozen=True)
class Recipe:
    """How a checkpoint is fine-tuned.

    Attributes:
        rate: the largest learning rate, of AdamW.
        epochs: passes over the texts.
        batch: texts in one step.
        warmup: the share of the steps in which the rate rises; then it falls in a line to 0.
        weight_decay: of matrices; biases and normalizations have none.
        clip: the gradient's largest length.

    Raises:
        ValueError: a number out of its range.
    """

    rate: float = 1e-4
    epochs: int = 10
    batch: int = 16
    warmup: float = 0.1
    weight_decay: float = 0.01
    clip: float = 1.0

    def __post_init__(self) -> None:
        for name in ("epochs", "batch"):
            if not isinstance(getattr(self, name), int) or getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)!r}; give a whole number of at least 1")
        if not (self.rate > 0 and self.clip > 0 and self.weight_decay >= 0 and 0 <= self.warmup <= 1):
            raise ValueError(f"{self}; give rate and clip above 0, no negative decay, and a warmup from 0 to 1")


RECIPE = Recipe()  # from a random head
# From a head that knows already. On the simulated requirements (disjoint situations, 10 labels a class, two draws of
# seeds 0 to 2) the mean accuracy was .443 with frozen features, .455 so, and .438 at 1e-4 for 6 epochs; at 1e-4 for 4
# epochs with smoothed labels .444 where frozen features had .445 (four of the draws). Single draws lie .36 to .49.
FROM_PROBE = Recipe(rate=5e-5, epochs=3)
FILLING = 0  # the number at padding; it is masked, so any would do


def finetune(
    model: TextClassifier,
    texts: Sequence[Encoding],
    labels: Sequence[int],
    recipe: Recipe = RECIPE,
    *,
    seed: int = 0,
    compute: Compute | None = None,
    on_step: Callable[[Record], None] | None = None,
) -> History:
    """Train every weight that asks for a gradient.

    Args:
        model: changed in place; moved to the device; left in training mode.
        texts: n texts in tokens.
        labels: n class numbers, each below the model's number of classes.
        recipe: rate, epochs, batch.
        seed: of the order of the batches. What dropout takes comes from PyTorch's own generator.
        compute: device and precision; ``None`` lets :func:`nbcode.device.choose` decide.
        on_step: called with the record of each step.

    Raises:
        ValueError: no text, texts and labels of different number, a label out of range.
    """
    classes = model.head.out_features
    if len(texts) != len(labels) or not texts:
        raise ValueError(f"{len(texts)} texts and {len(labels)} labels; give as many of both, at least one")
    if not all(0 <= label < classes for label in labels):
        raise ValueError(f"labels from {min(labels)} to {max(labels)}; the model has classes 0 to {classes - 1}")
    batches = batches_of(texts, labels, recipe.batch, seed)
    optimizer = torch.optim.AdamW(parameter_groups(model, recipe.weight_decay), recipe.rate, fused=True)
    steps = recipe.epochs * len(batches)
    factor = warmup_linear(steps, round(recipe.warmup * steps))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
    return fit(
        model,
        batches,
        loss_of,
        optimizer,
        recipe.epochs,
        schedule=schedule,
        clip=recipe.clip,
        compute=compute or choose(),
        on_step=on_step,
    )


def loss_of(model: nn.Module, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    """Cross-entropy of a batch with ``labels`` (B,)."""
    logits = model(batch["input_ids"], batch["attention_mask"], batch["token_type_ids"])  # (B, C)
    return functional.cross_entropy(logits.float(), batch["labels"])


def batches_of(texts: Sequence[Encoding], labels: Sequence[int], batch: int, seed: int) -> DataLoader:
    """Batches of texts of similar length, padded to the longest of each, in an order of that seed."""

    def collated(numbers: list[int]) -> dict[str, torch.Tensor]:
        return padded([texts[i] for i in numbers], FILLING) | {"labels": torch.tensor([labels[i] for i in numbers])}

    return DataLoader(
        range(len(texts)), batch_sampler=_ByLength(list(map(len, texts)), batch, seed), collate_fn=collated
    )


class _ByLength(Sampler[list[int]]):
    """:func:`nbcode.data.batches.by_length`, another order in each epoch, for a ``DataLoader``."""

    def __init__(self, lengths: Sequence[int], batch: int, seed: int) -> None:
        self.lengths, self.batch = lengths, batch
        self.generator = torch.Generator().manual_seed(seed)

    def __iter__(self) -> Iterator[list[int]]:
        return iter(by_length(self.lengths, self.batch, self.generator))

    def __len__(self) -> int:
        pool = POOL * self.batch
        whole, rest = divmod(len(self.lengths), pool)
        return whole * POOL + -(-rest // self.batch)


def parameter_groups(model: nn.Module, weight_decay: float) -> list[dict[str, object]]:
    """The parameters that are trained, for an optimizer: matrices with decay, biases and normalizations without."""
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    matrices = [parameter for parameter in trained if parameter.ndim > 1]
    others = [parameter for parameter in trained if parameter.ndim <= 1]
    return [{"params": matrices, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]
