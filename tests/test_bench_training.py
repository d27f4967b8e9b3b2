"""The comparison of training speeds: that all three compute the same, take turns, and are told apart in the table."""

import re
import shlex
import sys
from dataclasses import replace

import pytest
import torch
from torch import nn

from nbcode.bench import __main__ as command
from nbcode.bench import training
from nbcode.bench.training import COLUMNS, DATE, RESULTS, SIZES, STUDY, Race, Size, Trainer, draw, spread, table
from nbcode.bench.twins import check_equal, twins
from nbcode.data.dates import pairs, split, vocabularies
from nbcode.device import choose
from nbcode.experiments.study import Results, read
from nbcode.experiments.translation_run import loss_of
from nbcode.models.transformer import Transformer

SMALL = replace(DATE, d_model=8, n_heads=2, d_ff=12, encoder_layers=1, decoder_layers=1)
CPU = choose("cpu", "fp32")


def float64(config):
    """Twins whose biases and norms are random too; they begin at 0 and 1, where a mistake could hide."""
    torch.manual_seed(0)
    ours = Transformer(config).double()
    for parameter in ours.parameters():
        nn.init.normal_(parameter, std=0.5)
    return twins(ours)


@pytest.mark.parametrize(
    "config",
    [SMALL, replace(SMALL, encoder_layers=2, decoder_layers=3), replace(SMALL, n_heads=1, d_ff=5, eps=1e-3)],
    ids=["small", "more layers", "other sizes"],
)
def test_all_three_compute_the_same(config):
    check_equal(float64(config), draw(config), tolerance=1e-9)


@pytest.mark.parametrize("size", SIZES)
def test_the_sizes_that_are_measured_compute_the_same(size):
    config = SIZES[size].config
    check_equal(twins(Transformer(config)), [ids[:4] for ids in draw(config)], training.TOLERANCE)


@pytest.mark.parametrize("name", ["nn.Transformer", "textbook"])
def test_a_single_other_weight_is_found(name):
    models = twins(Transformer(SMALL))
    with torch.no_grad():
        next(p for key, p in models[name].named_parameters() if "encoder" in key and p.ndim == 2)[0, 0] += 0.1
    with pytest.raises(ValueError, match=rf"logits of {name} are .* away from those of ours, more than 1e-05"):
        check_equal(models, draw(SMALL), tolerance=1e-5)


def test_another_way_back_is_found():
    models = twins(Transformer(SMALL))
    models["textbook"].source.table.weight.register_hook(lambda gradient: 1.01 * gradient)
    with pytest.raises(ValueError, match="gradients of textbook"):
        check_equal(models, draw(SMALL), tolerance=1e-4)


def test_the_twins_share_no_memory_and_are_ready_to_train():
    models = twins(Transformer(SMALL))
    check_equal(models, draw(SMALL), tolerance=1e-4)
    addresses = [p.data_ptr() for model in models.values() for p in model.parameters()]
    assert len(set(addresses)) == len(addresses)
    assert all(module.training for model in models.values() for module in model.modules())
    assert len({sum(p.numel() for p in model.parameters()) for model in models.values()}) == 1
    assert all(p.grad is None for model in models.values() for p in model.parameters())


def test_all_drop_the_same_share_at_as_many_places():
    for model in twins(Transformer(SMALL)).values():
        shares = [module.p for module in model.modules() if isinstance(module, nn.Dropout)]
        shares += [m.dropout for m in model.modules() if isinstance(getattr(m, "dropout", None), float)]
        assert set(shares) == {0.1}


@pytest.mark.parametrize(
    "change", [{"tied": True, "source_vocabulary": 25}, {"final_norm": False}, {"norm_first": False}], ids=str
)
def test_what_the_others_do_not_have_is_refused(change):
    with pytest.raises(ValueError, match="not tied, has a final norm, pre-norm and relu"):
        twins(Transformer(replace(SMALL, **change)))


# --- the batch


def test_the_vocabularies_are_those_of_the_dates():
    source, target = vocabularies(pairs(split(0).train, 5_000, seed=0))
    assert (DATE.source_vocabulary, DATE.target_vocabulary) == (len(source), len(target))


def test_the_batch_has_padding_behind_its_sources_and_full_targets():
    source, target = draw(DATE)
    assert source.shape == (64, 32) and target.shape == (64, 33)
    lengths = (source != DATE.padding).sum(dim=1)
    assert lengths.min() >= 16 and lengths.max() == 32 and lengths.unique().numel() > 8
    assert torch.equal(source == DATE.padding, torch.arange(32) >= lengths[:, None])
    assert target.min() > 3 and target.max() == 24 and source.max() == 54


# --- the race


@pytest.fixture
def race(monkeypatch):
    """A race whose models take 1, 2 and 4 seconds a step, and what happened in it."""
    log, now = [], [0.0]
    seconds = {"Transformer": 1, "BuiltinTransformer": 2, "TextbookTransformer": 4}

    def step(trainer, batch):
        name = type(trainer.model).__name__
        log.append(name)
        now[0] += seconds[name]

    def clock(device):
        log.append("clock")
        return now[0]

    monkeypatch.setattr(Trainer, "step", step)
    made = Race(Size(SMALL, steps=3), CPU, clock)
    log.clear()
    return made, log


def test_the_models_take_turns_and_each_turn_has_its_own_clock(race):
    made, log = race
    rates = [made.round() for _ in range(2)]
    names = ("Transformer", "BuiltinTransformer", "TextbookTransformer")
    assert log == 2 * [word for name in names for word in ("clock", *3 * [name], "clock")]
    assert rates == 2 * [{"ours": 4096, "nn.Transformer": 2048, "textbook": 1024}]


def test_the_first_round_warms_up_and_is_not_counted(monkeypatch):
    steps = []
    monkeypatch.setattr(Trainer, "step", lambda trainer, batch: steps.append(type(trainer.model)))
    ticks = iter(range(100))
    Race(Size(SMALL, steps=1), CPU, lambda device: next(ticks))
    assert len(steps) == 3


def test_models_that_differ_do_not_race(monkeypatch):
    def other(ours):
        models = twins(ours)
        nn.init.zeros_(models["textbook"].output.weight)
        return models

    monkeypatch.setattr(training, "twins", other)
    with pytest.raises(ValueError, match="logits of textbook"):
        Race(Size(SMALL, steps=1), CPU)


def test_a_gpu_is_waited_for_before_the_clock_is_read(monkeypatch):
    log = []
    monkeypatch.setattr(torch.accelerator, "synchronize", lambda: log.append("waited"))
    monkeypatch.setattr(training.time, "perf_counter", lambda: log.append("read"))
    training.wall_clock(torch.device("cuda"))
    assert log == ["waited", "read"]
    training.wall_clock(torch.device("cpu"))
    assert log == ["waited", "read", "read"]


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("name", COLUMNS)
def test_each_model_learns_in_each_precision(name, precision):
    torch.manual_seed(0)
    model, batch, seen = twins(Transformer(SMALL))[name], draw(SMALL), []
    model.output.register_forward_hook(lambda module, given, logits: seen.append(logits.dtype))
    trainer = Trainer(model, choose("cpu", precision))
    assert trainer.optimizer.defaults["fused"]
    before = loss_of(model, batch).item()
    for _ in range(30):
        trainer.step(batch)
    assert loss_of(model, batch).item() < before - 0.02
    assert seen[1] is choose("cpu", precision).dtype


# --- the table


def results(rows):
    return Results({}, [dict(zip((*STUDY.keys, *STUDY.values), row, strict=True)) for row in rows])


def test_the_table_has_medians_with_quartiles_and_the_ratios_of_rounds():
    rows = [("cpu", "date", "bf16", n, 1000 * n, 1000, 500 * n) for n in (1, 2, 3, 4, 5)]
    rows += [("cpu", "wide", "fp32", 1, 3000, 2000, 1000)]
    heading, date, wide = table(results(rows)).splitlines()
    assert re.split(r"\s{2,}", heading)[3:] == [*COLUMNS, "ours / nn.Transformer", "ours / textbook"]
    assert re.split(r"\s{2,}", date) == [
        *("cpu", "date", "bf16"),
        *("3,000 [2,000 to 4,000]", "1,000 [1,000 to 1,000]", "1,500 [1,000 to 2,000]"),
        *("3.00 [2.00 to 4.00]", "2.00 [2.00 to 2.00]"),
    ]
    assert re.split(r"\s{2,}", wide)[-2:] == ["1.50 [1.50 to 1.50]", "3.00 [3.00 to 3.00]"]


def test_a_ratio_is_that_of_one_round_and_not_of_medians():
    """In the second round the machine was twice as slow, for both."""
    rows = [("cpu", "date", "fp32", 1, 200, 100, 1), ("cpu", "date", "fp32", 2, 100, 50, 1)]
    assert "2.00 [2.00 to 2.00]" in table(results(rows))
    assert spread([1], "{:.1f}") == "1.0 [1.0 to 1.0]"


# --- the command


@pytest.fixture
def typed(monkeypatch, capsys):
    """Type a command with tiny models in the place of the real ones; its exit code and what it said."""
    monkeypatch.setattr(training, "SIZES", {name: Size(SMALL, steps=1) for name in SIZES})
    training.race_of.cache_clear()

    def run(line):
        words = shlex.split(line)
        monkeypatch.setattr(sys, "argv", ["bench", *words])
        try:
            code = command.main()
        except SystemExit as stop:
            code = stop.code
        return code, capsys.readouterr()

    yield run
    training.race_of.cache_clear()


def test_a_run_writes_every_round_and_shows_the_table(typed, tmp_path):
    out = tmp_path / "speed.csv"
    line = f"training --rounds 2 --precisions fp32,bf16 --device cpu --out {out}"
    code, said = typed(line)
    assert code == 0 and str(out) in said.out and "because it was asked for" in said.out
    assert "median [quartiles] of 2 rounds" in said.out and said.out.count("cpu ") >= 4
    found = read(out)
    assert found.header["command"] == f"python -m nbcode.bench {line}" and found.header["machine"]
    cells = [tuple(row[key] for key in STUDY.keys) for row in found.rows]
    assert cells == [("cpu", s, p, n) for s in ("date", "wide") for p in ("fp32", "bf16") for n in (1, 2)]
    assert all(row[column] > 0 for row in found.rows for column in COLUMNS.values())


def test_without_flags_it_measures_all_sizes_in_fp32_and_the_best_precision(typed, monkeypatch):
    asked = []
    monkeypatch.setattr(training.Study, "run", lambda study, cells, line, out: asked.append((cells, line, out)) or out)
    monkeypatch.setattr(training, "read", lambda path: results([("cpu", "date", "fp32", 1, 1, 1, 1)]))
    assert typed("training")[0] == 0
    ((cells, line, out),) = asked
    best = dict.fromkeys(["fp32", choose().precision])
    assert {(cell["size"], cell["precision"]) for cell in cells} == {(s, p) for s in SIZES for p in best}
    assert max(cell["round"] for cell in cells) >= 9
    assert (line, out) == ("python -m nbcode.bench training", RESULTS)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("", "required: command"),
        ("speed", "invalid choice: 'speed'"),
        ("training --rounds 0", "'0' is not an integer of at least 1"),
        ("training --sizes date,huge", "'huge': not among date, wide"),
        ("training --precisions ''", "'': not among fp32, bf16, fp16"),
        ("training --device abacus", "unknown device 'abacus'"),
        ("training --device cpu --precisions fp16", "fp16 needs a CUDA GPU"),
    ],
)
def test_a_bad_flag_gets_a_sentence_and_code_2(typed, line, told):
    code, said = typed(line)
    assert code == 2 and told in said.err and not said.out


def test_ctrl_c_keeps_what_was_measured(typed, tmp_path, monkeypatch):
    def interrupted(race):
        raise KeyboardInterrupt

    monkeypatch.setattr(Race, "round", interrupted)
    code, said = typed(f"training --rounds 1 --device cpu --out {tmp_path / 'speed.csv'}")
    assert code == 130 and "the same command continues" in said.err


def test_the_committed_rounds_are_whole():
    found = read(RESULTS)
    assert all(tuple(row) == STUDY.keys + STUDY.values for row in found.rows)
    races = {(row["size"], row["precision"]) for row in found.rows}
    assert {size for size, _ in races} == set(SIZES) and ("wide", "fp32") in races
    for size, precision in races:
        assert len(found.column("ours", size=size, precision=precision)) >= 9
