"""The network on single numbers against PyTorch's, with the same weights."""

import statistics

import pytest
import torch
from torch import nn

from nbcode.models.value_mlp import ValueMLP


def twin_of(network):
    """The same network of nn.Linear and nn.Tanh, in float64, with the same weights."""
    layers = []
    for layer in network.layers:
        linear = nn.Linear(len(layer[0][0]), len(layer)).double()
        with torch.no_grad():
            linear.weight.copy_(torch.tensor([[w.data for w in weights] for weights, _ in layer], dtype=torch.float64))
            linear.bias.copy_(torch.tensor([bias.data for _, bias in layer], dtype=torch.float64))
        layers += [linear, nn.Tanh()]
    return nn.Sequential(*layers)


@pytest.mark.parametrize("sizes", [(2, 8, 1), (1, 1), (3, 4, 4, 2)])
@pytest.mark.parametrize("seed", range(3))
def test_equals_pytorchs_in_values_and_gradients(sizes, seed):
    network = ValueMLP(sizes, seed)
    for _, bias in network.layers[0]:
        bias.data = 0.3  # biases that all are 0 could be left out unseen
    twin = twin_of(network)
    x = torch.randn(sizes[0], generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    ours, theirs = network(x.tolist()), twin(x)
    assert [value.data for value in ours] == pytest.approx(theirs.tolist(), rel=1e-12)
    sum(value * (place + 1) for place, value in enumerate(ours)).backward()
    (theirs * torch.arange(1.0, sizes[-1] + 1)).sum().backward()
    gradients = [
        slope
        for linear in twin[::2]
        for weights, bias in zip(linear.weight.grad.tolist(), linear.bias.grad.tolist(), strict=True)
        for slope in (*weights, bias)
    ]
    assert [parameter.grad for parameter in network.parameters()] == pytest.approx(gradients, rel=1e-9, abs=1e-12)


def test_a_seed_decides_the_weights_which_are_small_where_inputs_are_many():
    data = lambda seed: [parameter.data for parameter in ValueMLP((400, 5, 1), seed).parameters()]
    assert data(1) == data(1) != data(2)
    weights = [w.data for weights, _ in ValueMLP((400, 5, 1)).layers[0] for w in weights]
    assert statistics.pstdev(weights) == pytest.approx(0.05, rel=0.1)
    assert all(bias.data == 0 for layer in ValueMLP((2, 3, 1)).layers for _, bias in layer)


@pytest.mark.parametrize("sizes", [(), (2,), (2, 0), (0, 3)])
def test_refuses_sizes_that_make_no_network(sizes):
    with pytest.raises(ValueError, match="sizes are"):
        ValueMLP(sizes)


def test_refuses_inputs_of_another_number():
    with pytest.raises(ValueError, match="x has 3 numbers; this network has 2 inputs"):
        ValueMLP((2, 1))([1.0, 2.0, 3.0])
