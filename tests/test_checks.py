"""What the training loop refuses: before the first step, at a bad loss, and before an update that would do harm."""

import math

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

from nbcode.device import choose
from nbcode.training.checks import TrainingDiverged
from nbcode.training.loop import StopTraining, fit

pytestmark = pytest.mark.usefixtures("few_objects")

CPU = choose("cpu", "fp32")
X = torch.randn(12, 2, generator=torch.Generator().manual_seed(0))
Y = X.sum(dim=1, keepdim=True)


def data(x=X, y=Y, size=4, **more):
    return DataLoader(TensorDataset(x, y), size, **more)


def loss_of(model, batch):
    return nn.functional.mse_loss(model(batch[0]), batch[1])


def start(lr=0.1):
    torch.manual_seed(0)
    model = nn.Linear(2, 1)
    return model, torch.optim.SGD(model.parameters(), lr=lr)


def run(model, optimizer, batches=None, loss_of=loss_of, epochs=1, **more):
    return fit(model, data() if batches is None else batches, loss_of, optimizer, epochs, compute=CPU, **more)


def parameters(model):
    return [parameter.tolist() for parameter in model.parameters()]


@pytest.fixture
def untouched():
    """A model and its optimizer; whatever was refused, the model must be as it was."""
    model, optimizer = start()
    before = parameters(model)
    yield model, optimizer
    assert parameters(model) == before


@pytest.mark.parametrize("epochs", [0, -1, True, 1.5, "2", None])
def test_epochs_are_a_whole_number_of_at_least_one(untouched, epochs):
    with pytest.raises(ValueError, match="give a whole number of at least 1") as refusal:
        run(*untouched, epochs=epochs)
    assert f"epochs is {epochs!r}" in str(refusal.value)


@pytest.mark.parametrize("batches", [data(X[:0], Y[:0]), data(X[:3], Y[:3], drop_last=True)], ids=["empty", "dropped"])
def test_without_a_batch_there_is_no_run(untouched, batches):
    with pytest.raises(ValueError, match="there is no batch to learn from"):
        run(*untouched, batches=batches)


class Endless(IterableDataset):
    def __iter__(self):
        return iter([(X, Y)])


@pytest.mark.parametrize("batches", [[(X, Y)], iter([(X, Y)]), 3], ids=["list", "iterator", "number"])
def test_what_is_no_loader_is_refused(untouched, batches):
    """A list of batches would work on the CPU and stay there on a machine with a GPU."""
    with pytest.raises(ValueError, match=f"batches is a {type(batches).__name__}; give a torch.utils.data.DataLoader"):
        run(*untouched, batches=batches)


def test_a_loader_without_a_length_is_refused(untouched):
    with pytest.raises(ValueError, match="without a length"):
        run(*untouched, batches=DataLoader(Endless()))


@pytest.mark.parametrize("clip", [0, 0.0, -1, math.nan])
def test_a_limit_that_leaves_nothing_of_the_gradient_is_refused(untouched, clip):
    with pytest.raises(ValueError, match=f"clip is {clip}; give a positive limit"):
        run(*untouched, clip=clip)


def test_an_optimizer_of_another_model_is_refused(untouched):
    model, _ = untouched
    _, other = start()
    with pytest.raises(ValueError, match=r"holds none of the model's parameters; .* Make the optimizer last"):
        run(model, other)


def test_an_optimizer_that_shares_some_parameters_is_accepted():
    model, _ = start()
    assert len(run(model, torch.optim.SGD([model.bias, nn.Parameter(torch.ones(1))], lr=0.1)).records) == 3


@pytest.mark.parametrize("bad", [None, "adam", 0.1, torch.optim.SGD])
def test_what_is_no_optimizer_is_refused(untouched, bad):
    with pytest.raises(ValueError, match=r"give one of torch\.optim, for example AdamW"):
        run(untouched[0], bad)


@pytest.mark.parametrize("lr", [-0.1, 0.0, math.nan])
def test_a_rate_that_is_not_positive_is_refused(untouched, lr):
    model, optimizer = untouched
    optimizer.param_groups[0]["lr"] = lr
    with pytest.raises(ValueError, match=f"the learning rate is {lr}; give a positive one"):
        run(model, optimizer)


def test_the_rate_of_every_group_is_looked_at(untouched):
    model, _ = untouched
    groups = [{"params": [model.weight]}, {"params": [model.bias], "lr": 0.0}]
    with pytest.raises(ValueError, match=r"the learning rate is 0\.0"):
        run(model, torch.optim.SGD(groups, lr=0.1))


def test_with_a_schedule_a_rate_may_be_zero_but_not_negative():
    model, optimizer = start()
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: step)
    assert run(model, optimizer, schedule=schedule).column("lr") == pytest.approx([0, 0.1, 0.2])
    optimizer.param_groups[0]["lr"] = -0.1
    with pytest.raises(ValueError, match=r"the learning rate is -0\.1"):
        run(model, optimizer, schedule=schedule)


BAD_LOSSES = {
    "a number": (lambda model, batch: loss_of(model, batch).item(), "the loss has type float; return a scalar tensor"),
    "nothing": (lambda model, batch: None, "the loss has type NoneType"),
    "a vector": (lambda model, batch: (model(batch[0]) - batch[1]).square().squeeze(1), r"the loss has shape \(4,\)"),
    "one in a row": (lambda model, batch: loss_of(model, batch).reshape(1), r"the loss has shape \(1,\)"),
    "detached": (lambda model, batch: loss_of(model, batch).detach(), "the loss carries no gradient"),
    "a comparison": (
        lambda model, batch: (model(batch[0]) > 0).float().mean(),
        r"Look for \.detach\(\), .* a comparison",
    ),
}


@pytest.mark.parametrize("name", BAD_LOSSES)
def test_a_loss_that_can_not_be_learned_from_is_refused(untouched, name):
    bad, says = BAD_LOSSES[name]
    with pytest.raises(ValueError, match=says):
        run(*untouched, loss_of=bad)


def test_a_frozen_model_is_refused(untouched):
    model, optimizer = untouched
    model.requires_grad_(False)
    with pytest.raises(ValueError, match="or all parameters are frozen"):
        run(model, optimizer)


LOSSES = [nn.MSELoss(), nn.HuberLoss()]


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: type(loss).__name__)
@pytest.mark.parametrize("flat", ["target", "prediction"])
def test_a_target_that_would_be_broadcast_is_refused(untouched, loss, flat):
    def careless(model, batch):
        prediction, target = model(batch[0]), batch[1]
        return loss(prediction, target.squeeze(1)) if flat == "target" else loss(prediction.squeeze(1), target)

    with pytest.raises(ValueError, match="every prediction is compared with every target") as refusal:
        run(*untouched, loss_of=careless)
    said = str(refusal.value)
    assert "target size (torch.Size([4" in said and "the input size (torch.Size([4" in said
    assert "give the target the prediction's shape, for example target.unsqueeze(1)" in said


def diverged(model, optimizer, **more):
    """The error of a run that must not end well; the parameters must be those after the last step on record."""
    states = [parameters(model)]
    with pytest.raises(TrainingDiverged) as stop:
        run(model, optimizer, on_step=lambda record: states.append(parameters(model)), **more)
    assert parameters(model) == states[-1]
    assert len(stop.value.history.records) == len(states) - 1
    assert str(stop.value).endswith("The model is as the step before left it")
    assert not isinstance(stop.value, ValueError)
    return stop.value


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("place", ["input", "target"])
def test_bad_numbers_in_a_batch_are_named(value, place):
    x, y = X.clone(), Y.clone()
    (x if place == "input" else y)[9] = value  # in the third batch
    error = diverged(*start(), batches=data(x, y))
    assert "at step 3, with learning rate 0.1; the last three losses were" in str(error)
    assert "The batch itself holds NaN or infinity: mend the data" in str(error)
    assert "smaller learning rate" not in str(error)
    assert len(error.history.records) == 2


def test_bad_numbers_are_found_in_dicts_and_lists_too():
    pairs = [{"numbers": [x, {"deep": x * math.nan}], "class": 3, "text": "a"} for x in X]
    named = lambda model, batch: model(batch["numbers"][0] * batch["numbers"][1]["deep"]).mean()
    assert "The batch itself" in str(diverged(*start(), batches=DataLoader(pairs, 4), loss_of=named))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_not_finite_at_the_first_step_points_at_inputs_and_loss(value):
    error = diverged(*start(), loss_of=lambda model, batch: loss_of(model, batch) * value)
    assert str(error).startswith(f"the loss is {value} at step 1, with learning rate 0.1. It is the first step")
    assert error.history.records == []


def test_a_loss_that_explodes_gets_advice_on_the_rate():
    error = diverged(*start(lr=1e6), epochs=20)
    assert "Try a smaller learning rate, then clip=1.0, then warm-up" in str(error)
    assert "with learning rate 1e+06; the last three losses were" in str(error)
    losses = error.history.column("loss")
    assert len(losses) > 2 and all(math.isfinite(loss) for loss in losses)
    assert ", ".join(f"{loss:.3g}" for loss in losses[-3:]) in str(error)


@pytest.mark.parametrize("clip", [None, 1.0])
def test_an_infinite_gradient_of_a_finite_loss_stops_before_the_update(clip):
    model, optimizer = start()
    calls = []

    def rooted(model, batch):
        calls.append(True)
        root_of_zero = (model.bias - model.bias.detach()).sqrt().sum()  # 0, but its slope is vertical
        return loss_of(model, batch) + (root_of_zero if len(calls) == 2 else 0)

    error = diverged(model, optimizer, loss_of=rooted, clip=clip)
    assert str(error).startswith("the gradient's length is inf at step 2")
    assert "look for a log or a division near 0" in str(error)


def test_after_a_divergence_the_model_can_be_trained_on():
    model, optimizer = start()
    x = X.clone()
    x[9] = math.nan
    diverged(model, optimizer, batches=data(x))
    assert run(model, optimizer, epochs=30).column("loss")[-1] < 0.1


def test_stopping_is_no_divergence():
    def stop(record):
        raise StopTraining("enough")

    assert run(*start(), on_step=stop).stopped == "enough"
