"""Early stopping: it ends the run when it should, and the model gets back its best weights, whatever came after."""

import math

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from nbcode.device import choose
from nbcode.training.early_stopping import EarlyStopping
from nbcode.training.history import Record
from nbcode.training.loop import StopTraining, fit

pytestmark = pytest.mark.usefixtures("few_objects")


def record(step):
    return Record(step, 1000, 1, 0.5, 0.1, 1.0)


def run(values, every=1, patience=2):
    """Steps of a model whose weight is the number of the step; returns the hook and the step at which it stopped."""
    model, measurements = nn.Linear(1, 1, bias=False), iter(values)
    stop = EarlyStopping(model, lambda: next(measurements), every, patience)
    for step in range(1, 1 + every * len(values)):
        with torch.no_grad():
            model.weight.fill_(step)
        try:
            stop(record(step))
        except StopTraining as reason:
            return stop, step, str(reason)
    return stop, None, ""


@pytest.mark.parametrize(
    ("values", "stopped", "best"),
    [
        ([3, 2, 1], None, 3),
        ([1, 2, 3, 4], 3, 1),
        ([3, 1, 2, 0.5, 2, 2, 2], 6, 4),
        ([1, 1, 1], 3, 1),  # no worse is no better
        ([math.nan, 5, math.nan, math.nan], 4, 2),
        ([5, 6], None, 1),
    ],
)
def test_stops_after_its_patience_and_restores_the_best(values, stopped, best):
    stop, step, reason = run(values)
    assert (step, stop.best_step) == (stopped, best)
    assert f"step {best}" in reason or stopped is None
    stop.restore()
    assert stop.model.weight.item() == best


def test_measures_only_now_and_then():
    stop, step, _ = run([1, 2, 3, 4], every=10, patience=2)
    assert list(stop.measured) == [10, 20, 30] and step == 30
    stop.restore()
    assert stop.model.weight.item() == 10


def test_a_measure_may_return_a_tensor_and_what_is_kept_are_numbers():
    stop, _, _ = run([torch.tensor(2.0), torch.tensor(1.0)])
    assert [type(value) for value in stop.measured.values()] == [float, float] and stop.best_step == 2


def test_only_nan_ends_too_and_leaves_nothing_to_restore():
    stop, step, _ = run([math.nan] * 5)
    assert step == 2
    with pytest.raises(ValueError, match="no measurement"):
        stop.restore()


@pytest.mark.parametrize("numbers", [(0, 1), (1, 0)])
def test_numbers_below_one_are_refused(numbers):
    with pytest.raises(ValueError, match="both must be at least 1"):
        EarlyStopping(nn.Linear(1, 1), lambda: 0, *numbers)


def test_a_run_that_gets_worse_is_ended_and_history_says_why():
    model = nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        model.weight.fill_(1.0)
    batches = DataLoader(TensorDataset(torch.ones(4, 1), 5 * torch.ones(4, 1)), 4)
    # Validation wants a weight of 2, training one of 5: on its way there the model passes the best place.
    stop = EarlyStopping(model, lambda: (model.weight.item() - 2) ** 2, every=1, patience=3)
    loss_of = lambda model, batch: nn.functional.mse_loss(model(batch[0]), batch[1])
    optimizer = torch.optim.SGD(model.parameters(), 0.05)
    history = fit(model, batches, loss_of, optimizer, 100, compute=choose("cpu", "fp32"), on_step=stop)
    assert len(history.records) == stop.best_step + 3 and history.stopped.startswith("no better than at step")
    after = model.weight.item()
    stop.restore()
    assert abs(model.weight.item() - 2) < abs(after - 2) and model.weight.item() == pytest.approx(2, abs=0.3)
