"""Activations by hand against PyTorch's: values, gradients, and the derivatives that are written beside them."""

import math

import pytest
import torch
from torch.nn import functional

from nbcode.autograd import Value
from nbcode.models.activations import ACTIVATIONS, activation

TWINS = {
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": functional.relu,
    "leaky_relu": functional.leaky_relu,
    "elu": functional.elu,
    "gelu": functional.gelu,
}
each = pytest.mark.parametrize("name", ACTIVATIONS)
FAR = torch.tensor([-1e30, -1e4, -800.0, -40.0, -1e-30, 0.0, 1e-30, 40.0, 800.0, 1e4, 1e30], dtype=torch.float64)


def points(seed=0, *shape):
    return 3 * torch.randn(shape or (200,), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def with_gradient(function, x):
    x = x.clone().requires_grad_()
    y = function(x)
    y.sum().backward()
    return y.detach(), x.grad


def test_there_is_a_twin_for_each():
    assert set(TWINS) == set(ACTIVATIONS)


@each
@pytest.mark.parametrize("x", [points(0), points(1, 3, 4, 5), FAR], ids=["near", "shape", "far"])
def test_values_and_gradients_are_those_of_pytorch(name, x):
    for mine, theirs in zip(with_gradient(ACTIVATIONS[name].function, x), with_gradient(TWINS[name], x), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-12, atol=1e-12)


@each
@pytest.mark.parametrize("x", [points(2), points(3, 2, 3), FAR[1:-1]], ids=["near", "shape", "far"])
def test_the_slope_is_the_gradient_and_no_number_is_lost(name, x):
    _, gradient = with_gradient(TWINS[name], x)
    torch.testing.assert_close(ACTIVATIONS[name].slope(x), gradient, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("number", [-1e-30, -1e-9, -6.0, -10.0, -30.0])
def test_no_digit_is_lost_where_a_result_is_tiny(number):
    """Against plain Python: PyTorch's own gelu is 0 at -10, and exp(x) - 1 is 0 at -1e-30."""
    share = math.erfc(-number / math.sqrt(2)) / 2
    density = math.exp(-(number**2) / 2) / math.sqrt(2 * math.pi)
    x = torch.tensor(number, dtype=torch.float64)
    for name, expected in (("gelu", (number * share, share + number * density)), ("elu", (math.expm1(number), None))):
        assert ACTIVATIONS[name].function(x).item() == pytest.approx(expected[0], rel=1e-12, abs=0)
        if expected[1] is not None:
            assert ACTIVATIONS[name].slope(x).item() == pytest.approx(expected[1], rel=1e-12, abs=0)


@each
def test_a_value_computes_the_same_function_and_slope(name):
    for number in points(4, 20).tolist():
        value = Value(number)
        result = getattr(value, name)()
        result.backward()
        x = torch.tensor(number, dtype=torch.float64)
        assert result.data == pytest.approx(ACTIVATIONS[name].function(x).item(), rel=1e-12)
        assert value.grad == pytest.approx(ACTIVATIONS[name].slope(x).item(), rel=1e-12)


@each
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_types_stay(name, dtype):
    x = torch.tensor([-1.0, 0.0, 2.0], dtype=dtype)
    assert ACTIVATIONS[name].function(x).dtype == ACTIVATIONS[name].slope(x).dtype == dtype


@each
def test_a_nan_stays_visible(name):
    assert ACTIVATIONS[name].function(torch.tensor(math.nan)).isnan()


def test_an_unknown_name_is_refused_with_those_that_exist():
    with pytest.raises(ValueError, match=r"unknown activation 'swish'; choose one of sigmoid, tanh"):
        activation("swish")
