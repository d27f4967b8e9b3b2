"""The fingerprint of a study: what changes it and what does not, and that no committed result is of other code."""

import ast
import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import nbcode
from nbcode import bench
from nbcode.bench.__main__ import COMMANDS
from nbcode.experiments import NAMES, source
from nbcode.experiments.source import WHOLE, code_only, fingerprint, parts_of, reached
from nbcode.experiments.study import read
from nbsite import answering

MEASUREMENTS = Path(bench.__file__).parent / "results"
# Each with the module whose code it is of, and what one types to measure again.
BENCHES = {
    "training": ("nbcode.bench.training", "python -m nbcode.bench training"),
    "finetuning": ("nbcode.bench.finetuning", "python -m nbcode.bench finetuning"),
    "answering": ("nbsite.answering", answering.COMMAND),
}
# A made-up package of that name: a study reaches `far` through `near`, and does not reach `aside`.
TREE = {
    "__init__.py": '"""Made up."""\n',
    "experiments/__init__.py": '"""Studies."""\n',
    "experiments/made_up.py": (
        '"""What it asks."""\n\nfrom nbcode.experiments.study import Study\nfrom nbcode.near import double\n\n\n'
        'def measure(x):\n    """Measure."""\n    return double(x) + 1  # one more\n\n\n'
        'if __name__ == "__main__":\n    print(measure(3))\n'
    ),
    "experiments/study.py": '"""Bookkeeping."""\n\nfrom nbcode import aside\n\n\nclass Study:\n    keys = aside.KEYS\n',
    "near.py": (
        "import torch\nimport nbcode.far\nfrom nbcode import aside\n\nlen('imported')\nTWO = 2\n\n\n"
        "def decorate(f):\n    return f\n\n\n@decorate\ndef double(x):\n    return nbcode.far.times(TWO, x)\n\n\n"
        "def half(x):\n    return x / aside.KEYS\n\n\nif __name__ == '__main__':\n    print(half(3))\n"
    ),
    "far.py": (
        'UNIT = """one\ntwo"""\n\n\n'
        "def times(n, x):\n    from nbcode import farther\n\n    return n * x * farther.ONE\n"
    ),
    "farther.py": "ONE = 1\n",
    "aside.py": "KEYS = ()\n",
}


@pytest.fixture
def made_up(tmp_path):
    """The made-up package on the disk, and the fingerprint that a fresh Python finds for its study."""
    root = tmp_path / "nbcode"
    for name, text in TREE.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    (root / "experiments" / "source.py").write_text(inspect.getsource(source), encoding="utf-8")

    def edit(name, old, new):
        text = (root / name).read_text(encoding="utf-8")
        assert text.count(old) == 1
        (root / name).write_text(text.replace(old, new), encoding="utf-8")

    def found():
        code = "from nbcode.experiments.source import fingerprint; print(fingerprint('nbcode.experiments.made_up'))"
        done = subprocess.run(
            [sys.executable, "-B", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    return edit, found


def test_words_do_not_change_the_fingerprint(made_up):
    edit, found = made_up
    before = found()
    edit("experiments/made_up.py", "What it asks.", "What it\n\nreally asks.")
    edit("experiments/made_up.py", '    """Measure."""\n', '\n    """Measure\n    anew."""\n\n')
    edit("experiments/made_up.py", "  # one more", " # another comment")
    edit("near.py", "import nbcode.far\n", "# how far?\nimport nbcode.far\n\n\n")
    edit("near.py", "import torch\n", "from torch import nn\n")
    edit("__init__.py", "Made up.", "Thought up.")
    assert found() == before
    assert len(before) == 16 and set(before) <= set("0123456789abcdef")


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        pytest.param("experiments/made_up.py", "+ 1", "- 1", id="the study"),
        pytest.param("experiments/made_up.py", "measure(3)", "measure(4)", id="the command"),
        pytest.param("near.py", "times(TWO, x)", "times(TWO, x, x)", id="an import of it"),
        pytest.param("near.py", "TWO = 2", "TWO = 3", id="a constant that it needs"),
        pytest.param("near.py", "return f", "return f or f", id="a decorator that it needs"),
        pytest.param("near.py", "len('imported')", "len('again')", id="what runs on import"),
        pytest.param("near.py", "import nbcode.far", "import nbcode.farther as nbcode", id="another import"),
        pytest.param("far.py", "n * x", "n ** x", id="an import of the import"),
        pytest.param("farther.py", "ONE = 1", "ONE = 1.0", id="an import in a function"),
        pytest.param("far.py", "one\ntwo", "one\n# two", id="a sign in a text"),
        pytest.param("far.py", "one\ntwo", "one\n\ntwo", id="a blank line in a text"),
        pytest.param("far.py", "one\ntwo", "one \ntwo", id="a blank in a text"),
    ],
)
def test_other_code_changes_the_fingerprint(made_up, name, old, new):
    edit, found = made_up
    before = found()
    edit(name, old, new)
    assert found() != before


def test_bookkeeping_and_what_is_not_reached_do_not_change_it(made_up):
    edit, found = made_up
    before = found()
    edit("aside.py", "()", "(1,)")
    edit("experiments/study.py", "aside.KEYS", "(aside.KEYS, 2)")
    edit("near.py", "return x / aside.KEYS", "return x / 2 / aside.KEYS")
    edit("near.py", "print(half(3))", "print(half(4))")
    assert found() == before


CODE = "def f(x):\n    return x + 1\n"


@pytest.mark.parametrize(
    "text",
    [
        "# first\ndef f(x):  # second\n    return x + 1  # third\n# fourth",
        '"""Module."""\n\n\ndef f(x):\n    """Function.\n\n    More.\n    """\n\n    return x + 1\n',
        "def f(x):\n    'single'\n    return x + 1   \n\n\n",
        'def f(x):\n    r"""Raw \\d # sign."""\n    return x + 1\n',
    ],
)
def test_code_only_leaves_the_code(text):
    assert code_only(text) == CODE.strip()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x = a + b", "x = a - b"),
        (
            "x = '\u2028'\ny = 1  # other line ends than Python's",
            "x = '\u2028'\ny = 2  # other line ends than Python's",
        ),
        ("x = 'a # b'", "x = 'a # c'"),
        ("x = 1\nif y:\n    x = 2", "x = 1\nif y:\n    x = 3"),
        ("if y:\n    a()\n    b()", "if y:\n    a()\nb()"),
        ("x = '''text'''", "x = '''other'''"),
        ("def f():\n    x = 1\n    'text'", "def f():\n    x = 2\n    'text'"),
        ("def f(): 'doc'; return 1", "def f(): 'doc'; return 2"),
    ],
)
def test_code_only_keeps_every_difference(one, other):
    assert code_only(one) != code_only(other)


def test_imports_are_found_wherever_and_however_they_are_written():
    text = (
        "import os, nbcode.cost\nimport nbcode.data.toy as toy\nfrom nbcode import device\nfrom torch import nn\n"
        "from nbcode.training.perceptron import learn\n\ndef f():\n    from nbcode.models import neuron\n"
    )
    assert {pair for part in parts_of(text) for pair in part.imports} == {
        ("nbcode.cost", WHOLE),
        ("nbcode.data.toy", WHOLE),
        ("nbcode.device", WHOLE),
        ("nbcode.training.perceptron", "learn"),
        ("nbcode.models.neuron", WHOLE),
    }


def test_a_real_study_reaches_what_it_trains_and_not_what_stands_beside_it():
    codes = {name: "\n".join(parts) for name, parts in reached("nbcode.experiments.overfitting").items()}
    assert "class MLP" in codes["nbcode.models.mlp"] and "class Dropout" in codes["nbcode.models.dropout"]
    assert "def digits" in codes["nbcode.data.digits"] and "nbcode.models.attention" not in codes
    assert "class Value" not in codes["nbcode.models.activations"]


def test_the_package_imports_by_full_names_which_are_all_that_a_fingerprint_follows():
    relative = [
        f"{path}:{node.lineno}"
        for path in Path(nbcode.__file__).parent.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert not relative


@pytest.mark.parametrize("name", NAMES)
def test_the_committed_results_are_of_the_code_as_it_is(name):
    study = importlib.import_module(f"nbcode.experiments.{name}").STUDY
    assert study.module == f"nbcode.experiments.{name}"
    header = study.results().header
    assert header["code"] == fingerprint(study.module), f"the code has changed since; run: {header['command']}"


@pytest.mark.parametrize("name", BENCHES)
def test_the_committed_measurements_are_of_the_code_as_it_is(name):
    (module, command), header = BENCHES[name], read(MEASUREMENTS / f"{name}.csv").header
    assert header["command"].startswith(command)
    assert header["code"] == fingerprint(module), f"the code has changed since; run: {header['command']}"


def test_the_figure_that_was_measured_is_the_figure_as_it_is():
    now = answering.study_of(answering.Times([1.0], [1.0], "browser"), ["text"]).measure(source="text")["scripts"]
    assert set(read(answering.RESULTS).column("scripts")) == {now}, f"the figure has changed: {answering.COMMAND}"


def test_every_measurement_is_known():
    assert {path.stem for path in MEASUREMENTS.glob("*.csv")} == set(BENCHES) >= set(COMMANDS)


@pytest.mark.parametrize("name", NAMES)
def test_the_committed_results_have_the_columns_of_their_study(name):
    study = importlib.import_module(f"nbcode.experiments.{name}").STUDY
    results = study.results()
    assert all(tuple(row) == study.keys + study.values for row in results.rows)
    assert all(value != "" for row in results.rows for value in row.values())
    cells = [tuple(row[key] for key in study.keys) for row in results.rows]
    assert len(set(cells)) == len(cells)
    assert results.header["command"].startswith(f"python -m {study.module}")


def test_every_study_is_listed_and_every_result_has_a_study():
    folder = Path(source.__file__).parent
    studies = {path.stem for path in folder.glob("*.py") if "STUDY = " in path.read_text(encoding="utf-8")}
    assert studies == set(NAMES)
    assert {path.stem for path in (folder / "results").glob("*.csv")} == set(NAMES)
