"""The interactive figures: their traits refuse what they cannot show, and a front end is one sound text."""

import dataclasses
import json
import math
import re
import subprocess
import sys

import pytest
import torch

from nbcode.data import toy
from nbcode.data.regression import around_line
from nbcode.data.surfaces import SURFACES
from nbcode.models.transformer import PRESETS
from nbcode.widgets import (
    ALL,
    Architecture,
    AttentionHead,
    Backward,
    Convolution,
    Descent,
    Hidden,
    InteractiveFigure,
    LearningCurves,
    LineFit,
    Lookup,
    MatrixProduct,
    Neuron,
    Signal,
    Threshold,
    Translator,
    Wirings,
)
from nbcode.widgets.base import STATIC, attributes, bundle
from nbcode.widgets.translator import CONFIG

SIZES = dataclasses.asdict(PRESETS["date"])
TOKENS = ("source_tokens", "target_tokens")
RUN = ["bag of words", 10, 0, 0.25]
SURE = [0.5, True, "Li Na", "Li Na", "A title"]
NAN, INF, HUGE = math.nan, math.inf, 10**400
SCRIPTS = sorted(path.name for path in STATIC.glob("*.js"))
FRONT_ENDS = [name for name in SCRIPTS if "export default" in (STATIC / name).read_text(encoding="utf-8")]

REFUSED = [
    *((Neuron, name, value, "-10 to 10") for name in ("w1", "w2", "b") for value in (10.5, -11, NAN, INF, -INF)),
    *((Neuron, "w1", value, "-10 to 10") for value in ("1", None, True, [1.0], HUGE)),
    *((Neuron, "points", value, "1 to 40 points") for value in (None, [], [[0, 0, 0]] * 41, {0: 1}, 3)),
    *((Neuron, "points", [[0, 0, 0], point], "points[1]") for point in ([0, 0], [0] * 4, 3, None, ["a", 0, 0])),
    *((Neuron, "points", [[x, 0, 0]], "from -0.75 to 1.75") for x in (2, -0.8, NAN, INF)),
    *((Neuron, "points", [[0, x, 0]], "from -0.75 to 1.75") for x in (2, -0.8, NAN, INF)),
    *((Neuron, "points", [[0, 0, label]], "labels are 0 or 1") for label in (2, -1, 0.5, NAN)),
    (Neuron, "points", [[HUGE, 0, 0]], "points[0]"),
    (Neuron, "points", ["011"], "points[0]"),
    (Neuron, "points", [["0", "0", "1"]], "points[0]"),
    *((Hidden, "first", value, "[w1, w2, b]") for value in (None, 1.0, [], [1, 2], [1, 2, 3, 4], "abc", [1, 2, "3"])),
    *((Hidden, "output", [1, 2, x], "-10 to 10") for x in (10.5, -11, NAN, -INF, True, None, HUGE)),
    *((Hidden, "gate", value, "and, or, nand, xor") for value in ("XOR", "", None, 1, ["xor"])),
    *(
        (LineFit, name, value, "-10 to 10")
        for name in ("w", "b")
        for value in (10.5, -11, NAN, INF, "1", None, True, HUGE)
    ),
    *((LineFit, "points", value, "2 to 40 points") for value in (None, [], [[0, 0]], [[0, 0]] * 41, {0: 1}, 3)),
    *(
        (LineFit, "points", [[0, 0], point], "points[1]")
        for point in ([0], [0] * 3, 3, None, ["a", 0], "01", [True, 0])
    ),
    *((LineFit, "points", [[x, 0], [0, 0]], "x from -2.5 to 2.5") for x in (2.6, -3, NAN, INF, HUGE)),
    *((LineFit, "points", [[0, y], [0, 0]], "y from -5 to 5") for y in (5.1, -6, NAN, -INF, HUGE)),
    *((LineFit, "rate", value, "0.01, 0.1, 1.0") for value in (0, 0.2, -0.1, "0.1", None, True, NAN, HUGE, [0.1])),
    *((MatrixProduct, "left", value, "1 to 4 rows") for value in (None, [], [[]], [[1, 2, 3]] * 5, [[1] * 5], 7, "ab")),
    *((MatrixProduct, "left", [[1, 2, x]], "whole numbers") for x in (0.5, 100, -100, NAN, "1", True, None, HUGE)),
    (MatrixProduct, "right", [[1, 2], [3]], "equally many"),
    (MatrixProduct, "left", [[1, 2]], "left has 2 columns and right has 3 rows"),
    (MatrixProduct, "right", [[1], [2]], "left has 3 columns and right has 2 rows"),
    *((MatrixProduct, name, value, "3") for name in ("row", "column") for value in (4, -1)),
    *((MatrixProduct, "row", value, "row") for value in ("0", None, 0.5, NAN)),
    *((Descent, "surface", value, "bowl, ravine, turned ravine, two valleys") for value in ("hill", "", None, 1)),
    *((Descent, "rule", value, "sgd, momentum, adam") for value in ("SGD", None, ["adam"])),
    *((Descent, "rate", value, "0.001 to 10") for value in (0, -1, 0.0009, 10.1, NAN, INF, "0.1", None, True, HUGE)),
    *((Descent, "start", value, "[u, v]") for value in (None, 1.0, [], [1], [1, 2, 3], "ab", [1, "2"], {0: 1, 1: 2})),
    *((Descent, "start", [1, x], "-3 to 3") for x in (3.1, -4, NAN, INF, True, None, HUGE)),
    *((Descent, "steps", value, "0 to 1000") for value in (-1, 1001, 0.5, None, "3", True)),
    *((Backward, "expression", value, "product, shared, neuron") for value in ("sum", None, 1)),
    *((Backward, "inputs", value, "by name") for value in (None, 1.0, [1, 2, 3], "abc", {"a": "1"}, {"a": None})),
    *((Backward, "inputs", {"b": x}, "-2 to 2") for x in (2.1, -3, NAN, INF, True, HUGE)),
    *((Backward, "inputs", {name: 1}, "inputs of 'product' are a, b, c") for name in ("w", "", 1)),
    *((Backward, "done", value, "0 to 5") for value in (-1, 6, 0.5, None, "3")),
    *((Convolution, "image", value, "0, 1, 3, 4, 7") for value in (2, "7", None, 7.5, [7])),
    *((Convolution, "kernel", value, "3 rows of 3") for value in (None, [], [[1] * 3] * 2, [[1] * 2] * 3, 7, "abc")),
    *((Convolution, "kernel", [[1, 2, x], [0] * 3, [0] * 3], "-5 to 5") for x in (6, -6, 0.5, NAN, "1", True, HUGE)),
    *((Convolution, "stride", value, "1, 2") for value in (0, 3, True, None, "1", 1.5)),
    *((Convolution, "padding", value, "0, 1") for value in (2, -1, False, None, "0")),
    *((Convolution, name, value, "0 to 7") for name in ("row", "column") for value in (8, -1, "0", None, 0.5, NAN)),
    *((Lookup, "query", value, "[q1, q2]") for value in (None, 1.0, [], [1], [1, 2, 3], "ab", [1, "2"], {0: 1, 1: 2})),
    *((Lookup, "query", [1, x], "-4 to 4") for x in (4.1, -5, NAN, INF, True, None, HUGE)),
    *((Lookup, "entries", value, "2 to 6 entries") for value in (None, [], [[0] * 4], [[0] * 4] * 7, {0: 1}, 3)),
    *((Lookup, "entries", [[0] * 4, entry], "entries[1]") for entry in ([0] * 3, [0] * 5, 3, None, "abcd", [True] * 4)),
    *((Lookup, "entries", [[0, 0, 0, x], [0] * 4], "from -4 to 4") for x in (4.1, -5, NAN, -INF, "0", HUGE)),
    *((Lookup, "mode", value, "average, hard, soft") for value in ("Soft", "", None, 1, ["hard"])),
    *((Lookup, "score", value, "scaled, plain") for value in ("none", None, True, 0)),
    *((Wirings, "tokens", value, "4 to 16") for value in (3, 17, 12.0, None, "12", True, HUGE)),
    *((Wirings, "depth", value, "1 to 15") for value in (0, 16, 2.0, None, "2", True)),
    *((Wirings, "convolution", value, "plain, dilated") for value in ("dense", "", True, None, 2)),
    *((Wirings, name, value, "0 to 15") for name in ("source", "target") for value in (-1, 16, 0.5, None, "0", True)),
    *((Wirings, "width", value, "1 to 1024") for value in (0, 1025, 64.0, None, "64", True)),
    *((Signal, "activation", value, "leaky_relu, elu, gelu") for value in ("ReLU", "swish", "", None, 1, True, [])),
    *((Signal, "initialization", value, "small normal, xavier") for value in ("Xavier", "small", None, 0, {})),
    *((Signal, name, value, "1 to 30") for name in ("depth", "layer") for value in (0, 31, 2.5, None, "3", True)),
    *((Signal, "seed", value, "0 to 9999") for value in (-1, 10_000, 0.5, None, "3", True, HUGE)),
    *((Signal, name, 1, "True or False") for name in ("residual", "normalization")),
    *((Signal, "residual", value, "True or False") for value in (0, None, "true", "False", [], NAN)),
    *((AttentionHead, "tokens", value, "4 words of 1 to 5") for value in (None, [], ["a"] * 3, ["a"] * 5, "abcd", 4)),
    *((AttentionHead, "tokens", ["a", "b", "c", x], "4 words of 1 to 5") for x in ("", "longer", None, 1, ["d"])),
    *((AttentionHead, "x", value, "4 rows of 3") for value in (None, [], [[1] * 3] * 3, [[1] * 2] * 4, 7, ["abc"] * 4)),
    *((AttentionHead, "w_key", [[1, x]] * 3, "-2 to 2") for x in (3, -3, 0.5, NAN, "1", True, None, HUGE)),
    *((AttentionHead, name, [[1] * 3] * 3, "3 rows of 2") for name in ("w_query", "w_key", "w_value")),
    *((AttentionHead, name, value, "0 to 3") for name in ("query", "key") for value in (4, -1, "0", None, 0.5, True)),
    *((AttentionHead, "causal", value, "True or False") for value in (0, 1, None, "on", [])),
    *((AttentionHead, "padding", value, "none, last, first") for value in ("both", "", None, 1, False)),
    *((AttentionHead, "score", value, "scaled, plain") for value in ("none", None, True, 0)),
    *((Translator, "config", value, "asdict") for value in (None, 3, "a", [1], {"d_model": 64}, {**SIZES, "eps": 1})),
    (Translator, "config", {**SIZES, "tied": 0}, "tied"),
    *((Translator, "shapes", value, "[name, shape]") for value in (None, 3, "ab", [["a"]], [["a", 3]], [[1, [2]]])),
    *((Translator, name, value, "list of strings") for name in TOKENS for value in (None, [1], {"a": 1}, [None])),
    *((Translator, "example", value, "text, written") for value in (None, [], {"text": "a"}, "a")),
    *((Translator, "text", value, "give a text") for value in (None, 3, ["a"], b"a")),
    *((Translator, "hidden", value, "0 to 511") for value in (None, 3, "12", [-1], [512], [0.5], [True], ["1"], HUGE)),
    *((Translator, "off", value, "encoder, decoder, cross") for value in (None, 3, [3], [["cross", 0]], ["cross"])),
    *((Translator, "head", value, "encoder, decoder, cross") for value in (None, [], ["cross", 0], ["self", 0, 0])),
    *(
        (Translator, "head", ["cross", *at], "encoder, decoder, cross")
        for at in ([-1, 0], [0, 0.5], ["0", 0], [True, 0])
    ),
    *(
        (Translator, "temperature", value, "0.1 to 10")
        for value in (0, -1, 0.09, 10.1, NAN, INF, "1", None, True, HUGE)
    ),
    *((Translator, "choose", value, "greedy, sampled") for value in ("beam", "", None, 0, True, ["greedy"])),
    *((Translator, "seed", value, "0 to 9999") for value in (-1, 10_000, 0.5, None, "3", True, HUGE)),
    *((Translator, name, value, "0 to 511") for name in ("step", "place") for value in (-1, 512, 0.5, None, "3", True)),
    *((Architecture, "preset", value, "date, base, big") for value in ("small", "", None, 1, ["base"])),
    *((Architecture, "norm", value, "post, pre") for value in ("Pre", True, None, 0)),
    *((Architecture, "kind", value, "both, encoder, decoder") for value in ("BERT", "", None, 2)),
    *((Architecture, "shapes", value, "numbers, letters, ahead") for value in ("hidden", None, False)),
    *(
        (Architecture, name, value, "1 to 64")
        for name in ("batch", "source")
        for value in (0, 65, 2.0, None, "2", True)
    ),
    *((Architecture, "part", value, "source embedding") for value in ("attention", "", None, 0)),
    *((LearningCurves, "rows", value, "at most 2000 rows") for value in (None, 3, {0: RUN}, [RUN] * 2001)),
    *((LearningCurves, "rows", [RUN, row], "rows[1]") for row in (None, RUN[:3], [*RUN, 0], "abcd", {"method": "a"})),
    *((LearningCurves, "rows", [[x, *RUN[1:]]], "1 to 40") for x in ("", "a" * 41, None, 3)),
    *((LearningCurves, "rows", [[RUN[0], x, 0, 0.2]], "'all'") for x in (0, -1, 2.0, "10", None, True, [5])),
    *((LearningCurves, "rows", [[*RUN[:2], x, 0.2]], "whole number from 0 on") for x in (-1, 0.5, "0", None, True)),
    *((LearningCurves, "rows", [[*RUN[:3], x]], "0 to 1") for x in (-0.1, 1.1, NAN, INF, "0.2", None, True, HUGE)),
    (LearningCurves, "rows", [RUN, RUN], "a run twice"),
    (LearningCurves, "rows", [[str(k), *RUN[1:]] for k in range(7)], "at most 6 and 8"),
    (LearningCurves, "rows", [[RUN[0], k + 1, *RUN[2:]] for k in range(9)], "at most 6 and 8"),
    *((LearningCurves, name, value, "names of methods") for name in ("pretrained", "shown") for value in (None, [3])),
    *((LearningCurves, "method", value, "name of a method") for value in (None, 3, "a" * 41, ["a"])),
    *((LearningCurves, "labels", value, "'all'") for value in (0, -5, 2.5, None, True, "10", "", [10], NAN)),
    *((LearningCurves, "guesses", value, "at most 8 shares") for value in (None, [], 3, {"a": 1}, {"a": [0.1] * 9})),
    *((LearningCurves, "guesses", {"a": [x]}, "0 to 1") for x in (-0.1, 1.1, NAN, "0.1", True, [])),
    (LearningCurves, "guesses", {"": [0.5]}, "name methods"),
    *((Threshold, "predictions", value, "at most 5000") for value in (None, 3, {0: SURE}, [SURE] * 5001)),
    *((Threshold, "predictions", [SURE, each], "predictions[1]") for each in (None, SURE[:4], [*SURE, ""], "abcde", 3)),
    *((Threshold, "predictions", [[x, *SURE[1:]]], "0 to 1") for x in (-0.1, 1.1, NAN, INF, "0.5", None, True, HUGE)),
    *((Threshold, "predictions", [[0.5, x, *SURE[2:]]], "True or False") for x in (1, 0, None, "True", NAN)),
    *((Threshold, "predictions", [[*SURE[:k], 3, *SURE[k + 1 :]]], "three texts") for k in (2, 3, 4)),
    *((Threshold, "threshold", value, "0 to 1") for value in (-0.1, 1.1, NAN, INF, "0.5", None, True, HUGE)),
    *((Threshold, "cost", value, "1 to 50") for value in (0, 0.9, 51, -1, NAN, INF, "5", None, True, HUGE)),
]


def named(case):
    """A short name for a test case."""
    text = case.tag if isinstance(case, type) else repr(case)
    return text if len(text) < 25 else f"{text[:22]}..."


@pytest.mark.parametrize(("figure", "trait", "value", "allowed"), REFUSED, ids=named)
def test_a_bad_value_is_refused_with_what_is_allowed_and_changes_nothing(figure, trait, value, allowed):
    with pytest.raises(ValueError) as refusal:
        attributes(figure, {trait: value})
    assert trait in str(refusal.value) and allowed in str(refusal.value)
    shown = figure()
    with pytest.raises(ValueError):
        setattr(shown, trait, value)
    assert getattr(shown, trait) == figure.defaults()[trait]


@pytest.mark.parametrize("figure", ALL, ids=lambda figure: figure.tag)
def test_an_unknown_name_is_refused_with_the_known_ones(figure):
    with pytest.raises(ValueError) as refusal:
        attributes(figure, {"colour": 1, "size": 2})
    assert f"<nb-{figure.tag}>" in str(refusal.value)
    assert all(name in str(refusal.value) for name in ["colour", "size", *figure.defaults()])


@pytest.mark.parametrize(
    ("figure", "trait"),
    [
        (Neuron, "presets"),
        (Hidden, "gates"),
        (Descent, "surfaces"),
        (Backward, "expressions"),
        (Convolution, "images"),
        (Convolution, "kernels"),
        (Architecture, "presets"),
    ],
)
def test_what_is_fixed_cannot_be_given(figure, trait):
    with pytest.raises(ValueError, match=trait):
        attributes(figure, {trait: {}})


@pytest.mark.parametrize(
    ("figure", "given", "becomes"),
    [
        (Neuron, {"w1": -10, "w2": 10, "b": 0}, {"w1": -10.0, "w2": 10.0, "b": 0.0}),
        (Neuron, {"points": [(1.75, -0.75, 1.0)]}, {"points": [[1.75, -0.75, 1]]}),
        (Neuron, {"points": [[0, 0, 0]] * 40}, {"points": [[0, 0, 0]] * 40}),
        (Hidden, {"first": (10, -10, 0), "gate": "nand"}, {"first": [10.0, -10.0, 0.0], "gate": "nand"}),
        (LineFit, {"w": -10, "b": 10, "rate": 1}, {"w": -10.0, "b": 10.0, "rate": 1.0}),
        (LineFit, {"points": [(2.5, -5), (-2.5, 5)]}, {"points": [[2.5, -5.0], [-2.5, 5.0]]}),
        (LineFit, {"points": [[0, 0]] * 40}, {"points": [[0.0, 0.0]] * 40}),
        (MatrixProduct, {"left": [[-99]], "right": [[99, 0, 1, 2]]}, {"left": [[-99]], "right": [[99, 0, 1, 2]]}),
        (MatrixProduct, {"left": ((1, 2, 3),) * 4, "row": 3}, {"left": [[1, 2, 3]] * 4, "row": 3}),
        (Descent, {"start": (3, -3), "rate": 10, "steps": 1000}, {"start": [3.0, -3.0], "rate": 10.0, "steps": 1000}),
        (
            Convolution,
            {"kernel": ((-5, 5, 0),) * 3, "image": 0, "row": 7, "stride": 2},
            {"kernel": [[-5, 5, 0]] * 3, "image": 0, "row": 7, "stride": 2},
        ),
        (
            Lookup,
            {"query": (4, -4), "entries": ((4, -4, 0, 1),) * 6, "mode": "hard", "score": "plain"},
            {"query": [4.0, -4.0], "entries": [[4.0, -4.0, 0.0, 1.0]] * 6, "mode": "hard", "score": "plain"},
        ),
        (Backward, {"inputs": {"b": 2}}, {"inputs": {"a": 2.0, "b": 2.0, "c": 0.5}}),
        (Backward, {"expression": "shared"}, {"expression": "shared", "inputs": {"a": 1.5, "b": 0.5}}),
        (
            AttentionHead,
            {"x": ((2, -2, 0),) * 4, "w_value": [(1, 1)] * 3, "tokens": ("a", "b", "c", "d"), "causal": True},
            {"x": [[2, -2, 0]] * 4, "w_value": [[1, 1]] * 3, "tokens": ["a", "b", "c", "d"], "causal": True},
        ),
        (Wirings, {"source": 15, "target": 0, "width": 100}, {"source": 15, "target": 0, "width": 100}),
        (
            Backward,
            {"inputs": {"y": -2}, "expression": "neuron", "done": 5},
            {"inputs": {"w": 0.5, "x": 1.5, "b": -0.2, "y": -2.0}, "expression": "neuron", "done": 5},
        ),
        (Signal, {"depth": 30, "layer": 30, "seed": 9999}, {"depth": 30, "layer": 30, "seed": 9999}),
        (
            Signal,
            {"activation": "none", "initialization": "small normal", "residual": True},
            {"activation": "none", "initialization": "small normal", "residual": True},
        ),
        (Translator, {"hidden": (3, 1, 3), "off": [("cross", 0, 3)]}, {"hidden": [3, 1], "off": [["cross", 0, 3]]}),
        (Translator, {"config": SIZES}, {"config": {name: SIZES[name] for name in SIZES if name in CONFIG}}),
        (Translator, {"shapes": [("a", (2, 3))], "text": ""}, {"shapes": [["a", [2, 3]]], "text": ""}),
        (Translator, {"head": ("encoder", 1, 2), "temperature": 10}, {"head": ["encoder", 1, 2], "temperature": 10.0}),
        (Architecture, {"preset": "date"}, {"preset": "date", "norm": "pre"}),
        (Architecture, {"preset": "date", "norm": "post"}, {"preset": "date", "norm": "post"}),
        (
            Architecture,
            {"kind": "decoder", "part": "encoder norm", "target": 64},
            {"kind": "decoder", "part": "encoder norm", "target": 64},
        ),
        (
            LearningCurves,
            {"rows": (("a", 5, 1, 1), ["a", "all", 1, 0]), "method": "a", "shown": ("a", "a")},
            {"rows": [["a", 5, 1, 1.0], ["a", "all", 1, 0.0]], "method": "a", "shown": ["a"]},
        ),
        (
            LearningCurves,
            {"labels": "all", "guesses": {"a": (None, 1)}},
            {"labels": "all", "guesses": {"a": [None, 1]}},
        ),
        (Threshold, {"predictions": (SURE, tuple(SURE))}, {"predictions": [SURE, SURE]}),
        (Threshold, {"threshold": 0, "cost": 50}, {"threshold": 0.0, "cost": 50.0}),
        (Threshold, {"predictions": [[1, False, "", "", ""]]}, {"predictions": [[1.0, False, "", "", ""]]}),
    ],
)
def test_a_good_value_is_taken_and_the_rest_stays(figure, given, becomes):
    assert attributes(figure, given) == {**figure.defaults(), **becomes}


@pytest.mark.parametrize("figure", ALL, ids=lambda figure: figure.tag)
def test_the_defaults_are_valid_and_reach_the_page_as_json(figure):
    defaults = figure.defaults()
    assert defaults and attributes(figure, {}) == defaults
    given = {name: value for name, value in defaults.items() if not getattr(figure, name).read_only}
    assert attributes(figure, given) == defaults
    assert json.loads(json.dumps(defaults, allow_nan=False)) == defaults
    assert not any(name.startswith("_") for name in defaults)
    assert not set(defaults) & {"layout", "tooltip", "tabbable", "comm"}


@pytest.mark.parametrize("figure", ALL, ids=lambda figure: figure.tag)
def test_two_figures_share_nothing_that_can_change(figure):
    one, other = figure(), figure()
    for name, value in figure.defaults().items():
        if isinstance(value, list | dict) and not getattr(figure, name).read_only:
            add = getattr(one, name).append if isinstance(value, list) else getattr(one, name).setdefault
            add("changed")
            assert "changed" not in getattr(other, name)
            assert "changed" not in getattr(figure(), name)


@pytest.mark.parametrize("trait", ["method", "pretrained", "shown", "guesses"])
def test_a_method_that_the_rows_lack_is_refused_with_those_that_they_have(trait):
    wrong = {"method": "bag of word", "guesses": {"bag of word": [0.5]}}.get(trait, ["bag of words", "bag of word"])
    with pytest.raises(ValueError, match=f"{trait} names 'bag of word'; the methods in rows are bag of words"):
        LearningCurves(rows=[RUN], **{trait: wrong})
    shown = LearningCurves(rows=[RUN], method=RUN[0], shown=[RUN[0]])
    with pytest.raises(ValueError, match="bag of word'"):
        setattr(shown, trait, wrong)


def test_texts_of_predictions_are_cut_to_what_a_page_can_hold():
    texts = ["x" * 10**6, "👩" * 121, "a\ud800b"]
    shown = Threshold(predictions=[[0.5, True, "b" * 500, text, text] for text in texts])
    for each in shown.predictions:
        assert all(len(text) <= 120 for text in each[2:]) and len(each[2]) == 120 and each[2].endswith("b…")
        json.dumps(each, ensure_ascii=False).encode("utf-8")
    assert shown.predictions[2][4] == "a?b" and shown.predictions[1][3] == "👩" * 119 + "…"


def test_both_matrices_change_together():
    shown = MatrixProduct()
    with shown.hold_trait_notifications():
        shown.left, shown.right = [[1, 2]], [[3], [4]]
    assert (shown.left, shown.right) == ([[1, 2]], [[3], [4]])


def test_the_tags_are_distinct_and_can_be_elements():
    assert len({figure.tag for figure in ALL}) == len(ALL)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", figure.tag) for figure in ALL)
    assert {*InteractiveFigure.__subclasses__()} == {*ALL}


def test_the_clouds_are_those_of_the_package():
    points, labels = toy.clouds(12)
    rounded = [
        [round(x1, 2), round(x2, 2), label] for (x1, x2), label in zip(points.tolist(), labels.tolist(), strict=True)
    ]
    assert Neuron().presets["clouds"] == rounded


def test_the_points_around_a_line_are_those_of_the_package():
    x, y = around_line(12, seed=0)
    assert LineFit().points == [[round(a, 2), round(b, 2)] for a, b in torch.cat([x, y], dim=1).tolist()]


@pytest.mark.parametrize(
    ("offered", "names"),
    [
        (Neuron.defaults()["presets"], ["and", "or", "xor", "clouds"]),
        (Hidden.defaults()["gates"], ["and", "or", "nand", "xor"]),
    ],
    ids=["presets of the neuron", "gates of the hidden neurons"],
)
def test_the_gates_are_those_of_the_package_and_of_python(offered, names):
    truth = {
        "and": lambda a, b: a & b,
        "or": lambda a, b: a | b,
        "xor": lambda a, b: a ^ b,
        "nand": lambda a, b: 1 - (a & b),
    }
    assert list(offered) == names
    for name in set(names) & set(truth):
        assert offered[name] == [[a, b, truth[name](a, b)] for a in (0, 1) for b in (0, 1)]
        x, y = toy.gate(name)
        assert offered[name] == [[*point, label] for point, label in zip(x.tolist(), y.tolist(), strict=True)]


def test_the_surfaces_are_those_of_the_package():
    assert {name: tuple(each) for name, each in Descent.defaults()["surfaces"].items()} == SURFACES


def test_another_expression_brings_its_own_inputs():
    shown = Backward(inputs={"b": 1.0})
    shown.expression = "shared"
    assert shown.inputs == {"a": 1.5, "b": 0.5}
    with shown.hold_trait_notifications():
        shown.expression, shown.inputs = "neuron", {"w": 1}
    assert shown.inputs == {"w": 1.0, "x": 1.5, "b": -0.2, "y": 1.0}
    with pytest.raises(ValueError, match="the inputs of 'neuron' are w, x, b, y"):
        shown.inputs = {"a": 1}
    assert shown.inputs == {"w": 1.0, "x": 1.5, "b": -0.2, "y": 1.0}


def test_every_preset_can_be_shown():
    for points in Neuron.defaults()["presets"].values():
        assert attributes(Neuron, {"points": points})["points"] == points
    for kernel in Convolution.defaults()["kernels"].values():
        assert attributes(Convolution, {"kernel": kernel})["kernel"] == kernel


def test_importing_the_figures_does_not_import_torch():
    code = "import sys, nbcode.widgets; print(sorted({name.split('.')[0] for name in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "'nbcode'" in done.stdout
    assert "'torch'" not in done.stdout and "'matplotlib'" not in done.stdout


def test_every_front_end_belongs_to_a_figure():
    assert {figure._esm for figure in ALL} == {bundle(name) for name in FRONT_ENDS}
    assert len(FRONT_ENDS) == len(ALL)


@pytest.mark.parametrize("name", FRONT_ENDS)
def test_a_bundle_is_one_module_without_imports(name):
    text = bundle(name)
    assert not re.search(r"^\s*import\b|\bimport\s*\(|\bfrom\s+[\"']", text, re.MULTILINE)
    assert len(re.findall(r"\bexport\s+default\b", text)) == 1
    assert "render" in text.split("export default")[1]


@pytest.mark.parametrize("name", FRONT_ENDS)
def test_a_bundle_exports_what_its_own_script_does(name):
    exports = [
        re.findall(r"^export .*$", text, re.MULTILINE) for text in (bundle(name), (STATIC / name).read_text("utf-8"))
    ]
    assert exports[0] == exports[1]


@pytest.mark.parametrize("name", FRONT_ENDS)
def test_a_bundle_declares_every_imported_name_exactly_once(name):
    text = bundle(name)
    declared = re.findall(r"^(?:export )?(?:async )?(?:const|let|var|function\*?|class)\s+(\w+)", text, re.MULTILINE)
    assert len(declared) == len(set(declared)), "two parts use one name, and they share one scope"
    needed, waiting = set(), [name]
    for script in waiting:
        for names, source in re.findall(
            r'import\s*\{([^}]*)\}\s*from\s*"\./([^"]+)"', (STATIC / script).read_text("utf-8")
        ):
            needed |= {part.strip() for part in names.split(",") if part.strip()}
            waiting += [source] if source not in waiting else []
    assert needed and needed <= set(declared)


@pytest.mark.parametrize("name", SCRIPTS)
def test_no_script_sets_an_id(name):
    text = (STATIC / name).read_text(encoding="utf-8")
    assert not re.search(r"""(?<![\w-])id\s*=(?!=)|\.id\b|["'`]id["'`]|[{,]\s*id\s*:""", text)


@pytest.mark.parametrize("name", SCRIPTS)
def test_no_script_reaches_another_host(name):
    addresses = re.findall(r"\b(?:https?:)?//[\w.-]+\.\w{2,}[^\s\"'`]*", (STATIC / name).read_text(encoding="utf-8"))
    assert set(addresses) <= {"http://www.w3.org/2000/svg"}


def test_a_figure_refuses_a_trait_that_it_does_not_have():
    with pytest.raises(ValueError, match=r"Neuron has no bogus; it has: .*w1"):
        Neuron(bogus=1)
