"""Values and gradients of single numbers against PyTorch on random expressions, and against finite differences."""

import gc
import math
import operator
import weakref
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from nbcode.autograd import Value, ordered

repeatable = settings(derandomize=True, deadline=None)

BINARY = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "**": operator.pow,
}
UNARY = ["neg", "exp", "log", "tanh", "relu", "sigmoid", "leaky_relu", "elu", "gelu"]
IN_FUNCTIONAL = {"leaky_relu": functional.leaky_relu, "elu": functional.elu, "gelu": functional.gelu}


def apply(name, x):
    if isinstance(x, torch.Tensor) and name in IN_FUNCTIONAL:  # no methods of a tensor
        return IN_FUNCTIONAL[name](x)
    return -x if name == "neg" else getattr(x, name)()


def leaf(number):
    return torch.tensor(number, dtype=torch.float64, requires_grad=True)


def close(mine, theirs):
    return mine == pytest.approx(theirs, rel=1e-9, abs=1e-9, nan_ok=True)


def sane(name, x, y=None):
    """Whether the operation is defined here, and smooth enough that rounding stays rounding."""
    if name == "/":
        return abs(y) > 0.05
    if name == "**":
        return abs(y) <= 4 and x > 0.05
    return {"log": x > 0.05, "relu": abs(x) > 1e-6, "leaky_relu": abs(x) > 1e-6}.get(name, True)


class Pair:
    """The same number in both worlds, and a bound for the size of its derivative by anything behind it."""

    def __init__(self, mine, theirs):
        self.mine, self.theirs = mine, theirs
        theirs.retain_grad()
        self.reach = 1.0


class Program:
    """An expression that grows by instructions, from ours and from PyTorch's numbers side by side."""

    def __init__(self, leaves):
        self.pairs = [Pair(Value(number), leaf(number)) for number in leaves]

    def run(self, name, first, second, number, side):
        one, two = self.pairs[first % len(self.pairs)], self.pairs[second % len(self.pairs)]
        if name in UNARY:
            used, operands = [one], [(one.mine,), (one.theirs,)]
            do = lambda x: apply(name, x)
        else:
            used = {"both": [one, two], "left": [one], "right": [one]}[side]
            operands = {
                "both": [(one.mine, two.mine), (one.theirs, two.theirs)],
                "left": [(number, one.mine), (number, one.theirs)],
                "right": [(one.mine, number), (one.theirs, number)],
            }[side]
            do = BINARY[name]
        if not sane(name, *map(float, operands[0])):
            return
        mine, theirs = (do(*each) for each in operands)
        reach = 0.0
        for slope, parent in zip(mine.slopes, mine.parents, strict=True):
            reach += abs(slope) * next((pair.reach for pair in used if pair.mine is parent), 1.0)
        if abs(mine.data) < 1e3 and reach < 1e4:
            self.pairs.append(Pair(mine, theirs))
            self.pairs[-1].reach = max(1.0, reach)

    def check(self):
        for pair in self.pairs:
            assert close(pair.mine.data, pair.theirs.item())
            assert close(pair.mine.grad, 0.0 if pair.theirs.grad is None else pair.theirs.grad.item())


numbers = st.floats(-3, 3, allow_nan=False).map(lambda number: round(number, 3) or 1.0)
instructions = st.tuples(
    st.sampled_from([*BINARY, *UNARY]),
    st.integers(0, 30),
    st.integers(0, 30),
    numbers,
    st.sampled_from(["both", "left", "right"]),
)


@settings(repeatable, max_examples=400)
@given(
    leaves=st.lists(numbers, min_size=1, max_size=4),
    steps=st.lists(instructions, min_size=1, max_size=25),
    roots=st.lists(st.integers(0, 30), max_size=3),
)
def test_random_expressions_equal_pytorch_in_values_and_in_gradients_that_add_up(leaves, steps, roots):
    program = Program(leaves)
    for instruction in steps:
        program.run(*instruction)
    # The last result first; then, without zeroing, from anywhere, perhaps from the same again.
    for root in [-1, *(root % len(program.pairs) for root in roots)]:
        program.pairs[root].mine.backward()
        program.pairs[root].theirs.backward(retain_graph=True)
    program.check()


def test_the_random_expressions_reach_every_operation():
    program = Program([0.7, 1.9])
    for name in BINARY:
        for side in ("both", "left", "right"):
            program.run(name, 0, 1, 1.3, side)
    for name in UNARY:
        program.run(name, 0, 0, 1.0, "both")
    assert len(program.pairs) == 2 + 3 * len(BINARY) + len(UNARY)
    for pair in program.pairs[2:]:
        pair.mine.backward()
        pair.theirs.backward(retain_graph=True)
    program.check()


FORMULAS = {
    "polynomial": lambda a, b, c: a * a * b - 3 * b / c + c**3 - 2,
    "neuron": lambda a, b, c: (a * 0.5 + b * -1.5 + c).tanh(),
    "softmax": lambda a, b, c: a.exp() / (a.exp() + b.exp() + c.exp()),
    "power": lambda a, b, c: a**b + 2**c + (a + 1) ** -1.5,
    "cross-entropy": lambda a, b, c: -(a * b - c).sigmoid().log(),
    "relu": lambda a, b, c: (a - b).relu() * 3 + (b - a).relu() * c,
}


@pytest.mark.parametrize("name", FORMULAS)
@pytest.mark.parametrize("point", [(0.8, 1.7, 0.4), (2.0, 0.3, -1.1)])
def test_gradients_equal_finite_differences(name, point):
    formula, h = FORMULAS[name], 1e-5
    values = [Value(number) for number in point]
    formula(*values).backward()
    for place, value in enumerate(values):
        above, below = (
            formula(*(Value(number + sign * h * (i == place)) for i, number in enumerate(point))).data
            for sign in (1, -1)
        )
        assert value.grad == pytest.approx((above - below) / (2 * h), rel=1e-7, abs=1e-7)


def test_a_number_that_is_used_twice_gets_both_parts_of_its_gradient():
    a = Value(3)
    b = a + a
    (b * b + a).backward()
    assert (a.grad, b.grad) == (2 * 2 * 6 + 1, 2 * 6)


def test_gradients_add_up_over_calls_until_they_are_zeroed():
    a = Value(2)
    inner = a * 3
    result = inner * a
    result.backward()
    result.backward()
    assert (a.grad, inner.grad, result.grad) == (24, 4, 2)
    inner.backward()
    assert (a.grad, inner.grad, result.grad) == (27, 5, 2)
    for value in ordered(result):
        value.grad = 0.0
    result.backward()
    assert (a.grad, inner.grad, result.grad) == (12, 2, 1)


def test_plus_equals_makes_a_new_value_and_leaves_the_old_one():
    a = Value(2)
    total = a
    total += 3 * a
    total -= 1
    total *= a
    total /= 2
    total **= 2
    assert a.data == 2 and total.data == 49
    total.backward()
    # ((4a - 1) a / 2)^2 has the derivative 2 (2a^2 - a/2) (4a - 1/2).
    assert a.grad == pytest.approx(2 * 7 * 7.5)


def test_values_can_be_summed():
    values = [Value(number) for number in range(5)]
    total = sum(values)
    total.backward()
    assert total.data == 10 and [value.grad for value in values] == [1] * 5


def test_a_slope_stays_what_it_was_when_a_number_is_changed_afterwards():
    a = Value(3)
    square = a * a
    a.data = 100.0
    square.backward()
    assert a.grad == 6


@pytest.mark.parametrize("number", [np.float64(2), np.float32(2), np.int64(2), Fraction(2), 2, 2.0])
@pytest.mark.parametrize("name", BINARY)
def test_any_real_number_may_stand_on_either_side(number, name):
    for left, right in ((number, Value(3)), (Value(3), number)):
        result = BINARY[name](left, right)
        assert type(result) is Value and type(result.data) is float
        assert result.data == pytest.approx(BINARY[name](float(left), float(right)))


def test_a_value_holds_a_float():
    for number in (1, np.float32(1), np.int8(1), Fraction(1), 1.0):
        assert type(Value(number).data) is float and Value(number).data == 1
    assert float(Value(2.5)) == 2.5


NO_NUMBERS = ["1", None, True, np.True_, torch.tensor(2.0), 1j, np.array([1.0, 2.0]), [1.0], Value]


@pytest.mark.parametrize("bad", NO_NUMBERS, ids=repr)
def test_what_is_no_real_number_is_refused(bad):
    with pytest.raises(ValueError, match="a Value holds one real number") as refusal:
        Value(bad)
    assert repr(bad) in str(refusal.value)


@pytest.mark.parametrize("bad", NO_NUMBERS, ids=repr)
@pytest.mark.parametrize("name", BINARY)
def test_operators_refuse_it_on_both_sides_with_a_type_error(bad, name):
    with pytest.raises(TypeError):
        BINARY[name](Value(1), bad)
    with pytest.raises(TypeError):
        BINARY[name](bad, Value(1))


INF, NAN = math.inf, math.nan
EDGES = [
    *(("**", base, exponent) for base in (0.0, -0.0) for exponent in (0, 1, 2, 3, 0.5, 1.5)),
    *(("**", base, exponent) for base in (-2.0, -0.5) for exponent in (-3, -2, -1, 0, 1, 2, 3)),
    ("**", 1e200, 2),
    ("**", -1e200, 2),
    ("**", -1e200, 3),
    ("**", -1e-200, -3),
    ("**", 1e-200, 3),
    ("**", 10.0, 400),
    ("**", -10.0, 401),
    ("**", INF, 2),
    ("**", INF, 0),
    ("**", NAN, 2),
    ("*", INF, 0.0),
    ("*", 1e200, -1e200),
    ("/", 1.0, INF),
    ("/", 1e200, -1e-200),
    ("/", 0.0, -3.0),
    ("+", INF, -INF),
    ("-", INF, INF),
]


def same(ours, torchs):
    """Equal to the last digits, infinities with their sign; NaN equals NaN."""
    return ours == pytest.approx(torchs, rel=1e-12, abs=0, nan_ok=True)


@pytest.mark.parametrize(("name", "left", "right"), EDGES)
def test_at_the_edges_numbers_and_gradients_are_those_of_pytorch(name, left, right):
    mine, theirs = (Value(left), Value(right)), (leaf(left), leaf(float(right)))
    one, other = BINARY[name](*mine), BINARY[name](*theirs)
    one.backward()
    other.backward()
    assert same(one.data, other.item())
    assert all(same(ours.grad, torchs.grad.item()) for ours, torchs in zip(mine, theirs, strict=True))


# PyTorch takes x ** 0.5 for a square root, and gives its slope at -0 the sign of that zero.
@pytest.mark.parametrize(("name", "left", "right"), [edge for edge in EDGES if str(edge[1:]) != "(-0.0, 0.5)"])
def test_at_the_edges_a_plain_number_on_the_right_does_as_in_pytorch(name, left, right):
    mine, theirs = Value(left), leaf(left)
    one, other = BINARY[name](mine, right), BINARY[name](theirs, right)
    one.backward()
    other.backward()
    assert same(one.data, other.item()) and same(mine.grad, theirs.grad.item())


@pytest.mark.parametrize("name", ["exp", "tanh", "sigmoid", "relu", "neg", "leaky_relu", "elu"])
@pytest.mark.parametrize("x", [0.0, -0.0, 1e-300, 20.0, -20.0, 709.78, 709.79, 1e4, -800.0, INF, -INF, NAN])
def test_functions_at_the_edges_are_those_of_pytorch(name, x):
    mine, theirs = Value(x), leaf(x)
    one, other = apply(name, mine), apply(name, theirs)
    one.backward()
    other.backward()
    # One function on its own, so almost to the last digit; near 1, tanh loses its slope's digits as PyTorch's does.
    assert one.data == pytest.approx(other.item(), rel=1e-12, abs=0, nan_ok=True)
    if not (name in ("relu", "leaky_relu", "elu") and math.isnan(x)):
        assert mine.grad == pytest.approx(theirs.grad.item(), rel=1e-9, abs=1e-15, nan_ok=True)


@pytest.mark.parametrize("x", [0.0, 1e-300, 20.0, -5.0, 709.79, 1e200, -1e200, INF, NAN])
def test_gelu_at_the_edges_is_that_of_pytorch(x):
    mine, theirs = Value(x), leaf(x)
    one, other = mine.gelu(), IN_FUNCTIONAL["gelu"](theirs)
    one.backward()
    other.backward()
    assert one.data == pytest.approx(other.item(), rel=1e-12, abs=1e-12, nan_ok=True)
    assert mine.grad == pytest.approx(theirs.grad.item(), rel=1e-9, abs=1e-12, nan_ok=True)


def test_gelu_keeps_its_small_values_far_out():
    assert Value(-20).gelu().data == pytest.approx(-20 * math.erfc(20 / math.sqrt(2)) / 2, rel=1e-12, abs=0)


def test_sigmoid_keeps_its_small_values_far_out():
    assert Value(-700).sigmoid().data == pytest.approx(math.exp(-700), rel=1e-12, abs=0)


@pytest.mark.parametrize("x", [1e-300, 5e-324, 1.0, 1e300, INF])
def test_log_equals_pytorch_where_it_is_defined(x):
    mine, theirs = Value(x), leaf(x)
    mine.log().backward()
    theirs.log().backward()
    assert mine.log().data == pytest.approx(theirs.log().item())
    assert mine.grad == pytest.approx(theirs.grad.item(), rel=1e-12)


@pytest.mark.parametrize("x", [0.0, -0.0, -1.0, -INF])
def test_log_of_what_is_not_positive_is_refused(x):
    with pytest.raises(ValueError, match=f"log needs a positive number and got {x:g}"):
        Value(x).log()


@pytest.mark.parametrize("below", [0, 0.0, -0.0, Value(0)])
def test_division_by_zero_is_refused(below):
    with pytest.raises(ValueError, match=r"3 / 0 has no value; make sure that what stands below is not 0"):
        Value(3) / below
    with pytest.raises(ValueError, match="3 / 0 has no value"):
        3 / Value(float(below))


@pytest.mark.parametrize(("base", "exponent"), [(0, -1), (0, -0.5), (-0.0, -2), (-2, 0.5), (-2, -1.5), (-1e-9, 1 / 3)])
def test_a_power_that_is_no_real_number_is_refused(base, exponent):
    for power in (lambda: Value(base) ** exponent, lambda: base ** Value(exponent)):
        with pytest.raises(ValueError, match="is no real number; give a positive base"):
            power()


def test_a_negative_base_has_no_slope_along_its_exponent_but_keeps_its_own():
    base, exponent = Value(-2), Value(3)
    (base**exponent).backward()
    assert base.grad == 12 and math.isnan(exponent.grad)


def chain(length):
    first = Value(0.5)
    value = first
    for i in range(length):
        value = value * 1.0001 if i % 2 else value + 0.001
    return first, value


def test_a_chain_of_50_000_steps_has_a_gradient_and_goes_away_without_the_garbage_collector():
    first, last = chain(50_000)
    last.backward()
    assert first.grad == pytest.approx(1.0001**25_000, rel=1e-9)
    assert len(ordered(last)) == 1 + 50_000
    watched = weakref.ref(last.parents[0])
    gc.disable()
    try:
        del last
        assert watched() is None
    finally:
        gc.enable()
    assert first.grad > 1


def test_a_wide_graph_has_all_its_gradients():
    x = [Value(i % 7) for i in range(5_000)]
    w = [Value(i % 5) for i in range(5_000)]
    bias = Value(1)
    total = sum((a * b + bias for a, b in zip(x, w, strict=True)), Value(0))
    total.backward()
    assert [value.grad for value in x] == [i % 5 for i in range(5_000)]
    assert [value.grad for value in w] == [i % 7 for i in range(5_000)]
    assert bias.grad == 5_000


def test_a_ladder_of_doublings_is_walked_once_per_rung():
    first = value = Value(1)
    for _ in range(200):
        value = value + value  # 2^200 paths lead back
    value.backward()
    assert first.grad == value.data == 2.0**200


def test_the_order_has_each_value_once_after_its_parents_and_the_result_last():
    a, b = Value(1), Value(2)
    c = a * b
    d = c + a
    e = d * c - d
    order = ordered(e)
    assert order[-1] is e and len(order) == len(set(order)) == 6
    assert all(order.index(parent) < order.index(value) for value in order for parent in value.parents)
    assert ordered(a) == [a]
    first, last = chain(3_000)
    order = {value: place for place, value in enumerate(ordered(last))}
    steps = [last]
    while steps[-1] is not first:
        steps.append(steps[-1].parents[0])
    assert all(order[later] > order[earlier] for later, earlier in pairwise(steps))


def test_backward_reaches_only_what_is_behind():
    a = Value(1)
    b, sibling = a * 2, a * 3
    later = b * 5
    b.backward()
    assert (a.grad, sibling.grad, later.grad) == (2, 0, 0)


def test_a_value_remembers_what_computed_it():
    a, b = Value(2, name="a"), Value(3, name="b")
    results = [a + b, a - b, a * b, a / b, a**b, -a, a.exp(), a.log(), a.tanh(), a.sigmoid(), a.relu()]
    results += [a.leaky_relu(), a.elu(), a.gelu()]
    names = ["+", "−", "×", "/", "**", "neg", "exp", "log", "tanh", "sigmoid", "relu", "leaky relu", "elu", "gelu"]
    assert [value.operation for value in results] == names
    assert all(value.parents == (a, b) for value in results[:5])
    assert all(value.parents == (a,) for value in results[5:])
    with_numbers = [3 - a, a - 3, 2 / a, a**2.5]  # a plain number needs no gradient: it is no parent
    assert [value.operation for value in with_numbers] == ["3 −", "− 3", "2 /", "** 2.5"]
    assert all(value.parents == (a,) for value in with_numbers)
    assert (a.operation, a.parents, a.slopes, a.name, (a + b).name) == ("", (), (), "a", "")


def test_a_value_shows_its_number_and_its_gradient():
    a = Value(1 / 3)
    (a * 6).backward()
    assert repr(a) == "Value(data=0.333333, grad=6)"
    assert repr(Value(INF)) == "Value(data=inf, grad=0)"


def test_values_are_compared_by_identity_so_that_equal_numbers_stay_apart():
    a, b = Value(2), Value(2)
    assert a != b and len({a, b}) == 2
    (a * b * b).backward()
    assert (a.grad, b.grad) == (4, 8)
