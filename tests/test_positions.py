"""Sinusoidal positions against plain Python, and what they are good for."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nbcode.models.positions import positions

repeatable = settings(derandomize=True, deadline=None, max_examples=40)


@pytest.fixture
def double():
    """Numbers in float64, so that a difference is a mistake and not a rounding."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@repeatable
@given(length=st.integers(0, 40), width=st.integers(1, 9), base=st.sampled_from([10_000.0, 100.0]))
def test_each_entry_is_the_papers(length, width, base):
    rows = positions(length, width, base)
    assert rows.shape == (length, width) and rows.dtype is torch.float32
    for t in range(length):
        for column in range(width):
            angle = t / base ** ((column - column % 2) / width)
            expected = math.cos(angle) if column % 2 else math.sin(angle)
            assert rows[t, column].item() == pytest.approx(expected, abs=1e-6)


def test_far_places_keep_their_digits():
    t = 100_000
    assert positions(t + 1, 4)[t, 0].item() == pytest.approx(math.sin(t), abs=1e-6)


def test_an_odd_width_leaves_out_only_the_last_cosine():
    odd = positions(10, 5)
    angle = 7 / 10_000 ** (4 / 5)
    assert odd.shape == (10, 5) and odd[7, 4].item() == pytest.approx(math.sin(angle), abs=1e-7)


def test_they_follow_the_default_dtype_and_broadcast_over_a_batch(double):
    assert positions(3, 4).dtype is torch.float64
    assert (torch.zeros(2, 3, 4) + positions(3, 4)).shape == (2, 3, 4)


def test_the_product_of_two_places_depends_on_their_distance_alone(double):
    rows = positions(60, 16)
    products = rows @ rows.T  # (60, 60)
    for distance in (0, 1, 5, 20):
        along = products.diagonal(distance)
        torch.testing.assert_close(along, along[:1].expand_as(along), atol=1e-9, rtol=0)


def test_a_step_is_the_same_rotation_at_every_place(double):
    rows = positions(30, 8).reshape(30, 4, 2)  # pairs of sine and cosine
    k = 3
    angle = k / 10_000 ** (torch.arange(0, 8, 2) / 8)  # (4,)
    turned = torch.stack(
        [
            rows[..., 0] * angle.cos() + rows[..., 1] * angle.sin(),
            rows[..., 1] * angle.cos() - rows[..., 0] * angle.sin(),
        ],
        dim=-1,
    )
    torch.testing.assert_close(turned[:-k], rows[k:], atol=1e-9, rtol=0)


@pytest.mark.parametrize(("length", "width", "base"), [(-1, 4, 10.0), (3, 0, 10.0), (3, 4, 0.0), (3, 4, math.nan)])
def test_sizes_out_of_range_are_refused(length, width, base):
    with pytest.raises(ValueError, match="; give a"):
        positions(length, width, base)
