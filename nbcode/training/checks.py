"""What the training loop refuses, each with a reason and a remedy in words."""

from __future__ import annotations

import contextlib
import math
import warnings
from collections.abc import Iterator

import torch
from torch import nn
from torch.utils.data import DataLoader, IterableDataset

from nbcode.training.history import History

MOST_SKIPPED = 20  # updates in a row; each halves the scale of the loss, which begins at 65,536


class TrainingDiverged(RuntimeError):
    """The loss or the gradient is no longer finite. ``history`` holds the steps before; they made the model."""

    def __init__(self, message: str, history: History) -> None:
        super().__init__(message)
        self.history = history


def check_plan(batches: DataLoader, epochs: int, clip: float | None) -> None:
    """Refuse a run without a single step, and a limit for the gradient that leaves nothing of it."""
    if isinstance(epochs, bool) or not isinstance(epochs, int) or epochs < 1:
        raise ValueError(f"epochs is {epochs!r}; give a whole number of at least 1")
    if not isinstance(batches, DataLoader):  # accelerate moves the batches of nothing else to the device
        raise ValueError(f"batches is a {type(batches).__name__}; give a torch.utils.data.DataLoader")
    if isinstance(batches.dataset, IterableDataset):
        raise ValueError("the data set is an IterableDataset, without a length; give one that can be counted")
    if len(batches) == 0:
        raise ValueError("there is no batch to learn from: is the data set empty, or smaller than one dropped batch?")
    if clip is not None and not clip > 0:
        raise ValueError(f"clip is {clip}; give a positive limit for the gradient's length, or None for no limit")


def check_optimizer(optimizer: torch.optim.Optimizer, model: nn.Module, scheduled: bool) -> None:
    """Refuse an optimizer that would not move the model: made for another one, or with a rate that is not positive."""
    if not isinstance(optimizer, torch.optim.Optimizer):
        raise ValueError(f"optimizer is a {type(optimizer).__name__}; give one of torch.optim, for example AdamW")
    own = {id(parameter) for parameter in model.parameters()}
    given = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    if not any(id(parameter) in own for parameter in given):
        raise ValueError(
            "the optimizer holds none of the model's parameters; was the model made anew after the optimizer? "
            "Make the optimizer last, from model.parameters()"
        )
    for group in optimizer.param_groups:
        # A schedule may start from 0, as warm-up does.
        if not (0 < group["lr"] < math.inf or (scheduled and group["lr"] == 0)):
            raise ValueError(f"the learning rate is {group['lr']}; give a positive one (1e-3 is a common start)")


def check_schedule(schedule: torch.optim.lr_scheduler.LRScheduler | None, optimizer: torch.optim.Optimizer) -> None:
    """Refuse a schedule that would not move the optimizer's rate after each step."""
    if schedule is None:
        return
    if isinstance(schedule, torch.optim.lr_scheduler.ReduceLROnPlateau):
        raise ValueError("ReduceLROnPlateau needs a validation loss, which this loop has not; call it from a hook")
    if schedule.optimizer is not optimizer:
        raise ValueError("the schedule belongs to another optimizer; make it from the one that is given")


def check_loss(loss: torch.Tensor) -> None:
    """Refuse what ``backward`` cannot start from: no tensor, not a scalar, or cut off from the parameters."""
    if not isinstance(loss, torch.Tensor) or loss.ndim != 0:
        came = f"shape {tuple(loss.shape)}" if isinstance(loss, torch.Tensor) else f"type {type(loss).__name__}"
        raise ValueError(f"the loss has {came}; return a scalar tensor, for example the mean over the batch")
    if not loss.requires_grad:
        raise ValueError(
            "the loss carries no gradient: somewhere between the parameters and the loss the graph was cut. Look for "
            ".detach(), .item(), .numpy(), torch.no_grad(), argmax or a comparison; or all parameters are frozen"
        )


def check_finite(loss: float, grad_norm: float, batch: object, lr: float, history: History, scaled: bool) -> None:
    """Stop before an update that would destroy the model.

    Where the loss is scaled, in fp16, a gradient that overflows is usual: the scaler skips the update, scales less and
    goes on. But not forever.
    """
    if math.isfinite(loss) and (math.isfinite(grad_norm) or (scaled and not _only_skipped(history))):
        return
    what = f"the gradient's length is {grad_norm}" if math.isfinite(loss) else f"the loss is {loss}"
    before = f"; the last three losses were {_brief(history.column('loss')[-3:])}" if history.records else ""
    if not _all_finite(batch):
        remedy = "The batch itself holds NaN or infinity: mend the data"
    elif not history.records:
        remedy = "It is the first step: look at the scale of the inputs and at the loss itself (a log of 0?)"
    else:
        remedy = "Try a smaller learning rate, then clip=1.0, then warm-up; look for a log or a division near 0"
    raise TrainingDiverged(
        f"{what} at step {len(history.records) + 1}, with learning rate {lr:g}{before}. {remedy}. "
        "The model is as the step before left it",
        history,
    )


@contextlib.contextmanager
def broadcasting_refused() -> Iterator[None]:
    """Turn PyTorch's warning about a target of another size into a ``ValueError``: the loss would be another one."""
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="Using a target size")
        try:
            yield
        except UserWarning as warning:
            if "Using a target size" not in str(warning):
                raise
            raise ValueError(
                f"{str(warning).split('. ')[0]}. Broadcast, every prediction is compared with every target; "
                "give the target the prediction's shape, for example target.unsqueeze(1)"
            ) from warning


def _only_skipped(history: History) -> bool:
    """Whether the last updates, as many as a healthy run never loses in a row, were all skipped."""
    recent = [record.grad_norm for record in history.records[-MOST_SKIPPED:]]
    return len(recent) == MOST_SKIPPED and not any(math.isfinite(norm) for norm in recent)


def _all_finite(batch: object) -> bool:
    """Whether all floating-point tensors of a batch, a tensor or tuples, lists and dicts of them, are finite."""
    if isinstance(batch, torch.Tensor):
        return not batch.is_floating_point() or bool(torch.isfinite(batch).all())
    if isinstance(batch, dict):
        batch = batch.values()
    elif not isinstance(batch, (list, tuple)):
        return True
    return all(_all_finite(part) for part in batch)


def _brief(values: list[float]) -> str:
    return ", ".join(f"{value:.3g}" for value in values)
