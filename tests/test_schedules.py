"""Learning rates step by step: against tables made by hand, the paper's formula, and PyTorch's own schedules."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.optim.lr_scheduler import CosineAnnealingLR, LambdaLR, LinearLR
from transformers import get_linear_schedule_with_warmup

from nbcode.training.schedules import inverse_square_root, warmup_cosine, warmup_linear

repeatable = settings(derandomize=True, deadline=None, max_examples=60)


def rates(make, n, rate=0.1):
    """The rates of the first n steps that a schedule gives to an optimizer."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=rate)
    schedule = make(optimizer)
    seen = []
    for _ in range(n):
        seen.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return seen


def test_the_papers_schedule_by_hand():
    factor = inverse_square_root(d_model=16, warmup=4)
    expected = [1 / 32, 2 / 32, 3 / 32, 4 / 32, 1 / (4 * math.sqrt(5)), 1 / (4 * math.sqrt(6))]
    assert [factor(step) for step in range(6)] == pytest.approx(expected)
    assert factor(15) == pytest.approx(1 / 16) and factor(99) == pytest.approx(1 / 40)


@repeatable
@given(d_model=st.integers(1, 1024), warmup=st.integers(1, 300))
def test_the_papers_schedule_is_its_formula_with_one_peak(d_model, warmup):
    factor = inverse_square_root(d_model, warmup)
    found = [factor(step) for step in range(2 * warmup)]
    formula = [1 / math.sqrt(d_model) * min(1 / math.sqrt(n), n / warmup**1.5) for n in range(1, 2 * warmup + 1)]
    assert found == pytest.approx(formula)
    assert max(found) == pytest.approx(found[warmup - 1]) == pytest.approx((d_model * warmup) ** -0.5)
    assert found[: warmup - 1] == sorted(found[: warmup - 1])
    assert found[warmup:] == sorted(found[warmup:], reverse=True)


def test_the_papers_own_peak():
    assert inverse_square_root(512, 4000)(3999) == pytest.approx(6.99e-4, rel=1e-3)


def test_warm_up_and_cosine_by_hand():
    factor = warmup_cosine(steps=10, warmup=4)
    third = math.sqrt(3) / 4  # half of cos(pi / 6)
    expected = [0.25, 0.5, 0.75, 1, 1, 0.5 + third, 0.75, 0.5, 0.25, 0.5 - third, 0, 0, 0]
    assert [factor(step) for step in range(13)] == pytest.approx(expected)
    half = warmup_cosine(steps=4, warmup=0, last=0.5)
    assert [half(step) for step in (0, 2, 4, 9)] == pytest.approx([1, 0.75, 0.5, 0.5])


@repeatable
@given(steps=st.integers(1, 30), last=st.sampled_from([0.0, 0.1, 1.0]))
def test_without_warm_up_it_is_pytorchs_cosine(steps, last):
    ours = rates(lambda optimizer: LambdaLR(optimizer, warmup_cosine(steps, 0, last)), steps + 1)
    theirs = rates(lambda optimizer: CosineAnnealingLR(optimizer, steps, eta_min=0.1 * last), steps + 1)
    assert ours == pytest.approx(theirs, abs=1e-12)


@repeatable
@given(steps=st.integers(2, 30), data=st.data())
def test_the_warm_up_is_pytorchs_line_and_the_rest_never_rises(steps, data):
    warmup = data.draw(st.integers(2, steps))
    ours = rates(lambda optimizer: LambdaLR(optimizer, warmup_cosine(steps, warmup, 0.2)), steps + 3)
    line = lambda optimizer: LinearLR(optimizer, 1 / warmup, total_iters=warmup - 1)
    assert ours[:warmup] == pytest.approx(rates(line, warmup))
    assert ours[warmup:] == sorted(ours[warmup:], reverse=True)
    assert ours[steps:] == pytest.approx([0.02] * 3)
    assert min(ours) > 0


def test_a_run_may_warm_up_to_its_end():
    factor = warmup_cosine(steps=3, warmup=3)
    assert [factor(step) for step in range(5)] == pytest.approx([1 / 3, 2 / 3, 1, 0, 0])


def test_berts_schedule_by_hand():
    factor = warmup_linear(steps=6, warmup=2)
    assert [factor(step) for step in range(8)] == pytest.approx([0.5, 1, 1, 0.75, 0.5, 0.25, 0, 0])
    assert [warmup_linear(2, 2)(step) for step in range(4)] == pytest.approx([0.5, 1, 0, 0])


@repeatable
@given(steps=st.integers(1, 30), data=st.data())
def test_berts_schedule_is_hugging_faces_without_its_first_step_of_nothing(steps, data):
    warmup = data.draw(st.integers(0, steps))
    ours = rates(lambda optimizer: LambdaLR(optimizer, warmup_linear(steps, warmup)), steps + 2)
    theirs = rates(lambda optimizer: get_linear_schedule_with_warmup(optimizer, warmup, steps), steps + 2)
    assert ours[:warmup] == pytest.approx(theirs[1:warmup] + [0.1] * (warmup > 0))
    assert ours[warmup:] == pytest.approx(theirs[warmup:])
    assert min(ours[:steps]) > 0  # no step is lost


@pytest.mark.parametrize(("steps", "warmup"), [(0, 0), (10, 11), (10, -1)])
def test_berts_schedule_refuses_numbers_out_of_range(steps, warmup):
    with pytest.raises(ValueError, match=rf"steps={steps}, warmup={warmup}; give 1 <= steps"):
        warmup_linear(steps, warmup)


@pytest.mark.parametrize(("d_model", "warmup"), [(0, 4), (16, 0), (-1, 4)])
def test_the_papers_schedule_refuses_what_has_no_root(d_model, warmup):
    with pytest.raises(ValueError, match=rf"d_model={d_model}, warmup={warmup}; both must be at least 1"):
        inverse_square_root(d_model, warmup)


@pytest.mark.parametrize(
    ("steps", "warmup", "last"), [(0, 0, 0), (10, 11, 0), (10, -1, 0), (10, 2, -0.1), (10, 2, 1.1), (10, 2, math.nan)]
)
def test_warm_up_and_cosine_refuse_numbers_out_of_range(steps, warmup, last):
    with pytest.raises(ValueError, match=rf"steps={steps}, warmup={warmup}, last={last}; give 1 <= steps"):
        warmup_cosine(steps, warmup, last)
