"""Splits that leak nothing they promise to keep apart, and the database that holds records, truth and splits."""

import collections
import re
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from nbcode.data.requirements import SPLITS, Settings, by_group, by_situation, by_time, generate, write_database
from nbcode.data.requirements.__main__ import main
from nbcode.data.requirements.people import PMS

N = 3000


@pytest.fixture(scope="module")
def records():
    return generate(0, N)


@pytest.fixture(scope="module")
def path(records, tmp_path_factory):
    path = tmp_path_factory.mktemp("database") / "requirements.db"
    write_database(records, path)
    return path


def rows(path, query):
    with closing(sqlite3.connect(path)) as database:
        return database.execute(query).fetchall()


def parts(records, split):
    return [[records[number - 1] for number in part] for part in (split.train, split.validation, split.test)]


# -- splits


@pytest.mark.parametrize("name", SPLITS)
def test_a_split_holds_each_labeled_record_once(records, name):
    split = SPLITS[name](records)
    numbers = [*split.train, *split.validation, *split.test]
    assert sorted(numbers) == [record.req_id for record in records if record.sub_technical_pm]
    sizes = [len(part) / len(numbers) for part in (split.train, split.validation, split.test)]
    assert all(abs(size - wanted) < 0.05 for size, wanted in zip(sizes, (0.6, 0.2, 0.2), strict=True))
    assert SPLITS[name](records) == split


@pytest.mark.parametrize("name", SPLITS)
def test_every_pm_has_fifty_records_to_train_with(records, name):
    train, _, test = parts(records, SPLITS[name](records))
    counts = collections.Counter(record.sub_technical_pm for record in train)
    assert len(counts) == 8 and min(counts.values()) >= 50
    assert len({record.sub_technical_pm for record in test}) == 8


def test_duplicates_stay_together(records):
    train, validation, test = ({r.facts.group for r in part} for part in parts(records, by_group(records)))
    assert not train & validation and not train & test and not validation & test


def test_no_request_moves_when_others_are_repeated(records):
    """The parts of the split by groups hang on the record alone."""
    plain = generate(0, N, settings=Settings(duplicates=0))
    mine, theirs = by_group(records), by_group(plain)
    same = {r.req_id for r in records if not r.facts.duplicate_of}
    assert same & set(mine.test) == same & set(theirs.test) & {r.req_id for r in records if r.sub_technical_pm}


def test_time_runs_one_way_and_no_day_is_cut(records):
    train, validation, test = ([r.created_on for r in part] for part in parts(records, by_time(records)))
    assert max(train) < min(validation) and max(validation) < min(test)


def test_no_situation_is_in_two_parts(records):
    told = []
    for part in parts(records, by_situation(records)):
        told.append({name for r in part for name in (*r.facts.situations, r.facts.second_situation) if name})
    train, validation, test = told
    assert not train & validation and not train & test and not validation & test
    assert {name.split("/")[0] for name in test} == {name.split("/")[0] for name in train}  # all areas in both
    groups = [{r.facts.group for r in part} for part in parts(records, by_situation(records))]
    assert not groups[0] & groups[2]


def test_the_kinds_of_situations_are_the_same_in_all_parts(records):
    for part in parts(records, by_situation(records)):
        kinds = collections.Counter(r.facts.kind for r in part)
        assert abs(kinds["F"] / len(part) - 0.47) < 0.07 and 0.025 < kinds["I"] / len(part) < 0.09
        assert abs(sum(len(r.facts.situations) for r in part) / len(part) - 1.5) < 0.07


@pytest.mark.parametrize("name", SPLITS)
def test_too_few_records_are_told(name):
    with pytest.raises(ValueError, match="a part is empty"):
        SPLITS[name](generate(0, 2))
    with pytest.raises(ValueError, match="of 0 records"):
        SPLITS[name]([])


# -- database


def test_the_records_come_back(records, path):
    found = rows(path, "select * from requirement order by req_id")
    assert found == [
        (r.req_id, str(r.created_on), r.requester, r.title, r.description, r.sub_technical_pm) for r in records
    ]


def test_nobody_recorded_is_null(records, path):
    missing = sum(record.sub_technical_pm is None for record in records)
    assert missing > 600
    assert rows(path, "select count(*) from requirement where sub_technical_pm is null") == [(missing,)]
    assert rows(path, "select count(*) from requirement where trim(sub_technical_pm) = ''") == [(0,)]


def test_the_truth_comes_back(records, path):
    found = rows(path, "select req_id, owner, second_owner, area_id, planted_wrong, duplicate_of from truth")
    for record, (number, first, second, area, planted, source) in zip(records, sorted(found), strict=True):
        assert (number, area) == (record.req_id, record.facts.area)
        assert tuple(filter(None, (first, second))) == record.owners
        assert (planted or "", source) == (record.facts.planted, record.facts.duplicate_of)


def test_the_dated_rules_give_the_owner_of_every_record(path):
    """The tables alone are enough to say who is right, the day of the handover included."""
    right = rows(
        path,
        """select count(*) from truth join requirement using (req_id) join ownership_rule as rule
        on rule.area_id = truth.area_id and rule.pm = truth.owner
        and valid_from <= created_on and (valid_to is null or created_on < valid_to)""",
    )
    assert right == [(N,)]
    assert rows(path, "select count(*) from ownership_rule where valid_to is not null") == [(1,)]


def test_the_splits_are_published_in_the_database(records, path):
    for name, split in SPLITS.items():
        test = tuple(number for (number,) in rows(path, f"select req_id from split where {name} = 'test'"))
        assert test == split(records).test


def test_the_tables_hang_together_and_say_what_they_are(path):
    assert rows(path, "pragma foreign_key_check") == [] and rows(path, "pragma integrity_check") == [("ok",)]
    assert "SIMULATED" in rows(path, "select text from about where what = 'simulated'")[0][0]
    names = {name for (name,) in rows(path, "select name from sqlite_master where type = 'table'")}
    assert {"requirement", "pm", "area", "ownership_rule", "truth"} <= names


def test_a_chinese_database_has_chinese_names(tmp_path):
    write_database(generate(0, 300, "zh"), tmp_path / "zh.db")
    assert {name for (name,) in rows(tmp_path / "zh.db", "select name from pm")} == {zh for _, zh in PMS.values()}
    assert rows(tmp_path / "zh.db", "select name from area where area_id = 'pay'") == [("支付",)]
    assert rows(tmp_path / "zh.db", "pragma foreign_key_check") == []


def test_few_records_are_written_without_splits(tmp_path):
    write_database(generate(0, 3), tmp_path / "few.db")
    assert rows(tmp_path / "few.db", "select count(*) from requirement") == [(3,)]
    assert rows(tmp_path / "few.db", "select count(*) from split") == [(0,)]


def test_a_file_that_is_there_is_left_alone(records, path, tmp_path):
    before = path.read_bytes()
    with pytest.raises(ValueError, match="is there already"):
        write_database(records, path)
    with pytest.raises(ValueError, match="no records"):
        write_database([], tmp_path / "none.db")
    assert path.read_bytes() == before and not list(tmp_path.iterdir())


def test_a_write_that_fails_leaves_nothing(tmp_path):
    record = generate(0, 5)[0]
    with pytest.raises(sqlite3.IntegrityError):
        write_database([record, record], tmp_path / "twice.db")
    assert not list(tmp_path.iterdir())


# -- command line


def test_the_command_writes_what_generate_makes(tmp_path, capsys):
    out = tmp_path / "requirements.db"
    assert main(["--seed", "2", "--n", "40", "--language", "zh", "--out", str(out)]) == 0
    assert re.search(r"40 SIMULATED requirements, \d+ of them without a PM", capsys.readouterr().out)
    assert rows(out, "select title from requirement") == [(r.title,) for r in generate(2, 40, "zh")]


@pytest.mark.parametrize(
    ("words", "told"), [(["--n", "0"], "n is 0"), (["--seed", "-3"], "seed is -3"), ([], "already")]
)
def test_the_command_tells_what_it_cannot_do(tmp_path, capsys, words, told):
    out = tmp_path / "requirements.db"
    out.write_text("mine")
    assert main([*words, "--out", str(out)]) == 2
    assert told in capsys.readouterr().err and out.read_text() == "mine"


def test_a_folder_that_is_not_there_is_told(tmp_path, capsys):
    assert main(["--n", "5", "--out", str(tmp_path / "no" / "requirements.db")]) == 2
    assert "No such file" in capsys.readouterr().err


def test_the_module_runs_and_says_that_all_is_simulated():
    told = subprocess.run(
        [sys.executable, "-m", "nbcode.data.requirements", "--help"], capture_output=True, text=True, check=True
    )
    assert "SIMULATED" in told.stdout
