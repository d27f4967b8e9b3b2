"""The multilayer perceptron against networks of torch.nn with the same weights, in every wiring."""

from dataclasses import replace
from itertools import product

import pytest
import torch
from torch import nn
from torch.nn import functional

from nbcode.models.initialization import INITIALIZATIONS, initialize
from nbcode.models.mlp import MLP, MLPConfig
from nbcode.models.normalization import LayerNorm

CONFIG = MLPConfig(inputs=5, outputs=3, width=7, depth=4)
TWINS = {
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": functional.relu,
    "leaky_relu": functional.leaky_relu,
    "elu": functional.elu,
    "gelu": functional.gelu,
}


def by_torch(model, x):
    """The same network, from torch's own functions."""
    config = model.config
    for number, layer in enumerate(model.layers):
        normed = functional.layer_norm(x, x.shape[-1:]) if config.normalize and number else x
        y = TWINS[config.activation](functional.linear(normed, layer.linear.weight, layer.linear.bias))
        x = x + y if config.residual and number else y
    x = functional.layer_norm(x, x.shape[-1:]) if config.normalize else x
    return functional.linear(x, model.output.weight, model.output.bias)


@pytest.mark.parametrize("activation", TWINS)
@pytest.mark.parametrize(("normalize", "residual"), list(product((False, True), repeat=2)))
def test_logits_and_gradients_are_those_of_a_network_of_torch(activation, normalize, residual):
    torch.manual_seed(0)
    model = MLP(replace(CONFIG, activation=activation, normalize=normalize, residual=residual)).double()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("linear.bias"):
                parameter.normal_()  # biases of 0 could be left out unseen
    x = torch.randn(6, 5, dtype=torch.float64)
    gradients = []
    for network in (model, lambda x: by_torch(model, x)):
        model.zero_grad()
        network(x).square().sum().backward()
        used = [p.grad for name, p in model.named_parameters() if "norm" not in name]
        gradients.append([network(x).detach(), *(gradient.clone() for gradient in used)])
    for mine, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("depth", [1, 2, 5])
def test_has_as_many_hidden_layers_as_it_is_deep(depth):
    model = MLP(replace(CONFIG, depth=depth))
    assert sum(isinstance(module, nn.Linear) for module in model.modules()) == depth + 1
    assert sum(isinstance(module, LayerNorm) for module in model.modules()) == 0
    normed = MLP(replace(CONFIG, depth=depth, normalize=True))
    assert sum(isinstance(module, LayerNorm) for module in normed.modules()) == depth
    assert model(torch.zeros(2, 5)).shape == (2, 3)


def test_an_image_is_read_as_one_row():
    model = MLP(replace(CONFIG, inputs=12))
    x = torch.randn(2, 1, 3, 4)
    torch.testing.assert_close(model(x), model(x.reshape(2, 12)))


@pytest.mark.parametrize("initialization", INITIALIZATIONS)
def test_hidden_layers_start_as_they_are_told_and_the_output_by_xavier(initialization):
    torch.manual_seed(0)
    model = MLP(MLPConfig(200, 100, 300, 3, activation="sigmoid", initialization=initialization))
    for layer in model.layers:
        weight = layer.linear.weight
        torch.manual_seed(1)
        told = initialize(torch.empty_like(weight), initialization, "sigmoid")
        assert weight.std().item() == pytest.approx(told.std().item(), rel=0.03, abs=1e-7)
        assert weight.mean().item() == pytest.approx(told.mean().item(), abs=3e-3)
        assert not layer.linear.bias.any()
    assert model.output.weight.std().item() == pytest.approx((2 / 400) ** 0.5, rel=0.03)
    assert not model.output.bias.any()


def test_dropout_falls_on_the_results_of_the_activation():
    torch.manual_seed(0)
    layer = MLP(MLPConfig(5, 3, 400, 1, activation="sigmoid", dropout=0.25)).layers[0]
    x = torch.randn(20, 5)
    in_training, in_use = layer(x), layer.eval()(x)
    kept = in_training != 0  # a sigmoid is never 0 by itself
    assert kept.double().mean().item() == pytest.approx(0.75, abs=0.02)
    torch.testing.assert_close(in_training[kept], in_use[kept] / 0.75)


def test_dropout_is_on_in_training_and_off_in_use():
    torch.manual_seed(0)
    model, x = MLP(replace(CONFIG, dropout=0.5)), torch.randn(20, 5)
    assert not torch.equal(model(x), model(x))
    assert torch.equal(model.eval()(x), model(x))
    with torch.no_grad():
        torch.testing.assert_close(model(x), by_torch(model, x))


def test_a_constant_start_keeps_all_neurons_of_a_layer_equal_whatever_is_learned():
    torch.manual_seed(0)
    model = MLP(replace(CONFIG, initialization="constant", activation="tanh"))
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    x, y = torch.randn(30, 5), torch.randint(3, (30,))
    before = model.layers[1].linear.weight.detach().clone()
    with torch.no_grad():
        model.output.weight.fill_(0.05)  # Xavier's draw there would tell the last layer's neurons apart
    for _ in range(20):
        optimizer.zero_grad()
        functional.cross_entropy(model(x), y).backward()
        optimizer.step()
    for layer in model.layers:
        weight = layer.linear.weight.detach()
        torch.testing.assert_close(weight, weight[:1].expand_as(weight))
    assert not torch.equal(model.layers[1].linear.weight, before)


@pytest.mark.parametrize("name", ["inputs", "outputs", "width", "depth"])
def test_sizes_below_one_are_refused(name):
    with pytest.raises(ValueError, match=f"'{name}': 0"):
        replace(CONFIG, **{name: 0})


def test_unknown_names_and_other_widths_are_refused():
    with pytest.raises(ValueError, match="unknown activation"):
        replace(CONFIG, activation="step")
    with pytest.raises(ValueError, match="unknown initialization"):
        replace(CONFIG, initialization="zeros")
    with pytest.raises(ValueError, match="share is 1"):
        MLP(replace(CONFIG, dropout=1))
    with pytest.raises(ValueError, match="each example has 4 numbers; this network reads 5"):
        MLP(CONFIG)(torch.zeros(2, 4))
