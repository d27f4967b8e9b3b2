"""Evaluation: every example counts the same, and the model is afterwards what it was."""

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from nbcode.training.evaluation import evaluate, evaluating

X = torch.arange(10.0).unsqueeze(1)
MODEL = nn.Linear(1, 1)


def mean_input(model, batch):
    return batch[0].mean()


@pytest.mark.parametrize("size", [1, 3, 4, 10, 99])
def test_a_smaller_last_batch_counts_for_less(size):
    batches = DataLoader(TensorDataset(X, X), size)
    assert evaluate(MODEL, batches, mean_input) == pytest.approx(4.5)


def test_a_loss_is_that_of_all_examples_at_once():
    y = X.square()
    loss_of = lambda model, batch: nn.functional.mse_loss(model(batch[0]), batch[1])
    whole = loss_of(MODEL, (X, y)).item()
    assert evaluate(MODEL, DataLoader(TensorDataset(X, y), 3), loss_of) == pytest.approx(whole)


@pytest.mark.parametrize(
    "wrap",
    [lambda x: (x, x), lambda x: [x, x], lambda x: {"x": x, "y": x}, lambda x: x],
    ids=["tuple", "list", "dict", "tensor"],
)
def test_a_batch_may_be_a_tuple_a_list_a_dict_or_a_tensor(wrap):
    batches = (wrap(x) for x in X.split(4))
    read = lambda model, batch: (batch if isinstance(batch, torch.Tensor) else next(iter_of(batch))).mean()
    assert evaluate(MODEL, batches, read) == pytest.approx(4.5)


def iter_of(batch):
    return iter(batch.values() if isinstance(batch, dict) else batch)


@pytest.mark.parametrize("training", [True, False])
def test_the_mode_is_what_it_was_even_after_an_error(training):
    model = nn.Sequential(nn.Linear(1, 1), nn.Dropout(0.5)).train(training)
    evaluate(model, [(X,)], mean_input)
    assert [module.training for module in model.modules()] == [training] * 3
    with pytest.raises(ZeroDivisionError):
        evaluate(model, [(X,)], lambda model, batch: 1 / 0)
    assert [module.training for module in model.modules()] == [training] * 3
    assert torch.is_grad_enabled()


def test_a_layer_that_was_frozen_in_evaluation_mode_stays_there():
    model = nn.Sequential(nn.Linear(1, 1), nn.BatchNorm1d(1), nn.Dropout(0.5)).train()
    model[1].eval()
    evaluate(model, [(X,)], mean_input)
    assert [module.training for module in model.modules()] == [True, True, False, True]


def test_within_dropout_is_off_and_no_gradient_is_kept():
    model = nn.Sequential(nn.Linear(1, 50), nn.Dropout(0.5)).train()
    seen = []

    def measure(model, batch):
        seen.append(model(batch[0]))
        return seen[-1].mean()

    assert evaluate(model, [(X,)], measure) == evaluate(model, [(X,)], measure)
    assert not seen[0].requires_grad
    assert torch.equal(seen[0], model[0](X))
    assert not torch.equal(model(X), model(X))  # and here it is on again


def test_evaluating_can_stand_on_its_own():
    model = nn.Dropout(0.5).train()
    with evaluating(model):
        assert not model.training and not torch.is_grad_enabled()
        with evaluating(model):
            pass
        assert not model.training and not torch.is_grad_enabled()
    assert model.training and torch.is_grad_enabled()


def test_the_parameters_and_the_statistics_do_not_change():
    model = nn.Sequential(nn.Linear(1, 3), nn.BatchNorm1d(3)).train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    evaluate(model, [(X,)], lambda model, batch: model(batch[0]).sum())
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_a_model_without_parameters_can_be_measured():
    assert evaluate(nn.ReLU(), [(X,)], lambda model, batch: model(-batch[0]).sum()) == 0


@pytest.mark.parametrize(
    "batches", [[], DataLoader(TensorDataset(X[:0]), 4), [(X[:0],)]], ids=["list", "loader", "empty batch"]
)
def test_without_an_example_there_is_no_mean(batches):
    with pytest.raises(ValueError, match="there is no example to evaluate on"):
        evaluate(MODEL, batches, lambda model, batch: batch[0].sum())
