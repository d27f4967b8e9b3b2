"""The three wirings against searches through their graphs, and their costs against what PyTorch's layers multiply."""

import itertools
from collections import deque

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from nbcode.models.wiring import (
    KINDS,
    depth_needed,
    longest_path,
    multiplications,
    pairwise_multiplications,
    path,
    receptive_field,
    sequential_steps,
)

CONVOLUTIONS = [{"kernel": kernel, "dilated": dilated} for kernel in (3, 5, 7) for dilated in (False, True)]
WIRINGS = [*(("convolution", options) for options in CONVOLUTIONS), ("recurrence", {}), ("attention", {})]
every_wiring = pytest.mark.parametrize(("kind", "options"), WIRINGS, ids=str)


def following(kind, node, n, depth, kernel=3, dilated=False):
    """The nodes that one step leads to, written down from the definition."""
    layer, position = node
    if kind == "recurrence" and layer > 0 and position + 1 < n:
        yield layer, position + 1
    if layer == depth:
        return
    if kind == "recurrence":
        yield layer + 1, position
    elif kind == "attention":
        yield from ((layer + 1, other) for other in range(n))
    else:
        apart = 2**layer if dilated else 1
        for offset in range(-(kernel // 2), kernel // 2 + 1):
            if 0 <= position + offset * apart < n:
                yield layer + 1, position + offset * apart


def distances(kind, source, n, depth, **options):
    """Steps from an input token to every node that it reaches, by breadth-first search."""
    found, waiting = {(0, source): 0}, deque([(0, source)])
    while waiting:
        node = waiting.popleft()
        for other in following(kind, node, n, depth, **options):
            if other not in found:
                found[other] = found[node] + 1
                waiting.append(other)
    return found


@every_wiring
@pytest.mark.parametrize("n", [1, 2, 7, 13])
def test_a_path_is_one_of_the_shortest_in_the_graph_and_missing_only_where_there_is_none(kind, options, n):
    for depth, source in itertools.product(range(1, 7), range(n)):
        found = distances(kind, source, n, depth, **options)
        for target in range(n):
            nodes = path(kind, source, target, depth, **options)
            if nodes is None:
                assert (depth, target) not in found
                continue
            assert nodes[0] == (0, source) and nodes[-1] == (depth, target)
            assert len(nodes) - 1 == found[depth, target]
            for here, there in itertools.pairwise(nodes):
                assert there in following(kind, here, n, depth, **options)


@every_wiring
@pytest.mark.parametrize("n", [1, 6, 17])
def test_the_receptive_field_is_what_reaches_the_target(kind, options, n):
    for depth in range(1, 6):
        reached = [distances(kind, source, n, depth, **options) for source in range(n)]
        for target in range(n):
            seen = receptive_field(kind, target, depth, n, **options)
            assert list(seen) == [source for source in range(n) if (depth, target) in reached[source]]


@every_wiring
@pytest.mark.parametrize("n", range(1, 21))
def test_the_longest_path_is_the_worst_pair_at_the_first_depth_that_connects_all(kind, options, n):
    pairs = [(s, t) for s in range(n) for t in range(n) if s <= t or kind != "recurrence"]

    def worst(depth):
        steps = [distances(kind, source, n, depth, **options) for source in range(n)]
        return max(steps[s].get((depth, t), float("inf")) for s, t in pairs)

    depth = depth_needed(kind, n, **options)
    assert longest_path(kind, n, **options) == worst(depth)
    assert depth == 1 or worst(depth - 1) == float("inf")


@pytest.mark.parametrize("n", [1, 5, 11])
@pytest.mark.parametrize("depth", [1, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_sequential_steps_are_the_longest_chain_of_operations(kind, depth, n):
    chain = dict.fromkeys(((0, t) for t in range(n)), 0)  # tokens are there from the start
    # Layer by layer, left to right, all that a node waits for comes before it.
    for node in itertools.product(range(depth + 1), range(n)):
        for other in following(kind, node, n, depth):
            chain[other] = max(chain.get(other, 0), chain[node] + 1)
    assert sequential_steps(kind, n, depth) == max(chain.values())


def test_the_examples_of_the_chapter():
    assert path("convolution", 0, 11, depth=2) is None
    assert len(path("recurrence", 0, 11, depth=2)) - 1 == 13
    assert path("attention", 0, 11, depth=2) == [(0, 0), (1, 0), (2, 11)]
    assert path("convolution", 0, 11, depth=4, dilated=True) == [(0, 0), (1, 1), (2, 3), (3, 3), (4, 11)]
    assert depth_needed("convolution", 12) == 11 and depth_needed("convolution", 12, dilated=True) == 4
    assert path("recurrence", 5, 4, depth=3) is None


def flops(compute) -> int:
    with FlopCounterMode(display=False) as counter:
        compute()
    return counter.get_total_flops()


class SelfAttention(nn.Module):
    """One head, without biases."""

    def __init__(self, d):
        super().__init__()
        self.query, self.key, self.value, self.out = (nn.Linear(d, d, bias=False) for _ in range(4))

    def forward(self, x):
        scores = self.query(x) @ self.key(x).mT
        return self.out(scores.softmax(dim=-1) @ self.value(x))


sizes = st.integers(1, 24)


# PyTorch counts a multiplication and the addition after it as two operations.
@settings(derandomize=True, deadline=None, max_examples=25)
@given(n=sizes, d=sizes, kernel=st.sampled_from([1, 3, 5]), dilation=st.integers(1, 4))
def test_a_convolution_multiplies_as_often_as_that_of_torch(n, d, kernel, dilation):
    layer = nn.Conv1d(d, d, kernel, dilation=dilation, padding=dilation * (kernel // 2), bias=False)
    assert 2 * multiplications("convolution", n, d, kernel=kernel) == flops(lambda: layer(torch.zeros(1, d, n)))


@settings(derandomize=True, deadline=None, max_examples=25)
@given(n=sizes, d=sizes)
def test_a_recurrent_layer_multiplies_as_often_as_that_of_torch(n, d):
    layer = nn.RNN(d, d, bias=False, batch_first=True)
    assert 2 * multiplications("recurrence", n, d) == flops(lambda: layer(torch.zeros(1, n, d)))


@settings(derandomize=True, deadline=None, max_examples=25)
@given(n=sizes, d=sizes)
def test_attention_multiplies_as_often_as_its_matrix_products(n, d):
    layer = SelfAttention(d)
    assert 2 * multiplications("attention", n, d) == flops(lambda: layer(torch.zeros(1, n, d)))
    many = nn.MultiheadAttention(2 * d, 2, bias=False, batch_first=True)
    x = torch.zeros(1, n, 2 * d)
    assert 2 * multiplications("attention", n, 2 * d) == flops(lambda: many(x, x, x))


@pytest.mark.parametrize("d", [1, 4, 64, 511])
def test_pairs_cost_more_than_recurrence_exactly_where_there_are_more_tokens_than_numbers_in_each(d):
    dearer = lambda n: pairwise_multiplications(n, d) > multiplications("recurrence", n, d)
    assert [n for n in range(1, 2 * d + 2) if dearer(n)] == list(range(d + 1, 2 * d + 2))
    assert all(multiplications("attention", n, d) > multiplications("recurrence", n, d) for n in range(1, 2 * d))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: path("cnn", 0, 1, 1), "kind is 'cnn'; choose one of convolution, recurrence, attention"),
        (lambda: path("attention", -1, 1, 1), "source=-1, target=1; positions are counted from 0"),
        (lambda: path("attention", 0, 1, 0), "depth=0; give at least 1"),
        (lambda: path("convolution", 0, 1, 1, kernel=4), "kernel=4; give an odd width"),
        (lambda: path("convolution", 0, 1, 1, kernel=-1), "kernel=-1; give an odd width"),
        (lambda: receptive_field("attention", 8, 1, 8), "target=8; with n=8 the positions are 0 to 7"),
        (lambda: depth_needed("convolution", 4, kernel=1), "kernel=1 never leaves its position"),
        (lambda: longest_path("recurrence", 0), "n=0; give at least 1"),
        (lambda: sequential_steps("gru", 3), "kind is 'gru'"),
        (lambda: multiplications("attention", 3, 0), "d=0; give at least 1"),
        (lambda: pairwise_multiplications(0, 3), "n=0; give at least 1"),
    ],
)
def test_a_mistake_is_told_with_what_is_allowed(call, message):
    with pytest.raises(ValueError) as error:
        call()
    assert message in str(error.value)
