"""One training run of a translator of dates, whole or with one part taken out: what its study and its lab share."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from nbcode.data import dates
from nbcode.data.vocabulary import PADDING, Vocabulary
from nbcode.decoding import translate
from nbcode.models.transformer import PRESETS, Transformer, TransformerConfig
from nbcode.training.evaluation import evaluating
from nbcode.training.schedules import warmup_cosine

PAIRS = 40_000  # for training
BATCH = 64
STEPS = 900
WARMUP = 100  # steps
RATE = 5e-3
BETAS = (0.9, 0.98)  # the paper's, section 5.3
CLIP = 1.0
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


def task(seed: int, n: int = PAIRS) -> Task:
    """The task of a seed: another split of the days, other pairs."""
    days = dates.split(seed)
    train, test = dates.pairs(days.train, n, seed), dates.pairs(days.test, dates.TEST, seed)
    source, target = dates.vocabularies(train)
    return Task(source, target, dates.tensors(train, source, target), test)


def batches(train: tuple[torch.Tensor, torch.Tensor], steps: int, seed: int) -> Iterator[tuple[torch.Tensor, ...]]:
    """``steps`` batches of sources (B, S) and targets (B, T), each pair once before one comes twice."""
    numbers = torch.Generator().manual_seed(seed)
    made = 0
    while made < steps:
        for rows in torch.randperm(len(train[0]), generator=numbers).split(BATCH)[: steps - made]:
            made += 1
            yield train[0][rows], train[1][rows]


def loss_of(model: nn.Module, batch: tuple[torch.Tensor, torch.Tensor], smoothing: float = 0.0) -> torch.Tensor:
    """Cross-entropy of each next token, given the right ones before it; padding does not count."""
    source, target = batch
    logits = model(source, target[:, :-1])  # (B, T - 1, Vt)
    return functional.cross_entropy(
        logits.flatten(0, 1).float(), target[:, 1:].flatten(), ignore_index=PADDING, label_smoothing=smoothing
    )


def train(
    model: Transformer,
    task: Task,
    seed: int,
    factor: Callable[[int], float] | None = None,
    rate: float = RATE,
    smoothing: float = 0.0,
) -> list[float]:
    """Train for ``STEPS`` steps; returns the loss of each.

    Args:
        model: changed in place.
        task: what it learns.
        seed: of the order of the examples.
        factor: of the rate, for each step; ``None`` takes warm-up and cosine.
        rate: AdamW's.
        smoothing: of the labels.
    """
    optimizer = torch.optim.AdamW(model.parameters(), rate, betas=BETAS, fused=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, factor or warmup_cosine(STEPS, WARMUP))
    losses = []
    model.train()
    for batch in batches(task.train, STEPS, seed):
        loss = loss_of(model, batch, smoothing)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    return losses


def exact_match(model: Transformer, task: Task) -> float:
    """The share of test pairs whose greedy translation is right in every token."""
    written = translate(model, [pair.source for pair in task.test], task.source, task.target)
    return sum(text == pair.target for text, pair in zip(written, task.test, strict=True)) / len(written)


def token_accuracy(model: Transformer, task: Task) -> float:
    """The share of right tokens on the test pairs, when each is guessed from the right ones before it."""
    sources, targets = dates.tensors(task.test, task.source, task.target)
    with evaluating(model):
        right = model(sources, targets[:, :-1]).argmax(dim=-1) == targets[:, 1:]
    return right[targets[:, 1:] != PADDING].double().mean().item()
