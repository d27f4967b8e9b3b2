"""The study of recall: what its numbers mean, that it continues where it was interrupted, and its command line."""

import itertools
import os
import signal
import subprocess
import sys
import time

import pytest
import torch
from torch.nn import functional

from nbcode.data.recall import SYMBOLS, TASKS
from nbcode.experiments import attention_rates, recall, recall_rates
from nbcode.experiments.sequence_run import PARAMETERS, accuracy, build, draw, generator, gradient_at_first, train
from nbcode.experiments.study import read

COLUMNS = [
    *("task", "model", "distance", "seed", "parameters"),
    *("accuracy", "steps_to_solve", "ms_per_step", "gradient_at_first"),
]
COMMAND = [sys.executable, "-m", "nbcode.experiments.recall"]
SMALL = ["--distances", "2,3", "--models", "cnn,attention", "--seeds", "2", "--steps", "50"]


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def test_the_columns_are_the_promised_ones():
    assert list(recall.STUDY.keys + recall.STUDY.values) == COLUMNS


def test_the_committed_study_holds_every_cell_for_at_least_five_seeds():
    rows = recall.STUDY.results().rows
    seeds = {row["seed"] for row in rows}
    assert len(seeds) >= 5
    wanted = recall.cells(recall.DISTANCES, tuple(recall.MODELS), len(seeds))
    assert [{key: row[key] for key in recall.STUDY.keys} for row in rows] == wanted
    assert all(abs(row["parameters"] / PARAMETERS - 1) < 0.1 for row in rows)
    assert all(0 <= row["accuracy"] <= 1 and row["ms_per_step"] > 0 for row in rows)


def test_the_pilot_has_seeds_of_its_own_and_names_the_best_rate():
    pilot = recall_rates.STUDY.results()
    assert not {row["seed"] for row in pilot.rows} & {row["seed"] for row in recall.STUDY.results().rows}
    for mixer in recall_rates.MIXERS:
        means = {}
        for rate in recall_rates.RATES:
            values = pilot.column("accuracy", mixer=mixer, rate=rate)
            means[rate] = sum(values) / len(values)
        assert means[recall_rates.best_rate(mixer)] == max(means.values())


def test_the_check_of_attention_has_every_cell_on_seeds_that_nothing_else_used():
    rows = attention_rates.STUDY.results().rows
    seeds = {row["seed"] for row in rows}
    grid = itertools.product(attention_rates.RATES, attention_rates.DISTANCES, sorted(seeds))
    assert [(row["rate"], row["distance"], row["seed"]) for row in rows] == list(grid)
    others = (*recall.STUDY.results().rows, *recall_rates.STUDY.results().rows)
    assert len(seeds) >= 20 and not seeds & {row["seed"] for row in others}


@pytest.mark.parametrize("mixer", ["cnn", "rnn", "gru", "attention"])
def test_gradient_at_first_is_that_of_finite_differences(mixer):
    distance, network = 3, build(mixer, "recall", 3, 0)
    found = gradient_at_first(network, "recall", distance, 0)
    network.double()
    tokens, targets = TASKS["recall"](64, distance, generator(0, "validation"))
    x = network.embedding(tokens).detach()

    def loss(moved):
        return functional.cross_entropy(network.after_embedding(moved)[:, -1], targets[:, -1]).item()

    lengths = []
    for place in (0, -1):
        slopes = torch.zeros_like(x[:, 0])
        for row in range(4):  # of 64: enough to tell
            for entry in range(x.shape[2]):
                step = torch.zeros_like(x)
                step[row, place, entry] = 1e-5
                slopes[row, entry] = (loss(x + step) - loss(x - step)) / 2e-5
        lengths.append(slopes[:4].norm(dim=1))
    leaf = x.clone().requires_grad_()
    functional.cross_entropy(network.after_embedding(leaf)[:, -1], targets[:, -1]).backward()
    exact = leaf.grad.norm(dim=-1)
    torch.testing.assert_close(torch.stack(lengths), exact[:4][:, [0, -1]].T, rtol=1e-4, atol=1e-9)
    assert found == pytest.approx((exact[:, 0].mean() / exact[:, -1].mean()).item(), rel=1e-9)


def test_a_convolution_gets_no_gradient_from_beyond_its_field():
    assert gradient_at_first(build("cnn", "recall", 4, 0), "recall", 4, 0) > 0
    assert gradient_at_first(build("cnn", "recall", 5, 0), "recall", 5, 0) == 0


def test_measuring_the_gradient_leaves_the_model_alone():
    network = build("gru", "recall", 4, 0)
    before = [parameter.clone() for parameter in network.parameters()]
    gradient_at_first(network, "recall", 4, 0)
    assert all(parameter.grad is None and parameter.dtype == torch.float32 for parameter in network.parameters())
    assert all(torch.equal(a, b) for a, b in zip(before, network.parameters(), strict=True))


def test_accuracy_counts_only_positions_with_a_target():
    class Knows(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.zeros(1))

        def forward(self, tokens):  # the first symbol at the last position, nonsense elsewhere
            answer = functional.one_hot(tokens[:, :1].expand_as(tokens) % SYMBOLS, SYMBOLS).float()
            answer[:, :-1] = answer[:, :-1].roll(1, dims=-1)
            return answer

    assert accuracy(Knows(), *draw("recall", 6, 0, "test")) == 1.0
    assert accuracy(Knows(), *draw("pattern", 6, 0, "test")) < 0.3


def test_training_stops_when_the_task_is_solved_and_data_of_all_purposes_differ():
    network = build("attention", "recall", 3, 0)
    solved, seconds = train(network, "recall", 3, 0, 400, 3e-3)
    assert solved and solved == len(seconds) < 400
    assert accuracy(network, *draw("recall", 3, 0, "test")) > 0.98
    drawn = [TASKS["recall"](5, 20, generator(0, purpose))[0] for purpose in ("training", "validation", "test")]
    assert not any(torch.equal(drawn[a], drawn[b]) for a, b in ((0, 1), (0, 2), (1, 2)))


def test_a_remedy_that_takes_longer_may_take_more_steps(monkeypatch):
    taken = []
    monkeypatch.setattr(
        recall, "train", lambda network, task, distance, seed, steps, rate: (taken.append(steps), [1])[1:] * 2
    )
    for model in ("gru", "gru-longer"):
        recall.measure("recall", model, 2, 0, steps=7)
    assert taken == [7, 28]


def rows_without_times(path):
    return [{key: value for key, value in row.items() if key != "ms_per_step"} for row in read(path).rows]


def test_interrupted_and_started_again_it_ends_with_the_same_table(tmp_path):
    environment = {**os.environ, "CI": "", "OMP_NUM_THREADS": "1"}
    whole, cut = tmp_path / "whole.csv", tmp_path / "cut.csv"
    run = lambda out: [*COMMAND, *SMALL, "--out", str(out)]
    assert subprocess.run(run(whole), env=environment, capture_output=True, check=False).returncode == 0
    partial = cut.with_name("cut.csv.partial")
    with subprocess.Popen(run(cut), env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as started:
        deadline = time.monotonic() + 120
        while not (partial.exists() and partial.read_text(encoding="utf-8").count("\n") >= 6):
            assert time.monotonic() < deadline and started.poll() is None
            time.sleep(0.05)
        started.send_signal(signal.SIGINT)
        assert started.wait(60) == 130
    kept = [line for line in partial.read_text(encoding="utf-8").splitlines() if not line.startswith("#")][1:]
    assert 0 < len(kept) < len(read(whole).rows)
    again = subprocess.run(run(cut), env=environment, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert rows_without_times(cut) == rows_without_times(whole)
    finished = [line for line in cut.read_text(encoding="utf-8").splitlines() if not line.startswith("#")][1:]
    assert finished[: len(kept)] == kept  # what was measured before stands as it was, its times too
    assert list(read(cut).rows[0]) == COLUMNS


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--distances", "4,x"], "is not a list like 4,16,64 of whole numbers"),
        (["--distances", "0"], "is not a list like 4,16,64 of whole numbers"),
        (["--distances", ""], "is not a list like 4,16,64 of whole numbers"),
        (["--models", "cnn,lstm"], "no model is called lstm; there are: cnn, cnn-dilated"),
        (["--models", ""], "no model is called"),
        (["--seeds", "0"], "is not an integer of at least 1"),
        (["--steps", "many"], "is not an integer of at least 1"),
        (["--device", "tpu"], "unknown device 'tpu'"),
        (["--length", "4"], "unrecognized arguments"),
    ],
)
def test_a_bad_flag_gets_a_clear_error_and_writes_nothing(tmp_path, flags, told):
    out = tmp_path / "new" / "out.csv"
    finished = subprocess.run(
        [*COMMAND, *flags, "--out", str(out)], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert finished.returncode == 2 and told in finished.stderr and "Traceback" not in finished.stderr
    assert not out.parent.exists()
