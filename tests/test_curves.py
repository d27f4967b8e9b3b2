"""Circles and moons: where the points lie, how they scatter, and that no line separates them."""

import math
import statistics
from itertools import pairwise

import pytest
import torch

from nbcode.data.curves import circles, moons

MAKERS = [circles, moons]


@pytest.mark.parametrize("maker", MAKERS)
def test_the_same_seed_gives_the_same_points_whatever_was_drawn_before(maker):
    torch.manual_seed(1)
    first = maker(30, seed=5)
    torch.rand(3)
    state = torch.get_rng_state()
    assert all(torch.equal(one, other) for one, other in zip(first, maker(30, seed=5), strict=True))
    assert torch.equal(torch.get_rng_state(), state)
    assert len({tuple(maker(30, seed=seed)[0].flatten().tolist()) for seed in range(10)}) == 10


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize("n", [2, 3, 41])
def test_there_are_n_points_with_labels_in_turn(maker, n):
    x, y = maker(n)
    assert x.shape == (n, 2) and y.shape == (n,)
    assert x.dtype is y.dtype is torch.float32
    assert y.tolist() == [i % 2 for i in range(n)]


@pytest.mark.parametrize("inner", [0.1, 0.5, 0.99])
def test_without_noise_the_circles_have_their_radii_and_go_all_the_way_round(inner):
    x, y = circles(400, inner, noise=0)
    for (first, second), label in zip(x.tolist(), y.tolist(), strict=True):
        assert math.hypot(first, second) == pytest.approx(inner if label else 1, abs=1e-6)
    for label, radius in ((0, 1), (1, inner)):
        angles = sorted(math.atan2(second, first) for first, second in x[y == label].tolist())
        assert max(later - earlier for earlier, later in pairwise(angles)) < 0.5
        assert x[y == label].abs().max() == pytest.approx(radius, rel=0.01)


def test_without_noise_the_moons_are_half_circles_that_reach_into_each_other():
    x, y = moons(400, noise=0)
    for (first, second), label in zip(x.tolist(), y.tolist(), strict=True):
        center = (1, 0.5) if label else (0, 0)
        assert math.dist((first, second), center) == pytest.approx(1, abs=1e-6)
        assert (second <= 0.5 + 1e-6) if label else (second >= -1e-6)
    upper, lower = x[y == 0], x[y == 1]
    assert upper[:, 0].max() > lower[:, 0].min() + 0.9 and lower[:, 1].min() < -0.49 < 0 < upper[:, 1].min() + 0.05


@pytest.mark.parametrize("noise", [0.05, 0.4])
@pytest.mark.parametrize("maker", MAKERS)
def test_noise_moves_each_point_by_a_normal_step_of_its_size(maker, noise):
    moved = (maker(4000, noise=noise, seed=2)[0] - maker(4000, noise=0, seed=2)[0]).flatten().tolist()
    assert statistics.fmean(moved) == pytest.approx(0, abs=4 * noise / 89)
    assert statistics.stdev(moved) == pytest.approx(noise, rel=0.05)


@pytest.mark.parametrize("maker", MAKERS)
def test_no_straight_line_separates_the_labels(maker):
    x, y = maker(200)
    for degrees in range(0, 180, 2):  # 90 directions, and along each of them every threshold
        angle = math.radians(degrees)
        along = x @ torch.tensor([math.cos(angle), math.sin(angle)])
        zeros, ones = along[y == 0], along[y == 1]
        assert zeros.max() > ones.min() and ones.max() > zeros.min()


@pytest.mark.parametrize("n", [1, 0, -3, 2.5, True, "10", None])
@pytest.mark.parametrize("maker", MAKERS)
def test_a_bad_number_of_points_is_refused(maker, n):
    with pytest.raises(ValueError, match="at least 2") as refusal:
        maker(n)
    assert repr(n) in str(refusal.value)


@pytest.mark.parametrize("noise", [-0.1, math.nan, math.inf])
@pytest.mark.parametrize("maker", MAKERS)
def test_a_bad_noise_is_refused(maker, noise):
    with pytest.raises(ValueError, match=f"noise is {noise}; give 0 or a positive, finite number"):
        maker(10, noise=noise)


@pytest.mark.parametrize("inner", [0, 1, -0.5, 1.5, math.nan])
def test_an_inner_circle_that_is_not_inside_is_refused(inner):
    with pytest.raises(ValueError, match=f"inner is {inner}; give a radius between 0 and 1"):
        circles(10, inner)
