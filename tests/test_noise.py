"""Random numbers that Python and a page draw alike: bit for bit the same, and nearly normal."""

import statistics
from itertools import islice

import pytest

from nbcode.data.noise import normals, uniforms
from nbcode.widgets.base import bundle
from nbsite.browser import watched

SEEDS = [0, 1, 2, 9999, 2**31 - 1, 2**31, 2**32 - 1]


@pytest.fixture(scope="module")
def in_the_page(browser):
    """Call a function of noise.js with a seed and a count."""
    with watched(browser) as seen:
        seen.page.evaluate(
            "async text => { noise = await import(URL.createObjectURL(new Blob([text], {type: 'text/javascript'}))) }",
            bundle("noise.js"),
        )
        yield lambda call: seen.page.evaluate(call)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_page_draws_the_same_numbers_to_the_last_bit(in_the_page, seed):
    call = f"(() => {{ const next = noise.uniforms({seed}); return Array.from({{length: 3000}}, next) }})()"
    assert in_the_page(call) == list(islice(uniforms(seed), 3000))
    assert in_the_page(f"[...noise.normals({seed}, 1000)]") == normals(seed, 1000)


def test_the_numbers_stay_what_they_are():
    """Figures and texts that quote them would change with them."""
    assert [round(value * 2**32) for value in islice(uniforms(0), 3)] == [1144304738, 1416247, 958946056]
    assert normals(0, 3) == pytest.approx([-1.7058177951, 0.2834731226, -0.6360567407], abs=1e-10)


def test_uniform_numbers_fill_their_range_evenly():
    drawn = list(islice(uniforms(3), 40_000))
    assert min(drawn) >= 0 and max(drawn) < 1
    tenths = [sum(int(10 * value) == k for value in drawn) for k in range(10)]
    assert all(abs(count - 4000) < 300 for count in tenths)  # five standard deviations


def test_normal_numbers_are_nearly_normal_and_do_not_depend_on_each_other():
    drawn = normals(4, 40_000)
    assert statistics.fmean(drawn) == pytest.approx(0, abs=0.025)
    assert statistics.pvariance(drawn) == pytest.approx(1, abs=0.035)
    bell = statistics.NormalDist()
    for limit in (0.5, 1, 2, 3):
        inside = sum(abs(value) < limit for value in drawn) / len(drawn)
        assert inside == pytest.approx(2 * bell.cdf(limit) - 1, abs=0.015)
    for lag in (1, 2, 32, 64):
        together = statistics.fmean(a * b for a, b in zip(drawn, drawn[lag:], strict=False))
        assert together == pytest.approx(0, abs=0.025)


def test_neighboring_seeds_are_strangers():
    for seed in range(20):
        one, other = normals(seed, 2000), normals(seed + 1, 2000)
        assert statistics.fmean(a * b for a, b in zip(one, other, strict=True)) == pytest.approx(0, abs=0.12)


def test_more_numbers_begin_like_fewer():
    assert normals(7, 50)[:20] == normals(7, 20)
    assert normals(7, 0) == []


@pytest.mark.parametrize("seed", [-1, 2**32, 0.5, None, "1", True])
def test_a_bad_seed_is_refused(seed):
    with pytest.raises(ValueError, match="whole number from 0 to 4294967295"):
        normals(seed, 3)


@pytest.mark.parametrize("count", [-1, 0.5, None, "1", True])
def test_a_bad_count_is_refused(count):
    with pytest.raises(ValueError, match="at least 0"):
        normals(0, count)
