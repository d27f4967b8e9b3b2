"""One training run of a translator of dates, whole or with one part taken out: what its study and its lab share."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from nbcode.data import dates
from nbcode.data.vocabulary import PADDING, Vocabulary
from nbcode.decoding import translate
from nbcode.device import Compute, choose
from nbcode.models.transformer import PRESETS, Transformer, TransformerConfig
from nbcode.training.evaluation import evaluating
from nbcode.training.history import History, Record
from nbcode.training.loop import fit
from nbcode.training.schedules import warmup_cosine

BATCH = 64
STEPS = 900
PAIRS = STEPS * BATCH  # for training: none comes twice
WARMUP = 100  # steps
RATE = 5e-3
BETAS = (0.9, 0.98)  # the paper's, section 5.3
CLIP = 1.0
COSINE = warmup_cosine(STEPS, WARMUP)
TAIL = 50  # steps, over which the last loss is averaged


@dataclass(frozen=True)
class Task:
    """Examples to learn from and to be measured on, and their vocabularies.

    Attributes:
        source, target: the vocabularies.
        train: tokens of the sources (n, S) and of the targets (n, T).
        test: pairs of days that are not in ``train``.
    """

    source: Vocabulary
    target: Vocabulary
    train: tuple[torch.Tensor, torch.Tensor]
    test: list[dates.Pair]

    @property
    def config(self) -> TransformerConfig:
        """The preset for dates, with the sizes of these vocabularies."""
        sizes = {"source_vocabulary": len(self.source), "target_vocabulary": len(self.target)}
        return dataclasses.replace(PRESETS["date"], **sizes)


def task(seed: int, targets: Sequence[str] = dates.TARGETS, n: int = PAIRS) -> Task:
    """The task of a seed, with ``n`` pairs to train on: another split of the days, other pairs."""
    days = dates.split(seed)
    train = dates.pairs(days.train, n, seed, targets=targets)
    test = dates.pairs(days.test, dates.TEST, seed, targets=targets)
    source, target = dates.vocabularies(train)
    return Task(source, target, dates.tensors(train, source, target), test)


def batches(train: tuple[torch.Tensor, torch.Tensor], seed: int) -> DataLoader:
    """Sources (B, S) and targets (B, T) in a random order of that seed, each pair once."""
    numbers = torch.Generator().manual_seed(seed)
    return DataLoader(TensorDataset(*train), BATCH, shuffle=True, generator=numbers, drop_last=True)


def loss_of(model: nn.Module, batch: tuple[torch.Tensor, torch.Tensor], smoothing: float = 0.0) -> torch.Tensor:
    """Cross-entropy of each next token, given the right ones before it; padding does not count."""
    source, target = batch
    logits = model(source, target[:, :-1])  # (B, T - 1, Vt)
    return functional.cross_entropy(
        logits.flatten(0, 1).float(), target[:, 1:].flatten(), ignore_index=PADDING, label_smoothing=smoothing
    )


@dataclass(frozen=True)
class Recipe:
    """How a run is trained.

    Attributes:
        factor: of the learning rate, for each step.
        rate: of AdamW, with which the factor is multiplied.
        smoothing: of the labels.
    """

    factor: Callable[[int], float] = COSINE
    rate: float = RATE
    smoothing: float = 0.0


PLAIN = Recipe()


def train(
    model: Transformer,
    task: Task,
    seed: int,
    recipe: Recipe = PLAIN,
    compute: Compute | None = None,
    on_step: Callable[[Record], None] | None = None,
) -> History:
    """Train on every pair of the task once.

    Args:
        model: changed in place.
        task: what it learns.
        seed: of the order of the pairs.
        recipe: rate, its course, and smoothing.
        compute: device and precision; ``None`` takes the CPU and fp32.
        on_step: called with the record of each step.
    """
    optimizer = torch.optim.AdamW(model.parameters(), recipe.rate, betas=BETAS, fused=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, recipe.factor)
    loss = functools.partial(loss_of, smoothing=recipe.smoothing)
    compute = compute or choose("cpu", "fp32")
    loader = batches(task.train, seed)
    return fit(model, loader, loss, optimizer, schedule=schedule, clip=CLIP, compute=compute, on_step=on_step)


def exact_match(model: Transformer, task: Task) -> float:
    """The share of test pairs whose greedy translation is right in every token."""
    written = translate(model, [pair.source for pair in task.test], task.source, task.target)
    return sum(text == pair.target for text, pair in zip(written, task.test, strict=True)) / len(written)


def token_accuracy(model: Transformer, task: Task) -> float:
    """The share of right tokens on the test pairs, when each is guessed from the right ones before it."""
    device = model.positions.device
    sources, targets = (each.to(device) for each in dates.tensors(task.test, task.source, task.target))
    with evaluating(model):
        right = model(sources, targets[:, :-1]).argmax(dim=-1) == targets[:, 1:]
    return right[targets[:, 1:] != PADDING].float().mean().item()
