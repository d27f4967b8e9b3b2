"""The perceptron rule against plain Python lists, Novikoff's bound, and the proof that XOR defeats it."""

import math
import random

import pytest
import torch

from nbcode.data import toy
from nbcode.models.neuron import Neurons
from nbcode.training.perceptron import correct, learn, mistake_bound


def reference(points, labels, epochs):
    """The rule as a textbook writes it: mistakes per epoch, and the state at the end of each epoch."""
    weights, bias = [0.0] * len(points[0]), 0.0
    mistakes, states = [], []
    for _ in range(epochs):
        wrong = 0
        for point, label in zip(points, labels, strict=True):
            total = bias
            for w, v in zip(weights, point, strict=True):
                total += w * v
            if label == 1 and total <= 0:
                weights = [w + v for w, v in zip(weights, point, strict=True)]
                bias += 1
                wrong += 1
            elif label == 0 and total > 0:
                weights = [w - v for w, v in zip(weights, point, strict=True)]
                bias -= 1
                wrong += 1
        mistakes.append(wrong)
        states.append((weights, bias))
        if wrong == 0:
            break
    return mistakes, states


def tensors(points, labels, dtype=torch.float64):
    return torch.tensor(points, dtype=dtype), torch.tensor(labels, dtype=dtype)


@pytest.mark.parametrize("seed", range(25))
def test_the_rule_equals_the_reference_on_whole_numbers_exactly(seed):
    rng = random.Random(seed)
    b, d = rng.randint(1, 12), rng.randint(1, 4)
    points = [[float(rng.randint(-3, 3)) for _ in range(d)] for _ in range(b)]
    labels = [float(rng.randint(0, 1)) for _ in range(b)]
    records = []
    run = learn(*tensors(points, labels, torch.float32), epochs=15, on_step=records.append)
    mistakes, states = reference(points, labels, 15)
    assert run.mistakes == mistakes
    assert [(record["weight"], record["bias"]) for record in records] == states
    assert run.neuron.weight.tolist() == [states[-1][0]] and run.neuron.bias.tolist() == [states[-1][1]]


@pytest.mark.parametrize("seed", range(15))
def test_the_rule_equals_the_reference_on_random_data(seed):
    rng = random.Random(seed)
    points = [[rng.gauss(0, 1) for _ in range(3)] for _ in range(20)]
    labels = [float(point[0] + rng.gauss(0, 0.5) > 0) for point in points]
    run = learn(*tensors(points, labels), epochs=12)
    mistakes, states = reference(points, labels, 12)
    assert run.mistakes == mistakes
    assert run.neuron.weight[0].tolist() == pytest.approx(states[-1][0], abs=1e-9)
    assert run.neuron.bias.item() == pytest.approx(states[-1][1], abs=1e-9)


def exact_bound(points, labels, line):
    """Novikoff's (R / gamma)^2 in plain Python."""
    extended = [[*point, 1.0] for point in points]
    radius = max(math.hypot(*point) for point in extended)
    sides = [sum(w * v for w, v in zip(line, point, strict=True)) for point in extended]
    gamma = min(side if label else -side for side, label in zip(sides, labels, strict=True)) / math.hypot(*line)
    return (radius / gamma) ** 2


@pytest.mark.parametrize("margin", [0.05, 0.1, 0.3])
def test_on_separable_data_the_rule_converges_within_the_bound(margin):
    for seed in range(12):
        x, y, line = toy.separable(40, margin, seed)
        run = learn(x, y, epochs=10_000)
        assert run.converged and run.mistakes[-1] == 0
        assert all(count > 0 for count in run.mistakes[:-1])
        assert sum(run.mistakes) <= exact_bound(x.tolist(), y.tolist(), line.tolist())
        w1, w2, b = *run.neuron.weight[0].tolist(), run.neuron.bias.item()
        assert [float(w1 * p + w2 * q + b > 0) for p, q in x.tolist()] == y.tolist()


def test_the_bound_is_the_formula():
    for seed in range(10):
        x, y, line = toy.separable(30, 0.1, seed)
        bound = mistake_bound(x, y, line)
        assert bound == pytest.approx(exact_bound(x.tolist(), y.tolist(), line.tolist()), rel=1e-4)
        assert mistake_bound(x, y, 7 * line) == pytest.approx(bound, rel=1e-5)


def test_the_bound_of_two_points_is_the_one_computed_by_hand():
    x, y = torch.tensor([[1.0], [-1.0]]), torch.tensor([1.0, 0.0])
    # R^2 = 1 + 1 and gamma = 1 with the line x = 0; with a tilted plane gamma^2 = 0.5^2 / 1.25.
    assert mistake_bound(x, y, torch.tensor([1.0, 0.0])) == pytest.approx(2)
    assert mistake_bound(x, y, torch.tensor([1.0, 0.5])) == pytest.approx(2 / (0.25 / 1.25))


def test_xor_is_never_learned_because_a_state_comes_back():
    x, y = toy.gate("xor")
    records = []
    run = learn(x, y, epochs=60, on_step=records.append)
    assert not run.converged
    assert len(run.mistakes) == 60 and min(run.mistakes) > 0
    # The rule is deterministic and small whole numbers are exact in float32: from a state that was met before, the
    # same epochs follow for ever, and each of them has mistakes.
    states = [(0.0, 0.0, 0.0), *((*record["weight"], record["bias"]) for record in records)]
    again = next(i for i, state in enumerate(states) if state in states[:i])
    before = states.index(states[again])
    assert sum(run.mistakes[before:again]) > 0
    assert states[again:] == states[before : before + len(states) - again]


@pytest.mark.parametrize("name", ["and", "or", "nand"])
def test_the_other_gates_are_learned(name):
    x, y = toy.gate(name)
    run = learn(x, y)
    assert run.converged
    assert run.neuron.fire(x).squeeze(1).tolist() == y.tolist()


def test_a_run_that_is_cut_short_has_not_converged():
    x, y = toy.gate("and")
    full = learn(x, y)
    cut = learn(x, y, epochs=len(full.mistakes) - 1)
    assert full.converged and not cut.converged
    assert cut.mistakes == full.mistakes[:-1]


def test_each_epoch_is_recorded_once():
    x, y = toy.gate("and")
    records = []
    run = learn(x, y, on_step=records.append)
    assert [record["epoch"] for record in records] == list(range(1, len(run.mistakes) + 1))
    assert [record["mistakes"] for record in records] == run.mistakes
    assert all(set(record) == {"epoch", "mistakes", "weight", "bias"} for record in records)
    assert records[-1]["weight"] == run.neuron.weight[0].tolist()
    assert records[-1]["bias"] == run.neuron.bias.item()
    assert records[0]["weight"] != records[-1]["weight"]  # not one list that went on changing


def test_the_data_is_left_as_it_was():
    x, y = toy.clouds(20)
    before = x.clone(), y.clone()
    learn(x, y, epochs=3)
    assert torch.equal(x, before[0]) and torch.equal(y, before[1])


@pytest.mark.parametrize(
    ("label", "x", "wrong", "weight", "bias"),
    [
        (1, [1.0, 1.0], False, [2.0, -1.0], 0.5),  # it fires, rightly
        (0, [1.0, 1.0], True, [1.0, -2.0], -0.5),  # it fires by mistake
        (1, [-1.0, 2.0], True, [1.0, 1.0], 1.5),  # it is silent by mistake
        (0, [-1.0, 2.0], False, [2.0, -1.0], 0.5),  # it is silent, rightly
        (1, [0.0, 0.5], True, [2.0, -0.5], 1.5),  # exactly 0 is silent
    ],
)
def test_one_example_moves_the_neuron_only_when_its_answer_is_wrong(label, x, wrong, weight, bias):
    neuron = Neurons.of([[2.0, -1.0]], [0.5])
    assert correct(neuron, torch.tensor(x), torch.tensor(float(label))) is wrong
    assert neuron.weight.tolist() == [weight] and neuron.bias.tolist() == [bias]
    assert neuron.weight.grad is None


@pytest.mark.parametrize("dtype", [torch.float64, torch.int64, torch.bool])
def test_labels_of_any_dtype_mean_the_same(dtype):
    x, y = toy.gate("and")
    assert learn(x, y.to(dtype)).mistakes == learn(x, y).mistakes


X, Y = [[0.0, 1.0], [1.0, 0.0]], [0.0, 1.0]
BAD_DATA = [
    ([], [], r"x has shape \(0,\)"),
    ([[], []], Y, r"x has shape \(2, 0\)"),
    ([0.0, 1.0], Y, r"x has shape \(2,\)"),
    ([X], Y, r"x has shape \(1, 2, 2\)"),
    (X, [0.0], r"y has shape \(1,\); give \(2,\)"),
    (X, [[0.0], [1.0]], r"y has shape \(2, 1\); give \(2,\)"),
    (X, 1.0, r"y has shape \(\); give \(2,\)"),
    ([[0.0, math.nan], [1.0, 0.0]], Y, r"x has 1 value\(s\) that are not finite"),
    ([[0.0, math.inf], [-math.inf, 0.0]], Y, r"x has 2 value\(s\) that are not finite"),
    (X, [-1.0, 1.0], r"labels must be 0 or 1; y has \[-1.0, 1.0\]"),
    (X, [0.5, 1.0], r"labels must be 0 or 1"),
    (X, [math.nan, 1.0], r"labels must be 0 or 1"),
]


@pytest.mark.parametrize(("x", "y", "says"), BAD_DATA)
def test_bad_data_is_refused(x, y, says):
    with pytest.raises(ValueError, match=says):
        learn(torch.tensor(x), torch.tensor(y))
    with pytest.raises(ValueError, match=says):
        mistake_bound(torch.tensor(x), torch.tensor(y), torch.tensor([1.0, -1.0, 0.0]))


def test_inputs_that_are_not_floats_are_refused_by_dtype():
    x, y = toy.gate("and")
    with pytest.raises(ValueError, match="int32"):
        learn(x.int(), y)


@pytest.mark.parametrize("epochs", [0, -1])
def test_too_few_epochs_are_refused(epochs):
    with pytest.raises(ValueError, match=f"epochs is {epochs}; give at least 1"):
        learn(*tensors(X, Y), epochs=epochs)


@pytest.mark.parametrize("line", [[1.0, -1.0], [1.0, -1.0, 0.0, 0.0], [[1.0, -1.0, 0.0]]])
def test_a_line_of_another_shape_is_refused(line):
    with pytest.raises(ValueError, match=r"give \(3,\): the weights, then the bias"):
        mistake_bound(*tensors(X, Y, torch.float32), torch.tensor(line))


@pytest.mark.parametrize(
    "line",
    [[-1.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 1.0], [math.nan, 0.0, 0.0], [math.inf, -1.0, 0.0]],
    ids=["wrong side", "touches a point", "zeros", "no line", "nan", "infinity"],
)
def test_a_line_that_does_not_separate_gives_no_bound(line):
    with pytest.raises(ValueError, match="does not separate"):
        mistake_bound(*tensors(X, Y, torch.float32), torch.tensor(line))


def test_the_rule_corrects_one_neuron_only_and_leaves_others_alone():
    several = Neurons(2, 2)
    with pytest.raises(ValueError, match="2 neurons given"):
        correct(several, torch.ones(2), torch.tensor(1.0))
    assert not several.weight.any()


def test_the_line_of_the_bound_may_have_another_dtype():
    x, y, line = toy.separable(20, 0.2, 3)
    assert mistake_bound(x, y, line.double()) == mistake_bound(x, y, line)


def test_epochs_are_whole():
    with pytest.raises(ValueError, match="a whole number"):
        learn(*toy.gate("and"), epochs=2.5)
