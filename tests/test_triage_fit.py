"""Training on a table: what is learned and measured, what is stored, and what is refused."""

import json
import os
import signal
import sqlite3
import sys
from contextlib import closing

import numpy as np
import pytest
import torch
import transformers

from checkpoints import tiny_bert
from nbcode.models.bert import Bert
from nbcode.triage import (
    Columns,
    Plan,
    Policy,
    TableError,
    TriageWarning,
    evaluate,
    fit,
    load_predictor,
    open_table,
    predict,
)
from nbcode.triage.__main__ import main
from nbcode.triage.labeled_rows import LabeledRows, check_classes, labeled_rows
from nbcode.triage.model_card import safe
from nbcode.triage.model_folder import FILES, recall
from nbcode.triage.scores import scores
from nbcode.triage.seen import fingerprint
from predictors import (
    COLUMNS,
    FILLING,
    OWN,
    TOPICS,
    Hashing,
    make_csv,
    make_sqlite,
    pm_of,
    read_csv,
    read_sqlite,
    topical,
)

pytestmark = pytest.mark.usefixtures("few_objects")
WORDS = [*" ".join(TOPICS.values()).split(), *FILLING]
ROWS = topical(120)
PLAN = Plan(epochs=3, rate=1e-3)
FLAGS = {"table": "requests", "text": "title,body", "label": "pm", "key": "id", "epochs": "1", "rate": "1e-3"}
FIT = ["fit", "--quiet", *(f"--{name}={value}" for name, value in FLAGS.items())]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return tiny_bert(tmp_path_factory.mktemp("checkpoint") / "tiny bert", WORDS)


@pytest.fixture
def table(tmp_path):
    return open_table(make_sqlite(tmp_path / "a.db", ROWS), "requests", COLUMNS)


@pytest.fixture(scope="module")
def trained(tmp_path_factory, checkpoint):
    """A model that was trained on all labeled rows, its folder, and the report."""
    folder = tmp_path_factory.mktemp("trained")
    table = open_table(make_sqlite(folder / "a.db", ROWS), "requests", COLUMNS)
    report = fit(table, checkpoint, folder / "model", PLAN, progress=False)
    return folder / "model", report


def texts_of(given):
    return [f"{row[1]}\n{row[2]}" for row in given]


def database(path):
    return read_sqlite(path), read_sqlite(path, "select sql from sqlite_master")


# -- what is learned and measured


def test_it_learns_what_tells_the_labels_apart(trained):
    folder, report = trained
    new = topical(60, seed=1)
    found = load_predictor(folder, COLUMNS)
    guesses = found.predict(texts_of(new)).argmax(axis=1)
    right = np.mean([found.classes[guess] == pm_of(row) for guess, row in zip(guesses, new, strict=True)])
    assert right > 0.9 and report.own.accuracy > 0.8
    assert report.rows == 90 and sum(report.split.values()) <= 90 and report.own.rows == report.split["test"]
    assert list(report.scores) == [
        "always the most frequent label", "bag of words", "the checkpoint as it is, with a linear head", "this model"
    ]  # fmt: skip


def test_the_majority_baseline_is_what_counting_gives(trained):
    _, report = trained
    assert report.scores["always the most frequent label"].accuracy < 0.6
    assert set(report.classes) == set(TOPICS) and sum(report.classes.values()) == 90
    whole = report.own.coverage[0]
    assert (whole.threshold, whole.rows, whole.accuracy) == (0.0, report.own.rows, report.own.accuracy)
    counts = [row.rows for row in report.own.coverage]
    assert counts == sorted(counts, reverse=True)


def test_the_epochs_are_those_of_the_lowest_loss(trained):
    _, report = trained
    assert len(report.losses) <= PLAN.epochs + 1 and report.losses[report.epochs] == min(report.losses)


def test_labels_with_blanks_at_the_ends_are_one_class_and_what_a_model_wrote_is_left_out(tmp_path, checkpoint):
    given = [(*row[:3], f" {row[3]}\t" if row[0] % 2 and row[3] else row[3]) for row in ROWS]
    url = make_sqlite(tmp_path / "a.db", given)
    with closing(sqlite3.connect(tmp_path / "a.db")) as connection:
        for name, kind in zip(OWN, ("text", "double", "text"), strict=True):
            connection.execute(f"alter table requests add column {name} {kind}")
        connection.execute("update requests set pm = 'zoe', pm_predicted = 'zoe', pm_model = 'm' where id in (1, 2, 3)")
        connection.execute("update requests set title = '', body = ' ' where id = 5")
        connection.commit()
    rows = labeled_rows(open_table(url, "requests", COLUMNS), progress=False)
    assert set(rows.labels) == set(TOPICS) and (len(rows), rows.by_model, rows.empty, rows.unlabeled) == (86, 3, 1, 30)
    report = fit(open_table(url, "requests", COLUMNS), checkpoint, tmp_path / "m", Plan(0), progress=False)
    assert "3 left out whose label this tool predicted, 1 left out without a text" in str(report)


def test_with_a_time_the_newest_rows_are_the_test_and_a_new_class_counts_as_wrong(tmp_path, checkpoint):
    given = [(*row[:3], "zoe" if row[0] >= 110 and row[3] else row[3], 1000 - row[0]) for row in ROWS]
    given = [(*row[:4], f"2025-{1 + row[0] // 10:02}-01") for row in given]
    path = make_csv(tmp_path / "a.csv", given, ("id", "title", "body", "pm", "made"))
    table = open_table(path, None, Columns(("title", "body"), "pm", "id", "made"))
    report = fit(table, checkpoint, tmp_path / "m", Plan(1, keep_split=True), progress=False)
    assert "zoe" in report.classes and "zoe" not in recall(tmp_path / "m").classes
    found = evaluate(table, load_predictor(tmp_path / "m", table.columns), progress=False)
    assert found.strange == {"zoe": 8} and found.scores.accuracy <= 1 - 8 / found.scores.rows
    assert found.scores == report.own  # the test part, read back from the folder
    everything = fit(table, checkpoint, tmp_path / "m", Plan(1), progress=False)
    assert "zoe" in recall(tmp_path / "m").classes and "not scored itself" in str(everything)


def test_the_same_seed_gives_the_same_model_and_leaves_the_callers_stream(table, checkpoint, tmp_path, trained):
    torch.manual_seed(5)
    fit(table, checkpoint, tmp_path / "m", PLAN, progress=False)
    after = torch.rand(3)
    torch.manual_seed(5)
    assert torch.equal(after, torch.rand(3))
    assert recall(tmp_path / "m") == recall(trained[0])
    fit(table, checkpoint, tmp_path / "m", Plan(3, rate=1e-3, seed=1), progress=False)
    assert recall(tmp_path / "m").model_id != recall(trained[0]).model_id


def test_no_epoch_is_chosen_where_training_harms(table, checkpoint, tmp_path):
    report = fit(table, checkpoint, tmp_path / "m", Plan(2, rate=0.5), progress=False)
    assert report.epochs == 0 and report.own == report.scores["the checkpoint as it is, with a linear head"]


def test_words_that_the_vocabulary_lacks_are_warned_of(tmp_path, checkpoint, capsys):
    given = [(*row[:2], f"{row[2]} 退款 流程", row[3]) for row in ROWS]
    url = make_sqlite(tmp_path / "a.db", given)
    with pytest.warns(TriageWarning, match=r"29% of the words are unknown to the checkpoint tiny bert"):
        fit(open_table(url, "requests", COLUMNS), checkpoint, tmp_path / "m", Plan(0), progress=False)
    words = ["--database", url, "--checkpoint", str(checkpoint), "--out", str(tmp_path / "n")]
    assert main([*FIT, *words]) == 0
    assert capsys.readouterr().err.startswith("python -m nbcode.triage fit: 29% of the words")


@pytest.mark.filterwarnings("ignore::nbcode.triage.TriageWarning")
@pytest.mark.parametrize("text", ["🙂", "a", "<script>alert(1)</script>\0\x1b[31m", "x" * 200_000, "中文" * 5])
def test_strange_texts_and_labels_break_nothing(tmp_path, checkpoint, text):
    given = [(number, text, row[2], ("<b>|`", "*_\n#")[number % 2]) for number, row in enumerate(ROWS[:30])]
    table = open_table(make_csv(tmp_path / "a.csv", given), None, COLUMNS)
    fit(table, checkpoint, tmp_path / "m", Plan(1), progress=False)
    found = load_predictor(tmp_path / "m", COLUMNS)
    assert found.classes == ["*_\n#", "<b>|`"] and np.isfinite(found.predict([text, ""])).all()
    card = (tmp_path / "m" / "README.md").read_text(encoding="utf-8")
    assert "<b>" not in card and "&lt;b&gt;\\|\\`" in card and "\\*\\_ \\#" in card


# -- what is stored


def test_a_loaded_model_says_what_the_trained_one_said(table, checkpoint, tmp_path, monkeypatch):
    kept = []
    module = sys.modules["nbcode.triage.fit"]
    save = module.save_model
    monkeypatch.setattr(module, "save_model", lambda folder, model, *rest: kept.append(save(folder, model, *rest)))
    fit(table, checkpoint, tmp_path / "m", PLAN, progress=False)
    loaded, texts = load_predictor(tmp_path / "m", COLUMNS), [*texts_of(ROWS), "", "unheard"]
    assert np.array_equal(kept[0].predict(texts), loaded.predict(texts))
    assert (loaded.model_id, loaded.seen) == (kept[0].model_id, kept[0].seen)


def test_the_folder_holds_what_it_should_and_is_a_checkpoint(trained, checkpoint):
    folder, report = trained
    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)
    memory, metrics = recall(folder), json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    assert memory.classes == tuple(sorted(TOPICS)) and memory.model_id.startswith("tiny-bert-")
    assert metrics["scores"]["this model"]["accuracy"] == report.own.accuracy and metrics["model"] == memory.model_id
    own, old = Bert.from_pretrained(folder).state_dict(), Bert.from_pretrained(checkpoint).state_dict()
    assert own.keys() == old.keys() and not torch.equal(own["tokens.weight"], old["tokens.weight"])
    assert str(folder.parent) not in "".join(
        (folder / name).read_text(encoding="utf-8") for name in ("README.md", "config.json", "labels.json")
    )
    for name in {*FILES} - {"model.safetensors"}:
        assert str(checkpoint.parent) not in (folder / name).read_text(encoding="utf-8"), name


def test_hugging_face_reads_the_folder_and_its_mean_over_tokens_is_ours(trained):
    folder, _ = trained
    twin = transformers.AutoModelForTokenClassification.from_pretrained(folder).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    ours = load_predictor(folder, COLUMNS)
    for text in texts_of(ROWS[:5]):
        with torch.no_grad():
            theirs = twin(**tokenizer(text, return_tensors="pt")).logits.mean(dim=1).softmax(dim=-1)
        np.testing.assert_allclose(ours.predict([text]), theirs, atol=0.02)  # ours may compute in bf16
    assert [twin.config.id2label[number] for number in range(3)] == ours.classes


def test_the_card_tells_what_was_measured(trained):
    folder, report = trained
    card = (folder / "README.md").read_text(encoding="utf-8")
    for told in (
        f"| this model | {report.own.accuracy:.3f} | {report.own.macro_f1:.3f} |",
        f"| bag of words | {report.scores['bag of words'].accuracy:.3f} |",
        "Rows: 90 of the table 'requests'",
        "{train} training, {validation} validation, {test} test".format(**report.split),
        "Stored is a model trained in the same way on all 90 rows; it was not scored itself.",
        f"| ann | {report.classes['ann']} |",
    ):
        assert told in card


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "vocab.txt", "seen.txt", "labels.json"])
def test_a_damaged_folder_is_told(tmp_path, trained, name):
    for path in trained[0].iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:-40] + b"\xff")
    with pytest.raises(TableError, match=r"again|Train"):
        load_predictor(tmp_path, COLUMNS)
    (tmp_path / name).unlink()
    with pytest.raises(TableError):
        load_predictor(tmp_path, COLUMNS)


def test_an_earlier_model_is_replaced_and_nothing_else(table, checkpoint, tmp_path, trained):
    out = tmp_path / "m"
    out.mkdir()
    fit(table, checkpoint, out, Plan(0), progress=False)
    first = recall(out).model_id
    (tmp_path / "link").symlink_to(out)
    fit(table, checkpoint, tmp_path / "link", PLAN, progress=False)
    assert recall(out).model_id == recall(trained[0]).model_id != first and (tmp_path / "link").is_symlink()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.db", "link", "m"]


# -- what is refused


def given_labels(*labels):
    return [(number, f"title {number}", "refund", label) for number, label in enumerate(labels)]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (given_labels(*[None] * 9, " "), "no row of the table 'requests' has a label in 'pm' and a text"),
        ([(1, " ", None, "ann")], "no row of the table 'requests' has a label in 'pm' and a text, 1 left out without"),
        (given_labels(*["ann"] * 9, "ann "), "all 10 labeled rows have the label 'ann'"),
        (given_labels(*["ann"] * 9, *["bob"] * 4, "eve"), "too few rows of 'bob' (4), 'eve' (1)"),
        ([(n, "refund", "the same", ("ann", "bob")[n % 2]) for n in range(12)], "a part would get none"),
        ([], "no row of the table"),
    ],
)
def test_labels_from_which_nothing_can_be_learned_are_told_with_code_2(tmp_path, checkpoint, capsys, given, told):
    url = make_sqlite(tmp_path / "a.db", given)
    before = database(tmp_path / "a.db")
    assert main([*FIT, "--database", url, "--checkpoint", str(checkpoint), "--out", str(tmp_path / "m")]) == 2
    said = capsys.readouterr()
    assert told in said.err and said.out == "" and database(tmp_path / "a.db") == before
    assert [path.name for path in tmp_path.iterdir()] == ["a.db"]


LEAKY = [(n, "", "parcel", "bob") for n in range(30)] + [(30 + n, "", "refund", "bob") for n in range(20)]
LEAKY += [(50 + n, "", "refund", "ann") for n in range(5)] + [(55 + n, "", f"screen {n}", "bob") for n in range(10)]


@pytest.mark.parametrize("time", [None, "id"])
def test_a_training_part_with_one_label_is_told_before_any_work(tmp_path, time):
    """Each text of a label says the same as a heap that is not in the training part, or all of them are new."""
    aging = [(*row[:3], "ann" if row[0] > 100 else "bob") for row in ROWS]
    given, key = (LEAKY, "id") if time is None else (aging, "n")
    path = make_csv(tmp_path / "a.csv", [(*row, f"k{row[0]}") for row in given], ("id", "title", "body", "pm", "n"))
    table = open_table(path, None, Columns(("title", "body"), "pm", key, time))
    with pytest.raises(TableError, match=r"labeled rows.*, on which to train, all have the label 'bob'; "):
        fit(table, "no/checkpoint", tmp_path / "m", progress=False)


def test_long_labels_make_no_long_message():
    """As of a column of texts that was taken for the labels."""
    for labels in ([f"{n} {'x' * 1000}" for n in range(40)], ["x" * 1000] * 40):
        rows = LabeledRows(texts=labels, labels=labels)
        with pytest.raises(TableError) as caught:
            check_classes(rows)
        assert len(str(caught.value)) < 2000 and "xxx..." in str(caught.value)


def test_a_terminal_obeys_nothing_in_a_card():
    assert safe("a\x1b[31m\x9b2J\0b\nc") == "a\ufffd\\[31m\ufffd2J\ufffdb c"


def test_a_mounted_disk_is_told_before_any_work(table, tmp_path, monkeypatch):
    monkeypatch.setattr("os.path.ismount", lambda path: path == tmp_path / "m")
    with pytest.raises(TableError, match="mounted disk or volume, which cannot be replaced; give a folder in it"):
        fit(table, "no/checkpoint", tmp_path / "m", progress=False)


@pytest.mark.parametrize(
    ("flag", "value", "told"),
    [
        ("--checkpoint", "{there}/nothing", "is no folder here"),
        ("--checkpoint", "~nobody-of-that-name/model", "~nobody-of-that-name/model: "),
        ("--checkpoint", "{there}/full", "is no checkpoint: it lacks config.json"),
        ("--checkpoint", "{trained}", "is a model that this tool has trained"),
        ("--out", "{there}/full", "holds something else than a model of this tool ('notes.txt')"),
        ("--out", "{checkpoint}", "holds something else than a model of this tool"),
        ("--out", "{there}/like", "holds something else than a model's labels"),
        ("--out", "{there}/a.db", "a.db is a file"),
        ("--out", "{there}/no/such/m", "is it there, and yours?"),
        ("--epochs", "-1", "epochs is -1"),
        ("--rate", "2", "rate is 2.0"),
        ("--max-tokens", "3", "max_tokens is 3"),
        ("--time", "made", "no column 'made'"),
    ],
)
def test_mistakes_are_told_with_code_2(tmp_path, checkpoint, trained, monkeypatch, capsys, flag, value, told):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").write_text("mine")
    (tmp_path / "like").mkdir()
    (tmp_path / "like" / "labels.json").write_text("[]")
    url = make_sqlite(tmp_path / "a.db", ROWS)
    words = {"--database": url, "--checkpoint": str(checkpoint), "--out": str(tmp_path / "m")}
    words[flag] = value.format(there=tmp_path, checkpoint=checkpoint, trained=trained[0])
    before = database(tmp_path / "a.db"), sorted(checkpoint.iterdir())
    assert main([*FIT, *(f"{name}={value}" for name, value in words.items())]) == 2
    said = capsys.readouterr()
    assert told in said.err and said.out == "" and (database(tmp_path / "a.db"), sorted(checkpoint.iterdir())) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.db", "full", "like"]
    assert sorted(path.name for path in tmp_path.glob("*/*")) == ["labels.json", "notes.txt"]


@pytest.mark.parametrize("moment", ["training", "saving", "putting"])
def test_an_interrupt_leaves_no_folder_and_the_earlier_model(table, checkpoint, tmp_path, monkeypatch, moment):
    fit(table, checkpoint, tmp_path / "m", Plan(0), progress=False)
    before = {path.name: path.read_bytes() for path in (tmp_path / "m").iterdir()}
    state = database(tmp_path / "a.db")

    def interrupt(*_, **__):
        os.kill(os.getpid(), signal.SIGINT)

    if moment == "training":
        monkeypatch.setattr("nbcode.training.early_stopping.EarlyStopping.__call__", interrupt)
    elif moment == "saving":
        monkeypatch.setattr("safetensors.torch.save_file", interrupt)
    else:
        monkeypatch.setattr("nbcode.triage.new_folder._put", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    for out in ("m", "new"):
        with pytest.raises(KeyboardInterrupt):
            fit(table, checkpoint, tmp_path / out, Plan(1), progress=False)
    assert {path.name: path.read_bytes() for path in (tmp_path / "m").iterdir()} == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.db", "m"] and database(tmp_path / "a.db") == state


# -- from the command line, end to end


def test_fit_predict_and_evaluate_on_sqlite(tmp_path, checkpoint, capsys):
    url = make_sqlite(tmp_path / "a.db", ROWS)
    state = database(tmp_path / "a.db")
    there = ["--database", url, "--table", "requests", "--text", "title,body", "--label", "pm", "--key", "id"]
    model = str(tmp_path / "m")
    train = ["--checkpoint", str(checkpoint), "--out", model, "--epochs", "2", "--rate", "1e-3", "--keep-split"]
    assert main(["fit", *there, *train]) == 0
    said = capsys.readouterr()
    assert said.out.startswith(f"Checkpoint {checkpoint}: a folder on this machine, taken as it is.\n90 labeled rows")
    assert "90 labeled rows of 3 classes; split at random" in said.out and "step" in said.err
    assert database(tmp_path / "a.db") == state
    assert main(["evaluate", *there, "--model", model, "--quiet"]) == 0
    told = capsys.readouterr().out
    tested = json.loads((tmp_path / "m" / "metrics.json").read_text())["split"]["test"]
    assert told.startswith(f"{tested} labeled rows.\nNot among them: {90 - tested} that were part of")
    assert main(["predict", *there, "--model", model]) == 0
    assert capsys.readouterr().out == "120 rows: 90 have a label, 30 predicted, 0 of them below the threshold.\n"
    found = [row for row in read_sqlite(tmp_path / "a.db") if row[3] is None]
    assert len(found) == 30 and np.mean([row[4] == pm_of(row) for row in found]) > 0.8
    assert main(["predict", *there, "--model", model, "--quiet"]) == 0
    assert capsys.readouterr().out.startswith("Nothing to predict.")


def test_fit_predict_and_evaluate_on_csv(tmp_path, checkpoint, capsys):
    path = make_csv(tmp_path / "a.csv", ROWS)
    there = ["--database", str(path), "--text", "title,body", "--label", "pm", "--key", "id", "--quiet"]
    model = str(tmp_path / "m")
    before = path.read_bytes()
    assert main(["fit", *there, "--checkpoint", str(checkpoint), "--out", model, "--epochs", "0"]) == 0
    assert "the file 'a.csv'" in (tmp_path / "m" / "README.md").read_text()
    assert main(["evaluate", *there, "--model", model]) == 2
    assert "all 90 labeled rows were part of the model's training" in capsys.readouterr().err
    assert main(["evaluate", *there, "--model", model, "--all"]) == 0
    assert "90 of them were part of the model's training" in capsys.readouterr().out and path.read_bytes() == before
    assert main(["predict", *there, "--model", model]) == 0
    header, *rows = read_csv(path)
    assert header[4:] == list(OWN) and sum(bool(row[6]) for row in rows) == 30
    assert {row[6] for row in rows} == {"", recall(model).model_id}


def test_rows_that_were_labeled_since_are_what_is_evaluated(tmp_path, trained):
    new = [(1000 + row[0], *row[1:]) for row in topical(40, seed=3)]
    table = open_table(make_sqlite(tmp_path / "a.db", [*ROWS, *new]), "requests", COLUMNS)
    model = load_predictor(trained[0], COLUMNS)
    found = evaluate(table, model, progress=False)
    truth = [row for row in new if row[3] and fingerprint(texts_of([row])[0]) not in model.seen]
    guesses = model.predict(texts_of(truth)).argmax(axis=1)
    right = np.mean([model.classes[guess] == row[3] for guess, row in zip(guesses, truth, strict=True)])
    assert (found.scores.rows, found.trained_on) == (
        len(truth),
        90 + 30 - len(truth),
    ) and found.scores.accuracy == right


def test_what_a_model_wrote_is_not_evaluated(tmp_path, trained):
    table = open_table(make_sqlite(tmp_path / "a.db", topical(60, seed=4)), "requests", COLUMNS)
    model = load_predictor(trained[0], COLUMNS)
    predict(table, model, Policy(write_label=True), progress=False)
    found = evaluate(open_table(f"sqlite:///{tmp_path}/a.db", "requests", COLUMNS), model, progress=False)
    assert "15 left out whose label this tool predicted" in str(found) and found.scores.rows <= 45


def test_what_people_labeled_after_a_prediction_is_not_evaluated_whether_they_agreed_or_not(tmp_path):
    """Of rows that a person looked through, only those that the model got wrong would be known as the person's."""
    url = make_sqlite(tmp_path / "a.db", ROWS)
    opened = lambda: open_table(url, "requests", COLUMNS)
    before = evaluate(opened(), Hashing(), progress=False)
    predict(opened(), Hashing(), Policy(threshold=0.5), progress=False)
    with closing(sqlite3.connect(tmp_path / "a.db")) as connection:
        connection.execute("update requests set pm = 'bob' where pm is null")
        ((agreed,),) = connection.execute("select count(*) from requests where pm = pm_predicted").fetchall()
        connection.commit()
    found = evaluate(opened(), Hashing(), progress=False)
    assert found.scores == before.scores and 0 < agreed < 30
    assert f"{30 - agreed} left out for which a model predicted something else" in str(found)
    with closing(sqlite3.connect(tmp_path / "a.db")) as connection:
        connection.execute("update requests set pm = 'new', pm_predicted = 'old', pm_model = 'm'")
        connection.commit()
    with pytest.raises(TableError, match="is left to measure on, 120 left out for which a model predicted"):
        evaluate(opened(), Hashing(), progress=False)


@pytest.mark.parametrize("right", [0, 17])
def test_no_score_on_a_few_rows_is_certain(right):
    found = scores(["ann"] * 17, ["ann"] * right + ["bob"] * (17 - right))
    assert 0.1 < found.margin < 0.2
    many = scores(["ann"] * 10_000, ["ann"] * 8_000 + ["bob"] * 2_000)
    assert many.margin == pytest.approx(2 * (0.8 * 0.2 / 10_000) ** 0.5, rel=1e-3)


def test_a_model_without_a_memory_of_texts_is_measured_on_all(tmp_path, trained):
    table = open_table(make_sqlite(tmp_path / "a.db", ROWS), "requests", COLUMNS)
    assert evaluate(table, Hashing(), progress=False).scores.rows == 90
