"""The comparison of fine-tuning speeds: that both compute and train the same, take turns, and are told apart."""

import re
import shlex
import sys

import pytest
import torch
import transformers
from torch import nn

from classifiers import FP32, TINY, some_labels, some_texts
from nbcode.bench import __main__ as command
from nbcode.bench import finetuning, trainer
from nbcode.bench.classifier_twins import check_equal, own_weights, twin_of
from nbcode.bench.finetuning import COLUMNS, RESULTS, SETTINGS, STUDY, TOLERANCE, Race, started, table, texts
from nbcode.data.requirements import generate
from nbcode.data.tokenizer_files import SPECIAL
from nbcode.data.wordpiece import WordPiece, padded
from nbcode.device import choose
from nbcode.experiments.finetuning_run import Part
from nbcode.experiments.study import Results, read
from nbcode.models.bert import Bert
from nbcode.models.text_classifier import TextClassifier
from nbcode.pretrained import Located, located
from nbcode.training.finetune import Recipe, finetune
from nbcode.training.probe import probe
from nbcode.training.reading import features
from twins import randomized

pytestmark = pytest.mark.usefixtures("few_objects")

BF16 = choose("cpu", "bf16")
TEXTS, LABELS = some_texts(12), some_labels(12)
FULL = Recipe(rate=1e-2, epochs=3, batch=12, warmup=0.0, weight_decay=0.1, clip=0.5)  # one batch: no order of texts


def tiny_checkpoint(folder, **changed):
    """A checkpoint of Hugging Face's, in the sizes of the tests' classifier, with random numbers everywhere."""
    sizes = {"hidden_size": TINY.d_model, "num_attention_heads": TINY.n_heads, "intermediate_size": TINY.d_ff}
    sizes |= {"num_hidden_layers": TINY.layers, "vocab_size": TINY.vocabulary, "max_position_embeddings": 16}
    sizes |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0} | changed
    network = transformers.BertModel(transformers.BertConfig(**sizes), add_pooling_layer=False)
    randomized(network, 0, 0.3).save_pretrained(folder)
    WordPiece([*SPECIAL, *"abcdefghijklmno"][: sizes["vocab_size"]]).save(folder)
    return folder


def twins(folder, classes=3, dropout=0.0, dtype=torch.float32):
    torch.manual_seed(0)
    ours = TextClassifier(Bert.from_pretrained(folder), classes, dropout).to(dtype)
    return ours, twin_of(ours, folder)


def batch_of(texts=TEXTS, labels=LABELS):
    return padded(texts, 0) | {"labels": torch.tensor(labels)}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return tiny_checkpoint(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def dropping(tmp_path_factory):
    shares = {"hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.1}
    return tiny_checkpoint(tmp_path_factory.mktemp("dropping"), **shares)


# --- the networks


@pytest.mark.parametrize(
    "changed",
    [{}, {"num_hidden_layers": 1, "num_attention_heads": 4}, {"hidden_size": 12, "intermediate_size": 5}],
    ids=["small", "other heads", "other sizes"],
)
def test_both_compute_the_same(tmp_path, changed):
    check_equal(*twins(tiny_checkpoint(tmp_path, **changed), dtype=torch.float64), batch_of(), tolerance=1e-9)


def test_minilm_computes_the_same():
    folder = located().path
    ours, twin = twins(folder, classes=8, dtype=torch.float64)
    check_equal(ours, twin, batch_of(labels=[1, 5, 7] * 4), tolerance=1e-9)
    check_equal(ours.float(), twin.float(), batch_of(labels=[1, 5, 7] * 4), TOLERANCE)


@pytest.mark.parametrize("name", ["bert.embeddings.token_type_embeddings.weight", "head.bias"])
def test_a_single_other_weight_is_found(tiny, name):
    ours, twin = twins(tiny)
    with torch.no_grad():
        twin.get_parameter(name).view(-1)[1] += 0.1
    with pytest.raises(ValueError, match=r"logits are .* away from those of ours, more than 1e-05"):
        check_equal(ours, twin, batch_of(), tolerance=1e-5)


@pytest.mark.parametrize("name", ["bert.encoder.layer.1.attention.self.value.weight", "head.weight"])
def test_another_way_back_is_found(tiny, name):
    ours, twin = twins(tiny)
    twin.get_parameter(name).register_hook(lambda gradient: 1.01 * gradient)
    own = "encoder.layers.1.attention.project.weight" if "value" in name else name
    with pytest.raises(ValueError, match=f"gradients of {own}"):
        check_equal(ours, twin, batch_of(), tolerance=1e-4)


def test_the_twins_share_no_memory_and_are_ready_to_train(tiny):
    ours, twin = twins(tiny)
    check_equal(ours, twin, batch_of(), tolerance=1e-4)
    addresses = [p.data_ptr() for model in (ours, twin) for p in model.parameters()]
    assert len(set(addresses)) == len(addresses)
    assert all(module.training for model in (ours, twin) for module in model.modules())
    assert len({sum(p.numel() for p in model.parameters()) for model in (ours, twin)}) == 1
    assert all(p.grad is None for model in (ours, twin) for p in model.parameters())


def test_both_drop_the_same_share_at_as_many_places(dropping):
    """Of the embeddings, of two changes and of the attention's weights in each layer, and of the mean."""
    ours, twin = twins(dropping, dropout=0.1)
    places = [m.p for m in twin.modules() if isinstance(m, nn.Dropout)]
    own = [m.p for m in ours.modules() if isinstance(m, nn.Dropout) and m.p]
    own += [layer.attention.dropout for layer in ours.encoder.layers]
    assert places == [0.1] * (2 + 3 * TINY.layers) == own


def test_what_the_twin_has_learned_comes_back_in_our_form(tiny):
    ours, twin = twins(tiny)
    randomized(twin, 7, 0.4)
    ours.load_state_dict(own_weights(twin.state_dict(), TINY.layers))
    check_equal(ours, twin, batch_of(), tolerance=1e-4)


# --- the training


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_without_chance_both_train_to_the_same_weights(tiny, settings):
    """No dropout and one batch. With a warm-up, Trainer's rates are one step behind."""
    ours, twin = twins(tiny)
    finetune(ours, TEXTS, LABELS, FULL, compute=FP32)
    trainer.train(twin, trainer.examples(TEXTS, LABELS), trainer.collator(tiny), settings(FULL, 0, FP32))
    trained = own_weights(twin.state_dict(), TINY.layers)
    begun, _ = twins(tiny)
    for (name, mine), before in zip(ours.state_dict().items(), begun.state_dict().values(), strict=True):
        other = trained[name]
        if name.endswith("attention.project.bias"):  # softmax does not see the key's: AdamW blows up mere rounding
            mine, other, before = (torch.cat([bias[:8], bias[16:]]) for bias in (mine, other, before))
        torch.testing.assert_close(mine, other, atol=2e-4, rtol=1e-3)
        assert (mine - before).abs().max() > 1e-2


@pytest.fixture
def watched(tiny, capfd):
    """Train the twin by some settings; lengths of the texts of each batch, the precision, rates, and what it said."""

    def run(settings, recipe, count=192):
        many, seen, kinds = some_texts(count, longest=14), [], set()
        collate = trainer.collator(tiny)

        def spy(rows):
            batch = collate(rows)
            seen.append(batch["attention_mask"].sum(dim=1).tolist())
            assert batch["input_ids"].shape[1] == max(seen[-1])
            return batch

        _, twin = twins(tiny)
        twin.head.register_forward_hook(lambda module, given, logits: kinds.add(logits.dtype))
        trainer.train(twin, trainer.examples(many, some_labels(count)), spy, settings)
        return seen, kinds, capfd.readouterr()

    return run


@pytest.mark.parametrize("compute", [FP32, BF16], ids=["fp32", "bf16"])
def test_as_it_comes_it_trains_in_float32_on_batches_at_random(watched, compute):
    recipe = Recipe(epochs=2, batch=8)
    seen, kinds, said = watched(trainer.as_it_comes(recipe, 3, compute), recipe)
    assert kinds == {torch.float32} and not said.out
    assert len(seen) == 48 and all(len(lengths) == 8 for lengths in seen)
    filled = sum(map(sum, seen)) / sum(8 * max(lengths) for lengths in seen)
    assert filled < 0.75
    again, _, _ = watched(trainer.as_it_comes(recipe, 3, compute), recipe)
    other, _, _ = watched(trainer.as_it_comes(recipe, 4, compute), recipe)
    assert again == seen != other


def test_tuned_it_trains_in_our_precision_on_texts_of_similar_length(watched):
    recipe = Recipe(epochs=2, batch=8)
    seen, kinds, _ = watched(trainer.tuned(recipe, 3, BF16), recipe)
    assert kinds == {torch.bfloat16}
    assert sum(map(sum, seen)) / sum(8 * max(lengths) for lengths in seen) > 0.85
    _, kinds, _ = watched(trainer.tuned(recipe, 3, FP32), recipe)
    assert kinds == {torch.float32}


def test_the_recipe_is_ours():
    recipe = Recipe(rate=3e-4, epochs=7, batch=5, warmup=0.2, weight_decay=0.3, clip=0.4)
    found = transformers.TrainingArguments("unused", **trainer.as_it_comes(recipe, 9, FP32))
    assert (found.learning_rate, found.num_train_epochs, found.train_batch_size) == (3e-4, 7, 5)
    assert (found.weight_decay, found.max_grad_norm, found.seed) == (0.3, 0.4, 9)
    assert found.get_warmup_steps(100) == 20 and found.lr_scheduler_type == "linear"
    assert found.optim == "adamw_torch_fused" and (found.adam_beta1, found.adam_beta2) == (0.9, 0.999)
    assert found.gradient_accumulation_steps == 1 and found.device.type == "cpu"


# --- the texts and where both begin


def test_the_texts_of_the_score_repeat_none_of_those_to_train_on():
    train, test, classes = texts()
    assert len(classes) == 8 and 350 <= len(train.texts) <= 400 and len(test.texts) > 900
    assert train.labels.bincount().max() == finetuning.PER_CLASS and train.labels.bincount().min() > 20
    group = {record.text: record.facts.group for record in generate(finetuning.SEED)}
    assert not {group[text] for text in train.texts} & {group[text] for text in test.texts}


@pytest.fixture
def small(tiny, monkeypatch):
    """The benchmark with a tiny checkpoint, a few random texts and one short epoch."""

    def part(count, seed):
        labels = torch.tensor(some_labels(count, seed=seed))
        return Part(["text"] * count, some_texts(count, seed), labels, nn.functional.one_hot(labels, 3).bool())

    parts = part(12, 1), part(20, 2)
    monkeypatch.setattr(finetuning, "texts", lambda: (*parts, ["ann", "bob", "eve"]))
    monkeypatch.setattr(finetuning, "located", lambda: Located(tiny, "A tiny one."))
    monkeypatch.setattr(finetuning, "new_classifier", lambda classes, seed: twins(tiny, classes)[0])
    monkeypatch.setattr(finetuning, "RUN", Recipe(epochs=3, batch=4))
    finetuning.race_of.cache_clear()
    yield parts
    finetuning.race_of.cache_clear()


def test_both_begin_with_the_head_of_a_probe(small):
    train = small[0]
    model, race = started(train, ["ann", "bob", "eve"], FP32), Race(FP32)
    fitted = probe(features(model.encoder, train.tokens, FP32), train.labels)
    for head in (model.head, race.ours.head, race.twin.head):
        torch.testing.assert_close(head.weight.detach(), torch.as_tensor(fitted.coef_).float())


# --- the race


@pytest.fixture
def race(small, monkeypatch):
    """A race in which a fine-tuning takes 1, 2 and 4 seconds, and what happened in it."""
    log, now = [], [0.0]

    def note(model, name, seconds, number):
        log.append((name, number, torch.initial_seed()))
        now[0] += seconds
        with torch.no_grad():
            model.head.bias[seconds % 3] += 100  # all guesses are of this class

    def ours(model, tokens, labels, recipe, *, seed, compute):
        note(model, "ours", 1, seed)

    def trained(model, data, collate, settings):
        is_tuned = "train_sampling_strategy" in settings
        note(model, "tuned" if is_tuned else "as it comes", 4 if is_tuned else 2, settings["seed"])

    def clock(device):
        log.append("clock")
        return now[0]

    monkeypatch.setattr(finetuning, "finetune", ours)
    monkeypatch.setattr(trainer, "train", trained)
    made = Race(FP32, clock)
    log.clear()
    return made, log, small[1]


def test_they_take_turns_in_an_order_that_goes_round(race):
    made, log, _ = race
    for number in (3, 4, 5):
        made.round(number)
    names = "ours", "as it comes", "tuned"
    orders = names, names[1:] + names[:1], names[2:] + names[:2]
    assert log == [
        word
        for number, order in zip((3, 4, 5), orders, strict=True)
        for name in order
        for word in ("clock", (name, number, number), "clock")
    ]


def test_a_round_has_rates_and_scores_and_each_begins_anew(race):
    made, _, test = race
    first, second = made.round(3), made.round(4)
    assert first == second and tuple(first) == STUDY.values
    assert [first[column] for column in COLUMNS.values()] == [36, 18, 9]  # 12 texts, 3 epochs
    shares = [round((test.labels == guess).double().mean().item(), 5) for guess in (1, 2, 1)]
    assert [first[f"{column}_score"] for column in COLUMNS.values()] == shares


def test_networks_that_differ_do_not_race(small, monkeypatch):
    def other(ours, folder):
        twin = twin_of(ours, folder)
        nn.init.zeros_(twin.head.weight)
        return twin

    monkeypatch.setattr(finetuning, "twin_of", other)
    with pytest.raises(ValueError, match="logits are"):
        Race(FP32)


# --- the table


def results(rows):
    return Results({}, [dict(zip((*STUDY.keys, *STUDY.values), row, strict=True)) for row in rows])


def test_the_table_has_medians_with_quartiles_and_the_ratios_and_differences_of_rounds():
    rows = [("cpu", "bf16", n, 30 * n, 10, 20 * n, 0.8, 0.8 - n / 100, 0.81) for n in (1, 2, 3, 4, 5)]
    heading, ours, comes, tuned = (re.split(r"\s{2,}", line) for line in table(results(rows)).splitlines())
    assert heading == ["device", "precision", "examples/s", "ours / it", "score, %", "ours - it, points"]
    assert ours == ["cpu", "bf16", "ours", "90.0 [60.0 to 120.0]", "80.0 [80.0 to 80.0]"]
    assert comes[2:5] == ["Trainer as it comes", "10.0 [10.0 to 10.0]", "9.00 [6.00 to 12.00]"]
    assert comes[5:] == ["77.0 [76.0 to 78.0]", "+3.0 [+2.0 to +4.0]"]
    assert tuned[2:5] == ["Trainer tuned", "60.0 [40.0 to 80.0]", "1.50 [1.50 to 1.50]"]
    assert tuned[5:] == ["81.0 [81.0 to 81.0]", "-1.0 [-1.0 to -1.0]"]


# --- the command


@pytest.fixture
def typed(small, monkeypatch, capsys):
    """Type a command; its exit code and what it said."""

    def run(line):
        words = shlex.split(line)
        monkeypatch.setattr(sys, "argv", ["bench", *words])
        try:
            code = command.main()
        except SystemExit as stop:
            code = stop.code
        return code, capsys.readouterr()

    return run


def test_a_run_writes_every_round_and_shows_the_table(typed, tmp_path):
    out = tmp_path / "speed.csv"
    line = f"finetuning --rounds 2 --precision bf16 --device cpu --out {out}"
    code, said = typed(line)
    assert code == 0 and str(out) in said.out and "because it was asked for" in said.out and "A tiny one." in said.out
    assert "median [quartiles] of 2 rounds" in said.out and said.out.count("cpu ") == 3
    found = read(out)
    assert found.header["command"] == f"python -m nbcode.bench {line}" and found.header["machine"]
    assert [tuple(row[key] for key in STUDY.keys) for row in found.rows] == [("cpu", "bf16", n) for n in (1, 2)]
    for row in found.rows:
        assert all(row[column] > 0 and 0 <= row[f"{column}_score"] <= 1 for column in COLUMNS.values())


def test_without_flags_it_measures_in_the_best_precision(typed, monkeypatch):
    asked = []
    monkeypatch.setattr(
        finetuning.Study, "run", lambda study, cells, line, out: asked.append((cells, line, out)) or out
    )
    monkeypatch.setattr(finetuning, "read", lambda path: results([("cpu", "bf16", 1, 3, 1, 2, 0.8, 0.8, 0.8)]))
    assert typed("finetuning")[0] == 0
    ((cells, line, out),) = asked
    best = choose()
    assert [(cell["device"], cell["precision"], cell["round"]) for cell in cells] == [
        (best.device.type, best.precision, number) for number in (1, 2, 3)
    ]
    assert (line, out) == ("python -m nbcode.bench finetuning", RESULTS)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("finetuning --rounds 0", "'0' is not an integer of at least 1"),
        ("finetuning --rounds many", "'many' is not an integer of at least 1"),
        ("finetuning --precision fp8", "invalid choice: 'fp8'"),
        ("finetuning --device abacus", "unknown device 'abacus'"),
        ("finetuning --device cpu --precision fp16", "fp16 needs a CUDA GPU"),
    ],
)
def test_a_bad_flag_gets_a_sentence_and_code_2(typed, line, told):
    code, said = typed(line)
    assert code == 2 and told in said.err and not said.out


def test_without_a_checkpoint_it_says_so(typed, monkeypatch):
    def nowhere():
        raise ValueError("the checkpoint is nowhere to be had")

    monkeypatch.setattr(finetuning, "located", nowhere)
    code, said = typed("finetuning --device cpu")
    assert code == 2 and "error: the checkpoint is nowhere to be had" in said.err


def test_ctrl_c_keeps_what_was_measured(typed, tmp_path, monkeypatch):
    def interrupted(race, number):
        raise KeyboardInterrupt

    monkeypatch.setattr(Race, "round", interrupted)
    code, said = typed(f"finetuning --rounds 1 --device cpu --out {tmp_path / 'speed.csv'}")
    assert code == 130 and "the same command continues" in said.err


def test_the_committed_rounds_are_whole():
    found = read(RESULTS)
    assert all(tuple(row) == STUDY.keys + STUDY.values for row in found.rows)
    assert [row["round"] for row in found.rows] == list(range(1, len(found.rows) + 1)) and len(found.rows) >= 3
