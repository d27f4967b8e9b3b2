"""The cost of a step: memory counted against what the layers keep, and where two curves cross."""

import math

import pytest
import torch

from nbcode.experiments import step_cost
from nbcode.experiments.step_cost import BATCH, LAYERS, crossing, kept_bytes


def kept(name, length, width=32):
    torch.manual_seed(0)
    return kept_bytes(LAYERS[name](width), torch.randn(BATCH, length, width, requires_grad=True))


def test_attention_keeps_a_weight_for_every_pair():
    """Of the plain form, beside what grows with the length: the softmax's weights, at least."""
    per_pair = (kept("attention", 512) - 2 * kept("attention", 256)) / (512**2 - 2 * 256**2) / BATCH
    assert 4 <= per_pair <= 13  # bytes: one number, perhaps scores and mask too


@pytest.mark.parametrize("name", ["cnn", "rnn", "gru", "attention_fused"])
def test_the_others_keep_in_proportion_to_the_length(name):
    assert kept(name, 256) / kept(name, 128) == pytest.approx(2, rel=0.05)


def test_neither_the_input_nor_parameters_count():
    layer = torch.nn.Linear(32, 32)
    assert kept_bytes(layer, torch.randn(4, 32, requires_grad=True)) == 0
    twice = torch.nn.Sequential(torch.nn.Linear(32, 32), torch.nn.ReLU(), torch.nn.Linear(32, 32))
    assert kept_bytes(twice, torch.randn(4, 32, requires_grad=True)) == 4 * 32 * 4  # the ReLU's result, once


def test_curves_cross_where_their_ratio_is_one():
    lengths = [16, 32, 64, 128]
    line, square = [100 * n for n in lengths], [2 * n**2 for n in lengths]
    assert crossing(lengths, square, line) == pytest.approx(50)
    assert crossing(lengths, line, square) is None
    assert crossing(lengths, [2] * 4, [1] * 4) == 16
    assert crossing(lengths, [3, 1, 1, 3], [2] * 4) == pytest.approx(64 * 2 ** (math.log(2) / math.log(3)))  # for good
    with pytest.raises(ValueError, match="as many of each"):
        crossing([], [], [])
    with pytest.raises(ValueError, match="4 lengths, 3 and 4 costs"):
        crossing(lengths, line[:3], line)


def test_a_measurement_has_all_columns():
    measured = step_cost.measure(8, 16, repeats=1)
    assert set(measured) == set(step_cost.STUDY.values)
    assert all(value > 0 for value in measured.values())


def test_the_committed_table_holds_every_cell():
    rows = step_cost.STUDY.results().rows
    assert [(row["width"], row["length"]) for row in rows] == [
        (width, length) for width in step_cost.WIDTHS for length in step_cost.LENGTHS
    ]
