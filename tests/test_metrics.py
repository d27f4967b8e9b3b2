"""Calibration and coverage, against plain Python."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nbcode.training.metrics import calibration, calibration_error, coverage, threshold_for

CASES = st.lists(st.tuples(st.floats(0, 1, width=32), st.booleans()), min_size=1, max_size=40)


def tensors(cases):
    confidence, right = zip(*cases, strict=True)
    return torch.tensor(confidence), torch.tensor(right)


@settings(derandomize=True, max_examples=80, deadline=None)
@given(CASES, st.integers(1, 12))
def test_every_case_is_in_the_bin_of_its_confidence(cases, bins):
    found = calibration(*tensors(cases), bins)
    assert sum(each.count for each in found) == len(cases)
    for each in found:
        here = [(c, r) for c, r in cases if each.low < c <= each.high or (c == 0 and each.low == 0)]
        if each.count != len(here):  # a confidence on an edge, which floats put to either side
            assert any(min(abs(c - each.low), abs(c - each.high)) < 1e-6 for c, _ in cases)
            continue
        assert each.confidence == pytest.approx(sum(c for c, _ in here) / len(here))
        assert each.accuracy == pytest.approx(sum(r for _, r in here) / len(here))


def test_the_calibration_error_is_a_mean_over_cases():
    confidence, right = torch.tensor([0.9, 0.9, 0.9, 0.1]), torch.tensor([True, True, False, False])
    assert calibration_error(calibration(confidence, right)) == pytest.approx((3 * abs(2 / 3 - 0.9) + 0.1) / 4)


def test_a_calibrated_model_has_no_error():
    confidence = torch.tensor([0.75] * 8)
    assert calibration_error(calibration(confidence, torch.tensor([True] * 6 + [False] * 2))) == pytest.approx(0)


@settings(derandomize=True, max_examples=80, deadline=None)
@given(CASES)
def test_coverage_counts_what_lies_at_or_above_each_threshold(cases):
    covered = coverage(*tensors(cases))
    for threshold, share, accuracy in zip(covered.threshold, covered.share, covered.accuracy, strict=True):
        above = [r for c, r in cases if c >= threshold]
        assert share == pytest.approx(len(above) / len(cases))
        assert accuracy == pytest.approx(sum(above) / len(above))


def test_the_threshold_is_the_lowest_that_keeps_the_accuracy():
    confidence = torch.tensor([0.9, 0.8, 0.7, 0.6])
    covered = coverage(confidence, torch.tensor([True, False, True, True]))  # 1, 1/2, 2/3, 3/4
    assert threshold_for(covered, 0.75) == pytest.approx(0.6)
    assert threshold_for(covered, 0.9) == pytest.approx(0.9)
    assert threshold_for(coverage(confidence, torch.zeros(4)), 0.5) > 1


@pytest.mark.parametrize(
    ("confidence", "right", "told"),
    [
        (torch.ones(3), torch.ones(2), r"confidence has shape \(3,\) and right \(2,\)"),
        (torch.ones(0), torch.ones(0), "n at least 1"),
        (torch.tensor([0.5, 1.5]), torch.ones(2), "give probabilities"),
        (torch.tensor([0.5, float("nan")]), torch.ones(2), "give probabilities"),
    ],
)
def test_what_is_no_confidence_is_refused(confidence, right, told):
    for function in (calibration, coverage):
        with pytest.raises(ValueError, match=told):
            function(confidence, right)


def test_no_bin_is_refused():
    with pytest.raises(ValueError, match="bins is 0"):
        calibration(torch.ones(1), torch.ones(1), 0)
