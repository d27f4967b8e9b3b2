"""The studies of fine-tuning, on a few records and with a tiny random checkpoint."""

import dataclasses
import itertools
import math
import runpy
import string
import sys
from collections import Counter
from importlib.util import find_spec

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, log_loss

from classifiers import FP32
from nbcode.data.requirements import generate
from nbcode.data.tokenizer_files import SPECIAL
from nbcode.experiments import finetuning, finetuning_rates, starts, trained_parts, wrong_labels
from nbcode.experiments import finetuning_run as shared
from nbcode.experiments.finetuning_run import ALL, LONGEST, SCORES, Draw, draw, drawn, losses, new_classifier, scores
from nbcode.experiments.study import Study
from nbcode.models.bert import Bert, BertConfig
from nbcode.pretrained import Located
from nbcode.training.finetune import FROM_PROBE, RECIPE, Recipe
from twins import normal

pytestmark = pytest.mark.usefixtures("few_objects")

STUDIES = {
    module.__name__.rsplit(".", 1)[-1]: module
    for module in (finetuning, starts, finetuning_rates, trained_parts, wrong_labels)
}
VOCABULARY = [*SPECIAL, *string.ascii_lowercase, *(f"##{letter}" for letter in string.ascii_lowercase)]


@pytest.fixture(autouse=True)
def small(tmp_path, monkeypatch):
    """A checkpoint with a vocabulary of letters and 16 numbers a token, and 400 records a seed."""
    (tmp_path / "vocab.txt").write_text("\n".join(VOCABULARY), encoding="utf-8")
    config = BertConfig(d_model=16, n_heads=2, d_ff=16, vocabulary=len(VOCABULARY), layers=2, max_length=LONGEST)
    torch.manual_seed(0)
    model = Bert(config).eval()
    monkeypatch.setattr(shared, "located", lambda *name: Located(tmp_path, "made for a test"))
    monkeypatch.setattr(shared, "checkpoint", lambda source: model)
    monkeypatch.setattr(wrong_labels, "checkpoint", lambda source: model)
    few = lambda seed, language: generate(seed, 400, language)
    monkeypatch.setattr(shared, "generate", few)
    monkeypatch.setattr(wrong_labels, "generate", few)
    for kept in (shared.task, shared.known_features, wrong_labels.labeled):
        kept.cache_clear()
    yield model
    for kept in (shared.task, shared.known_features, wrong_labels.labeled):
        kept.cache_clear()


# --- the texts and the labels


def test_a_task_is_the_split_and_the_truth_beside_the_records():
    found = shared.task(0, "by_time")
    texts = Counter(record.text for record in generate(0, 400))  # a copy's label may be another
    records = {record.text: record for record in generate(0, 400) if texts[record.text] == 1}
    assert found.classes == sorted(found.classes) and len(found.classes) == 8
    for part in (found.train, found.test):
        for text, tokens, label, owners in zip(part.texts, part.tokens, part.labels, part.owners, strict=True):
            if (record := records.get(text)) is None:
                continue
            assert found.classes[label] == record.sub_technical_pm
            assert {name for name, owns in zip(found.classes, owners, strict=True) if owns} == set(record.owners)
            assert 2 < len(tokens) <= LONGEST
    days = [[records[text].created_on for text in part.texts if text in records] for part in (found.train, found.test)]
    assert max(days[0]) < min(days[1])


def test_some_of_a_part_are_those_records():
    part = shared.task(0).train
    few = part.some(np.array([4, 2]))
    assert few.texts == [part.texts[4], part.texts[2]] and few.tokens == [part.tokens[4], part.tokens[2]]
    assert torch.equal(few.labels, part.labels[[4, 2]]) and torch.equal(few.owners, part.owners[[4, 2]])


LABELS = torch.tensor([0] * 9 + [1] * 30 + [2] * 3)[torch.randperm(42, generator=torch.Generator().manual_seed(0))]


@pytest.mark.parametrize("count", [1, 3, 5, 20])
def test_so_many_of_each_class_are_drawn_or_all_it_has(count):
    numbers = drawn(LABELS, count, seed=1)
    assert numbers == sorted(set(numbers))
    assert Counter(LABELS[numbers].tolist()) == {0: min(count, 9), 1: count, 2: min(count, 3)}


def test_fewer_labels_are_among_more_and_a_seed_draws_its_own():
    sizes = [set(drawn(LABELS, count, seed=1)) for count in (2, 5, 20, ALL)]
    assert all(few < many for few, many in itertools.pairwise(sizes))
    assert sizes[-1] == set(range(42))
    assert drawn(LABELS, 5, seed=1) == drawn(LABELS, 5, seed=1) != drawn(LABELS, 5, seed=2)


# --- the scores


def test_with_one_owner_the_scores_are_scikit_learns():
    probabilities = normal(0, 50, 4).softmax(dim=-1)
    truth = torch.randint(4, (50,), generator=torch.Generator().manual_seed(1))
    found = scores(probabilities, torch.nn.functional.one_hot(truth, 4).bool())
    assert found["accuracy"] == pytest.approx(accuracy_score(truth, probabilities.argmax(dim=-1)))
    assert found["loss"] == pytest.approx(log_loss(truth, probabilities, labels=range(4)), abs=1e-5)
    assert set(found) == set(SCORES)


def test_of_two_owners_either_is_right_and_they_share_the_probability():
    probabilities = torch.tensor([[0.5, 0.3, 0.2], [0.1, 0.7, 0.2]])
    found = scores(probabilities, torch.tensor([[True, True, False], [True, False, True]]))
    assert found["accuracy"] == 0.5
    assert found["loss"] == pytest.approx(-(math.log(0.8) + math.log(0.3)) / 2, abs=1e-5)
    assert found["calibration_error"] == pytest.approx((0.5 + 0.7) / 2)


def test_a_probability_of_nothing_has_a_large_loss_and_no_infinite_one():
    found = scores(torch.tensor([[1.0, 0.0]]), torch.tensor([[False, True]]))
    assert 20 < found["loss"] < 100


def test_the_loss_of_each_text_is_its_cross_entropy():
    logits, labels = normal(2, 5, 3), torch.tensor([0, 2, 1, 1, 0])
    wanted = torch.nn.functional.cross_entropy(logits, labels, reduction="none")
    torch.testing.assert_close(losses(logits.softmax(dim=-1), labels), wanted)


# --- the methods


def test_what_is_pretrained_is_a_copy_of_the_checkpoint_and_random_weights_are_not(small):
    before = {name: weights.clone() for name, weights in small.state_dict().items()}
    model = new_classifier(8, seed=3)
    assert all(torch.equal(weights, before[name]) for name, weights in model.encoder.state_dict().items())
    with torch.no_grad():
        model.encoder.tokens.weight.zero_()
    assert all(torch.equal(weights, before[name]) for name, weights in small.state_dict().items())
    one, again, other = (new_classifier(8, seed, pretrained=False) for seed in (3, 3, 4))
    assert torch.equal(one.encoder.tokens.weight, again.encoder.tokens.weight)
    for different in (other.encoder.tokens.weight, before["tokens.weight"]):
        assert not torch.equal(one.encoder.tokens.weight, different)


def test_a_classifier_that_starts_from_the_probe_scores_as_the_frozen_features_do():
    labels = draw(0, "by_situation", 5)
    labels = Draw(labels.seed, labels.split, labels.numbers, FP32)
    found, wanted = labels.score(labels.probed()), finetuning.frozen(labels)
    del wanted["training_loss"]
    assert found == pytest.approx(wanted, abs=2e-3)


def test_whoever_reads_the_checkpoint_first_draws_the_same_head(small, monkeypatch):
    wanted = new_classifier(8, seed=3).head.weight
    monkeypatch.setattr(shared, "checkpoint", lambda source: (small, torch.rand(5))[0])
    assert torch.equal(new_classifier(8, seed=3).head.weight, wanted)


@pytest.mark.parametrize("head", starts.HEADS)
def test_each_head_is_trained_by_the_recipe_of_the_random_one(head, monkeypatch):
    monkeypatch.setattr(starts, "RECIPE", Recipe(epochs=1))
    found = starts.measure(head, 3, 1)
    assert set(found) == set(starts.STUDY.values) and 0 < found["training_loss"] < 5
    assert found == starts.measure(head, 3, 1)


@pytest.mark.parametrize("method", finetuning.METHODS)
def test_each_method_is_measured_and_measured_again_alike(method, monkeypatch):
    for name, value in (("FROM_PROBE", Recipe(epochs=1)), ("HEAD_EPOCHS", 1), ("RANDOM_EPOCHS", 2)):
        monkeypatch.setattr(finetuning, name, value)
    cell = {"split": "by_group", "method": method, "labels": 3, "seed": 1}
    found = finetuning.measure(**cell)
    assert set(found) == {*SCORES, "training_loss"} and 0 <= found["accuracy"] <= 1
    assert found == finetuning.measure(**cell)


def test_random_weights_get_more_epochs_both_up_to_a_number_of_steps():
    limits = (
        (finetuning.HEAD_EPOCHS, finetuning.HEAD_STEPS),
        (finetuning.RANDOM_EPOCHS, finetuning.RANDOM_STEPS),
    )
    head, random = ([finetuning.at_most(*limit, texts).epochs for texts in (40, 160, 400, 1400)] for limit in limits)
    assert head == [10, 10, 10, 5]  # 88 steps in an epoch of 1400 texts
    assert random == [40, 40, 32, 9]
    assert finetuning.at_most(10, 5, 1400) == dataclasses.replace(RECIPE, epochs=1)


# --- what is trained


EMBEDDINGS = ("encoder.tokens.", "encoder.positions.", "encoder.token_types.")
TRAINED = {
    "head": lambda name: name.startswith("head."),
    "last layer": lambda name: name.startswith(("head.", "encoder.layers.1.")),
    "all but embeddings": lambda name: not name.startswith(EMBEDDINGS),
    "all": lambda name: True,
    "LoRA": lambda name: name.startswith("head.") or ".lora_" in name,
}


@pytest.mark.parametrize("part", [part for part in TRAINED if part != "LoRA" or find_spec("peft")])
def test_a_part_is_what_its_name_says(part):
    model = new_classifier(8, seed=0).eval()
    ids = torch.arange(12).reshape(2, 6)
    before = model(ids)
    recipe = trained_parts.PARTS[part](model)
    assert torch.equal(model(ids), before)
    trained = {name: parameter.requires_grad for name, parameter in model.named_parameters()}
    assert trained == {name: TRAINED[part](name) for name in trained} and len(trained) > 30
    assert recipe.epochs == FROM_PROBE.epochs
    if part == "LoRA":  # four matrices in each of two layers, and a narrow pair beside each
        assert sum(".lora_" in name for name in trained) == 16


def test_all_parts_are_named():
    assert set(trained_parts.PARTS) == set(TRAINED)


def test_without_peft_lora_says_what_to_install(monkeypatch):
    monkeypatch.setattr(trained_parts, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match="pip install peft"):
        trained_parts.lora(new_classifier(8, seed=0))


def test_less_is_trained_with_less_memory(monkeypatch):
    monkeypatch.setattr(trained_parts, "FROM_PROBE", Recipe(epochs=1))
    found = {part: trained_parts.measure(part, 0) for part in ("head", "last layer", "all")}
    assert all(set(each) == set(trained_parts.STUDY.values) for each in found.values())
    assert found["head"]["trained"] == 8 * 16 + 8
    for name in ("trained", "activations_mib"):
        assert found["head"][name] < found["last layer"][name] < found["all"][name]
    assert found["all"]["optimizer_mib"] == pytest.approx(found["all"]["trained"] * 12 / 2**20, abs=0.01)


# --- rates and wrong labels


def test_a_rate_is_measured_with_its_last_epochs_loss():
    found = finetuning_rates.measure(1e-3, 2, 0)
    assert set(found) == set(finetuning_rates.STUDY.values) and 0 < found["last_loss"] < 5
    assert found == finetuning_rates.measure(1e-3, 2, 0)


def test_out_of_fold_nothing_is_asked_of_a_model_that_has_seen_it_or_its_duplicate():
    known = wrong_labels.labeled(0, FP32)
    assert len(known.groups) > len(set(known.groups)) + 5
    asked_all = []
    for train, asked in wrong_labels.folds(known):
        assert not {known.groups[i] for i in train} & {known.groups[i] for i in asked}
        asked_all += asked.tolist()
    assert sorted(asked_all) == list(range(len(known.groups)))


@pytest.mark.parametrize("loss", [wrong_labels.TRAINING, wrong_labels.OUT_OF_FOLD])
def test_who_knows_the_truth_finds_all_wrong_labels_and_who_learns_by_heart_none(loss, monkeypatch):
    knows = lambda known, train, asked: known.texts.owners[asked] * 0.9 + 0.01
    learns = lambda known, train, asked: (
        torch.nn.functional.one_hot(known.texts.labels[asked], 8)
        * (0.5 + 0.4 * (~known.texts.owners[asked].gather(1, known.texts.labels[asked, None])))
    )
    monkeypatch.setattr(wrong_labels, "METHODS", {"knows": knows, "learns": learns})
    found = wrong_labels.measure("knows", loss, 0)
    wrong = [record for record in generate(0, 400) if record.sub_technical_pm and record.facts.planted]
    assert found["planted"] == len(wrong) > 5 and found["first_planted"] == 1
    assert wrong_labels.measure("learns", loss, 0)["first_planted"] == 0


@pytest.mark.parametrize("method", wrong_labels.METHODS)
def test_each_method_looks_for_wrong_labels(method, monkeypatch):
    monkeypatch.setattr(wrong_labels, "FROM_PROBE", Recipe(epochs=1, batch=64))
    monkeypatch.setattr(wrong_labels, "FOLDS", 2)
    found = wrong_labels.measure(method, wrong_labels.OUT_OF_FOLD, 1)
    assert set(found) == set(wrong_labels.STUDY.values) and 0 <= found["first_20"] <= 1


# --- the commands


@pytest.mark.parametrize("name", STUDIES)
def test_the_committed_results_hold_every_cell_of_the_fresh_seeds(name):
    study, rows = STUDIES[name].STUDY, STUDIES[name].STUDY.results().rows
    assert [{key: row[key] for key in study.keys} for row in rows] == list(STUDIES[name].cells(shared.SEEDS))


@pytest.mark.parametrize("name", STUDIES)
def test_no_cell_comes_twice_and_each_has_the_keys(name):
    study, cells = STUDIES[name].STUDY, list(STUDIES[name].cells([10, 11]))
    assert study.name == name
    assert {tuple(cell) for cell in cells} == {study.keys}
    assert len({tuple(cell.values()) for cell in cells}) == len(cells)
    assert [cell["seed"] for cell in cells] == sorted(cell["seed"] for cell in cells)


def test_the_headline_has_every_method_with_every_number_of_labels():
    cells = [cell for cell in finetuning.cells([10]) if cell["split"] == finetuning.HEADLINE]
    found = {(cell["method"], cell["labels"]) for cell in cells}
    others = set(itertools.product([*finetuning.METHODS], finetuning.LABELS))
    assert found == {cell for cell in others if cell[0] != "majority" or cell[1] == ALL}


@pytest.fixture
def typed(monkeypatch, capsys):
    """Type a command that measures nothing: its cells and the rest, or its exit code and what it said."""
    asked = []
    run = lambda study, cells, command, out, workers: asked.append((study, cells, command, workers)) or out
    monkeypatch.setattr(Study, "run", run)
    monkeypatch.setattr(torch, "set_num_threads", lambda threads: None)

    def typing(name, *words):
        monkeypatch.setattr(sys, "argv", [name, *words])
        with pytest.raises(SystemExit) as stop:
            runpy.run_path(STUDIES[name].__file__, run_name="__main__")
        return stop.value.code, asked[-1] if asked else capsys.readouterr().err

    return typing


@pytest.mark.parametrize("name", ["finetuning", "starts", "finetuning_rates", "wrong_labels"])
def test_a_command_takes_its_seeds_once_and_a_device(name, typed):
    code, (study, cells, command, workers) = typed(name, "--seeds", "3", "4", "3", "--workers", "2", "--device", "cpu")
    assert code == 0 and workers == 2 and study.measure.keywords == {"device": "cpu", "source": shared.ENGLISH}
    assert cells == list(STUDIES[name].cells([3, 4]))
    assert command == f"python -m nbcode.experiments.{name} --seeds 3 4 3 --device cpu"


def test_without_seeds_they_are_those_that_nothing_else_has_used(typed):
    code, (_, cells, _, workers) = typed("finetuning")
    assert code == 0 and workers == 1 and {cell["seed"] for cell in cells} == {10, 11, 12}


def test_a_device_that_is_not_there_is_refused(typed):
    code, told = typed("finetuning", "--device", "tpu")
    assert code == 2 and "unknown device 'tpu'" in told


def test_a_negative_seed_is_refused_before_anything_is_measured(typed):
    code, error = typed("finetuning", "--seeds", "3", "-1")
    assert code == 2 and error == "seed -1; give integers of at least 0\n"


def test_another_checkpoint_in_another_language_goes_to_a_file_of_its_own(typed, tmp_path):
    code, (study, *_) = typed("finetuning", "--checkpoint", str(tmp_path), "--language", "zh", "--out", "zh.csv")
    assert code == 0 and study.measure.keywords["source"] == shared.Source(str(tmp_path), "zh")


def test_the_committed_results_are_not_overwritten_by_those_of_another_checkpoint(typed):
    code, told = typed("finetuning", "--language", "zh")
    assert code == 2 and "--out FILE" in told


def test_requests_in_chinese_are_those_of_the_same_facts():
    english, chinese = shared.task(0), shared.task(0, source=shared.Source(language="zh"))
    pairs = set(zip(english.test.labels.tolist(), chinese.test.labels.tolist(), strict=True))
    assert len(pairs) == 8  # the same PMs under other names, in another alphabetical order
    assert all(any("\u4e00" <= letter <= "\u9fff" for letter in text) for text in chinese.test.texts)
