"""The toy data: gates against Python's operators, clouds and separable points against what they promise."""

import itertools
import math
import operator
import statistics

import pytest
import torch

from nbcode.data import toy
from nbcode.data.gates import CORNERS, GATES

OPERATORS = {
    "and": operator.and_,
    "or": operator.or_,
    "nand": lambda a, b: not (a and b),
    "xor": operator.xor,
}


@pytest.mark.parametrize("name", OPERATORS)
def test_a_gate_equals_pythons_operator(name):
    x, y = toy.gate(name)
    assert x.dtype is y.dtype is torch.float32
    assert [tuple(point) for point in x.tolist()] == list(itertools.product((0, 1), repeat=2))
    assert y.tolist() == [OPERATORS[name](bool(a), bool(b)) for a, b in x.tolist()]


def test_every_gate_has_an_operator_here_and_one_output_per_corner():
    assert set(GATES) == set(OPERATORS)
    assert all(len(outputs) == len(CORNERS) for outputs in GATES.values())


@pytest.mark.parametrize("name", ["XOR", "not", "", "nor"])
def test_an_unknown_gate_is_refused_with_the_known_ones(name):
    with pytest.raises(ValueError, match=f"unknown gate '{name}'; choose one of and, or, nand, xor"):
        toy.gate(name)


def test_a_gate_can_be_changed_without_changing_the_next_one():
    toy.gate("xor")[1].fill_(7)
    assert toy.gate("xor")[1].tolist() == [0, 1, 1, 0]


@pytest.mark.parametrize("maker", [toy.clouds, toy.separable])
def test_the_same_seed_gives_the_same_data_whatever_was_drawn_before(maker):
    torch.manual_seed(1)
    first = maker(30, seed=5)
    torch.rand(3)
    state = torch.get_rng_state()
    for one, other in zip(first, maker(30, seed=5), strict=True):
        assert torch.equal(one, other)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("maker", [toy.clouds, toy.separable])
def test_every_seed_gives_other_points(maker):
    drawn = {tuple(maker(30, seed=seed)[0].flatten().tolist()) for seed in range(10)}
    assert len(drawn) == 10


@pytest.mark.parametrize("n", [2, 3, 41])
def test_clouds_has_n_points_with_labels_in_turn(n):
    x, y = toy.clouds(n)
    assert x.shape == (n, 2) and y.shape == (n,)
    assert x.dtype is y.dtype is torch.float32
    assert y.tolist() == [i % 2 for i in range(n)]


@pytest.mark.parametrize("spread", [0.1, 0.3, 2.0])
def test_each_cloud_has_its_center_and_its_spread(spread):
    x, y = toy.clouds(8000, spread, seed=3)
    for label, coordinate in itertools.product((0, 1), (0, 1)):
        values = x[y == label, coordinate].tolist()  # 4000 of them: the mean is known to spread / 63
        assert statistics.fmean(values) == pytest.approx(label, abs=4 * spread / 63)
        assert statistics.stdev(values) == pytest.approx(spread, rel=0.05)


def signed_distance(point, line):
    """In plain Python, in double precision."""
    w1, w2, b = line
    return (w1 * point[0] + w2 * point[1] + b) / math.hypot(w1, w2)


@pytest.mark.parametrize("margin", [0, 0.02, 0.1, 0.4, 0.5])
@pytest.mark.parametrize("seed", range(5))
def test_separable_points_keep_the_margin_on_the_side_of_their_label(margin, seed):
    x, y, line = (part.tolist() for part in toy.separable(60, margin, seed))
    assert len(x) == len(y) == 60
    for point, label in zip(x, y, strict=True):
        distance = signed_distance(point, line)
        assert abs(distance) >= margin - 1e-6
        assert label == (distance > 0)


def test_separable_points_fill_the_square_around_a_unit_line_near_the_center():
    for seed in range(20):
        x, y, line = toy.separable(200, 0.05, seed)
        w1, w2, b = line.tolist()
        assert math.hypot(w1, w2) == pytest.approx(1, abs=1e-6)
        assert abs(b) <= 0.3
        assert -1 <= x.min() < -0.8 and 0.8 < x.max() <= 1
        assert set(y.tolist()) == {0, 1}
        assert x.dtype is y.dtype is line.dtype is torch.float32


def test_the_smallest_margin_is_not_larger_than_asked():
    x, _, line = toy.separable(4000, 0.1)
    assert min(abs(signed_distance(point, line.tolist())) for point in x.tolist()) < 0.11


@pytest.mark.parametrize("n", [1, 0, -3, 2.5, True, "10", None])
@pytest.mark.parametrize("maker", [toy.clouds, toy.separable])
def test_a_bad_number_of_points_is_refused(maker, n):
    with pytest.raises(ValueError, match="at least 2") as refusal:
        maker(n)
    assert repr(n) in str(refusal.value)


@pytest.mark.parametrize("spread", [0, -0.3, math.nan, math.inf])
def test_a_bad_spread_is_refused(spread):
    with pytest.raises(ValueError, match=f"spread is {spread}; give a positive, finite number"):
        toy.clouds(10, spread)


@pytest.mark.parametrize("margin", [-0.1, 0.51, math.nan, math.inf])
def test_a_bad_margin_is_refused(margin):
    with pytest.raises(ValueError, match=f"margin is {margin}; give a number from 0 to 0.5"):
        toy.separable(10, margin)
