"""The progress bar, in a terminal and in a notebook that is really run."""

import re

import nbformat
import pytest
from nbclient import NotebookClient

from nbcode.training.history import Record
from nbcode.training.progress import Progress


def records(steps, until=None, epochs=2):
    for step in range(1, (until or steps) + 1):
        yield Record(step, steps, 1 + (step - 1) * epochs // steps, loss=1 / step, lr=0.1, grad_norm=1.0)


def test_in_a_terminal_the_last_line_has_the_last_step(capsys):
    progress = Progress()
    for record in records(40):
        progress(record)
    shown = capsys.readouterr()
    assert shown.out == ""
    last = shown.err.rstrip("\n").split("\r")[-1]
    assert last.startswith("100%") and "40/40" in last and "epoch 2, loss 0.025" in last and "step/s" in last
    assert shown.err.endswith("\n")  # what is printed next begins on a line of its own


def test_a_run_of_one_step_and_a_second_run_are_shown(capsys):
    for steps in (1, 3):
        progress = Progress()
        for record in records(steps):
            progress(record)
        assert f"{steps}/{steps}" in capsys.readouterr().err


def test_before_the_first_step_nothing_is_shown(capsys):
    Progress()
    assert capsys.readouterr().err == ""


def test_a_run_that_stops_early_shows_how_far_it_came(capsys):
    progress = Progress()
    for record in records(1000, until=7):
        progress(record)
    del progress, record
    assert "7/1000" in capsys.readouterr().err.split("\r")[-1]


CELL = """
from nbcode.training.history import Record
from nbcode.training.progress import Progress

def run(steps, until):
    progress = Progress()
    for step in range(1, until + 1):
        progress(Record(step, steps, 1, 1 / step, 0.1, 1.0))
"""


@pytest.fixture(scope="module")
def outputs():
    """The outputs of a notebook with a finished run, a run that stopped early, and two runs in one cell."""
    calls = ["run(500, 500)", "run(500, 123)", "run(5, 5)\nrun(6, 6)", "'and nothing comes later'"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in (CELL, *calls)])
    NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
    nbformat.validate(notebook)
    return [cell.outputs for cell in notebook.cells]


def test_a_saved_notebook_keeps_one_output_with_the_last_step(outputs):
    assert outputs[0] == []
    (output,) = outputs[1]
    assert output.output_type == "display_data" and set(output.data) == {"text/plain"}
    assert re.search(r"^100%.* 500/500 .*epoch 1, loss 0\.002\]$", output.data["text/plain"])


def test_a_saved_notebook_keeps_how_far_a_stopped_run_came(outputs):
    (output,) = outputs[2]
    assert " 123/500 " in output.data["text/plain"] and "loss 0.00813" in output.data["text/plain"]


def test_each_run_has_its_own_output_and_touches_no_later_cell(outputs):
    assert [re.search(r"\d+/\d+", output.data["text/plain"]).group() for output in outputs[3]] == ["5/5", "6/6"]
    assert [output.output_type for output in outputs[4]] == ["execute_result"]
