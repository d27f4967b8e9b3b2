"""Fine-tuning, against a loop written by hand; its batches, its groups of parameters, what it refuses."""

import copy
import dataclasses
from collections import Counter

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from classifiers import FP32, TINY, classifier, encoder, some_labels, some_texts
from nbcode.device import choose
from nbcode.models.bert import Bert
from nbcode.models.text_classifier import TextClassifier
from nbcode.training.finetune import Recipe, batches_of, finetune, loss_of, parameter_groups

pytestmark = pytest.mark.usefixtures("few_objects")

CLOSE = {"atol": 1e-5, "rtol": 1e-4}
TEXTS, LABELS = some_texts(10), some_labels(10)
RECIPE = Recipe(rate=1e-2, epochs=2, batch=4, warmup=0.4, weight_decay=0.1, clip=0.5)


# --- the training


def by_hand(model, recipe, seed):
    """Losses, rates and lengths of the gradient; the schedule for 6 steps, 2 of them to warm up."""
    batches = batches_of(TEXTS, LABELS, recipe.batch, seed)
    matrices = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim == 1]
    optimizer = torch.optim.AdamW([{"params": matrices, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}])
    seen = []
    factors = iter([0.5, 1, 1, 0.75, 0.5, 0.25])
    for _ in range(recipe.epochs):
        for batch in batches:
            rate = recipe.rate * next(factors)
            for group in optimizer.param_groups:
                group["lr"] = rate
            optimizer.zero_grad()
            labels = batch.pop("labels")
            losses = -model(**batch).log_softmax(dim=-1)[torch.arange(len(labels)), labels]
            losses.mean().backward()
            norm = nn.utils.clip_grad_norm_(model.parameters(), recipe.clip)
            optimizer.step()
            seen.append((losses.mean().item(), rate, norm.item()))
    return seen


def test_it_is_adamw_on_cross_entropy_with_warm_up_and_clipping():
    mine, twin = classifier(), classifier()
    history = finetune(mine, TEXTS, LABELS, RECIPE, seed=5, compute=FP32)
    wanted = by_hand(twin, RECIPE, seed=5)
    assert max(norm for _, _, norm in wanted) > RECIPE.clip
    for name, column in zip(("loss", "lr", "grad_norm"), zip(*wanted, strict=True), strict=True):
        assert history.column(name) == pytest.approx(column, rel=1e-4)
    for (name, one), other in zip(mine.named_parameters(), twin.parameters(), strict=True):
        if name.endswith("attention.project.bias"):  # softmax does not see the key's: AdamW blows up mere rounding
            one, other = (torch.cat([bias[:8], bias[16:]]) for bias in (one, other))
        torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-3)


def test_it_learns_what_can_be_learned():
    """Whether token 3 is in the text."""
    texts = some_texts(60, seed=1)
    labels = [int(3 in text.input_ids) for text in texts]
    torch.manual_seed(0)
    model = TextClassifier(Bert(TINY), 2, dropout=0)
    history = finetune(model, texts, labels, Recipe(rate=2e-2, epochs=15), compute=FP32)
    losses = history.column("loss")
    assert sum(losses[-4:]) < 0.2 * sum(losses[:4]) and history.stopped == "finished"


def test_the_same_seed_trains_the_same_network():
    model = TextClassifier(encoder(), 3, dropout=0.3)
    runs = []
    for seed in (1, 1, 2):
        torch.manual_seed(0)
        runs.append(finetune(copy.deepcopy(model), TEXTS, LABELS, RECIPE, seed=seed, compute=FP32).column("loss"))
    assert runs[0] == runs[1] != runs[2]


def test_what_asks_for_no_gradient_stays():
    model = classifier()
    model.encoder.requires_grad_(False)
    before = copy.deepcopy(model.state_dict())
    finetune(model, TEXTS, LABELS, RECIPE, compute=FP32)
    changed = {name for name, weights in model.state_dict().items() if not torch.equal(weights, before[name])}
    assert changed == {"head.weight", "head.bias"}


def test_every_step_is_told():
    told = []
    history = finetune(classifier(), TEXTS, LABELS, RECIPE, compute=FP32, on_step=told.append)
    assert told == history.records and len(told) == 6


def test_in_half_precision_the_weights_stay_float32():
    model = classifier()
    history = finetune(model, TEXTS, LABELS, RECIPE, seed=5, compute=choose("cpu", "bf16"))
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    assert history.column("loss")[0] == pytest.approx(by_hand(classifier(), RECIPE, 5)[0][0], rel=0.02)


def test_the_loss_does_not_see_padding():
    model, batch = classifier().eval(), next(iter(batches_of(TEXTS, LABELS, 10, 0)))
    longer = {name: nn.functional.pad(rows, (0, 5)) if rows.ndim == 2 else rows for name, rows in batch.items()}
    torch.testing.assert_close(loss_of(model, longer), loss_of(model, batch), **CLOSE)


# --- the batches


@settings(derandomize=True, deadline=None, max_examples=60)
@given(st.integers(1, 90), st.integers(1, 5))
def test_every_text_comes_once_in_an_epoch_and_the_length_is_told(count, batch):
    batches = batches_of(some_texts(count), list(range(count)), batch, seed=3)
    for _ in range(2):
        epoch = [found["labels"].tolist() for found in batches]
        assert len(batches) == len(epoch)
        assert Counter(number for numbers in epoch for number in numbers) == Counter(range(count))
        assert max(map(len, epoch)) <= batch


def test_a_batch_holds_the_texts_of_its_labels():
    for found in batches_of(TEXTS, list(range(10)), 4, seed=0):
        lengths = found["attention_mask"].sum(dim=1).tolist()
        assert found["input_ids"].shape[1] == max(lengths)
        for row, types, length, number in zip(
            found["input_ids"], found["token_type_ids"], lengths, found["labels"], strict=True
        ):
            assert row[:length].tolist() == TEXTS[number].input_ids
            assert types[:length].tolist() == TEXTS[number].token_type_ids


def test_each_epoch_has_another_order_and_each_seed_its_own():
    def orders(seed):
        batches = batches_of(some_texts(60), list(range(60)), 4, seed)
        return [[tuple(found["labels"].tolist()) for found in batches] for _ in range(3)]

    first, second, third = orders(0)
    assert first != second and second != third
    assert orders(0) == [first, second, third]
    assert orders(1)[0] != first


# --- the parameters


def test_matrices_decay_and_nothing_else():
    model = classifier()
    model.encoder.layers[0].requires_grad_(False)
    decayed, others = parameter_groups(model, 0.1)
    assert (decayed["weight_decay"], others["weight_decay"]) == (0.1, 0.0)
    names = {parameter: name for name, parameter in model.named_parameters()}
    assert all(names[p].endswith(".weight") and "norm" not in names[p] for p in decayed["params"])
    assert all(names[p].endswith(".bias") or "norm" in names[p] for p in others["params"])
    trained = {names[p] for p in decayed["params"] + others["params"]}
    assert trained == {name for name in names.values() if not name.startswith("encoder.layers.0.")}


# --- what is refused


@pytest.mark.parametrize(
    ("texts", "labels", "told"),
    [
        ([], [], "0 texts and 0 labels; give as many of both, at least one"),
        (TEXTS, LABELS[1:], "10 texts and 9 labels"),
        (TEXTS, [3, *LABELS[1:]], "labels from 0 to 3; the model has classes 0 to 2"),
        (TEXTS, [-1, *LABELS[1:]], "labels from -1 to 2"),
    ],
)
def test_texts_and_labels_that_do_not_fit_are_refused(texts, labels, told):
    with pytest.raises(ValueError, match=told):
        finetune(classifier(), texts, labels, RECIPE, compute=FP32)


@pytest.mark.parametrize(
    ("name", "value"),
    [("epochs", 0), ("epochs", 1.5), ("batch", 0), ("rate", 0.0), ("clip", 0.0), ("weight_decay", -1), ("warmup", 1.1)],
)
def test_a_recipe_out_of_range_is_refused(name, value):
    with pytest.raises(ValueError, match=f"{name}( is |=){value}.*; give"):
        dataclasses.replace(RECIPE, **{name: value})
