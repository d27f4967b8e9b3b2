"""Neurons against nn.Linear and plain Python; threshold networks against Python's operators."""

import itertools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from nbcode.models.neuron import Neurons, ThresholdNetwork, require_finite, step, xor_network

repeatable = settings(derandomize=True, deadline=None, max_examples=60)


def normal(seed, *shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@repeatable
@given(
    d=st.integers(1, 6),
    c=st.integers(1, 5),
    leading=st.lists(st.integers(0, 4), max_size=3),
    bias=st.booleans(),
    seed=st.integers(0, 2**16),
)
def test_neurons_equal_nn_linear_in_values_and_gradients(d, c, leading, bias, seed):
    linear = nn.Linear(d, c, bias=bias, dtype=torch.float64)
    nn.init.normal_(linear.weight, generator=torch.Generator().manual_seed(seed))
    neurons = Neurons.from_torch(linear)
    mine, theirs = (normal(seed, *leading, d).requires_grad_() for _ in range(2))
    weights_of_the_loss = normal(seed + 1, *leading, c)
    for network, x in ((neurons, mine), (linear, theirs)):
        (network(x) * weights_of_the_loss).sum().backward()
    close = {"atol": 1e-12, "rtol": 1e-12}
    torch.testing.assert_close(neurons(mine), linear(theirs), **close)
    torch.testing.assert_close(mine.grad, theirs.grad, **close)
    torch.testing.assert_close(neurons.weight.grad, linear.weight.grad, **close)
    if bias:
        torch.testing.assert_close(neurons.bias.grad, linear.bias.grad, **close)
    else:
        assert neurons.bias.tolist() == [0] * c


def test_the_weight_has_one_row_per_neuron():
    neurons = Neurons.of([[1, 10, 100], [2, 20, 200]], [1000, 2000])
    assert neurons.weight.shape == (2, 3) and neurons.bias.shape == (2,)
    assert neurons(torch.tensor([1.0, 2.0, 3.0])).tolist() == [1321, 2642]
    assert neurons(torch.tensor([[1.0, 0, 0], [0, 0, 1]])).tolist() == [[1001, 2002], [1100, 2200]]


def test_a_new_neuron_is_all_zeros_and_trainable():
    neurons = Neurons(3, 2)
    assert neurons.weight.tolist() == [[0] * 3] * 2 and neurons.bias.tolist() == [0, 0]
    assert all(parameter.requires_grad for parameter in neurons.parameters())
    assert sorted(name for name, _ in neurons.named_parameters()) == ["bias", "weight"]
    assert Neurons(3).weight.shape == (1, 3)


def test_neurons_of_whole_numbers_compute_with_fractions():
    neurons = Neurons.of([[1, 1]], [0])
    assert neurons(torch.tensor([0.5, 0.25])).tolist() == [0.75]
    assert neurons.weight.requires_grad and neurons.bias.requires_grad


def test_given_parameters_are_copied():
    weight, bias, linear = torch.ones(1, 2), torch.ones(1), nn.Linear(2, 1)
    of, taken = Neurons.of(weight, bias), Neurons.from_torch(linear)
    was = linear.weight.tolist()
    with torch.no_grad():
        for neurons in (of, taken):
            neurons.weight += 5
            neurons.bias += 5
    assert weight.tolist() == [[1, 1]] and bias.tolist() == [1]
    assert linear.weight.tolist() == was


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
@pytest.mark.parametrize("bias", [True, False])
def test_from_torch_keeps_the_dtype(dtype, bias):
    neurons = Neurons.from_torch(nn.Linear(2, 3, bias=bias, dtype=dtype))
    assert neurons.weight.dtype is neurons.bias.dtype is dtype


def test_a_neuron_fires_above_zero_and_is_silent_at_exactly_zero():
    neuron = Neurons.of([[1.0, -1.0]], [0.0])
    tiny = 2.0**-140
    x = torch.tensor([[1.0, 1.0], [0.0, -0.0], [tiny, 0.0], [0.0, tiny], [2.0, 1.0], [1.0, 2.0]])
    assert neuron.fire(x).tolist() == [[0], [0], [1], [0], [1], [0]]
    assert Neurons(4).fire(torch.ones(4)).tolist() == [0]  # all zeros: silent everywhere


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.int64])
def test_the_threshold_gives_zeros_and_ones_in_the_dtype_that_came(dtype):
    out = step(torch.tensor([-2, 0, 3]).to(dtype))
    assert out.dtype is dtype
    assert out.tolist() == [0, 0, 1]


def by_hand(layers, x):
    """The outputs of threshold layers in plain Python."""
    for weight, bias in layers:
        sums = [math.fsum(w * v for w, v in zip(row, x, strict=True)) + b for row, b in zip(weight, bias, strict=True)]
        x = [float(total > 0) for total in sums]
    return x


@pytest.mark.parametrize("seed", range(20))
def test_a_network_equals_its_layers_computed_by_hand(seed):
    generator = torch.Generator().manual_seed(seed)
    sizes = torch.randint(1, 6, (4,), generator=generator).tolist()
    drawn = [
        (torch.randn(after, before, generator=generator), torch.randn(after, generator=generator))
        for before, after in itertools.pairwise(sizes)
    ]
    network = ThresholdNetwork(*(Neurons.of(*layer) for layer in drawn))
    x = torch.randn(2, 25, sizes[0], generator=generator)
    expected = [by_hand([(w.tolist(), b.tolist()) for w, b in drawn], point) for point in x.flatten(0, 1).tolist()]
    assert network(x).shape == (2, 25, sizes[-1])
    assert network(x).flatten(0, 1).tolist() == expected


@pytest.mark.parametrize(("a", "b"), [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_the_xor_network_equals_pythons_xor(a, b):
    assert xor_network()(torch.tensor([float(a), float(b)])).tolist() == [a ^ b]


def test_the_xor_network_has_or_and_nand_below_and_above():
    hidden, output = xor_network().layers
    corners = list(itertools.product((0, 1), repeat=2))
    x = torch.tensor(corners, dtype=torch.float32)
    assert hidden.fire(x).tolist() == [[a | b, 1 - (a & b)] for a, b in corners]
    assert output.fire(x).squeeze(1).tolist() == [a & b for a, b in corners]


@pytest.mark.parametrize(("n_inputs", "n_neurons"), [(0, 1), (1, 0), (-1, 2)])
def test_a_size_below_one_is_refused(n_inputs, n_neurons):
    with pytest.raises(ValueError, match=f"n_inputs={n_inputs}, n_neurons={n_neurons}.*at least 1"):
        Neurons(n_inputs, n_neurons)


@pytest.mark.parametrize(
    ("weight", "bias", "came"),
    [
        ([1.0, 2.0], [0.0], r"\(2,\) and bias \(1,\)"),
        ([[1.0, 2.0]], 0.0, r"\(1, 2\) and bias \(\)"),
        ([[1.0, 2.0]], [[0.0]], r"\(1, 2\) and bias \(1, 1\)"),
        ([[1.0, 2.0]], [0.0, 1.0], r"\(1, 2\) and bias \(2,\)"),
        ([[[1.0]]], [0.0], r"\(1, 1, 1\) and bias \(1,\)"),
    ],
)
def test_parameters_that_do_not_fit_together_are_refused(weight, bias, came):
    with pytest.raises(ValueError, match=f"{came}.*\\(C, D\\) and \\(C,\\)"):
        Neurons.of(weight, bias)


def test_ragged_rows_are_refused():
    with pytest.raises(ValueError):
        Neurons.of([[1.0, 2.0], [3.0]], [0.0, 0.0])


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_parameters_that_are_not_finite_are_refused_by_name_and_number(bad):
    with pytest.raises(ValueError, match=r"weight has 2 value\(s\) that are not finite"):
        Neurons.of([[bad, 1.0, bad]], [0.0])
    with pytest.raises(ValueError, match=r"bias has 1 value\(s\) that are not finite"):
        Neurons.of([[1.0]], [bad])


def test_parameters_too_large_for_float32_are_refused_instead_of_becoming_infinite():
    with pytest.raises(ValueError, match="not finite"):
        Neurons.of(torch.tensor([[1e300]], dtype=torch.float64), [0.0])


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (2, 1), (0,)])
def test_inputs_with_another_last_dimension_are_refused(shape):
    with pytest.raises(ValueError) as refusal:
        Neurons(2)(torch.zeros(shape))
    came, allowed = str(refusal.value).split(";")
    assert str(shape) in came and "2" in allowed


def test_layers_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"3 neurons .* 2 inputs"):
        ThresholdNetwork(Neurons(4, 3), Neurons(2, 1))
    with pytest.raises(ValueError, match="give at least one"):
        ThresholdNetwork()


def test_require_finite_lets_finite_values_pass_and_counts_the_others():
    require_finite("x", torch.tensor([1.0, -3e38]))
    require_finite("x", torch.tensor([1, 2]))
    with pytest.raises(ValueError, match=r"scores has 3 value\(s\)"):
        require_finite("scores", torch.tensor([math.nan, 1.0, math.inf, -math.inf]))


@pytest.mark.parametrize("weight", ["abc", None, [[1.0], [1.0, 2.0]]])
def test_parameters_that_are_no_numbers_are_refused(weight):
    with pytest.raises(ValueError):
        Neurons.of(weight, [0.0])
