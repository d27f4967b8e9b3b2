"""The study of a translator without one of its parts: each variant changes what it names, and the measures are true."""

import dataclasses
import datetime
import itertools
import math
import re
import runpy
import statistics
import sys

import pytest
import torch
from torch import nn

from nbcode.data import dates
from nbcode.data.dates import Pair, vocabularies
from nbcode.data.vocabulary import END, PADDING, START
from nbcode.decoding import translate
from nbcode.experiments import translation
from nbcode.experiments.study import Study
from nbcode.experiments.translation import STUDY, VARIANTS, build, measure
from nbcode.experiments.translation_run import (
    BATCH,
    PAIRS,
    STEPS,
    TAIL,
    Recipe,
    Task,
    batches,
    exact_match,
    loss_of,
    task,
    token_accuracy,
    train,
)

pytestmark = pytest.mark.usefixtures("few_objects")
CLOSE = {"atol": 1e-5, "rtol": 1e-5}
# What differs from the whole: the model's configuration, and the recipe's rate, first factor and smoothing.
POST_NORM = {"norm_first": False, "final_norm": False}
DEEP = {"encoder_layers": 6, "decoder_layers": 6}
PLAIN, NO_WARMUP = (5e-3, 0.01, 0.0), (5e-3, 1.0, 0.0)
CHANGES = {
    "whole": ({}, PLAIN),
    "no positions": ({}, PLAIN),
    "no causal mask": ({}, PLAIN),
    "no cross-attention": ({}, PLAIN),
    "one head": ({"n_heads": 1}, PLAIN),
    "post-norm, no warm-up": (POST_NORM, NO_WARMUP),
    "paper's schedule": ({}, (1.0, 64**-0.5 * 100**-1.5, 0.0)),
    "label smoothing": ({}, (5e-3, 0.01, 0.1)),
    "6 layers, no warm-up": (DEEP, NO_WARMUP),
    "6 layers, post-norm": ({**DEEP, **POST_NORM}, PLAIN),
    "6 layers, post-norm, no warm-up": ({**DEEP, **POST_NORM}, NO_WARMUP),
}
each_variant = pytest.mark.parametrize("name", VARIANTS)
PAIRS_BY_HAND = [Pair("1", "一"), Pair("2", "二月"), Pair("12", "一二月日"), Pair("2 1", "二月一日")]


@pytest.fixture(scope="module")
def small() -> Task:
    """Three batches to train on, and ten pairs to be measured on."""
    made = task(5, n=3 * BATCH)
    return dataclasses.replace(made, test=made.test[:10])


def by_hand() -> Task:
    source, target = vocabularies(PAIRS_BY_HAND)
    return Task(source, target, dates.tensors(PAIRS_BY_HAND, source, target), PAIRS_BY_HAND)


def logits_of(name, task, source, target):
    return build(VARIANTS[name], task, seed=0).eval()(source, target)


# --- the task


def days_of(texts):
    """The days that Chinese dates mean, without their weekdays."""
    return {datetime.date(*map(int, re.match(r"(\d+)年(\d+)月(\d+)日", text).groups())) for text in texts}


def test_what_is_measured_on_is_of_days_that_were_not_trained_on():
    made = task(3, n=2000)
    _, targets = made.train
    trained, tested = (
        days_of(texts) for texts in ([made.target.decode(row) for row in targets], [pair.target for pair in made.test])
    )
    assert len(trained) == 2000 and len(tested) == len(made.test) == 1000 and not trained & tested
    split = dates.split(3)
    assert trained <= set(split.train) and tested == set(split.test)
    assert PAIRS == STEPS * BATCH <= len(split.train)  # so that none comes twice


def test_a_task_follows_its_seed():
    first, again, other = (task(seed, n=50) for seed in (0, 0, 1))
    assert first.test == again.test != other.test and torch.equal(first.train[0], again.train[0])
    assert first.train[0].shape[0] == first.train[1].shape[0] == 50
    assert not torch.equal(first.train[0], other.train[0])


def test_the_config_has_the_sizes_of_the_vocabularies():
    made = by_hand()
    assert (made.config.source_vocabulary, made.config.target_vocabulary) == (4 + 3, 4 + 4)
    assert (made.config.d_model, made.config.encoder_layers, made.config.padding) == (64, 2, PADDING)


def test_each_pair_comes_once_in_the_order_of_the_seed():
    numbers = torch.arange(3 * BATCH + 7)
    one, again, other = (list(batches((numbers, -numbers), seed)) for seed in (0, 0, 1))
    assert [len(source) for source, _ in one] == 3 * [BATCH]  # a rest is left out
    assert all(torch.equal(source, -target) for source, target in one)
    seen = torch.cat([source for source, _ in one])
    assert len(seen.unique()) == 3 * BATCH and not torch.equal(seen, seen.sort().values)
    assert torch.equal(seen, torch.cat([source for source, _ in again]))
    assert not torch.equal(seen, torch.cat([source for source, _ in other]))


# --- the loss


class Given(nn.Module):
    """In place of a transformer: gives these logits, and remembers what it read."""

    def __init__(self, logits):
        super().__init__()
        self.logits, self.read = logits, None

    def forward(self, source, target):
        self.read = target
        return self.logits


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])
def test_the_loss_is_the_mean_over_the_tokens_that_follow_without_padding(smoothing):
    target = torch.tensor([[START, 5, 6, END], [START, 4, END, PADDING], [START, END, PADDING, PADDING]])
    model = Given(torch.randn(3, 3, 7, generator=torch.Generator().manual_seed(0)))
    losses = []
    for row, wanted in zip(model.logits.tolist(), target[:, 1:].tolist(), strict=True):
        for logits, token in zip(row, wanted, strict=True):
            total = math.log(sum(map(math.exp, logits)))
            if token != PADDING:
                right, all_alike = total - logits[token], statistics.fmean(total - logit for logit in logits)
                losses.append((1 - smoothing) * right + smoothing * all_alike)
    assert len(losses) == 6
    found = loss_of(model, (torch.ones(3, 2, dtype=torch.int64), target), smoothing)
    assert found.item() == pytest.approx(statistics.fmean(losses), rel=1e-5)
    assert torch.equal(model.read, target[:, :-1])


# --- the measures


class Guesser(nn.Module):
    """Guesses the next token of a task's test pairs, wrong at the first place; behind them, ``at_padding``."""

    positions = torch.zeros(1)

    def __init__(self, task, at_padding):
        super().__init__()
        self.next = dates.tensors(task.test, task.source, task.target)[1][:, 1:]  # (B, T - 1)
        self.next = self.next.masked_fill(self.next == PADDING, at_padding)
        self.next[:, 0] = START

    def forward(self, source, target):
        assert target.shape == self.next.shape and not self.training
        return nn.functional.one_hot(self.next, 8).float()


@pytest.mark.parametrize("at_padding", [PADDING, END, 5])
def test_the_accuracy_counts_each_token_and_no_padding(at_padding):
    """The pairs have 1 + 2 + 4 + 4 tokens and four ends; four are wrong."""
    made = by_hand()
    assert token_accuracy(Guesser(made, at_padding), made) == pytest.approx(11 / 15)


class Writer(nn.Module):
    """Writes given texts, whatever it reads."""

    def __init__(self, task, texts):
        super().__init__()
        self.config, self.positions = task.config, torch.zeros(1)
        rows = [[*task.target.encode(text), END] for text in texts]
        self.rows = torch.tensor([row + [END] * (40 - len(row)) for row in rows])

    def encode(self, source_ids):
        return source_ids

    def decode(self, written, memory, unseen):
        return nn.functional.one_hot(self.rows[:, : written.shape[1]], 8).float()


@pytest.mark.parametrize(
    ("texts", "share"),
    [
        (["一", "二月", "一二月日", "二月一日"], 1.0),
        (["一", "二月", "一二月日", "二月一"], 0.75),
        (["一", "二月日", "一二月日", "二月一日"], 0.75),
        (["一一", "二二", "一二月日", "二一月日"], 0.25),
        (["", "二", "月", "日"], 0.0),
    ],
    ids=str,
)
def test_a_match_is_exact_or_none(texts, share):
    made = by_hand()
    assert exact_match(Writer(made, texts), made) == share


def test_a_cell_is_measured_on_its_own_task_with_the_last_losses(small, monkeypatch):
    kept = []
    monkeypatch.setattr(translation, "task", lambda seed: small if seed == 5 else None)
    monkeypatch.setattr(translation, "TAIL", 2)
    trained = lambda model, *given: kept.append((model, history := train(model, *given))) or history
    monkeypatch.setattr(translation, "train", trained)
    found = measure("label smoothing", 5)
    assert set(found) == set(STUDY.values)
    ((model, history),) = kept
    assert found["last_loss"] == pytest.approx(statistics.fmean(history.column("loss")[1:]), abs=1e-5)
    assert found["token_accuracy"] == pytest.approx(token_accuracy(model, small), abs=1e-5)
    written = translate(model, [pair.source for pair in small.test], small.source, small.target)
    assert found["exact_match"] == sum(text == p.target for text, p in zip(written, small.test, strict=True)) / 10
    assert found == measure("label smoothing", 5)


# --- the training


def test_a_run_is_adamw_with_clipping_and_the_rates_of_its_recipe(small):
    recipe = Recipe(lambda step: [0.5, 1.0, 0.25][min(step, 2)], rate=2e-3, smoothing=0.2)
    mine, twin = (build(VARIANTS["whole"], small, seed=1) for _ in range(2))
    history = train(mine, small, 7, recipe)
    optimizer, losses = torch.optim.AdamW(twin.parameters(), betas=(0.9, 0.98)), []
    for batch, rate in zip(batches(small.train, 7), [1e-3, 2e-3, 5e-4], strict=True):
        optimizer.param_groups[0]["lr"] = rate
        optimizer.zero_grad()
        losses.append(loss_of(twin, batch, 0.2))
        losses[-1].backward()
        nn.utils.clip_grad_norm_(twin.parameters(), 1.0)
        optimizer.step()
    assert history.column("loss") == pytest.approx([loss.item() for loss in losses], rel=1e-5)
    assert history.column("lr") == pytest.approx([1e-3, 2e-3, 5e-4])
    for one, other in zip(mine.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(one, other, **CLOSE)


@each_variant
def test_a_variant_has_the_configuration_and_the_recipe_of_its_name(name):
    made, (config, (rate, first, smoothing)) = by_hand(), CHANGES[name]
    assert build(VARIANTS[name], made, seed=0).config == dataclasses.replace(made.config, **config)
    recipe = VARIANTS[name].recipe
    assert (recipe.rate, recipe.smoothing) == (rate, smoothing)
    assert recipe.factor(0) == pytest.approx(first)


def test_the_variants_are_these():
    assert list(VARIANTS) == list(CHANGES) and TAIL < STEPS


def test_the_courses_of_the_rate():
    """Up for 100 steps and down to nothing; at once down; the paper's, down with the root."""
    plain, at_once, papers = (
        [VARIANTS[name].recipe.factor(step) for step in range(STEPS)]
        for name in ("whole", "6 layers, no warm-up", "paper's schedule")
    )
    assert plain[:100] == pytest.approx([(step + 1) / 100 for step in range(100)])
    assert max(plain) == 1 and plain[500] == pytest.approx(0.5) and plain[-1] < 1e-4
    assert at_once[0] == 1 and at_once[450] == pytest.approx(0.5)
    for falling in (plain[100:], at_once, papers[99:]):
        assert all(later <= earlier for earlier, later in itertools.pairwise(falling))
    assert max(papers) == papers[99] == pytest.approx(0.0125) and papers[399] == pytest.approx(0.00625)


# --- what is taken out


def weights_of(model):
    """Name -> weights, under the names that they have in the whole model."""
    return {name.replace(".attention.attention.", ".attention."): w for name, w in model.named_parameters()}


@each_variant
def test_equal_sizes_have_equal_weights_of_a_seed(name):
    made = by_hand()
    whole, other, later = (
        weights_of(build(VARIANTS[each], made, seed)) for each, seed in (("whole", 2), (name, 2), (name, 3))
    )
    gone = {
        "no cross-attention": {key for key in whole if ".cross_attention." in key},
        "post-norm, no warm-up": {key for key in whole if key.startswith(("encoder_norm", "decoder_norm"))},
    }
    if "6 layers" not in name:
        assert set(whole) - set(other) == gone.get(name, set()) and set(other) <= set(whole)
        assert all(torch.equal(weights, whole[key]) for key, weights in other.items())
    assert not torch.equal(other["output.weight"], later["output.weight"])


def some(task, seed=0):
    """Four sources and targets of a task, in full length: without padding."""
    numbers = torch.Generator().manual_seed(seed)
    sizes = task.config.source_vocabulary, task.config.target_vocabulary
    return (torch.randint(4, size, (4, 6), generator=numbers) for size in sizes)


@each_variant
def test_only_without_positions_the_order_of_the_source_does_not_matter(name):
    made = by_hand()
    source, target = some(made)
    mixed = torch.stack([row[torch.tensor([2, 0, 5, 1, 4, 3])] for row in source])
    assert not torch.equal(mixed, source)
    before, after = (logits_of(name, made, each, target) for each in (source, mixed))
    blind = name in ("no positions", "no cross-attention")
    assert torch.allclose(before, after, **CLOSE) == blind
    zero = not build(VARIANTS[name], made, seed=0).positions.any()
    assert zero == (name == "no positions")


@each_variant
def test_only_without_cross_attention_the_source_does_not_matter(name):
    made = by_hand()
    (source, target), (other, _) = some(made), some(made, seed=1)
    before, after = (logits_of(name, made, each, target) for each in (source, other))
    assert torch.equal(before, after) == (name == "no cross-attention")


@each_variant
def test_only_without_a_causal_mask_the_future_matters(name):
    made = by_hand()
    source, target = some(made)
    changed = target.clone()
    changed[:, -1] = START
    before, after = (logits_of(name, made, source, each) for each in (target, changed))
    assert torch.allclose(before[:, :-1], after[:, :-1], **CLOSE) == (name != "no causal mask")
    assert not torch.allclose(before[:, -1], after[:, -1], **CLOSE)


@pytest.mark.parametrize("name", ["no causal mask", "no cross-attention"])
def test_what_stands_in_place_of_attention_has_weights_to_show(name):
    made = by_hand()
    source, target = some(made)
    model = build(VARIANTS[name], made, seed=0).eval()
    logits, maps = model(source, target, need_weights=True)
    torch.testing.assert_close(logits, model(source, target), **CLOSE)
    ahead = maps["decoder"][0].triu(1)
    assert ahead.any() == (name == "no causal mask")
    torch.testing.assert_close(maps["decoder"][1].sum(-1), torch.ones(4, 4, 6), **CLOSE)
    assert all(weights.any() == (name != "no cross-attention") for weights in maps["cross"])


def test_without_a_causal_mask_the_padding_of_the_source_stays_hidden():
    made = by_hand()
    source, target = some(made)
    longer = torch.cat([source, torch.full((4, 3), PADDING)], dim=1)
    before, after = (logits_of("no causal mask", made, each, target) for each in (source, longer))
    torch.testing.assert_close(before, after, **CLOSE)


# --- the command and the results


@pytest.fixture
def typed(monkeypatch, capsys):
    """Type a command that measures nothing: the cells that it would, or its exit code and what it said."""
    asked = []
    run = lambda study, cells, command, out, workers: asked.append((cells, command, out, workers)) or out
    monkeypatch.setattr(Study, "run", run)
    monkeypatch.setattr(torch, "set_num_threads", lambda threads: None)

    def typing(*words):
        monkeypatch.setattr(sys, "argv", ["translation", *words])
        with pytest.raises(SystemExit) as stop:
            runpy.run_path(translation.__file__, run_name="__main__")
        return stop.value.code, asked[-1] if asked else capsys.readouterr().err

    return typing


def test_the_command_takes_each_named_variant_once(typed):
    code, (cells, command, _, workers) = typed("--variants", "one head", "whole", "one head", "--seeds", "2")
    assert code == 0 and workers == 1
    assert [(cell["variant"], cell["seed"]) for cell in cells] == [*itertools.product(["one head", "whole"], range(2))]
    assert command == "python -m nbcode.experiments.translation --variants 'one head' whole 'one head' --seeds 2"


def test_without_names_it_takes_all(typed):
    code, (cells, command, _, workers) = typed("--workers", "2")
    assert code == 0 and workers == 2 and command == "python -m nbcode.experiments.translation"
    assert [(cell["variant"], cell["seed"]) for cell in cells] == [*itertools.product(VARIANTS, range(5))]


def test_an_unknown_variant_is_refused(typed):
    code, told = typed("--variants", "whole", "no head")
    assert code == 2 and "invalid choice: 'no head'" in told and "6 layers, post-norm" in told


def test_the_committed_study_holds_every_cell():
    found = [(row["variant"], row["seed"]) for row in STUDY.results().rows]
    seeds = {seed for _, seed in found}
    assert sorted(found) == sorted(itertools.product(VARIANTS, seeds)) and len(seeds) >= 5
