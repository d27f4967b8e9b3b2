"""Layer normalization against nn.LayerNorm: values and all gradients, over random shapes."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from nbcode.models.normalization import LayerNorm, layer_norm


def twins(width, eps, generator):
    mine, theirs = LayerNorm(width, eps).double(), nn.LayerNorm(width, eps).double()
    with torch.no_grad():
        for name in ("weight", "bias"):
            drawn = torch.randn(width, generator=generator, dtype=torch.float64)
            getattr(mine, name).copy_(drawn)
            getattr(theirs, name).copy_(drawn)
    return mine, theirs


@settings(derandomize=True, deadline=None)
@given(
    before=st.lists(st.integers(1, 4), max_size=3),
    width=st.integers(1, 9),
    eps=st.sampled_from([1e-5, 1e-3, 1.0]),
    seed=st.integers(0, 10**6),
)
def test_equals_pytorchs_in_values_and_gradients(before, width, eps, seed):
    generator = torch.Generator().manual_seed(seed)
    mine, theirs = twins(width, eps, generator)
    x = 5 + 3 * torch.randn(*before, width, generator=generator, dtype=torch.float64)
    back = torch.randn(*before, width, generator=generator, dtype=torch.float64)
    gradients = []
    for module in (mine, theirs):
        at = x.clone().requires_grad_()
        y = module(at)
        y.backward(back)
        gradients.append([y.detach(), at.grad, module.weight.grad, module.bias.grad])
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9)


def test_each_example_is_alone():
    x = torch.randn(6, 8, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(layer_norm(x)[2], layer_norm(x[2]))


def test_size_and_offset_of_an_example_do_not_matter():
    x = torch.randn(4, 8, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    torch.testing.assert_close(layer_norm(1000 * x + 7, eps=0), layer_norm(x, eps=0))


def test_equal_numbers_become_zeros_and_not_nan():
    assert layer_norm(torch.full((2, 3), 4.0)).tolist() == [[0.0] * 3] * 2


def test_bad_widths_are_refused():
    with pytest.raises(ValueError, match="width is 0"):
        LayerNorm(0)
    with pytest.raises(ValueError, match=r"x has shape \(2, 3\); give \(..., 4\)"):
        LayerNorm(4)(torch.zeros(2, 3))
    with pytest.raises(ValueError, match=r"x has shape \(2, 1\); give \(..., 4\)"):
        LayerNorm(4)(torch.zeros(2, 1))  # which would be spread over all four
