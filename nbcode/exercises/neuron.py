"""The exercises of the chapter on the neuron."""

from __future__ import annotations

import random

import torch

from nbcode.data.gates import CORNERS, GATES
from nbcode.exercises.frame import Exercise, Mutant, WrongAnswer, normal
from nbcode.models.neuron import Neurons, ThresholdNetwork

# --- the weighted sum of a batch


def weighted_sum(x, w, b):
    return x @ w + b  # (B, D) @ (D,) + scalar -> (B,)


WEIGHTED_SUM = Exercise(
    name="weighted_sum",
    chapter="neuron",
    difficulty=1,
    minutes=5,
    task="Compute what one neuron computes before its threshold, for a whole batch at once: "
    "`x` has shape (B, D), `w` has shape (D,), `b` is a number. Return a tensor of shape (B,). No loop.",
    hint="Which product of a (B, D) and a (D,) tensor has shape (B,)?",
    solution=weighted_sum,
    mutants=(
        Mutant(
            lambda x, w, b: x @ w,
            "the bias is missing: without it every decision line passes through the origin",
        ),
        Mutant(
            lambda x, w, b: x * w + b,
            "the products are not added up: x * w keeps one number per input, the neuron has one per example",
        ),
        Mutant(
            lambda x, w, b: x @ w - b,
            "the bias is subtracted: that is a threshold, the bias with its sign turned; here b is added",
        ),
        Mutant(
            lambda x, w, b: (x * w + b).sum(dim=1),
            "the bias is added once per input; each sum gets it once",
        ),
        Mutant(
            lambda x, w, b: ((x @ w + b) > 0).float(),
            "this is the output after the threshold; return the sum before it",
        ),
    ),
    arguments=lambda rng: (normal(rng, rng.randint(2, 6), d := rng.randint(2, 5)), normal(rng, d), rng.gauss(0, 2)),
)


# --- distance of a point from the decision line


def distance_to_line(x, w, b):
    return (x @ w + b) / w.norm()  # (B,), positive where the neuron fires


DISTANCE_TO_LINE = Exercise(
    name="distance_to_line",
    chapter="neuron",
    difficulty=2,
    minutes=10,
    task="How far is each point from the decision line? Return the **signed** distance, positive where the neuron "
    "fires: `x` has shape (B, D), `w` has shape (D,), `b` is a number, the result has shape (B,).",
    hint="Multiply w and b by 2. The line stays where it is, so the distance must not change. "
    "By what must the weighted sum be divided?",
    solution=distance_to_line,
    mutants=(
        Mutant(
            lambda x, w, b: x @ w + b,
            "this is the weighted sum: it doubles when w and b double, and the line does not move then",
        ),
        Mutant(
            lambda x, w, b: (x @ w + b) / (w @ w),
            "divided by the squared length of w: it halves when w and b double; divide by the length",
        ),
        Mutant(
            lambda x, w, b: x @ w / w.norm(),
            "the bias is missing: this is the distance from the parallel line through the origin",
        ),
        Mutant(
            lambda x, w, b: -(x @ w + b) / w.norm(),
            "the sign is turned: the distance is positive where the neuron fires",
        ),
        Mutant(
            lambda x, w, b: (x @ w + b).abs() / w.norm(),
            "the sign is lost: points where the neuron is silent have a negative distance",
        ),
        Mutant(
            lambda x, w, b: x @ w / w.norm() + b,
            "only the first part is divided: the bias is part of the weighted sum, so divide it too",
        ),
    ),
    arguments=lambda rng: (
        normal(rng, rng.randint(2, 6), d := rng.randint(2, 5)),
        2 * normal(rng, d),
        rng.choice((-1, 1)) * rng.uniform(0.5, 3),
    ),
)


# --- a gate by hand


def nand_gate():
    return -1.0, -1.0, 1.5  # fires unless both inputs are 1


def _truth_table(result, arguments) -> list[int]:
    """The four outputs of the neuron with the parameters ``result``."""
    try:
        w1, w2, b = (float(value) for value in result)
        neuron = Neurons.of([[w1, w2]], [b])
    except (TypeError, ValueError, OverflowError) as error:
        raise WrongAnswer(f"return three finite numbers, w1, w2 and b ({error})") from error
    return neuron.fire(torch.tensor(CORNERS)).squeeze(1).int().tolist()


def _explain_table(answers: list[int], expected: list[int]) -> str:
    """The first corner where the answers differ from what they should be."""
    words = {0: "silent", 1: "firing"}
    corner = next(place for place, pair in enumerate(zip(answers, expected, strict=True)) if pair[0] != pair[1])
    x1, x2 = (int(value) for value in CORNERS[corner])
    return f"at ({x1}, {x2}) the output is {words[answers[corner]]}, and it should be {words[expected[corner]]}"


NAND_GATE = Exercise(
    name="nand_gate",
    chapter="neuron",
    difficulty=1,
    minutes=5,
    task="Choose parameters for a neuron that computes NAND: it is silent at (1, 1) and fires at the other three "
    "corners. Return three numbers, `w1`, `w2`, `b`. Many choices are right.",
    hint="Start from an AND that works. Which change swaps the two sides of the line?",
    solution=nand_gate,
    mutants=(
        Mutant(lambda: (1.0, 1.0, -1.5), "this is AND: each of its four answers is the opposite of NAND's"),
        Mutant(lambda: (1.0, 1.0, -0.5), "this is OR: it fires at (1, 1), where NAND is silent"),
        Mutant(lambda: (-1.0, -1.0, 0.5), "it fires at (0, 0) only; NAND fires at three corners"),
        Mutant(
            lambda: (-1.0, -1.0, 2.5),
            "it fires at all four corners; NAND is silent at (1, 1)",
        ),
    ),
    arguments=lambda rng: (),
    view=_truth_table,
    explain=_explain_table,
    trials=1,
)


# --- one update of the perceptron rule


def perceptron_step(w, b, x, y):
    answer = 1.0 if x @ w + b > 0 else 0.0
    error = y - answer  # 0, +1 or -1
    return w + error * x, b + error


def _never_right(w, b, x, y):
    return w + y * x, b + y


def _neuron_and_example(rng: random.Random) -> tuple:
    """A neuron and a labeled example."""
    d = rng.randint(2, 5)
    return normal(rng, d), rng.gauss(0, 1), normal(rng, d), float(rng.randint(0, 1))


PERCEPTRON_STEP = Exercise(
    name="perceptron_step",
    chapter="neuron",
    difficulty=2,
    minutes=10,
    task="Write one step of the perceptron rule: show the example `x` (D,) with its label `y` (0 or 1) to the neuron "
    "`w` (D,), `b`, and return the new `w` and `b`. Do not change `w` in place.",
    hint="First let the neuron answer, 0 or 1. The error `y - answer` is 0 when it is right, "
    "so one line serves all cases.",
    solution=perceptron_step,
    mutants=(
        Mutant(
            lambda w, b, x, y: (w - (e := y - float(x @ w + b > 0)) * x, b - e),
            "the sign is turned: this step makes the mistake worse; the error is y - answer, and it is added",
        ),
        Mutant(
            lambda w, b, x, y: (w + (y - float(x @ w + b > 0)) * x, b),
            "the bias does not learn: it is the weight of an input that is always 1, so it gets the error itself",
        ),
        Mutant(
            _never_right,
            "it moves when the answer was right, and never when it fired by mistake: use y - answer instead of y",
        ),
        Mutant(
            lambda w, b, x, y: (w + (e := y - float(x @ w + b)) * x, b + e),
            "the error is taken before the threshold: compare y with the answer 0 or 1, not with the weighted sum",
        ),
        Mutant(
            lambda w, b, x, y: w + (y - float(x @ w + b > 0)) * x,
            "one result is missing: return the new w and the new b",
        ),
        Mutant(
            lambda w, b, x, y: (w + (e := y - float(x @ w + b >= 0)) * x, b + e),
            "a weighted sum of exactly 0 must leave the neuron silent: it fires above 0 only",
        ),
    ),
    arguments=_neuron_and_example,
    edge_cases=((torch.zeros(2), 0.0, torch.tensor([1.0, 2.0]), 0.0), (torch.zeros(2), 0.0, torch.ones(2), 1.0)),
)


# --- exclusive or from three neurons


def xor_layers():
    hidden_weight = [[1.0, 1.0], [1.0, 1.0]]  # OR, AND
    hidden_bias = [-0.5, -1.5]
    output_weight = [[1.0, -1.0]]  # OR, but not AND
    output_bias = [-0.5]
    return hidden_weight, hidden_bias, output_weight, output_bias


def _layers_truth_table(result, arguments) -> list[int]:
    """The four outputs of two layers of threshold neurons with the parameters ``result``."""
    try:
        hidden_weight, hidden_bias, output_weight, output_bias = (torch.as_tensor(part).float() for part in result)
        hidden = Neurons.of(hidden_weight.reshape(2, 2), hidden_bias.reshape(2))
        output = Neurons.of(output_weight.reshape(1, 2), output_bias.reshape(1))
    except (TypeError, ValueError, OverflowError, RuntimeError) as error:
        raise WrongAnswer(f"return four lists of shapes (2, 2), (2,), (1, 2) and (1,) ({error})") from error
    corners = torch.tensor(CORNERS)
    table = ThresholdNetwork(hidden, output)(corners).squeeze(1).int().tolist()
    inner = {tuple(column) for column in hidden.fire(corners).int().T.tolist()}
    if table == list(GATES["xor"]) and inner == {GATES["or"], GATES["nand"]}:
        raise WrongAnswer("this is the network of the chapter, OR and NAND; it computes XOR, but find another one")
    return table


XOR_LAYERS = Exercise(
    name="xor_layers",
    chapter="neuron",
    difficulty=3,
    minutes=15,
    task="Build exclusive or from two hidden neurons and one output neuron, all with thresholds. Return four nested "
    "lists: the hidden weights (2, 2), the hidden biases (2,), the output weights (1, 2), the output bias (1,). "
    "Find a network other than the one of the chapter.",
    hint="XOR is also: OR, but not AND. What weight does 'not' get?",
    solution=xor_layers,
    mutants=(
        Mutant(
            lambda: ([[1.0, 1.0], [1.0, 1.0]], [-0.5, -1.5], [[1.0, 1.0]], [-0.5]),
            "this is OR: it also fires at (1, 1), where XOR is silent",
        ),
        Mutant(
            lambda: ([[1.0, 1.0], [-1.0, -1.0]], [-0.5, 1.5], [[-1.0, -1.0]], [1.5]),
            "this is the opposite of XOR: it fires exactly where it should be silent",
        ),
        Mutant(
            lambda: ([[1.0, 1.0], [-1.0, -1.0]], [-0.5, 1.5], [[1.0, 1.0]], [-0.5]),
            "it fires at all four corners; XOR fires at two of them",
        ),
        Mutant(
            lambda: ([[1.0, -1.0], [-1.0, 1.0]], [-0.5, -0.5], [[1.0, 1.0]], [-1.5]),
            "it is silent at all four corners; XOR fires at two of them",
        ),
    ),
    arguments=lambda rng: (),
    view=_layers_truth_table,
    explain=_explain_table,
    trials=1,
)

EXERCISES = (WEIGHTED_SUM, DISTANCE_TO_LINE, NAND_GATE, PERCEPTRON_STEP, XOR_LAYERS)
