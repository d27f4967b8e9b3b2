"""The study of deep networks: its gradients are PyTorch's, its wirings differ in what they say, its cells repeat."""

import pytest
import torch
from torch.nn import functional

from nbcode.data.digits import digits
from nbcode.experiments.activations import STUDY, WIRINGS, accuracy, gradient_ratio, measure, network, train
from nbcode.models.normalization import LayerNorm
from nbcode.probes import recording, rms

DATA = digits(seed=1)


@pytest.mark.parametrize("wiring", WIRINGS)
def test_the_ratio_is_that_of_the_recorded_gradients(wiring):
    torch.manual_seed(0)
    model = network(5, "tanh", "xavier", wiring)
    with recording({"first": model.layers[0], "last": model.layers[-1]}) as signals:
        functional.cross_entropy(model(DATA.train.images), DATA.train.labels).backward()
    first, last = (rms(signals.gradients[name][0]) for name in ("first", "last"))
    assert gradient_ratio(model, DATA.train) == pytest.approx(first / last, rel=1e-3)
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}


def test_a_gradient_too_small_for_float32_is_still_measured():
    torch.manual_seed(0)
    assert 0 < gradient_ratio(network(30, "sigmoid", "small normal", "plain"), DATA.train) < 1e-45


def test_a_single_layer_is_first_and_last():
    assert gradient_ratio(network(1, "relu", "kaiming", "plain"), DATA.train) == pytest.approx(1)


@pytest.mark.parametrize(("wiring", "norms", "adds"), [(name, *wanted) for name, wanted in WIRINGS.items()])
def test_a_wiring_has_what_its_name_says(wiring, norms, adds):
    model = network(4, "relu", "kaiming", wiring)
    assert sum(isinstance(module, LayerNorm) for module in model.modules()) == (4 if norms else 0)
    assert [layer.residual for layer in model.layers] == [False, adds, adds, adds]


def test_training_learns_and_repeats():
    found = []
    for _ in range(2):
        torch.manual_seed(0)
        model = network(2, "relu", "kaiming", "plain")
        found.append((train(model, DATA.train, seed=3), accuracy(model, DATA.test)))
    assert found[0] == found[1]
    losses, right = found[0]
    assert len(losses) == 100 and losses[-1] < 0.3 * losses[0] and right > 0.8


def test_training_ends_where_the_loss_is_no_number():
    model = network(2, "relu", "kaiming", "plain")
    with torch.no_grad():
        model.output.weight.fill_(torch.inf)
    assert len(train(model, DATA.train, seed=0)) == 1


def test_a_cell_measures_the_columns_of_the_study():
    found = measure(2, "tanh", "xavier", "both", 0)
    assert set(found) == set(STUDY.values)
    assert found["accuracy"] > 0.9 and 0.1 < found["gradient_ratio"] < 10
