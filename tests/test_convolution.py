"""Convolution and pooling against PyTorch's and four nested loops; the digits' network."""

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from nbcode.models.convolution import Conv2d, convolve, max_pool, output_size, windows
from nbcode.models.digit_cnn import DigitCNN, DigitCNNConfig

repeatable = settings(derandomize=True, deadline=None, max_examples=60)
CLOSE = {"atol": 1e-9, "rtol": 1e-9}


def normal(seed, *shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def pairs(least, most):
    return st.tuples(st.integers(least, most), st.integers(least, most))


@repeatable
@given(
    batch=st.integers(0, 3),
    channels=st.integers(1, 3),
    channels_out=st.integers(1, 4),
    kernel=pairs(1, 3),
    stride=pairs(1, 3),
    padding=pairs(0, 2),
    dilation=pairs(1, 3),
    more=pairs(0, 4),
    bias=st.booleans(),
    seed=st.integers(0, 2**16),
)
def test_a_convolution_equals_pytorchs_in_values_and_gradients(
    batch, channels, channels_out, kernel, stride, padding, dilation, more, bias, seed
):
    least = [max(1, d * (k - 1) + 1 - 2 * p) for k, p, d in zip(kernel, padding, dilation, strict=True)]
    size = [low + extra for low, extra in zip(least, more, strict=True)]
    theirs = nn.Conv2d(channels, channels_out, kernel, stride, padding, dilation, bias=bias, dtype=torch.float64)
    ours = Conv2d.from_torch(theirs)
    x, x_theirs = (normal(seed, batch, channels, *size).requires_grad_() for _ in range(2))
    out, out_theirs = ours(x), theirs(x_theirs)
    torch.testing.assert_close(out, out_theirs, **CLOSE)
    assert list(out.shape[2:]) == [
        output_size(*setting) for setting in zip(size, kernel, stride, padding, dilation, strict=True)
    ]
    upstream = normal(seed + 1, *out.shape)
    out.backward(upstream)
    out_theirs.backward(upstream)
    torch.testing.assert_close(x.grad, x_theirs.grad, **CLOSE)
    torch.testing.assert_close(ours.weight.grad, theirs.weight.grad, **CLOSE)
    if bias:
        torch.testing.assert_close(ours.bias.grad, theirs.bias.grad, **CLOSE)
    else:
        assert not ours.bias.detach().any()


def test_a_convolution_equals_the_loops_that_define_it():
    x, weight, bias = normal(0, 1, 2, 5, 4), normal(1, 3, 2, 3, 2), normal(2, 3)
    out = convolve(x, weight, bias)
    assert out.shape == (1, 3, 3, 3)
    for c, i, j in itertools.product(range(3), range(3), range(3)):
        total = bias[c].item()
        for channel, a, b in itertools.product(range(2), range(3), range(2)):
            total += x[0, channel, i + a, j + b].item() * weight[c, channel, a, b].item()
        assert out[0, c, i, j].item() == pytest.approx(total, abs=1e-12)


def test_a_kernel_with_a_single_one_moves_the_image():
    image = torch.arange(1.0, 10).reshape(1, 1, 3, 3)
    kernel = torch.zeros(1, 1, 3, 3)
    kernel[0, 0, 1, 0] = 1  # each output is its left neighbor
    assert convolve(image, kernel, padding=1)[0, 0].tolist() == [[0, 1, 2], [0, 4, 5], [0, 7, 8]]


def test_a_one_number_setting_stands_for_both_axes():
    x, weight = normal(0, 1, 1, 9, 9), normal(1, 1, 1, 3, 3)
    both = convolve(x, weight, None, (2, 2), (1, 1), (2, 2))
    assert torch.equal(convolve(x, weight, None, 2, 1, 2), both)
    assert torch.equal(convolve(x, weight, None, [2, 2], [1, 1], [2, 2]), both)


def test_windows_show_what_the_kernel_sees():
    x = torch.arange(16.0).reshape(1, 1, 4, 4)
    seen = windows(x, 2, stride=2)
    assert seen.shape == (1, 1, 2, 2, 2, 2)
    assert seen[0, 0, 1, 0].tolist() == [[8, 9], [12, 13]]
    spread = windows(x, (2, 2), dilation=(3, 2))
    assert spread[0, 0].tolist() == [[[[0, 2], [12, 14]], [[1, 3], [13, 15]]]]


def test_windows_that_overlap_share_their_memory():
    seen = windows(torch.zeros(1, 1, 50, 50), 9)
    assert seen.numel() == 42 * 42 * 81
    assert seen.untyped_storage().nbytes() == 50 * 50 * 4


@repeatable
@given(size=pairs(1, 3), more=pairs(0, 5), seed=st.integers(0, 2**16))
def test_max_pooling_equals_pytorchs_in_values_and_gradients(size, more, seed):
    shape = 2, 3, size[0] + more[0], size[1] + more[1]
    x, x_theirs = (normal(seed, *shape).requires_grad_() for _ in range(2))
    out, out_theirs = max_pool(x, size), nn.functional.max_pool2d(x_theirs, size)
    assert torch.equal(out, out_theirs)
    upstream = normal(seed + 1, *out.shape)
    out.backward(upstream)
    out_theirs.backward(upstream)
    torch.testing.assert_close(x.grad, x_theirs.grad, **CLOSE)


def test_equally_large_values_share_the_gradient():
    x = torch.tensor([[[[2.0, 2.0], [1.0, 0.0]]]], requires_grad=True)
    max_pool(x, 2).sum().backward()
    assert x.grad.tolist() == [[[[0.5, 0.5], [0, 0]]]]


def test_the_parameters_start_as_pytorchs_do_and_follow_the_seed():
    torch.manual_seed(3)
    conv, again, theirs = Conv2d(4, 50, 3), Conv2d(4, 50, 3), nn.Conv2d(4, 50, 3)
    bound = 1 / 6  # 4 * 3 * 3 = 36 inputs
    for ours, twin in ((conv.weight, theirs.weight), (conv.bias, theirs.bias)):
        assert ours.shape == twin.shape and ours.requires_grad
        assert 0.9 * bound < ours.abs().max() <= bound and 0.9 * bound < twin.abs().max() <= bound
    assert not torch.equal(conv.weight, again.weight)
    assert 0.9 / 4 < Conv2d(4, 50, (1, 4)).weight.abs().max() <= 1 / 4  # a window need not be square
    torch.manual_seed(3)
    assert torch.equal(conv.weight, Conv2d(4, 50, 3).weight)


def test_weights_that_were_taken_over_are_a_copy_with_their_dtype():
    theirs = nn.Conv2d(1, 1, 1, dtype=torch.bfloat16, bias=False)
    ours = Conv2d.from_torch(theirs)
    was = theirs.weight.tolist()
    with torch.no_grad():
        ours.weight += 5
    assert theirs.weight.tolist() == was
    assert ours.weight.dtype is ours.bias.dtype is torch.bfloat16


@pytest.mark.parametrize(
    ("size", "kernel", "told"),
    [((2, 9), 3, "H is 2"), ((9, 2), 3, "W is 2"), ((0, 9), 1, "H is 0"), ((4, 3), (2, 4), "W is 3")],
)
def test_an_image_smaller_than_the_window_is_refused_by_axis(size, kernel, told):
    with pytest.raises(ValueError, match=told):
        windows(torch.zeros(1, 1, *size), kernel)


def test_the_refusal_of_a_small_image_counts_padding_and_dilation():
    with pytest.raises(ValueError, match=r"H is 3, with padding 5, and the window is 7 long"):
        windows(torch.zeros(1, 1, 3, 9), 3, padding=1, dilation=3)


@pytest.mark.parametrize(
    ("x", "weight", "told"),
    [
        ((1, 2, 4, 4), (1, 3, 2, 2), "same C"),
        ((1, 3, 4, 4), (1, 2, 2, 2), "same C"),
        ((2, 4, 4), (1, 2, 2, 2), r"\(B, C, H, W\)"),
        ((1, 2, 4, 4), (1, 2, 2), r"\(C_out, C, h, w\)"),
    ],
)
def test_shapes_that_do_not_fit_are_refused_with_both_shapes(x, weight, told):
    with pytest.raises(ValueError, match=told) as refusal:
        convolve(torch.zeros(x), torch.zeros(weight))
    assert str(x) in str(refusal.value) and str(weight) in str(refusal.value)


def test_windows_of_something_that_is_no_batch_of_images_are_refused():
    with pytest.raises(ValueError, match=r"\(4, 4\); give \(B, C, H, W\)"):
        windows(torch.zeros(4, 4), 2)


def test_a_bias_of_another_length_is_refused():
    with pytest.raises(ValueError, match=r"bias has shape \(2,\); give \(3,\)"):
        convolve(torch.zeros(1, 1, 4, 4), torch.zeros(3, 1, 2, 2), torch.zeros(2))


@pytest.mark.parametrize(
    "settings_of_it",
    [
        {"kernel": 0},
        {"kernel": 2.0},
        {"kernel": True},
        {"stride": 0},
        {"stride": (1, 2, 3)},
        {"padding": -1},
        {"padding": "same"},
        {"dilation": (1, 0)},
    ],
    ids=str,
)
def test_a_setting_out_of_range_is_refused_by_name(settings_of_it):
    (name,) = settings_of_it
    with pytest.raises(ValueError, match=f"{name} is .*; give a whole number"):
        Conv2d(**({"channels": 1, "channels_out": 1, "kernel": 1} | settings_of_it))


def test_a_convolution_without_channels_is_refused():
    with pytest.raises(ValueError, match="channels=0, channels_out=1"):
        Conv2d(0, 1, 3)


@pytest.mark.parametrize(
    "theirs",
    [nn.Conv2d(2, 2, 1, groups=2), nn.Conv2d(1, 1, 3, padding="same"), nn.Conv2d(1, 1, 1, padding_mode="reflect")],
    ids=["groups", "padding by name", "reflect"],
)
def test_what_does_not_exist_here_is_refused(theirs):
    with pytest.raises(ValueError, match="only groups=1"):
        Conv2d.from_torch(theirs)


def test_the_digits_network_equals_the_same_layers_of_pytorch():
    torch.manual_seed(0)
    theirs = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(256, 10),
    ).double()  # fmt: skip
    ours = DigitCNN().double()
    ours.first, ours.second, ours.dense = Conv2d.from_torch(theirs[0]), Conv2d.from_torch(theirs[2]), theirs[6]
    images = normal(0, 5, 1, 8, 8)
    torch.testing.assert_close(ours(images), theirs(images), **CLOSE)
    low, high = ours.feature_maps(images)
    torch.testing.assert_close(low, theirs[:2](images), **CLOSE)
    torch.testing.assert_close(high, theirs[:4](images), **CLOSE)


def test_the_digits_network_has_as_many_parameters_as_its_sizes_say():
    def count(network):
        return sum(parameter.numel() for parameter in network.parameters())

    assert count(DigitCNN()) == (9 * 1 + 1) * 8 + (9 * 8 + 1) * 16 + (4 * 4 * 16 + 1) * 10
    wide = DigitCNNConfig(size=12, classes=3, channels=(2, 5), kernel=5, pool=3)
    assert count(DigitCNN(wide)) == (25 + 1) * 2 + (25 * 2 + 1) * 5 + (4 * 4 * 5 + 1) * 3
    assert DigitCNN(wide)(torch.zeros(0, 1, 12, 12)).shape == (0, 3)
    assert DigitCNN().config == DigitCNNConfig()


@pytest.mark.parametrize("config", [DigitCNNConfig(kernel=4), DigitCNNConfig(pool=9)])
def test_sizes_that_do_not_fit_each_other_are_refused(config):
    with pytest.raises(ValueError, match="the kernel must be odd"):
        DigitCNN(config)
