"""Probes: what they record is what flowed, their hooks come off whatever happens, and nothing is kept alive."""

import dataclasses
import gc
import math
import weakref

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from nbcode.data.vocabulary import Vocabulary
from nbcode.device import choose
from nbcode.models.transformer import PRESETS, Transformer
from nbcode.probes import UpdateToWeight, dead_units, recording, rms, saturated, traced
from nbcode.training.loop import fit


class Nested(nn.Module):
    """Two blocks, one within the other, and a layer that is used twice."""

    def __init__(self):
        super().__init__()
        self.block = nn.Sequential(nn.Linear(3, 3), nn.Sequential(nn.Tanh(), nn.Linear(3, 3)))
        self.shared = nn.Linear(3, 3)

    def forward(self, x):
        return self.shared(self.shared(self.block(x)))


@pytest.fixture
def model():
    torch.manual_seed(0)
    return Nested()


def hooks_of(model):
    return sum(
        len(module._forward_hooks) + len(module._forward_pre_hooks) + len(module._backward_hooks)
        for module in model.modules()
    )


X = torch.linspace(-1, 1, 12).reshape(4, 3)


def test_outputs_and_gradients_are_those_that_flowed(model):
    with recording({"inner": model.block[1], "shared": model.shared}) as signals:
        model(X).square().sum().backward()
    inner = model.block(X).detach().requires_grad_()
    first = model.shared(inner)
    second = model.shared(first)
    first.retain_grad(), second.retain_grad()
    second.square().sum().backward()
    expected = {"inner": [inner], "shared": [first, second]}
    for name, tensors in expected.items():
        assert len(signals.outputs[name]) == len(signals.gradients[name]) == len(tensors)
        for output, gradient, tensor in zip(signals.outputs[name], signals.gradients[name], tensors, strict=True):
            torch.testing.assert_close(output, tensor.detach())
            torch.testing.assert_close(gradient, tensor.grad)


def test_each_forward_pass_adds_an_entry_and_one_without_backward_has_no_gradient(model):
    with recording({"shared": model.shared}) as signals:
        model(X).sum().backward()
        with torch.no_grad():
            model(X)
    assert len(signals.outputs["shared"]) == 4
    assert [gradient is None for gradient in signals.gradients["shared"]] == [False, False, True, True]


def test_everything_can_be_recorded_by_its_name(model):
    with recording(dict(model.named_modules())) as signals:
        model(X)
    assert set(signals.outputs) == {"", "block", "block.0", "block.1", "block.1.0", "block.1.1", "shared"}
    assert torch.equal(signals.outputs["block"][0], signals.outputs["block.1.1"][0])


def test_no_hook_is_left_and_nothing_is_recorded_afterwards(model):
    with recording(dict(model.named_modules())) as signals:
        assert hooks_of(model) == 7
        loss = model(X).sum()
    assert hooks_of(model) == 0
    loss.backward()  # of a pass within the block: the hooks on its tensors are off too
    model(X)
    assert len(signals.outputs["block"]) == 1 and signals.gradients["block"] == [None]


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt])
def test_no_hook_is_left_after_an_error(model, error):
    with pytest.raises(error), recording(dict(model.named_modules())):
        model(X)
        raise error
    assert hooks_of(model) == 0


def test_no_hook_is_left_after_an_error_in_the_network(model):
    with pytest.raises(RuntimeError), recording(dict(model.named_modules())):
        model(torch.zeros(4, 5))
    assert hooks_of(model) == 0


def test_hooks_of_others_stay(model):
    seen = []
    other = model.shared.register_forward_hook(lambda *_: seen.append(1))
    with recording({"shared": model.shared}), recording({"again": model.shared}):
        model(X)
    assert hooks_of(model) == 1
    other.remove()
    assert len(seen) == 2


def test_a_record_is_a_copy_without_a_graph():
    step = nn.Sequential(nn.Linear(3, 3), nn.ReLU(inplace=True))
    with recording({"before": step[0]}) as signals:
        result = step(X)
    (output,) = signals.outputs["before"]
    assert (output < 0).any() and not output.requires_grad and output.grad_fn is None
    assert (result >= 0).all()


def test_a_recorded_gradient_stays_when_a_later_hook_changes_it_in_place(model):
    with recording({"all": model}) as signals:
        output = model(X)
        output.register_hook(lambda gradient: gradient.zero_())
        output.square().sum().backward()
    torch.testing.assert_close(signals.gradients["all"][0], 2 * output.detach())


def test_nothing_is_kept_alive(model):
    with recording(dict(model.named_modules())) as signals:
        result = model(X)
        result.sum().backward()
    watched = [weakref.ref(result), weakref.ref(model)]
    del result, model
    gc.collect()
    assert [watch() is None for watch in watched] == [True, False]  # the fixture holds the model
    assert signals.outputs


def test_a_module_that_returns_something_else_is_refused(model):
    recurrent = nn.GRU(3, 3)
    with pytest.raises(ValueError, match="cell returns a tuple"), recording({"cell": recurrent}):
        recurrent(X)
    assert hooks_of(recurrent) == 0


def test_a_typical_size():
    assert rms(torch.tensor([3.0, -4.0])) == pytest.approx(12.5**0.5)
    assert rms(torch.full((3, 3), 1e-30)) == pytest.approx(1e-30, rel=1e-6, abs=0)  # whose square float32 cannot hold


def test_a_unit_is_dead_only_if_no_batch_wakes_it():
    layer = nn.Sequential(nn.Linear(1, 4), nn.ReLU())
    with torch.no_grad():
        layer[0].weight.copy_(torch.tensor([[1.0], [-1.0], [1.0], [0.0]]))
        layer[0].bias.copy_(torch.tensor([0.0, 0.0, -100.0, -1.0]))
    positive, negative = (torch.ones(2, 1),), (-torch.ones(3, 1), "labels do not matter")
    dead = dead_units(layer, {"relu": layer[1]}, [positive, negative])
    assert dead["relu"].tolist() == [False, False, True, True]
    assert dead_units(layer, {"relu": layer[1]}, [positive])["relu"].tolist() == [False, True, True, True]
    assert layer.training and hooks_of(layer) == 0


def test_a_unit_that_is_negative_lives_and_dropout_kills_none():
    torch.manual_seed(0)
    layer = nn.Sequential(nn.Dropout(0.9), nn.Identity())
    dead = dead_units(layer, {"all": layer[1]}, [(torch.tensor([[1.0, -1.0, 0.0] * 20]),)])
    assert dead["all"].tolist() == [False, False, True] * 20


def test_batches_follow_the_model_to_its_device():
    """A device without data stands for a GPU."""
    layer = nn.Sequential(nn.Linear(3, 3), nn.ReLU()).to("meta")
    assert dead_units(layer, {"relu": layer[1]}, [(X,)])["relu"].is_meta


def test_dead_units_need_data_and_modules_that_run_once(model):
    with pytest.raises(ValueError, match="no batch"):
        dead_units(nn.ReLU(), {}, [])
    with pytest.raises(ValueError, match="shared ran 2 times in one call of the model; it must run once"):
        dead_units(model, {"shared": model.shared}, [(X,)])
    with pytest.raises(ValueError, match="other ran 0 times"):
        dead_units(model, {"other": nn.ReLU()}, [(X,)])
    assert hooks_of(model) == 0


def test_saturated_counts_small_slopes_of_either_sign():
    assert saturated(torch.tensor([0.0, 0.04, -0.04, 0.06, 1.0])) == pytest.approx(0.6)
    assert saturated(torch.tensor([0.2, 0.3]), below=0.25) == 0.5
    assert saturated(torch.tensor([0.25, 0.25]), below=0.25) == 0


def test_the_update_is_measured_against_the_weights_before_it():
    model = nn.Linear(2, 2)
    watch = UpdateToWeight(model)
    for factor in (1.1, 0.5):
        with torch.no_grad():
            model.weight.mul_(factor)
            model.bias.add_(1)
        watch()
    assert set(watch.ratios) == {"weight"}
    assert watch.ratios["weight"] == pytest.approx([0.1, 0.5], rel=1e-5)


def test_weights_that_begin_at_zero_do_not_end_the_run():
    model = nn.Linear(2, 2, bias=False)
    nn.init.zeros_(model.weight)
    watch = UpdateToWeight(model)
    watch()
    with torch.no_grad():
        model.weight += 1
    watch()
    assert watch.ratios["weight"] == [0.0, math.inf]


def test_as_a_hook_of_the_loop_it_has_one_ratio_for_each_step():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    before = model[0].weight.detach().clone()
    watch = UpdateToWeight(model)
    batches = DataLoader(TensorDataset(X, X[:, :1]), 2)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    loss_of = lambda model, batch: nn.functional.mse_loss(model(batch[0]), batch[1])
    fit(model, batches, loss_of, optimizer, epochs=3, compute=choose("cpu", "fp32"), on_step=watch)
    assert {name: len(ratios) for name, ratios in watch.ratios.items()} == {"0.weight": 6, "2.weight": 6}
    assert all(0 < ratio < 1 for ratio in watch.ratios["0.weight"])
    assert not torch.equal(before, model[0].weight)


def test_a_translation_is_traced_of_a_text_that_the_model_can_read():
    digits = Vocabulary("0123456789")
    sizes = {"source_vocabulary": len(digits), "target_vocabulary": len(digits), "max_length": 8}
    torch.manual_seed(0)
    model = Transformer(dataclasses.replace(PRESETS["date"], **sizes))
    maps = traced(model, "12345678", digits, digits)["maps"]
    assert [len(maps["encoder"][0][0]), len(maps["cross"][1][3][0])] == [8, 8]
    with pytest.raises(ValueError, match="text is empty; there is nothing to translate"):
        traced(model, "", digits, digits)
    with pytest.raises(ValueError, match="the source has 9 tokens; this model takes up to max_length=8"):
        traced(model, "123456789", digits, digits)
    assert model.training
