"""The sequence tasks: every target can be found by a person from the sequence alone, and bad sizes are refused."""

import pytest
import torch

from nbcode.data.recall import KEYS, NO_TARGET, QUERY, SYMBOLS, TASKS, VOCABULARY, lookup, pattern, pattern_rule, recall

SIZES = [(1, 2), (5, 4), (40, 17)]


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("n,distance", SIZES)
@pytest.mark.parametrize("task", TASKS)
def test_shapes_types_and_ranges(task, n, distance):
    tokens, targets = TASKS[task](n, distance, seeded())
    assert tokens.shape == targets.shape == (n, distance + 1)
    assert tokens.dtype == targets.dtype == torch.int64
    assert tokens.min() >= 0 and tokens.max() < VOCABULARY[task]
    asked = targets != NO_TARGET
    assert asked.any() and targets[asked].min() >= 0 and targets[asked].max() < SYMBOLS


@pytest.mark.parametrize("n,distance", SIZES)
def test_recall_asks_for_the_first_symbol_at_the_end_and_nowhere_else(n, distance):
    tokens, targets = recall(n, distance, seeded(1))
    for row, wanted in zip(tokens.tolist(), targets.tolist(), strict=True):
        assert row[-1] == QUERY and QUERY not in row[:-1]
        assert wanted == [NO_TARGET] * distance + [row[0]]


@pytest.mark.parametrize("n,distance", SIZES)
def test_pattern_follows_one_rule_over_three_neighbors_everywhere(n, distance):
    tokens, targets = pattern(n, distance, seeded(2))
    rule = pattern_rule()
    for row, wanted in zip(tokens.tolist(), targets.tolist(), strict=True):
        assert wanted[:2] == [NO_TARGET, NO_TARGET]
        assert wanted[2:] == [rule[row[k - 2]][row[k - 1]][row[k]].item() for k in range(2, distance + 1)]


def test_the_rule_needs_all_three_neighbors():
    """Who leaves one out is right little more often than by guessing the most frequent answer."""
    rule = pattern_rule()
    for left_out in range(3):
        best = torch.nn.functional.one_hot(rule, SYMBOLS).sum(dim=left_out).amax(dim=-1)  # (8, 8): most frequent answer
        assert best.float().mean() / SYMBOLS < 0.4


@pytest.mark.parametrize("n,distance", SIZES)
def test_lookup_asks_for_a_key_that_was_shown_with_one_value(n, distance):
    tokens, targets = lookup(n, distance, seeded(3))
    for row, wanted in zip(tokens.tolist(), targets.tolist(), strict=True):
        shown = [divmod(token, SYMBOLS) for token in row[:-1]]
        values = dict(shown)
        assert all(values[key] == value and key < KEYS for key, value in shown)
        asked = row[-1] - KEYS * SYMBOLS
        assert wanted == [NO_TARGET] * distance + [values[asked]]


@pytest.mark.parametrize("task", TASKS)
def test_a_seed_fixes_the_data_and_data_do_not_repeat(task):
    generator = seeded(4)
    first, second = TASKS[task](20, 12, generator), TASKS[task](20, 12, generator)
    again = TASKS[task](20, 12, seeded(4))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0], second[0])


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("sizes", [(0, 4), (-1, 4), (4, 0), (True, 4), (4, 2.0), (4, "8")])
def test_bad_sizes_are_refused(task, sizes):
    with pytest.raises(ValueError, match="whole number of at least"):
        TASKS[task](*sizes, seeded())


def test_a_pattern_needs_three_positions():
    with pytest.raises(ValueError, match=r"distance is 1; .* at least 2"):
        pattern(3, 1, seeded())
