"""The command line: exit codes, sentences, and what a model's folder remembers."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from nbcode.triage import Columns, TableError
from nbcode.triage.__main__ import main
from nbcode.triage.model_folder import Memory, recall, remember
from predictors import OWN, Hashing, make_csv, make_sqlite, read_csv, read_sqlite, rows

MEMORY = Memory(("title", "body"), "pm", ("ann", "bob", "eve"), "hashing-1")


def load(folder, columns):
    """What reads a model's folder, with a model that needs no weights."""
    memory = recall(folder)
    memory.check_fits(columns, folder)
    return Hashing(memory.model_id, memory.classes)


@pytest.fixture
def model(tmp_path):
    (tmp_path / "model").mkdir()
    remember(tmp_path / "model", MEMORY)
    return tmp_path / "model"


@pytest.fixture
def words(tmp_path, model):
    """The words of a sound command, with some changed or left out."""

    def build(*more, **changed):
        flags = {
            "database": make_sqlite(tmp_path / "a.db", rows(20)) if "database" not in changed else "",
            "table": "requests", "text": "title,body", "label": "pm", "key": "id", "model": str(model),
        } | changed  # fmt: skip
        given = [word for name, value in flags.items() if value is not None for word in (f"--{name}", value)]
        return ["predict", *given, *more]

    return build


def test_predict_fills_the_table_and_says_so(tmp_path, words, capsys):
    assert main(words(), load) == 0
    told = capsys.readouterr()
    assert told.out == "20 rows: 5 have a label, 15 predicted, 0 of them below the threshold.\n" and "20/20" in told.err
    assert sum(row[6] == "hashing-1" for row in read_sqlite(tmp_path / "a.db")) == 15
    assert main(words("--quiet", database=f"sqlite:///{tmp_path}/a.db"), load) == 0
    told = capsys.readouterr()
    assert told.out.startswith("Nothing to predict.") and told.err == ""


def test_predict_takes_a_csv_file(tmp_path, words, capsys):
    path = make_csv(tmp_path / "a.csv", [(1, "t", "b", "")], ("id", "title", "a, b", "pm"))
    memory = Memory(("a, b", "title"), "pm", ("ann", "bob"), "m")
    remember(tmp_path / "model", memory)
    assert main(words(database=str(path), table=None, text='"a, b", title'), lambda *given: Hashing("m")) == 0
    header, row = read_csv(path)
    assert header[4:] == list(OWN) and row[4:] == [*map(str, Hashing().best("b\nt")), "m"]
    assert main(words(database=str(path), table=None, text='"a, b", title'), load) == 0


def test_flags_reach_the_policy(tmp_path, words, capsys):
    assert main(words("--dry-run", "--write-label", "--threshold", "0.5", "--quiet"), load) == 0
    told = capsys.readouterr().out
    assert "labels to fill in. A dry run" in told and "filled in" not in told
    assert read_sqlite(tmp_path / "a.db") == rows(20)
    there = f"sqlite:///{tmp_path}/a.db"
    assert main(words("--write-label", "--threshold", "0.5", "--quiet", database=there), load) == 0
    found = read_sqlite(tmp_path / "a.db")
    assert all((row[3] or "").strip() == (row[4] if row[5] >= 0.5 else "") for row in found if row[6])
    assert main(words("--again", "--quiet", database=there), load) == 0
    assert "predicted, 0 of them below" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"table": "requests; drop table requests"}, "no table 'requests; drop table requests'"),
        ({"table": None}, "say which one"),
        ({"text": "title,bodi"}, "no column 'bodi' (is 'body' meant?)"),
        ({"text": 'title,"body'}, "cannot be read"),
        ({"text": ""}, "no text column"),
        ({"text": "title,pm"}, "'pm' is asked for twice"),
        ({"key": "pm"}, "asked for twice"),
        ({"key": "title", "text": "body"}, "trained to tell 'pm' from 'title' + 'body'; asked for is 'pm' from 'body'"),
        ({"text": "body,title"}, "trained to tell"),
        ({"model": "nowhere"}, "nowhere is no folder of a model that this tool has trained"),
        ({"database": "mysql+nosuch://x"}, "no database that SQLAlchemy knows"),
    ],
)
def test_mistakes_are_told_with_code_2(tmp_path, words, capsys, changed, told):
    given = words(**changed)
    before = {path.name: path.read_bytes() for path in tmp_path.glob("a.*")}
    assert main(given, load) == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.startswith("python -m nbcode.triage predict: ") and told in said.err
    assert {path.name: path.read_bytes() for path in tmp_path.glob("a.*")} == before


@pytest.mark.parametrize("threshold", ["1.5", "-1", "nan", "high"])
def test_a_threshold_that_is_none_is_told_with_code_2(words, capsys, threshold):
    try:
        code = main(words(f"--threshold={threshold}"), load)
    except SystemExit as error:
        code = error.code
    assert code == 2 and "threshold" in capsys.readouterr().err


@pytest.mark.parametrize("flag", ["--database", "--text", "--label", "--key", "--model"])
def test_a_flag_that_lacks_is_told_with_code_2(words, capsys, flag):
    given = words()
    place = given.index(flag)
    with pytest.raises(SystemExit) as error:
        main(given[:place] + given[place + 2 :], load)
    assert error.value.code == 2 and flag in capsys.readouterr().err


def test_a_file_that_cannot_be_read_is_told_with_code_2(tmp_path, words, capsys):
    def refused(folder, columns):
        raise PermissionError(13, "Permission denied", f"{folder}/model.safetensors")

    assert main(words("--quiet"), refused) == 2
    assert "model.safetensors" in capsys.readouterr().err and read_sqlite(tmp_path / "a.db") == rows(20)


INTERRUPTED = """
import signal, sys, time
from nbcode.triage.__main__ import main
from predictors import Hashing

class Slow(Hashing):
    def predict(self, texts):
        print("ready", flush=True)
        time.sleep(60)

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell lets what runs in its background ignore Ctrl-C
sys.exit(main(sys.argv[1:], lambda folder, columns: Slow()))
"""


def test_a_real_ctrl_c_ends_with_code_130_and_the_table_as_it_was(tmp_path, words):
    paths = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, *words("--quiet")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": paths},
    )
    try:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130 and errors.strip().endswith("interrupted; the table is as it was")
    assert read_sqlite(tmp_path / "a.db") == rows(20) and "Traceback" not in errors


def test_the_module_runs_without_torch_until_a_model_is_loaded():
    told = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; from nbcode.triage import __main__; print({'torch', 'sqlalchemy'} & {*sys.modules})",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout == "set()\n"
    told = subprocess.run([sys.executable, "-m", "nbcode.triage", "predict", "--help"], capture_output=True, text=True)
    assert told.returncode == 0 and "--write-label" in told.stdout


# -- what a model's folder remembers


def test_a_folder_remembers_its_table(model):
    assert recall(model) == MEMORY
    MEMORY.check_fits(Columns(("title", "body"), "pm", "number", "made"), model)  # keys and times may differ
    for columns in (
        Columns(("title",), "pm", "id"),
        Columns(("body", "title"), "pm", "id"),
        Columns(("title", "body"), "x", "id"),
    ):
        with pytest.raises(TableError, match=r"was trained to tell 'pm' from 'title' \+ 'body'"):
            MEMORY.check_fits(columns, model)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "cannot be read"), ("{", "cannot be read"),
        ("[]", "something else"), ("{}", "something else"), ("3", "something else"),
        (json.dumps({"text": ["a"], "label": 3, "classes": [], "model_id": "m"}), "no texts"),
        (json.dumps({"text": ["a"], "label": "b", "classes": 3, "model_id": "m"}), "something else"),
    ],
)  # fmt: skip
def test_a_damaged_memory_is_told(model, text, told):
    (model / "labels.json").write_text(text)
    with pytest.raises(TableError, match=told):
        recall(model)
