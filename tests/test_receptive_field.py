"""The receptive field: computed against measured, and measured against networks whose field is known."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from nbcode.models.convolution import Conv2d
from nbcode.models.digit_cnn import DigitCNN
from nbcode.models.receptive_field import Window, measured_receptive_field, reach, receptive_field

repeatable = settings(derandomize=True, deadline=None, max_examples=40)
layer = st.builds(Window, st.integers(1, 4), st.integers(1, 2), st.integers(1, 3))


@repeatable
@given(layers=st.lists(layer, min_size=1, max_size=3), relu=st.booleans(), seed=st.integers(0, 2**16))
def test_computed_and_measured_agree_on_random_networks(layers, relu, seed):
    torch.manual_seed(seed)
    convolutions = [Conv2d(2, 2, (1, k), (1, s), 0, (1, d)) for k, s, d in layers]
    network = nn.Sequential(*(part for conv in convolutions for part in ([conv, nn.ReLU()] if relu else [conv])))
    with torch.no_grad():
        for conv in convolutions:
            conv.bias += 1  # keeps the ReLUs alive for some inputs at least
    field = receptive_field(layers)
    room = 2 * field + 8
    assert measured_receptive_field(network, (2, 1, room)) == (1, field)


@pytest.mark.parametrize(
    ("layers", "field"),
    [
        ([], 1),
        ([(3,)], 3),
        ([(3, 1, 1)] * 5, 11),
        ([(2, 1, 2**k) for k in range(8)], 256),
        ([(3, 2), (3, 1)], 7),
        ([(3, 1), (3, 2)], 5),
        ([(7, 2), (3, 2), (3, 1, 4)], 7 + 2 * 2 + 8 * 4),
    ],
    ids=["none", "one", "five", "doubling dilation", "stride below", "stride above", "all"],
)
def test_known_fields(layers, field):
    assert receptive_field(layers) == field
    assert receptive_field(Window(*parts) for parts in layers) == field


def test_the_two_axes_are_measured_apart():
    assert measured_receptive_field(nn.Conv2d(1, 1, (2, 5), dilation=(3, 1)), (1, 20, 20)) == (4, 5)


def test_sequences_have_one_axis():
    network = nn.Sequential(nn.Conv1d(3, 4, 3), nn.Tanh(), nn.Conv1d(4, 2, 3, dilation=2))
    assert measured_receptive_field(network, (3, 30)) == (receptive_field([(3,), (3, 1, 2)]),) == (7,)


def test_dilation_leaves_holes_that_the_extent_hides():
    moved = reach(nn.Conv1d(1, 1, 3, dilation=2), (1, 9), at=(2,))
    assert moved.dtype is torch.bool
    assert moved.tolist() == [False, False, True, False, True, False, True, False, False]


def test_a_place_near_the_border_sees_less():
    conv = nn.Conv1d(1, 1, 5, padding=2)
    assert measured_receptive_field(conv, (1, 20)) == (5,)
    assert measured_receptive_field(conv, (1, 20), at=(0,)) == measured_receptive_field(conv, (1, 20), at=(-1,)) == (3,)


def test_pooling_counts_like_a_convolution():
    network = nn.Sequential(nn.Conv2d(1, 3, 3), nn.MaxPool2d(2), nn.Conv2d(3, 3, 3))
    assert measured_receptive_field(network, (1, 24, 24)) == (receptive_field([(3,), (2, 2), (3,)]),) * 2 == (8, 8)


def test_a_feature_of_the_digits_network_sees_five_pixels_each_way():
    torch.manual_seed(0)
    network = DigitCNN()
    assert measured_receptive_field(lambda images: network.feature_maps(images)[1], (1, 17, 17)) == (5, 5)


@pytest.mark.parametrize("seed", range(8))
def test_an_output_that_is_silent_for_half_of_the_inputs_is_measured_whole(seed):
    network = nn.Sequential(nn.Conv1d(1, 1, 3, bias=False), nn.ReLU())
    nn.init.ones_(network[0].weight)
    assert measured_receptive_field(network, (1, 9), seed=seed) == (3,)


def test_an_output_that_no_input_moves_has_no_field():
    assert measured_receptive_field(lambda x: 0 * x, (1, 4, 4)) == (0, 0)
    assert measured_receptive_field(torch.zeros_like, (1, 4, 4)) == (0, 0)  # an output that has no gradient at all
    bias = torch.ones(1, requires_grad=True)
    assert measured_receptive_field(lambda x: bias * torch.zeros_like(x), (1, 4, 4)) == (0, 0)


def test_gradients_that_are_switched_off_are_measured_all_the_same():
    with torch.no_grad():
        assert measured_receptive_field(nn.Conv1d(1, 1, 3), (1, 9)) == (3,)


def test_measuring_leaves_the_network_as_it_was():
    conv = nn.Conv1d(1, 1, 3, dtype=torch.float64).eval()
    weight = conv.weight.tolist()
    assert reach(conv, (1, 9)).sum() == 3
    assert conv.weight.grad is None and conv.weight.tolist() == weight and not conv.training


@pytest.mark.parametrize(
    "bad", [(0,), (3, 0), (3, 1, -1), (3, 1, 1, 1), (), (2.0,), (True,)], ids=lambda bad: str(bad).replace(" ", "")
)
def test_a_layer_out_of_range_is_refused(bad):
    with pytest.raises(ValueError, match=r"a layer is .*whole numbers of at least 1"):
        receptive_field([(3, 1, 1), bad])


def test_shapes_and_places_that_do_not_exist_are_refused():
    conv = nn.Conv1d(1, 1, 3)
    with pytest.raises(ValueError, match=r"input_shape is \(9,\)"):
        reach(conv, (9,))
    for place in [(7,), (-8,), (1, 1)]:
        with pytest.raises(ValueError, match=r"the output has sizes \(7,\)"):
            reach(conv, (1, 9), at=place)
