"""Initial weights: the spreads of torch.nn.init, and what they are made for: signals that keep their size."""

import math

import pytest
import torch
from torch import nn

from nbcode.models.activations import ACTIVATIONS
from nbcode.models.initialization import (
    CONSTANT,
    INITIALIZATIONS,
    constant_,
    fans,
    gain,
    initialize,
    kaiming_normal_,
    normal_,
    xavier_normal_,
)

SHAPES = [(64, 64), (10, 300), (300, 10), (1, 7)]


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("seed", range(3))
def test_the_same_generator_gives_the_weights_of_torch(shape, seed):
    mine, theirs = torch.empty(shape), torch.empty(shape)
    xavier_normal_(mine, seeded(seed))
    nn.init.xavier_normal_(theirs, generator=seeded(seed))
    torch.testing.assert_close(mine, theirs)
    kaiming_normal_(mine, generator=seeded(seed))
    nn.init.kaiming_normal_(theirs, nonlinearity="relu", generator=seeded(seed))
    torch.testing.assert_close(mine, theirs)
    kaiming_normal_(mine, gain("leaky_relu"), seeded(seed))
    nn.init.kaiming_normal_(theirs, a=0.01, nonlinearity="leaky_relu", generator=seeded(seed))
    torch.testing.assert_close(mine, theirs)
    normal_(mine, 0.3, seeded(seed))
    nn.init.normal_(theirs, std=0.3, generator=seeded(seed))
    torch.testing.assert_close(mine, theirs)


@pytest.mark.parametrize("name", ["relu", "leaky_relu"])
def test_the_gain_is_that_of_torch_where_torch_derives_it(name):
    theirs = nn.init.calculate_gain(name, 0.01 if name == "leaky_relu" else None)
    assert gain(name) == pytest.approx(theirs, rel=1e-6)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_kaiming_keeps_the_mean_square_from_layer_to_layer(name):
    z = torch.randn(2000, 400, generator=seeded(), dtype=torch.float64)
    signal = ACTIVATIONS[name].function(z)  # (B, D)
    weight = kaiming_normal_(torch.empty(400, 400, dtype=torch.float64), gain(name), seeded(1))
    assert (signal @ weight.T).square().mean().item() == pytest.approx(1, rel=0.05)


@pytest.mark.parametrize("after", ["relu", "tanh"])
def test_each_name_fills_a_weight_in_place_by_the_global_generator(after):
    for name in INITIALIZATIONS:
        torch.manual_seed(5)
        weight = torch.full((200, 300), math.nan)
        assert initialize(weight, name, after) is weight
        torch.manual_seed(5)
        assert torch.equal(weight, initialize(torch.empty(200, 300), name, after))
        expected = {"constant": 0.0, "small normal": 0.01, "xavier": math.sqrt(2 / 500)}
        std = expected.get(name, gain(after) / math.sqrt(300))
        assert weight.std().item() == pytest.approx(std, rel=0.02, abs=1e-7)
        assert weight.mean().item() == pytest.approx(CONSTANT if name == "constant" else 0, abs=1e-3)


def test_parameters_can_be_filled_and_still_learn():
    weight = nn.Parameter(torch.zeros(2, 3))
    constant_(weight, 0.5)
    assert weight.requires_grad and weight.grad_fn is None and weight.tolist() == [[0.5] * 3] * 2
    normal_(weight, 1.0, seeded())
    assert weight.requires_grad and weight.grad_fn is None and 0.5 not in weight
    normal_(weight, 0)
    assert not weight.any()


@pytest.mark.parametrize("std", [-1, math.nan, math.inf])
def test_a_spread_that_is_none_is_refused(std):
    with pytest.raises(ValueError, match=f"std is {std}"):
        normal_(torch.empty(2, 2), std)


@pytest.mark.parametrize("shape", [(3,), (1, 2, 3), ()])
def test_only_matrices_have_two_fans(shape):
    with pytest.raises(ValueError, match=r"give \(C, D\)"):
        fans(torch.empty(shape))


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match="unknown initialization 'orthogonal'; choose one of constant"):
        initialize(torch.empty(2, 2), "orthogonal", "relu")
    with pytest.raises(ValueError, match="unknown activation"):
        gain("swish")
