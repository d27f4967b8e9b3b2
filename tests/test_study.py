"""The frame of a study: what an interruption leaves, when old rows count, and the command line's answers."""

import os
import shlex
import signal
import subprocess
import sys
import time
from argparse import ArgumentTypeError, Namespace

import pytest

from nbcode.experiments import study as frame
from nbcode.experiments.perceptron import STUDY
from nbcode.experiments.study import Results, Study, at_least_one, main, parser, read

MODULE = "nbcode.data.gates"  # any small module: its fingerprint goes into the header
CELLS = [{"size": size, "seed": seed} for size in (1, 2) for seed in range(3)]
COMMAND = "python -m made.up --seeds 3"


class Measure:
    """Notes which cells it measured; is interrupted at the given one."""

    def __init__(self, interrupted_at=None):
        self.cells = []
        self.interrupted_at = interrupted_at

    def __call__(self, size, seed):
        if len(self.cells) == self.interrupted_at:
            raise KeyboardInterrupt
        self.cells.append({"size": size, "seed": seed})
        return {"area": size * size + seed, "share": size / 3, "kind": f"kind {seed}, of {size}"}


def made_up(measure, module=MODULE):
    return Study(module, ("size", "seed"), ("area", "share", "kind"), measure)


def rows(path):
    """The bytes of a results file after its header."""
    return b"".join(line for line in path.read_bytes().splitlines(keepends=True) if not line.startswith(b"# "))


@pytest.fixture
def out(tmp_path):
    return tmp_path / "deep" / "made_up.csv"


@pytest.fixture
def whole(tmp_path):
    """The rows of a run that nothing interrupted."""
    return rows(made_up(Measure()).run(CELLS, COMMAND, tmp_path / "whole.csv"))


def partial_of(out):
    return out.with_name(out.name + ".partial")


def interrupt(out, at, command=COMMAND):
    with pytest.raises(KeyboardInterrupt):
        made_up(Measure(at)).run(CELLS, command, out)


def test_a_finished_run_holds_a_header_and_one_row_per_cell(out):
    measure = Measure()
    assert made_up(measure).run(iter(CELLS), COMMAND, out) == out
    assert measure.cells == CELLS
    assert not partial_of(out).exists()
    results = read(out)
    assert list(results.header) == ["command", "code", "versions", "machine", "date"]
    assert results.header["command"] == COMMAND
    assert all(results.header.values())
    assert results.rows == [{**cell, **Measure()(**cell)} for cell in CELLS]
    assert [type(value) for value in results.rows[0].values()] == [int, int, int, float, str]


@pytest.mark.parametrize("at", range(len(CELLS)))
def test_a_run_goes_on_where_it_was_interrupted(out, whole, at):
    interrupt(out, at)
    assert not out.exists()
    measure = Measure()
    made_up(measure).run(CELLS, COMMAND, out)
    assert measure.cells == CELLS[at:]
    assert rows(out) == whole
    assert not partial_of(out).exists()


def test_a_run_survives_several_interruptions(out, whole):
    interrupt(out, 2)
    interrupt(out, 1)
    interrupt(out, 0)
    measure = Measure()
    made_up(measure).run(CELLS, COMMAND, out)
    assert measure.cells == CELLS[3:]
    assert rows(out) == whole


def test_a_finished_row_is_on_the_disk_before_the_next_cell(out):
    there = []

    def looking(size, seed):
        there.append(rows(partial_of(out)).count(b"\n") - 1)  # without the line of column names
        return Measure()(size, seed)

    made_up(looking).run(CELLS, COMMAND, out)
    assert there == [0, 1, 2, 3, 4, 5]


def test_an_error_keeps_the_finished_rows_too(out, whole):
    def failing(size, seed):
        if size == 2:
            raise ZeroDivisionError
        return Measure()(size, seed)

    with pytest.raises(ZeroDivisionError):
        made_up(failing).run(CELLS, COMMAND, out)
    measure = Measure()
    made_up(measure).run(CELLS, COMMAND, out)
    assert measure.cells == CELLS[3:]
    assert rows(out) == whole


@pytest.mark.parametrize("lost", [1, 5, 12])
def test_a_row_that_was_cut_off_is_measured_again(out, whole, lost):
    interrupt(out, 4)
    partial_of(out).write_bytes(partial_of(out).read_bytes()[:-lost])
    measure = Measure()
    made_up(measure).run(CELLS, COMMAND, out)
    assert measure.cells == CELLS[3:]
    assert rows(out) == whole


@pytest.mark.parametrize("left", [0, 1, 30])
def test_a_file_cut_off_in_its_header_is_dropped(out, whole, left):
    interrupt(out, 4)
    partial_of(out).write_bytes(partial_of(out).read_bytes()[:left])
    made_up(Measure()).run(CELLS, COMMAND, out)
    assert rows(out) == whole


def test_rows_of_another_command_are_dropped_with_a_sentence(out, whole, capsys):
    interrupt(out, 4, command="python -m made.up --seeds 30")
    capsys.readouterr()
    measure = Measure()
    made_up(measure).run(CELLS, COMMAND, out)
    assert measure.cells == CELLS
    assert rows(out) == whole
    said = capsys.readouterr().err
    assert str(partial_of(out)) in said and "another command; starting afresh" in said


def test_rows_of_other_code_are_dropped_with_a_sentence(out, whole, capsys, monkeypatch):
    interrupt(out, 4)
    capsys.readouterr()
    monkeypatch.setattr(frame, "fingerprint", lambda module: "0123456789abcdef")
    measure = Measure()
    made_up(measure).run(CELLS, COMMAND, out)
    assert measure.cells == CELLS
    assert rows(out) == whole
    assert "from other code" in capsys.readouterr().err
    assert read(out).header["code"] == "0123456789abcdef"


def test_rows_of_the_same_run_are_kept_without_a_word(out, capsys):
    interrupt(out, 4)
    capsys.readouterr()
    made_up(Measure()).run(CELLS, COMMAND, out)
    assert "afresh" not in capsys.readouterr().err


def test_old_results_stay_until_the_new_ones_are_whole(out, whole):
    made_up(Measure()).run(CELLS[:2], "python -m old", out)
    old = out.read_bytes()
    for at in (0, 3, 5):
        partial_of(out).unlink(missing_ok=True)
        interrupt(out, at)
        assert out.read_bytes() == old
    made_up(Measure()).run(CELLS, COMMAND, out)
    assert rows(out) == whole


def test_rows_are_kept_when_the_finished_file_cannot_be_put_in_its_place(out, whole):
    out.mkdir(parents=True)  # a folder of that name is in the way
    with pytest.raises(OSError):
        made_up(Measure()).run(CELLS, COMMAND, out)
    out.rmdir()
    measure = Measure()
    made_up(measure).run(CELLS, COMMAND, out)
    assert measure.cells == []
    assert rows(out) == whole


@pytest.mark.parametrize(
    "result", [{"area": 1}, {"area": 1, "share": 2, "kind": 3, "more": 4}], ids=["too few", "too many"]
)
def test_a_measure_that_returns_other_columns_is_refused(out, result):
    with pytest.raises(ValueError):
        made_up(lambda size, seed: result).run(CELLS, COMMAND, out)


def test_committed_results_lie_under_the_name_of_the_module(tmp_path, monkeypatch):
    monkeypatch.setattr(frame, "RESULTS", tmp_path)
    study = made_up(Measure())
    with pytest.raises(ValueError, match=r"run the study first: python -m nbcode\.experiments\.gates"):
        study.results()
    assert study.run(CELLS, COMMAND) == study.path == tmp_path / "gates.csv"
    assert study.results().column("area") == [1, 2, 3, 4, 5, 6]


RESULTS = Results({}, [{"margin": 0.1, "seed": seed, "mistakes": 10 - seed} for seed in range(3)])


def test_a_column_can_be_narrowed_and_its_spread_taken():
    results = Results({}, [*RESULTS.rows, {"margin": 0.4, "seed": 0, "mistakes": 1}])
    assert results.column("mistakes") == [10, 9, 8, 1]
    assert results.column("mistakes", margin=0.1) == [10, 9, 8]
    assert results.column("mistakes", margin=0.1, seed=2) == [8]
    assert results.spread("mistakes", margin=0.1) == (8, 10)
    assert results.spread("mistakes") == (1, 10)


@pytest.mark.parametrize("ask", [Results.column, Results.spread])
@pytest.mark.parametrize(
    ("name", "where"),
    [("errors", {}), ("mistakes", {"margin": 0.2}), ("mistakes", {"size": 1}), ("mistakes", {"seed": "0"}), ("", {})],
)
def test_a_bad_name_is_refused_with_the_columns(ask, name, where):
    with pytest.raises(ValueError) as refusal:
        ask(RESULTS, name, **where)
    assert repr(name) in str(refusal.value) and "margin, seed, mistakes" in str(refusal.value)


def test_a_file_without_rows_is_refused_with_the_command(tmp_path):
    empty = tmp_path / "empty.csv"
    empty.write_text("# command: python -m made.up\nsize,seed\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"no rows; run the study again: python -m made\.up"):
        read(empty)


def test_main_prints_where_the_results_lie(out, capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["made_up.py", "--seeds", "3"])
    assert main(made_up(Measure()), CELLS, Namespace(out=str(out))) == 0
    assert capsys.readouterr().out == f"{out}\n"
    assert read(out).header["command"] == f"python -m {MODULE} --seeds 3"


def test_the_command_in_the_header_can_be_typed_again(tmp_path, monkeypatch):
    out = tmp_path / "my results.csv"
    monkeypatch.setattr(sys, "argv", ["made_up.py", "--out", str(out)])
    main(made_up(Measure()), CELLS, Namespace(out=str(out)))
    assert shlex.split(read(out).header["command"]) == ["python", "-m", MODULE, "--out", str(out)]


def test_main_answers_ctrl_c_with_130_and_a_sentence(out, capsys):
    assert main(made_up(Measure(3)), CELLS, Namespace(out=str(out))) == 130
    said = capsys.readouterr()
    assert "the finished cells are kept, and the same command continues" in said.err
    assert said.out == ""
    assert partial_of(out).exists()


def test_the_options_that_all_studies_share():
    options = parser(made_up(Measure()), "What it asks.").parse_args([])
    assert (options.seeds, options.out) == (20, None)
    options = parser(made_up(Measure()), "What it asks.").parse_args(["--seeds", "3", "--out", "x.csv"])
    assert (options.seeds, options.out) == (3, "x.csv")


@pytest.mark.parametrize("text", ["0", "-1", "many", "1.5", ""])
def test_a_number_of_seeds_below_one_is_refused(text):
    assert at_least_one("1") == 1
    with pytest.raises(ArgumentTypeError, match=f"'{text}' is not an integer of at least 1"):
        at_least_one(text)


def perceptron(*flags):
    """Run the study of the perceptron as a reader does."""
    command = [sys.executable, "-m", "nbcode.experiments.perceptron", *flags]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--seeds", "0"], "argument --seeds: '0' is not an integer of at least 1"),
        (["--margins", "0.1,nan"], "argument --margins: '0.1,nan' is not a list like 0.1,0.2"),
        (["--speed", "9"], "unrecognized arguments: --speed 9"),
    ],
)
def test_bad_flags_exit_with_2_and_a_sentence(flags, sentence):
    done = perceptron(*flags)
    assert done.returncode == 2
    assert sentence in done.stderr and "usage: python -m nbcode.experiments.perceptron" in done.stderr
    assert "Traceback" not in done.stderr and done.stdout == ""


def test_the_command_measures_what_the_committed_results_say(tmp_path):
    out = tmp_path / "slice.csv"
    done = perceptron("--seeds", "3", "--margins", "0.1,0.4", "--out", str(out))
    assert (done.returncode, done.stdout) == (0, f"{out}\n"), done.stderr
    committed = [row for row in STUDY.results().rows if row["margin"] in (0.1, 0.4) and row["seed"] < 3]
    assert len(committed) == 6
    assert read(out).rows == committed


def test_ctrl_c_ends_the_command_with_130_and_keeps_the_finished_cells(tmp_path):
    out = tmp_path / "long.csv"
    # Where a test runner ignores the interrupt, its children would too; a reader's shell does not.
    code = (
        "import runpy, signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "runpy.run_module('nbcode.experiments.perceptron', run_name='__main__', alter_sys=True)"
    )
    command = [sys.executable, "-c", code, "--seeds", "100000", "--margins", "0.4", "--out", str(out)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        for _ in range(2000):  # until two rows are there; a process that never writes one fails below
            if process.poll() is not None or (partial_of(out).exists() and rows(partial_of(out)).count(b"\n") > 2):
                break
            time.sleep(0.05)
        os.kill(process.pid, signal.SIGINT)
        printed, said = process.communicate()
    assert process.returncode == 130, said
    assert "the finished cells are kept, and the same command continues" in said and "Traceback" not in said
    assert printed == "" and not out.exists()
    assert rows(partial_of(out)).decode().startswith("margin,seed,mistakes,epochs,bound\n0.4,0,")


@pytest.mark.parametrize("results", [Results({}, [{"a": 1}]), Results({}, [])])
def test_a_column_that_does_not_exist_matches_nothing(results):
    with pytest.raises(ValueError, match="no rows with"):
        results.column("a", bogus=None)


def test_several_workers_write_the_same_table_in_the_same_order(tmp_path):
    cells = [{"margin": margin, "seed": seed} for margin in (0.4, 0.2) for seed in range(2)]
    one = STUDY.run(cells, COMMAND, tmp_path / "one.csv")
    two = STUDY.run(cells, COMMAND, tmp_path / "two.csv", workers=2)
    assert rows(one) == rows(two)


def test_several_workers_stop_at_ctrl_c_and_continue(tmp_path):
    out = tmp_path / "out.csv"
    command = [
        sys.executable,
        "-m",
        "nbcode.experiments.recall",
        "--distances",
        "2",
        "--models",
        "cnn",
        "--seeds",
        "40",
    ]
    command += ["--steps", "40", "--workers", "2", "--out", str(out)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, start_new_session=True) as started:
        deadline = time.monotonic() + 120
        while not (partial_of(out).exists() and partial_of(out).read_text(encoding="utf-8").count("\n") >= 6):
            assert time.monotonic() < deadline and started.poll() is None
            time.sleep(0.05)
        os.killpg(started.pid, signal.SIGINT)  # as a terminal does: to all of them
        assert started.wait(60) == 130
    assert partial_of(out).exists() and not out.exists()


@pytest.mark.parametrize("typed", [["--workers", "2"], ["--workers=3"], []])
def test_a_run_may_go_on_with_another_number_of_workers(monkeypatch, typed):
    monkeypatch.setattr(sys, "argv", ["study", "--seeds", "3", *typed, "--out", "x y.csv"])
    assert frame._command(STUDY) == f"python -m {STUDY.module} --seeds 3 --out 'x y.csv'"
