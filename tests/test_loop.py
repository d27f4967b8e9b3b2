"""The training loop against the plain one, step for step; precision and device; what a run leaves behind."""

import copy
import pickle
import subprocess
import sys
import threading
import warnings
from itertools import pairwise

import pytest
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from nbcode.device import Compute, choose
from nbcode.training import loop, plain
from nbcode.training.checks import TrainingDiverged
from nbcode.training.evaluation import evaluate
from nbcode.training.loop import StopTraining, accelerator_for, fit

pytestmark = pytest.mark.usefixtures("few_objects")

CPU = choose("cpu", "fp32")
BF16 = choose("cpu", "bf16")
X = torch.randn(22, 3, generator=torch.Generator().manual_seed(0))
Y = X.sum(dim=1, keepdim=True).sin()


def data(size=4, **more):
    return DataLoader(TensorDataset(X, Y), size, **more)


def loss_of(model, batch):
    x, y = batch
    return nn.functional.mse_loss(model(x), y)


def network(dropout=0.0):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Dropout(dropout), nn.Linear(8, 1))


def start(lr=0.05, make=torch.optim.SGD, **more):
    model = network()
    return model, make(model.parameters(), lr=lr, **more)


def parameters(model):
    return [parameter.detach().clone() for parameter in model.parameters()]


def assert_equal(mine, theirs):
    assert all(torch.equal(one, other) for one, other in zip(parameters(mine), parameters(theirs), strict=True))


OPTIMIZERS = {
    "sgd": lambda ps: torch.optim.SGD(ps, lr=0.1, momentum=0.9, weight_decay=0.01),
    "adamw": lambda ps: torch.optim.AdamW(ps, lr=0.01),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize(("shuffle", "drop_last"), [("no", False), ("seeded", True), ("global", False)])
def test_fit_equals_the_plain_loop_step_for_step(name, shuffle, drop_last):
    results = []
    for run in ("plain", "fit"):
        model = network(dropout=0.2)
        optimizer = OPTIMIZERS[name](model.parameters())
        generator = torch.Generator().manual_seed(7) if shuffle == "seeded" else None
        batches = data(shuffle=shuffle != "no", generator=generator, drop_last=drop_last)
        torch.manual_seed(3)
        if run == "plain":
            losses = plain.train(model, batches, loss_of, optimizer, epochs=3)
        else:
            losses = fit(model, batches, loss_of, optimizer, epochs=3, compute=CPU).column("loss")
        results.append((losses, model, torch.rand(1)))
    (plain_losses, plain_model, after), (losses, model, after_fit) = results
    assert losses == plain_losses and len(losses) == 3 * (5 if drop_last else 6)
    assert_equal(model, plain_model)
    assert torch.equal(after, after_fit)  # and the generator has been used as often


def test_a_record_has_its_fields():
    model, optimizer = start(lr=0.05)
    twin, _ = start()
    records = []
    history = fit(model, data(10), loss_of, optimizer, 2, compute=CPU, on_step=records.append)
    assert history.records == records and history.stopped == "finished"
    assert history.column("step") == [1, 2, 3, 4, 5, 6]
    assert history.column("steps") == [6] * 6
    assert history.column("epoch") == [1, 1, 1, 2, 2, 2]
    assert history.column("lr") == [0.05] * 6
    loss = loss_of(twin, (X[:10], Y[:10]))
    loss.backward()
    length = torch.cat([parameter.grad.flatten() for parameter in twin.parameters()]).norm().item()
    assert records[0].loss == loss.item() and records[0].grad_norm == pytest.approx(length, rel=1e-5)
    assert all(type(getattr(records[0], name)) is float for name in ("loss", "lr", "grad_norm"))


def test_the_hook_is_called_after_the_update():
    model, optimizer = start()
    before = parameters(model)
    seen = []
    fit(model, data(), loss_of, optimizer, 1, compute=CPU, on_step=lambda record: seen.append(parameters(model)))
    assert len(seen) == 6 and not torch.equal(seen[0][0], before[0])
    assert torch.equal(seen[-1][0], parameters(model)[0])


def test_a_schedule_moves_after_each_step_and_may_start_from_zero():
    model, optimizer = start(lr=0.4)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: step / 4)
    states = [parameters(model)]
    keep = lambda record: states.append(parameters(model))
    history = fit(model, data(), loss_of, optimizer, 1, schedule=schedule, compute=CPU, on_step=keep)
    assert history.column("lr") == pytest.approx([0, 0.1, 0.2, 0.3, 0.4, 0.5])
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.6)
    assert torch.equal(states[0][0], states[1][0]) and not torch.equal(states[1][0], states[2][0])


def test_with_a_schedule_fit_equals_a_loop_written_out():
    models = []
    for run in ("plain", "fit"):
        model, optimizer = start(0.1, torch.optim.Adam)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, total_steps=12)
        if run == "fit":
            fit(model, data(), loss_of, optimizer, 2, schedule=schedule, clip=0.5, compute=CPU)
        else:
            for _ in range(2):
                for batch in data():
                    optimizer.zero_grad()
                    loss_of(model, batch).backward()
                    nn.utils.clip_grad_norm_(model.parameters(), 0.5)
                    optimizer.step()
                    schedule.step()
        models.append(model)
    assert_equal(*models)


@pytest.mark.parametrize("clip", [1e-3, 0.5, 1e6, float("inf")])
def test_clip_limits_the_step_and_the_record_has_the_length_from_before(clip):
    model, optimizer = start(lr=1.0)
    states = [parameters(model)]
    keep = lambda record: states.append(parameters(model))
    history = fit(model, data(), loss_of, optimizer, 1, clip=clip, compute=CPU, on_step=keep)
    for record, before, after in zip(history.records, states[:-1], states[1:], strict=True):
        moved = torch.cat([(b - a).flatten() for b, a in zip(before, after, strict=True)]).norm().item()
        assert moved == pytest.approx(min(clip, record.grad_norm), rel=1e-3, abs=1e-6)
    assert any(record.grad_norm > 0.5 for record in history.records)


def test_the_model_is_left_in_training_mode_and_trains_in_it():
    model, optimizer = start()
    model.eval()
    modes = []
    fit(model, data(), loss_of, optimizer, 1, compute=CPU, on_step=lambda record: modes.append(model.training))
    assert modes == [True] * 6 and model.training


def test_an_evaluation_between_two_steps_changes_nothing():
    losses = []
    for measure in (False, True):
        model, optimizer = start()
        hook = lambda record, model=model: evaluate(model, data(), loss_of)
        losses.append(
            fit(model, data(), loss_of, optimizer, 2, compute=CPU, on_step=hook if measure else None).column("loss")
        )
    assert losses[0] == losses[1]


def test_a_hook_ends_the_run_with_its_reason():
    model, optimizer = start()

    def hook(record):
        if record.step == 8:
            raise StopTraining("good enough")

    history = fit(model, data(), loss_of, optimizer, 5, compute=CPU, on_step=hook)
    assert history.stopped == "good enough" and history.column("step") == list(range(1, 9))
    twin, optimizer = start()
    plain.train(twin, [*data(), *list(data())[:2]], loss_of, optimizer, epochs=1)
    assert_equal(model, twin)
    again = fit(model, data(), loss_of, torch.optim.SGD(model.parameters(), lr=0.05), 1, compute=CPU)
    assert again.stopped == "finished" and len(again.records) == 6


def test_another_error_of_a_hook_comes_through_and_the_model_stays_usable():
    model, optimizer = start()

    def hook(record):
        raise KeyError("mine")

    names = set(vars(model))
    with pytest.raises(KeyError, match="mine"):
        fit(model, data(), loss_of, optimizer, 1, compute=BF16, on_step=hook)
    assert set(vars(model)) == names
    assert len(fit(model, data(), loss_of, optimizer, 1, compute=CPU).records) == 6


@pytest.mark.parametrize("compute", [CPU, BF16], ids=["fp32", "bf16"])
def test_two_runs_in_a_row_are_one_long_run(compute):
    runs = []
    for parts in ((4,), (1, 3)):
        model, optimizer = start(0.05, torch.optim.Adam)
        runs.append(
            [loss for n in parts for loss in fit(model, data(), loss_of, optimizer, n, compute=compute).column("loss")]
        )
    assert runs[0] == runs[1]
    assert runs[0][-1] < runs[0][0]


@pytest.mark.parametrize("compute", [CPU, BF16], ids=["fp32", "bf16"])
def test_afterwards_the_model_can_be_copied_pickled_and_saved(compute, tmp_path):
    model, optimizer = start()
    fit(model, data(), loss_of, optimizer, 1, compute=compute)
    torch.save(model.state_dict(), tmp_path / "model.pt")
    loaded = network()
    loaded.load_state_dict(torch.load(tmp_path / "model.pt"))
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model)), loaded):
        assert torch.equal(twin(X), model(X))
    twin = copy.deepcopy(model)
    before = model(X)
    with torch.no_grad():
        twin[0].weight += 1
    assert torch.equal(model(X), before) and not torch.equal(twin(X), before)
    assert pickle.loads(pickle.dumps(optimizer)).param_groups[0]["lr"] == 0.05


def dtypes_inside(model):
    """A list that grows by the dtype of the first layer's output at each call."""
    seen = []
    model[0].register_forward_hook(lambda module, inputs, output: seen.append(output.dtype))
    return seen


def test_bf16_computes_in_bf16_keeps_the_weights_in_fp32_and_leaves_forward_as_it_was():
    model, optimizer = start()
    before, names, seen = model.forward, set(vars(model)), dtypes_inside(model)
    history = fit(model, data(), loss_of, optimizer, 20, compute=BF16)
    assert set(seen) == {torch.bfloat16}
    assert all(parameter.dtype is torch.float32 for parameter in model.parameters())
    assert model.forward == before and set(vars(model)) == names
    model(X)
    assert seen[-1] is torch.float32
    assert history.column("loss")[-1] < 0.5 * history.column("loss")[0]


@pytest.mark.parametrize("compute", [CPU, BF16], ids=["fp32", "bf16"])
def test_a_forward_that_was_put_into_the_model_itself_stays(compute):
    model, optimizer = start()
    own = lambda x: nn.Sequential.forward(model, x) + 1
    model.forward = own
    before = model(X)
    optimizer.param_groups[0]["lr"] = 1e-30
    fit(model, data(), loss_of, optimizer, 1, compute=compute)
    assert model.forward is own
    torch.testing.assert_close(model(X), before)


def test_runs_of_different_precision_follow_one_another_in_one_process():
    losses, seen = {}, {}
    for i, compute in enumerate([CPU, BF16, CPU, BF16]):
        model, optimizer = start()
        seen[i] = dtypes_inside(model)
        losses[i] = fit(model, data(), loss_of, optimizer, 2, compute=compute).column("loss")
        assert set(seen[i]) == {compute.dtype}
    assert losses[0] == losses[2] != losses[1] == losses[3]
    assert losses[0] == pytest.approx(losses[1], rel=0.1, abs=0.02)


def test_the_same_model_may_go_from_one_precision_to_another():
    model, optimizer = start()
    seen = dtypes_inside(model)
    for compute in (BF16, BF16, CPU, BF16):
        seen.clear()
        fit(model, data(), loss_of, optimizer, 1, compute=compute)
        assert set(seen) == {compute.dtype}


def test_without_a_wish_the_machine_decides(monkeypatch):
    asked = []
    monkeypatch.setattr(loop, "choose", lambda: asked.append(True) or BF16)
    model, optimizer = start()
    seen = dtypes_inside(model)
    fit(model, data(), loss_of, optimizer, 1)
    assert asked == [True] and set(seen) == {torch.bfloat16}


@pytest.mark.parametrize(
    ("device", "dtype", "expected"),
    [
        ("cuda", torch.float16, {"cpu": False, "mixed_precision": "fp16"}),
        ("cuda", torch.bfloat16, {"cpu": False, "mixed_precision": "bf16"}),
        ("cuda", torch.float32, {"cpu": False, "mixed_precision": "no"}),
        ("mps", torch.float32, {"cpu": False, "mixed_precision": "no"}),
        ("cpu", torch.bfloat16, {"cpu": True, "mixed_precision": "bf16"}),
        ("cpu", torch.float32, {"cpu": True, "mixed_precision": "no"}),
    ],
)
def test_accelerate_gets_the_device_and_the_precision_that_were_chosen(monkeypatch, device, dtype, expected):
    accelerator_for(CPU if dtype is not torch.float32 else BF16)  # what an earlier run left behind
    assert AcceleratorState._shared_state
    asked = []
    monkeypatch.setattr(loop, "Accelerator", lambda **arguments: asked.append(arguments))
    accelerator_for(Compute(torch.device(device), dtype, "as asked"))
    assert asked == [expected]
    assert not AcceleratorState._shared_state  # otherwise accelerate would refuse, or keep the old device


def test_a_state_of_accelerate_that_fits_is_kept():
    first = accelerator_for(BF16)
    assert accelerator_for(BF16).state.__dict__ is first.state.__dict__
    assert (accelerator_for(CPU).device.type, accelerator_for(CPU).mixed_precision) == ("cpu", "no")


@pytest.fixture
def scaling(monkeypatch):
    """The loop as in fp16 on a GPU, played by PyTorch's gradient scaler on the CPU."""

    def played(compute):
        accelerator = Accelerator(cpu=True)
        accelerator.scaler = torch.amp.GradScaler("cpu", init_scale=1.0)
        return accelerator

    accelerator_for(CPU)
    monkeypatch.setattr(loop, "accelerator_for", played)


def test_with_gradient_scaling_an_infinite_gradient_skips_one_update_and_the_schedule_waits(scaling):
    model, optimizer = start(lr=0.1)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / 10)
    calls = []

    def overflow_in_the_third(gradient):
        calls.append(True)
        return gradient * float("inf") if len(calls) == 3 else gradient

    model[0].weight.register_hook(overflow_in_the_third)
    states = [parameters(model)]
    keep = lambda record: states.append(parameters(model))
    history = fit(model, data(), loss_of, optimizer, 1, schedule=schedule, compute=CPU, on_step=keep)
    assert history.stopped == "finished" and len(history.records) == 6
    assert [torch.equal(before[0], after[0]) for before, after in pairwise(states)] == [
        False, False, True, False, False, False,
    ]  # fmt: skip
    assert history.column("lr") == pytest.approx([0.1, 0.09, 0.08, 0.08, 0.07, 0.06])
    assert not torch.tensor(history.column("grad_norm")[2]).isfinite()


def test_a_run_in_a_thread_is_a_run():
    model, optimizer = start()
    result = []
    thread = threading.Thread(target=lambda: result.append(fit(model, data(), loss_of, optimizer, 2, compute=CPU)))
    thread.start()
    thread.join()
    twin, optimizer = start()
    assert result[0].column("loss") == plain.train(twin, data(), loss_of, optimizer, 2)


def test_a_batch_may_be_a_dict():
    model, optimizer = start()
    pairs = [{"x": x, "y": y} for x, y in zip(X, Y, strict=True)]
    named = lambda model, batch: loss_of(model, (batch["x"], batch["y"]))
    losses = fit(model, DataLoader(pairs, 4), named, optimizer, 1, compute=CPU).column("loss")
    twin, optimizer = start()
    assert losses == pytest.approx(plain.train(twin, data(), loss_of, optimizer, 1))


def test_only_the_parameters_that_are_not_frozen_move():
    model = network()
    model[0].requires_grad_(False)
    before = parameters(model)
    fit(model, data(), loss_of, torch.optim.SGD(model.parameters(), lr=0.1), 1, compute=CPU)
    same = [torch.equal(one, other) for one, other in zip(before, parameters(model), strict=True)]
    assert same == [True, True, False, False]


def test_other_warnings_are_left_alone():
    def warning_loss(model, batch):
        warnings.warn("look here", UserWarning, stacklevel=1)
        return loss_of(model, batch)

    model, optimizer = start()
    with pytest.warns(UserWarning, match="look here"):
        fit(model, data(), warning_loss, optimizer, 1, compute=CPU)
    with pytest.raises(UserWarning, match="look here"):  # in these tests a warning is an error; it stays that one
        fit(model, data(), warning_loss, optimizer, 1, compute=CPU)


def test_a_warning_is_shown_once_per_run_and_the_filters_are_restored():
    program = """
import warnings, torch
from torch.utils.data import DataLoader, TensorDataset
from nbcode.device import choose
from nbcode.training.loop import fit

def loss_of(model, batch):
    warnings.warn("look here")
    return model(batch[0]).mean()

model = torch.nn.Linear(1, 1)
batches = DataLoader(TensorDataset(torch.ones(8, 1)), 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
fit(model, batches, lambda model, batch: model(batch[0]).mean(), optimizer, compute=choose("cpu", "fp32"))
before = list(warnings.filters)
fit(model, batches, loss_of, optimizer, 3, compute=choose("cpu", "fp32"))
print(warnings.filters == before)
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ended.stderr.count("UserWarning: look here") == 1 and ended.stdout == "True\n"


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_with_gradient_scaling_a_loss_that_is_not_finite_still_ends_the_run(scaling, bad):
    model, optimizer = start(lr=0.1)
    before = parameters(model)
    with pytest.raises(TrainingDiverged, match=f"the loss is {bad} at step 1"):
        fit(model, data(), lambda model, batch: loss_of(model, batch) * bad, optimizer, 1, compute=CPU)
    assert all(torch.equal(a, b) for a, b in zip(before, parameters(model), strict=True))


def test_with_gradient_scaling_updates_are_not_skipped_forever(scaling):
    model, optimizer = start(lr=0.1)
    model[0].weight.register_hook(lambda gradient: gradient * float("inf"))
    with pytest.raises(TrainingDiverged, match="the gradient's length is") as stopped:
        fit(model, data(), loss_of, optimizer, 50, compute=CPU)
    assert len(stopped.value.history.records) == 20


def test_a_schedule_of_another_optimizer_or_without_its_loss_is_refused():
    model, optimizer = start(lr=0.1)
    other = torch.optim.lr_scheduler.StepLR(torch.optim.SGD(model.parameters(), 0.1), 1)
    with pytest.raises(ValueError, match="belongs to another optimizer"):
        fit(model, data(), loss_of, optimizer, schedule=other, compute=CPU)
    plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer)
    with pytest.raises(ValueError, match="call it from a hook"):
        fit(model, data(), loss_of, optimizer, schedule=plateau, compute=CPU)
