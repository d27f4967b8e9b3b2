"""The study of over-fitting: which labels are spoiled, that treatments differ in nothing else, that it repeats."""

import pytest
import torch

from nbcode.data.digits import digits
from nbcode.experiments.overfitting import (
    N_TRAIN,
    STUDY,
    TREATMENTS,
    accuracy_of,
    data,
    loss_of,
    measure,
    spoiled,
    train,
)
from nbcode.models.dropout import Dropout
from nbcode.training.evaluation import evaluate

pytestmark = pytest.mark.usefixtures("few_objects")


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 1.0])
def test_exactly_a_share_of_the_labels_becomes_another_class(share):
    labels = torch.arange(200) % 10
    changed = spoiled(labels, share, seeded())
    assert (changed != labels).sum() == round(200 * share)
    assert changed.min() >= 0 and changed.max() <= 9 and changed.dtype == labels.dtype
    assert torch.equal(labels, torch.arange(200) % 10)  # the originals stay


def test_every_other_class_is_about_as_likely():
    counts = spoiled(torch.zeros(9000, dtype=torch.int64), 1.0, seeded(1)).bincount(minlength=10)
    assert counts[0] == 0 and counts[1:].min() > 850 and counts[1:].max() < 1150


def test_the_test_part_keeps_its_labels_and_no_part_its_images_changes():
    right, wrong = digits(N_TRAIN, 4), data(0.2, 4)
    for before, after in zip(right, wrong, strict=True):
        assert torch.equal(before.images, after.images)
    assert torch.equal(right.test.labels, wrong.test.labels)
    for before, after in ((right.train, wrong.train), (right.validation, wrong.validation)):
        assert (before.labels != after.labels).double().mean() == pytest.approx(0.2, abs=0.005)
    assert torch.equal(data(0.0, 4).train.labels, right.train.labels)


def test_treatments_begin_alike_and_differ_in_what_they_say():
    parts = data(0.2, 0)
    runs = {name: train(name, parts, seed=0, epochs=1) for name in TREATMENTS}
    firsts = {name: history.records[0].loss for name, (_, history, _) in runs.items()}
    assert firsts["none"] == firsts["weight decay"] == firsts["early stopping"] != firsts["dropout"]
    for name, (model, _, _) in runs.items():
        (share,) = {module.share for module in model.modules() if isinstance(module, Dropout)}
        assert share == TREATMENTS[name][0]
    size = {name: model.layers[1].linear.weight.norm().item() for name, (model, _, _) in runs.items()}
    assert size["weight decay"] < 0.99 * size["none"]


def test_early_stopping_keeps_the_best_weights():
    parts = data(0.2, 0)
    model, history, watch = train("early stopping", parts, seed=0)
    assert history.stopped.startswith("no better") and len(history.records) < 420
    kept = evaluate(model, [tuple(parts.validation)], loss_of)
    assert kept == pytest.approx(min(watch.measured.values()), rel=1e-5)


def test_a_run_is_repeated_exactly_and_measured_on_the_test_part(monkeypatch):
    monkeypatch.setattr("nbcode.experiments.overfitting.EPOCHS", 3)
    found = measure("none", 0.0, 2)
    assert found == measure("none", 0.0, 2) and set(found) == set(STUDY.values)
    model, history, _ = train("none", data(0.0, 2), seed=2)
    assert found["accuracy"] == round(evaluate(model, [tuple(digits(N_TRAIN, 2).test)], accuracy_of), 4)
    assert found["step"] == len(history.records)
