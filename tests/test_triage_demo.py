"""The demonstration: what it writes and says, on a tiny checkpoint."""

import re
import sqlite3
from contextlib import closing

import pytest

from checkpoints import tiny_bert
from nbcode.triage import Plan, TableError, demo
from nbcode.triage.__main__ import main
from nbcode.triage.demo import CHECKPOINTS
from predictors import read_sqlite

pytestmark = [
    pytest.mark.usefixtures("few_objects"),
    pytest.mark.filterwarnings("ignore::nbcode.triage.TriageWarning"),  # the tiny vocabulary has no punctuation
]
RIGHT = """
select avg(sub_technical_pm_predicted in (owner, ifnull(second_owner, owner)))
from requirement join truth using (req_id) where sub_technical_pm is null
"""
WORDS = ["refund", "warehouse", "coupon", "search", "report", "payment", "the", "and", "review", "supplier"]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return tiny_bert(tmp_path_factory.mktemp("checkpoint") / "tiny", WORDS)


def test_it_writes_fits_predicts_and_compares_with_the_truth(tmp_path, checkpoint):
    said = []
    found = demo(tmp_path / "d", 240, "en", checkpoint, Plan(1), progress=False, say=said.append)
    told = "\n".join(said)
    assert sorted(path.name for path in (tmp_path / "d").iterdir()) == ["model", "requirements.db"]
    assert f"Checkpoint {checkpoint}: a folder on this machine, taken as it is." in told
    assert "240 SIMULATED requirements. Nothing in it is real." in told and "Beside the truth" in told
    ((labels, predictions),) = read_sqlite(
        tmp_path / "d" / "requirements.db",
        "select count(sub_technical_pm), count(sub_technical_pm_predicted) from requirement",
    )
    assert (found.report.rows, found.summary.written) == (labels, predictions) == (labels, 240 - labels)
    ((right,),) = read_sqlite(tmp_path / "d" / "requirements.db", RIGHT)
    assert found.truth.accuracy == pytest.approx(right) and found.truth.rows == predictions


def test_the_commands_that_it_shows_work(tmp_path, checkpoint, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["demo", "--records", "240", "--checkpoint", str(checkpoint), "--quiet", "--out", "d"]) == 0
    shown = re.findall(r"python -m nbcode.triage (.*)", capsys.readouterr().out)
    assert [command.split()[0] for command in shown] == ["fit", "predict"]
    with closing(sqlite3.connect("d/requirements.db")) as database:
        database.execute("update requirement set sub_technical_pm_model = 'another'")
        database.commit()
    assert main([*shown[0].split(), "--quiet", "--epochs", "0"]) == 0 and main([*shown[1].split(), "--quiet"]) == 0
    assert "predicted, 0 of them below the threshold" in capsys.readouterr().out


def test_a_folder_that_is_not_empty_is_left_alone(tmp_path, checkpoint):
    (tmp_path / "mine").write_text("mine")
    with pytest.raises(TableError, match="is not empty"):
        demo(tmp_path, 240, "en", checkpoint, progress=False)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--language", "zh"], "is no folder here"),
        (["--records", "0"], "n is 0"),
        (["--records", "20", "--checkpoint", "{}"], "too few rows of"),
    ],
)
def test_mistakes_are_told_and_leave_no_database(tmp_path, checkpoint, monkeypatch, capsys, words, told):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setitem(CHECKPOINTS, "zh", "none/such")
    words = [word.format(checkpoint) for word in words]
    assert main(["demo", "--out", str(tmp_path / "d"), "--quiet", *words]) == 2
    assert told in capsys.readouterr().err and not list((tmp_path / "d").glob("*"))
