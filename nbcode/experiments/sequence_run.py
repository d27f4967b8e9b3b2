"""One training run of a sequence model on a task that never repeats: what the studies of recall share."""

from __future__ import annotations

import copy
import time

import torch
from torch import nn
from torch.nn import functional

from nbcode.data.recall import NO_TARGET, SYMBOLS, TASKS, VOCABULARY
from nbcode.models.sequence import SequenceModel, matched_width

PARAMETERS = 8_000
BATCH = 64
CLIP = 1.0
CHECK_EVERY = 25  # steps
SOLVED = 0.995  # accuracy on sequences for validation
VALIDATION, TEST = 500, 2_000  # sequences


def build(mixer: str, task: str, distance: int, seed: int) -> SequenceModel:
    """A model of about 8,000 parameters for a task."""
    width = matched_width(mixer, PARAMETERS, VOCABULARY[task], SYMBOLS)
    torch.manual_seed(seed)
    return SequenceModel(mixer, width, VOCABULARY[task], SYMBOLS, distance + 1)


def draw(task: str, distance: int, seed: int, purpose: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Sequences for "validation" or "test": their random numbers are not those of the training."""
    return TASKS[task]({"validation": VALIDATION, "test": TEST}[purpose], distance, generator(seed, purpose))


def generator(seed: int, purpose: str) -> torch.Generator:
    """The random numbers of a seed for a purpose."""
    return torch.Generator().manual_seed(3 * seed + ("training", "validation", "test").index(purpose))


def train(
    network: nn.Module, task: str, distance: int, seed: int, steps: int, rate: float
) -> tuple[int | None, list[float]]:
    """Train until the task is solved, at most ``steps`` times; the step at which it was, and the time of each step."""
    device = next(network.parameters()).device
    numbers = generator(seed, "training")
    validation = draw(task, distance, seed, "validation")
    optimizer = torch.optim.AdamW(network.parameters(), rate, fused=True)
    seconds = []
    for number in range(1, steps + 1):
        tokens, targets = (each.to(device) for each in TASKS[task](BATCH, distance, numbers))
        begun = clock(device)
        loss = functional.cross_entropy(network(tokens).flatten(0, 1), targets.flatten(), ignore_index=NO_TARGET)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), CLIP)
        optimizer.step()
        seconds.append(clock(device) - begun)
        if number % CHECK_EVERY == 0 and accuracy(network, *validation) >= SOLVED:
            return number, seconds
    return None, seconds


def clock(device: torch.device) -> float:
    """Seconds: of this process's computing on the CPU; on a GPU of the wall, after all that was asked for is done."""
    if device.type == "cpu":
        return time.process_time()
    torch.accelerator.synchronize()
    return time.perf_counter()


@torch.no_grad()
def accuracy(network: nn.Module, tokens: torch.Tensor, targets: torch.Tensor) -> float:
    """The share of right answers among the positions that have a target."""
    device = next(network.parameters()).device
    right = count = 0
    for some, wanted in zip(tokens.split(BATCH), targets.split(BATCH), strict=True):  # all at once would take memory
        asked = wanted != NO_TARGET
        right += (network(some.to(device)).argmax(dim=-1).cpu() == wanted)[asked].sum().item()
        count += asked.sum().item()
    return right / count


def gradient_at_first(network: SequenceModel, task: str, distance: int, seed: int) -> float:
    """How much the first embedding moves the loss at the last position, as a part of what the last one does.

    In float64: at a distance of 256, what is left in a recurrent network is too small for float32.
    """
    tokens, targets = TASKS[task](BATCH, distance, generator(seed, "validation"))
    network = copy.deepcopy(network).double()
    x = network.embedding(tokens).detach().requires_grad_()  # (B, T, D)
    functional.cross_entropy(network.after_embedding(x)[:, -1], targets[:, -1]).backward()
    lengths = x.grad.norm(dim=-1)  # (B, T)
    return (lengths[:, 0].mean() / lengths[:, -1].mean()).item()
