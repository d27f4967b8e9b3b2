"""Tables that the tool can use, and those it refuses, in words and without touching them."""

import datetime
import sqlite3
from contextlib import closing
from decimal import Decimal

import pytest

from nbcode.triage import Columns, Prediction, TableError, open_table
from nbcode.triage.table import moment
from predictors import COLUMNS, OWN, make_csv, make_sqlite, read_csv, read_sqlite, rows

HOSTILE = ['we"ird', "it's", "a; drop table requests; --", "%(x)s:y", "select", "Ünï 中文 🎉", "b", "x.y", "[z]`"]


@pytest.fixture(params=["sqlite", "wal", "csv"])
def place(request, tmp_path):
    """A table of 20 rows, as the arguments of ``open_table`` and its file."""
    if request.param == "csv":
        return (make_csv(tmp_path / "requests.csv", rows(20)), None), tmp_path / "requests.csv"
    url = make_sqlite(tmp_path / "requests.db", rows(20), "wal" if request.param == "wal" else "delete")
    return (url, "requests"), tmp_path / "requests.db"


def executed(path, *statements):
    with closing(sqlite3.connect(path)) as database:
        for statement in statements:
            database.execute(statement)
        database.commit()


def records(table, size=512):
    return [record for batch in table.batches(size) for record in batch]


# -- reading


@pytest.mark.parametrize("size", [1, 3, 20, 512])
def test_all_rows_come_once_in_batches(place, size):
    table = open_table(*place[0], COLUMNS)
    batches = list(table.batches(size))
    assert [len(batch) for batch in batches[:-1]] == [size] * (len(batches) - 1) and len(batches[-1]) <= size
    found = records(table, size)
    assert [int(record.key) for record in found] == list(range(20)) and table.count() == 20
    assert [record.text for record in found] == [f"{title}\n{body}" for _, title, body, _ in rows(20)]
    assert [record.label for record in found] == ["ann", None, None, None] * 5


def test_a_batch_ends_early_when_its_texts_are_large(tmp_path):
    given = [(i, "t", "x" * 1_500_000, None) for i in range(7)]
    for source, name in (
        (make_sqlite(tmp_path / "a.db", given), "requests"),
        (make_csv(tmp_path / "a.csv", given), None),
    ):
        table = open_table(source, name, COLUMNS)
        assert [len(batch) for batch in table.batches(5)] == [3, 3, 1]


@pytest.mark.parametrize(
    ("title", "body", "text"),
    [("a", "b", "a\nb"), (None, "b", "b"), ("a", None, "a"), (" ", "b ", "b "), (None, None, ""), ("", "\n\t", "")],
)
def test_empty_texts_are_left_out(tmp_path, title, body, text):
    (found,) = records(open_table(make_sqlite(tmp_path / "a.db", [(1, title, body, None)]), "requests", COLUMNS))
    assert found.text == text


@pytest.mark.parametrize("keys", [["b", "a", "C", "中", "a b"], [b"\x01", b"\x00"], [1.5, -2.25], [10**15, -3]])
def test_keys_of_any_type_find_their_rows_again(tmp_path, keys):
    path = tmp_path / "a.db"
    executed(path, "create table requests (id primary key, title text, body text, pm text)")
    with closing(sqlite3.connect(path)) as database:
        database.executemany("insert into requests values (?, 't', 'b', null)", [(key,) for key in keys])
        database.commit()
    table = open_table(f"sqlite:///{path}", "requests", COLUMNS)
    found = [record.key for record in records(table, 1)]
    assert sorted(map(repr, found)) == sorted(map(repr, keys))
    assert table.write([[Prediction(key, None, str(key), 0.5)] for key in found], "m") == len(keys)
    assert {row[4] for row in read_sqlite(path)} == set(map(str, keys))


@pytest.mark.parametrize("name", HOSTILE)
def test_names_are_quoted_wherever_they_stand(tmp_path, name):
    path = tmp_path / "a.db"
    make_sqlite(path, rows(3))
    quoted = lambda text: '"' + text.replace('"', '""') + '"'
    id_, text, label = (name + end for end in ("", " t", " l"))
    executed(
        path,
        f"create table {quoted(name)} ({quoted(id_)} integer primary key, {quoted(text)} text, {quoted(label)} text)",
        f"insert into {quoted(name)} values (1, 'a', null), (2, 'b', 'ann')",
    )
    columns = Columns((text,), label, id_)
    table = open_table(f"sqlite:///{path}", name, columns)
    assert table.write([[Prediction(1, None, "eve", 0.5)]], "m", write_label=True) == 1
    assert read_sqlite(path, f"select * from {quoted(name)}") == [
        (1, "a", "eve", "eve", 0.5, "m"),
        (2, "b", "ann", *[None] * 3),
    ]
    assert read_sqlite(path) == rows(3)
    again = records(open_table(f"sqlite:///{path}", name, columns))
    assert [(each.predicted, each.confidence, each.model) for each in again] == [("eve", 0.5, "m"), (None, None, None)]
    assert [each.labeled_by_model for each in again] == [True, False]


def test_a_table_can_be_named_with_its_schema_and_a_view_can_be_read(tmp_path):
    url = make_sqlite(tmp_path / "a.db", rows(4))
    executed(tmp_path / "a.db", "create view seen as select * from requests")
    assert len(records(open_table(url, "main.requests", COLUMNS))) == 4
    view = open_table(url, "seen", COLUMNS)
    assert len(records(view)) == 4
    with pytest.raises(TableError, match="is a view"):
        view.check_writable()


def test_bytes_that_are_not_utf_8_stop_nothing(tmp_path):
    url = make_sqlite(tmp_path / "a.db", [])
    executed(tmp_path / "a.db", "insert into requests values (1, cast(x'61ff62' as text), 'b', cast(x'ff' as text))")
    (found,) = records(open_table(url, "requests", COLUMNS))
    assert (found.text, found.label) == ("a?b\nb", "?")


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("1970-01-02", 86400.0), ("1970-01-01 00:01:00", 60.0), ("1970-01-01T01:00:00+01:00", 0.0), (" ", None),
        (17, 17.0), ("1.5e9", 1.5e9), (Decimal("2.5"), 2.5), (datetime.date(1970, 1, 2), 86400.0), (None, None),
        (datetime.datetime(1970, 1, 1, 2), 7200.0), ("1512010112345", 1512010112345.0), ("10000101", 10000101.0),
    ],
)  # fmt: skip
def test_times_become_numbers(value, seconds):
    assert moment(value, 1, "made") == seconds


@pytest.mark.parametrize("value", ["31/01/2025", "nan", b"1", True, "soon"])
def test_what_is_no_time_is_told(value):
    with pytest.raises(TableError, match=r"row 7: the time column 'made' holds .*2025-01-31"):
        moment(value, 7, "made")


def test_times_are_read_from_the_table(tmp_path):
    given = [(1, "t", "b", None, "2025-01-02"), (2, "t", "b", None, "")]
    path = make_csv(tmp_path / "a.csv", given, ("id", "title", "body", "pm", "made"))
    first, second = records(open_table(path, None, Columns(("title",), "pm", "id", "made")))
    assert (first.time, second.time) == (datetime.datetime(2025, 1, 2, tzinfo=datetime.UTC).timestamp(), None)


# -- what is refused


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ((("title", "titel"), "pm", "id"), r"no column 'titel' \(is 'title' meant\?\); its columns: 'id', 'title'"),
        ((("title",), "pm; drop table requests", "id"), "no column 'pm; drop table requests'"),
        ((("title",), "pm", 'id"'), "no column 'id\"'"),
        ((("title",), "pm", "id", "made"), "no column 'made'"),
    ],
)
def test_missing_columns_are_told(place, given, told):
    before = place[1].read_bytes()
    with pytest.raises(TableError, match=told):
        open_table(*place[0], Columns(*given))
    assert place[1].read_bytes() == before


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (((), "pm", "id"), "no text column"),
        (("title", "pm", "id"), r"give a tuple of column names, such as \('title',\)"),
        ((("title", "pm"), "pm", "id"), "'pm' is asked for twice"),
        ((("title", "pm_predicted"), "pm", "id"), "'pm_predicted' is asked for twice"),
        ((("title", ""), "pm", "id"), "'' stands where the name"),
        ((("title",), None, "id"), "None stands where the name"),
    ],
)
def test_columns_that_cannot_be_meant_are_told(given, told):
    with pytest.raises(TableError, match=told):
        Columns(*given)


@pytest.mark.parametrize("name", ["requets", "requests; drop table requests", 'requests"', "", None])
def test_a_missing_table_is_told_with_those_that_are_there(tmp_path, name):
    url = make_sqlite(tmp_path / "a.db", rows(3))
    with pytest.raises(TableError, match="its tables: 'requests'" if name else "say which one"):
        open_table(url, name, COLUMNS)
    assert read_sqlite(tmp_path / "a.db") == rows(3)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ("alter table requests add column n integer", r"'n' of the table 'requests' has the type INTEGER; a text is"),
        ("alter table requests add column n default x'00'", r"row 0: the column 'n' holds b'\\x00' \(bytes\)"),
    ],
)
@pytest.mark.parametrize("role", ["text", "label"])
def test_columns_that_hold_no_text_are_told(tmp_path, changes, told, role):
    url = make_sqlite(tmp_path / "a.db", rows(3))
    executed(tmp_path / "a.db", changes)
    columns = Columns(("title", "n"), "pm", "id") if role == "text" else Columns(("title",), "n", "id")
    with pytest.raises(TableError, match=told):
        records(open_table(url, "requests", columns))


@pytest.mark.parametrize(("key", "told"), [("same", "is not unique: 'k' stand"), ("gap", "NULL in 1 of 3 rows")])
def test_a_key_that_tells_rows_not_apart_is_told(tmp_path, key, told):
    url = make_sqlite(tmp_path / "a.db", rows(3))
    executed(
        tmp_path / "a.db",
        "alter table requests add column same text default 'k'",
        "alter table requests add column gap text",
        "update requests set gap = id where id > 0",
    )
    with pytest.raises(TableError, match=told):
        open_table(url, "requests", Columns(("title",), "pm", key))


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ([(1, "a", "b", ""), (1, "a", "b", "")], "line 3: the key 'id' is '1', as in line 2"),
        ([(1, "a", "b", ""), (" ", "a", "b", "")], "line 3: the key 'id' is empty"),
        ([(1, "a", "b", ""), (2, "a")], "line 3: 2 cells, but the header has 4"),
    ],
)
def test_a_csv_file_without_keys_or_cells_is_told(tmp_path, given, told):
    with pytest.raises(TableError, match=told):
        open_table(make_csv(tmp_path / "a.csv", given), None, COLUMNS)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "is empty"),
        (b"\nid,title\n", "begins with an empty line"),
        (b"id,title,body,pm\n1,caf\xe9,b,\n", "is not in UTF-8"),
        ("id,title,body,pm\n".encode("utf-16"), "is not in UTF-8"),
        (b'id,title,body,pm\n1,"a"x,b,\n', "no sound CSV file"),
        (b'id,title,body,pm\n1,"a,b,\n', "no sound CSV file"),
        (b"id,title,title,body,pm\n1,a,a,b,\n", "has 2 columns called 'title'"),
    ],
)
def test_what_is_no_sound_csv_file_is_told(tmp_path, data, told):
    path = tmp_path / "a.csv"
    path.write_bytes(data)
    with pytest.raises(TableError, match=told):
        open_table(path, None, COLUMNS)
    assert path.read_bytes() == data


def test_files_that_are_not_there_are_told_and_not_made(tmp_path):
    for source, name in ((tmp_path / "no.csv", None), (f"sqlite:///{tmp_path}/no.db", "requests"), (tmp_path, None)):
        with pytest.raises(TableError, match=r"[Nn]o such file|there is no file|Is a directory"):
            open_table(source, name, COLUMNS)
    for name in ("no.db", "n%20o.db"):  # SQLite's own way to write an address
        with pytest.raises(TableError, match=f"there is no file '{tmp_path}/n.?o.db'"):
            open_table(f"sqlite:///file:{tmp_path}/{name}?uri=true", "requests", COLUMNS)
    with pytest.raises(TableError, match="there is no file ''"):
        open_table("sqlite://", "requests", COLUMNS)
    assert not list(tmp_path.iterdir())


def test_an_address_in_sqlites_own_way_leads_to_its_file(tmp_path):
    make_sqlite(tmp_path / "a b.db", rows(3))
    for address in (f"file:{tmp_path}/a%20b.db?uri=true", f"file://localhost{tmp_path}/a%20b.db?mode=ro&uri=true"):
        assert open_table(f"sqlite:///{address}", "requests", COLUMNS).count() == 3


@pytest.mark.parametrize(
    ("source", "name", "told"),
    [
        ("nosuch://host/x", "t", "'nosuch' is no database that SQLAlchemy knows"),
        ("postgresql+pg8000://ann:secret@host/x", "t", "needs a driver that is not installed"),
        ("://", "t", "cannot be read; write it as sqlite:///FILE"),
        ("postgresql+nosuch://x", "t", "no database that SQLAlchemy knows"),
        ("a.db", "t", "give it as a URL: sqlite:///a.db"),
        ("a.csv", "t", "leave out the name 't'"),
    ],
)
def test_addresses_that_lead_nowhere_are_told(source, name, told):
    with pytest.raises(TableError, match=told) as caught:
        open_table(source, name, COLUMNS)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("data", "told"), [(b"id,title,body,pm\n" * 100, "no SQLite database"), (b"", "its tables: none")]
)
def test_a_file_that_is_no_database_is_told(tmp_path, data, told):
    (tmp_path / "a.db").write_bytes(data)
    with pytest.raises(TableError, match=told):
        open_table(f"sqlite:///{tmp_path}/a.db", "requests", COLUMNS)
    assert (tmp_path / "a.db").read_bytes() == data


@pytest.mark.parametrize("column", ["pm_predicted integer", "pm_confidence text", "pm_model blob"])
def test_a_column_of_another_type_where_predictions_go_is_told(tmp_path, column):
    url = make_sqlite(tmp_path / "a.db", rows(3))
    executed(tmp_path / "a.db", f"alter table requests add column {column}")
    with pytest.raises(TableError, match=f"has a column '{column.split()[0]}' of type .* rename it"):
        open_table(url, "requests", COLUMNS)


def test_a_column_in_other_letters_where_predictions_go_is_told(tmp_path):
    url = make_sqlite(tmp_path / "a.db", rows(3))
    executed(tmp_path / "a.db", "alter table requests add column PM_Model text")
    with pytest.raises(TableError, match="has a column 'PM_Model'"):
        open_table(url, "requests", COLUMNS)


# -- writing


def test_what_is_written_goes_to_its_rows_only(place):
    table = open_table(*place[0], COLUMNS)
    key = int if place[0][1] else str
    batches = [
        [Prediction(key(1), None if key is int else "", "eve", 0.1 + 0.2)],
        [Prediction(key(7), " \t", None, 0.25)],
    ]
    assert table.write(batches, "m") == 2
    found = records(open_table(*place[0], COLUMNS))
    assert [(r.predicted, r.confidence, r.model) for r in found if r.model] == [
        ("eve", 0.1 + 0.2, "m"),
        (None, 0.25, "m"),
    ]
    assert [(r.text, r.label) for r in found] == [
        (f"{t}\n{b}", pm if (pm or "").strip() else None) for _, t, b, pm in rows(20)
    ]
    table.write(
        [[Prediction(key(1), None if key is int else "", "bob", 1.0)]], "n", write_label=True
    )  # columns are there
    found = records(open_table(*place[0], COLUMNS))[1]
    assert (found.predicted, found.confidence, found.model, found.label) == ("bob", 1.0, "n", "bob")


def test_a_strict_table_takes_the_columns_too(tmp_path):
    path = tmp_path / "a.db"
    executed(path, "create table requests (id integer primary key, title text, body text, pm text) strict")
    executed(path, "insert into requests values (1, 'a', 'b', null)")
    assert open_table(f"sqlite:///{path}", "requests", COLUMNS).write([[Prediction(1, None, "eve", 0.1 + 0.2)]], "m")
    assert read_sqlite(path) == [(1, "a", "b", None, "eve", 0.1 + 0.2, "m")]


def test_a_label_that_came_in_the_meantime_is_kept(tmp_path):
    path = tmp_path / "a.db"
    table = open_table(make_sqlite(path, rows(4)), "requests", COLUMNS)
    executed(path, "update requests set pm = 'zoe' where id = 1", "delete from requests where id = 2")
    batch = [Prediction(1, None, "eve", 1.0), Prediction(2, "", "eve", 1.0), Prediction(3, " \t", "eve", 1.0)]
    assert table.write([batch], "m", write_label=True) == 1
    assert [row[3:] for row in read_sqlite(path)] == [
        ("ann", None, None, None), ("zoe", None, None, None), ("eve", "eve", 1.0, "m")
    ]  # fmt: skip


def test_a_csv_file_that_changed_in_the_meantime_is_left_alone(tmp_path):
    path = make_csv(tmp_path / "a.csv", rows(4))
    table = open_table(path, None, COLUMNS)
    make_csv(path, rows(5))
    before = path.read_bytes()
    with pytest.raises(TableError, match="changed by another program"):
        table.write([[Prediction("1", "", "eve", 1.0)]], "m")
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_csv_file_keeps_its_form(tmp_path, encoding, delimiter, end):
    given = [(3, "a,b;c\td", 'say "hi"\r\nor\nnot\r', "", "x"), (1, "中", "é", "ann", "")]
    header = ("id", "title", "body", "pm", "other")
    path = make_csv(
        tmp_path / "a.csv", given, header, encoding=encoding, delimiter=delimiter, lineterminator=end, quoting=1
    )
    path.chmod(0o640)
    open_table(path, None, COLUMNS).write([[Prediction("3", "", "eve", 0.5)]], "m")
    data = path.read_bytes()
    assert data.startswith(b"\xef\xbb\xbf") == (encoding == "utf-8-sig") and path.stat().st_mode & 0o777 == 0o640
    assert data.endswith(end.encode()) and data.split(end.encode())[0].decode(encoding) == delimiter.join(
        (*header, *OWN)
    )
    assert read_csv(path, encoding, delimiter)[1:] == [
        ["3", *given[0][1:], "eve", "0.5", "m"], ["1", *given[1][1:], "", "", ""]
    ]  # fmt: skip
    assert list(tmp_path.iterdir()) == [path]


def test_empty_lines_and_a_link_stay(tmp_path):
    path, link = tmp_path / "a.csv", tmp_path / "link.csv"
    path.write_bytes(b"id,title,body,pm\n\n1,a,b,\n\n")
    link.symlink_to(path)
    assert open_table(link, None, COLUMNS).write([[Prediction("1", "", "eve", 0.5)]], "m") == 1
    assert path.read_bytes() == b"id,title,body,pm,pm_predicted,pm_confidence,pm_model\n\n1,a,b,,eve,0.5,m\n\n"
    assert link.is_symlink()


def test_a_read_only_csv_file_is_told_and_left_alone(tmp_path):
    path = make_csv(tmp_path / "a.csv", rows(4))
    path.chmod(0o444)
    with pytest.raises(TableError, match="is read-only; change its rights, or work on a copy"):
        open_table(path, None, COLUMNS).check_writable()
    path.chmod(0o644)
    open_table(path, None, COLUMNS).check_writable()


def test_to_try_whether_a_csv_file_can_be_written_touches_no_other_file(tmp_path):
    path = make_csv(tmp_path / "a.csv", rows(4))
    names = [f".a.csv{end}" for end in (".probe", ".part", ".tmp", "")]
    for name in names:
        (tmp_path / name).write_text("mine")
    open_table(path, None, COLUMNS).check_writable()
    assert sorted(other.name for other in tmp_path.iterdir()) == sorted([*names, "a.csv"])
