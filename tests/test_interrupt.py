"""Ctrl-C during training: the step in hand is finished, and everything can be used afterwards."""

import os
import signal
import subprocess
import sys
import threading

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from nbcode.device import choose
from nbcode.training import plain
from nbcode.training.interrupt import deferred_interrupt
from nbcode.training.loop import StopTraining, fit

pytestmark = pytest.mark.usefixtures("few_objects")

CPU = choose("cpu", "fp32")
X = torch.randn(12, 2, generator=torch.Generator().manual_seed(0))


def ctrl_c():
    os.kill(os.getpid(), signal.SIGINT)


def loss_of(model, batch):
    return model(batch[0]).square().mean()


def start():
    torch.manual_seed(0)
    model = nn.Linear(2, 1)
    return model, torch.optim.SGD(model.parameters(), lr=0.1), DataLoader(TensorDataset(X), 4)


@pytest.fixture(autouse=True)
def handler():
    """Whatever happens in a test, the handler of Ctrl-C must be the one from before."""
    before = signal.getsignal(signal.SIGINT)
    yield before
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("where", ["hook", "loss"])
def test_ctrl_c_ends_the_run_after_the_step_in_hand(where):
    model, optimizer, batches = start()
    calls = []

    def interrupted_loss(model, batch):
        calls.append(True)
        if where == "loss" and len(calls) == 5:
            ctrl_c()
        return loss_of(model, batch)

    def hook(record):
        if where == "hook" and record.step == 5:
            ctrl_c()

    history = fit(model, batches, interrupted_loss, optimizer, 10, compute=CPU, on_step=hook)
    assert history.stopped == "interrupted" and history.column("step") == [1, 2, 3, 4, 5]
    twin, optimizer, batches = start()
    assert plain.train(twin, [*batches, *list(batches)[:2]], loss_of, optimizer, 1) == history.column("loss")
    assert torch.equal(model.weight, twin.weight)
    assert (
        fit(model, batches, loss_of, torch.optim.SGD(model.parameters(), lr=0.1), 2, compute=CPU).stopped == "finished"
    )


def test_a_second_ctrl_c_ends_the_run_at_once():
    model, optimizer, batches = start()
    records = []

    def hook(record):
        records.append(record)
        if record.step == 2:
            ctrl_c()
            ctrl_c()
            raise AssertionError("the second did not raise")

    with pytest.raises(KeyboardInterrupt):
        fit(model, batches, loss_of, optimizer, 10, compute=CPU, on_step=hook)
    assert len(records) == 2
    assert len(fit(model, batches, loss_of, optimizer, 1, compute=CPU).records) == 3


def test_a_hooks_own_reason_comes_before_the_interrupt():
    def hook(record):
        ctrl_c()
        raise StopTraining("good enough")

    model, optimizer, batches = start()
    assert fit(model, batches, loss_of, optimizer, compute=CPU, on_step=hook).stopped == "good enough"


def test_the_handler_of_the_reader_is_not_called_and_comes_back(handler):
    called = []
    own = lambda number, frame: called.append(number)
    signal.signal(signal.SIGINT, own)
    try:
        with deferred_interrupt() as interrupted:
            assert not interrupted()
            ctrl_c()
            assert interrupted() and called == []
        assert signal.getsignal(signal.SIGINT) is own
        with pytest.raises(ZeroDivisionError), deferred_interrupt():
            1 / 0  # noqa: B018
        assert signal.getsignal(signal.SIGINT) is own
    finally:
        signal.signal(signal.SIGINT, handler)


def test_each_run_begins_without_an_interrupt_and_runs_may_stand_within_one_another():
    with deferred_interrupt() as outer:
        with deferred_interrupt() as inner:
            ctrl_c()
            assert inner() and not outer()
        with deferred_interrupt() as inner:
            assert not inner() and not outer()
        ctrl_c()
        assert outer()


def test_outside_of_the_main_thread_nothing_is_changed(handler):
    seen = []

    def work():
        with deferred_interrupt() as interrupted:
            seen.append((interrupted(), signal.getsignal(signal.SIGINT)))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [(False, handler)]


def test_a_real_ctrl_c_in_a_process_of_its_own():
    program = """
import signal, torch
from torch.utils.data import DataLoader, TensorDataset
from nbcode.device import choose
from nbcode.training.loop import fit

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell lets what runs in its background ignore Ctrl-C
model = torch.nn.Linear(1, 1)
batches = DataLoader(TensorDataset(torch.ones(8, 1)), 1)
optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
say = lambda record: print("ready", flush=True) if record.step == 3 else None
history = fit(model, batches, lambda model, batch: model(batch[0]).mean(), optimizer, 10**9,
              compute=choose("cpu", "fp32"), on_step=say)
print(history.stopped, len(history.records) == history.records[-1].step >= 3, bool(model(torch.ones(1)).isfinite()))
print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)
"""
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        out, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert (out, errors, process.returncode) == ("interrupted True True\nTrue\n", "", 0)
