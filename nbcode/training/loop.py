"""The training loop of the course: the five steps of :mod:`nbcode.training.plain`, on any device, with eyes open.

Built on ``accelerate``, which knows devices, precision and processes. Left out: checkpoints, which come with the
runs that need them.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from torch import nn
from torch.utils.data import DataLoader

from nbcode.device import Compute, choose
from nbcode.training.checks import (
    broadcasting_refused,
    check_finite,
    check_loss,
    check_optimizer,
    check_plan,
    check_schedule,
)
from nbcode.training.history import History, Record
from nbcode.training.interrupt import deferred_interrupt
from nbcode.training.plain import LossOf

MIXED_PRECISION = {"fp32": "no", "bf16": "bf16", "fp16": "fp16"}  # our names -> those of accelerate


class StopTraining(Exception):
    """A hook raises it to end the run after the step; its message becomes ``history.stopped``."""


def fit(
    model: nn.Module,
    batches: DataLoader,
    loss_of: LossOf,
    optimizer: torch.optim.Optimizer,
    epochs: int = 1,
    *,
    schedule: torch.optim.lr_scheduler.LRScheduler | None = None,
    clip: float | None = None,
    compute: Compute | None = None,
    on_step: Callable[[Record], None] | None = None,
) -> History:
    """Go over the batches ``epochs`` times, one update each, and record every step.

    Ctrl-C ends the run after the step in hand: model and history are whole, and ``history.stopped`` says so. Under
    several processes each sees its own loss: a hook that stops one of them would leave the others waiting.

    Args:
        model: moved to the device and changed in place; left in training mode.
        batches: a DataLoader; batches are moved to the device.
        loss_of: maps the model and a batch to a scalar. It must call the model, not one of its methods.
        optimizer: of ``torch.optim``, over the model's parameters.
        epochs: passes over the batches.
        schedule: of ``torch.optim.lr_scheduler``, moved on after each step.
        clip: the gradient's largest length; a longer one is scaled down to it.
        compute: device and precision; ``None`` lets :func:`nbcode.device.choose` decide.
        on_step: called with the :class:`Record` of each step; may raise :class:`StopTraining`.

    Raises:
        ValueError: no data, no epochs, a rate or limit that is not positive, an optimizer for another model, a target
            of the wrong shape, a loss that is no scalar or carries no gradient.
        TrainingDiverged: the loss or the gradient is NaN or infinite; raised before the update. In fp16 an infinite
            gradient is excused up to 20 times in a row.
    """
    check_plan(batches, epochs, clip)
    check_optimizer(optimizer, model, scheduled=schedule is not None)
    check_schedule(schedule, optimizer)
    accelerator = accelerator_for(compute or choose())
    history = History()
    try:
        with (
            prepared(accelerator, model, optimizer, batches) as ready,
            deferred_interrupt() as interrupted,
            broadcasting_refused(),  # once: each time it is opened, Python shows again every warning that it has shown
        ):
            model, optimizer, batches = ready
            model.train()
            for epoch in range(1, epochs + 1):
                for batch in batches:
                    lr = optimizer.param_groups[0]["lr"]
                    loss, grad_norm = step(model, batch, loss_of, optimizer, accelerator, clip, history)
                    if schedule is not None and not accelerator.optimizer_step_was_skipped:
                        schedule.step()
                    record = Record(len(history.records) + 1, epochs * len(batches), epoch, loss, lr, grad_norm)
                    history.records.append(record)
                    if on_step is not None:
                        on_step(record)
                    if interrupted():
                        raise StopTraining("interrupted")
    except StopTraining as reason:
        history.stopped = str(reason)
    return history


def step(
    model: nn.Module,
    batch: object,
    loss_of: LossOf,
    optimizer: torch.optim.Optimizer,
    accelerator: Accelerator,
    clip: float | None,
    history: History,
) -> tuple[float, float]:
    """One update; returns the loss before it and the gradient's length before clipping."""
    loss = loss_of(model, batch)
    check_loss(loss)
    optimizer.zero_grad()
    accelerator.backward(loss)
    limit = math.inf if clip is None else clip
    grad_norm = accelerator.clip_grad_norm_(model.parameters(), limit)
    # .item() makes the CPU wait for the GPU, once per step: the price of knowing at once when a run breaks.
    loss, grad_norm = loss.item(), grad_norm.item()
    lr, scaled = optimizer.param_groups[0]["lr"], accelerator.scaler is not None
    check_finite(loss, grad_norm, batch, lr, history, scaled)
    optimizer.step()
    return loss, grad_norm


def accelerator_for(compute: Compute) -> Accelerator:
    """An ``Accelerator`` for the chosen device and precision.

    accelerate keeps one device and precision per process and refuses others afterwards; a notebook may want several,
    one after another, so what was kept is dropped where it differs.
    """
    cpu, mixed = compute.device.type == "cpu", MIXED_PRECISION[compute.precision]
    if AcceleratorState._shared_state:
        known = AcceleratorState()
        if (known.device.type, known.mixed_precision) != (compute.device.type, mixed):
            AcceleratorState._reset_state(reset_partial_state=True)
    return Accelerator(cpu=cpu, mixed_precision=mixed)


@contextlib.contextmanager
def prepared(accelerator: Accelerator, model, optimizer, batches) -> Iterator[tuple]:
    """Model, optimizer and batches as accelerate wants them; at the end the model gets its own ``forward`` back.

    In mixed precision ``prepare`` replaces ``model.forward``; runs one after another would pile that up.
    """
    own = vars(model).get("forward")  # usually none: it stands in the class
    try:
        yield accelerator.prepare(model, optimizer, batches)
    finally:
        accelerator.unwrap_model(model, keep_fp32_wrapper=False)
        vars(model).pop("forward", None)  # accelerate leaves one bound to the model, which breaks a forward of its own
        vars(model).pop("_is_accelerate_prepared", None)  # with it the next run would ignore its device and precision
        if own is not None:
            model.forward = own
        accelerator.free_memory()
