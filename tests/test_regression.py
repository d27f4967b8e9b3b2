"""Points with a number to predict: the article's, and those around a line."""

import math
import statistics

import pytest
import torch

from nbcode.data.regression import BIAS, around_line, article_points


@pytest.mark.parametrize("n", [1, 10, 33])
def test_the_articles_points_have_the_articles_sum(n):
    torch.manual_seed(0)
    x, y = article_points(n)
    assert x.shape == (n, 2) and y.shape == (n, 1)
    assert x.dtype is y.dtype is torch.float32
    for (first, second), (target,) in zip(x.tolist(), y.tolist(), strict=True):
        assert target == pytest.approx(first + second + 6.6260693, rel=1e-5, abs=1e-5)
    assert BIAS == 6.6260693


def test_the_articles_points_come_from_the_global_generator():
    torch.manual_seed(3)
    x, _ = article_points()
    following = torch.rand(1)
    torch.manual_seed(3)
    assert torch.equal(x, torch.randn(10, 2) * 10)
    assert torch.equal(following, torch.rand(1))


def test_the_articles_inputs_spread_by_ten_around_zero():
    torch.manual_seed(0)
    values = article_points(5000)[0].flatten().tolist()
    assert statistics.fmean(values) == pytest.approx(0, abs=0.4)
    assert statistics.stdev(values) == pytest.approx(10, rel=0.05)


def test_points_around_a_line_repeat_with_the_seed_and_leave_the_global_generator_alone():
    torch.manual_seed(1)
    first = around_line(20, seed=4)
    state = torch.get_rng_state()
    torch.manual_seed(99)
    again = around_line(20, seed=4)
    assert all(torch.equal(one, other) for one, other in zip(first, again, strict=True))
    torch.manual_seed(1)
    assert torch.equal(torch.get_rng_state(), state)
    assert len({tuple(around_line(20, seed=seed)[0].flatten().tolist()) for seed in range(10)}) == 10


@pytest.mark.parametrize(("weight", "bias"), [(1.5, -0.5), (0, 0), (-3, 10)])
def test_without_noise_the_points_lie_on_the_line(weight, bias):
    x, y = around_line(50, weight, bias, noise=0)
    assert x.shape == y.shape == (50, 1) and x.dtype is y.dtype is torch.float32
    for (place,), (target,) in zip(x.tolist(), y.tolist(), strict=True):
        assert target == pytest.approx(weight * place + bias, rel=1e-5, abs=1e-6)
    assert x.min() >= -2 and x.max() <= 2 and x.max() - x.min() > 3


@pytest.mark.parametrize("noise", [0.1, 0.3, 5.0])
def test_the_scatter_around_the_line_is_the_noise(noise):
    x, y = around_line(8000, 1.5, -0.5, noise)
    away = (y - 1.5 * x + 0.5).flatten().tolist()
    assert statistics.fmean(away) == pytest.approx(0, abs=4 * noise / 89)
    assert statistics.stdev(away) == pytest.approx(noise, rel=0.05)
    assert statistics.fmean(x.flatten().tolist()) == pytest.approx(0, abs=0.06)


@pytest.mark.parametrize("n", [0, -3, 2.0, True, "10", None])
@pytest.mark.parametrize("maker", [article_points, around_line])
def test_a_bad_number_of_points_is_refused(maker, n):
    with pytest.raises(ValueError, match="give a whole number of at least 1") as refusal:
        maker(n)
    assert repr(n) in str(refusal.value)


@pytest.mark.parametrize("noise", [-0.1, math.nan, math.inf])
def test_a_bad_noise_is_refused(noise):
    with pytest.raises(ValueError, match=f"noise is {noise}; give 0 or a positive, finite number"):
        around_line(10, noise=noise)
