"""Batches of similar length: every text once, random, repeatable, and with less padding than plain shuffling."""

from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nbcode.data.batches import by_length

repeatable = settings(derandomize=True, deadline=None, max_examples=150)
LENGTHS = torch.randint(5, 120, (500,), generator=torch.Generator().manual_seed(7)).tolist()


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def padding(batches):
    """How many tokens of padding the batches of ``LENGTHS`` hold."""
    return sum(
        max(LENGTHS[one] for one in batch) * len(batch) - sum(LENGTHS[one] for one in batch) for batch in batches
    )


@repeatable
@given(
    lengths=st.lists(st.integers(1, 40), max_size=60),
    batch_size=st.integers(1, 9),
    pool=st.integers(1, 5),
    seed=st.integers(0, 9),
)
def test_every_index_comes_once_and_only_one_batch_is_smaller(lengths, batch_size, pool, seed):
    batches = by_length(lengths, batch_size, seeded(seed), pool)
    assert sorted(index for batch in batches for index in batch) == list(range(len(lengths)))
    sizes = sorted(map(len, batches))
    assert sizes[1:] == [batch_size] * (len(sizes) - 1) and len(sizes) == -(-len(lengths) // batch_size)


@repeatable
@given(lengths=st.lists(st.integers(1, 40), min_size=1, max_size=60), batch_size=st.integers(1, 9))
def test_in_one_pool_no_text_of_a_batch_lies_between_those_of_another(lengths, batch_size):
    batches = by_length(lengths, batch_size, seeded(), pool=len(lengths))
    spans = sorted((min(lengths[one] for one in batch), max(lengths[one] for one in batch)) for batch in batches)
    assert all(before[1] <= after[0] for before, after in pairwise(spans))


def test_the_order_is_the_generators_and_each_epoch_has_its_own():
    numbers = seeded(3)
    first, second = by_length(LENGTHS, 16, numbers), by_length(LENGTHS, 16, numbers)
    assert first == by_length(LENGTHS, 16, seeded(3)) and first != second
    assert {frozenset(batch) for batch in first} != {frozenset(batch) for batch in second}  # other texts meet
    assert by_length(LENGTHS, 16, seeded(4)) != first


def test_the_batches_come_in_no_order_of_length():
    longest = [max(LENGTHS[one] for one in batch) for batch in by_length(LENGTHS, 16, seeded(), pool=100)]
    assert longest != sorted(longest) and longest != sorted(longest, reverse=True)


@pytest.mark.parametrize("seed", range(10))
def test_larger_pools_pad_less(seed):
    shuffled, some, all_of_them = (padding(by_length(LENGTHS, 16, seeded(seed), pool)) for pool in (1, 4, 100))
    assert all_of_them < 0.4 * some and some < 0.6 * shuffled


def test_no_text_makes_no_batch_and_a_tensor_of_lengths_will_do():
    assert by_length([], 4, seeded()) == []
    assert by_length(torch.tensor(LENGTHS), 16, seeded()) == by_length(LENGTHS, 16, seeded())


@pytest.mark.parametrize("wrong", [0, -2, 2.0])
def test_a_size_that_is_no_whole_number_of_at_least_1_is_refused(wrong):
    with pytest.raises(ValueError, match=f"batch_size is {wrong}; give a whole number of at least 1"):
        by_length(LENGTHS, wrong, seeded())
    with pytest.raises(ValueError, match=f"pool is {wrong}; give"):
        by_length(LENGTHS, 4, seeded(), wrong)
