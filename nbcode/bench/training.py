"""How many tokens a second does a transformer train on: ours, PyTorch's ``nn.Transformer``, and a textbook's?

All three compute the same, which is checked first, and share the batch, the loss, the masks, dropout and the fused
AdamW. They take turns, A B C A B C, so that what disturbs the machine disturbs all of them alike. Every round is
written down; the table shows medians with quartiles, and the ratios of each round.

A token is a place of the batch, padding included: 64 x (32 + 32) in a step.
"""

from __future__ import annotations

import argparse
import functools
import shlex
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import nn

from nbcode.bench.twins import Batch, check_equal, twins
from nbcode.data.vocabulary import SPECIAL
from nbcode.device import DEVICES, PRECISIONS, Compute, choose
from nbcode.experiments.study import Results, Study, at_least_one, read
from nbcode.experiments.translation_run import loss_of
from nbcode.models.transformer import PRESETS, Transformer, TransformerConfig

RESULTS = Path(__file__).parent / "results" / "training.csv"
BATCH, LENGTH, SHORTEST = 64, 32, 16
ROUNDS = 15
RATE = 1e-3
TOLERANCE = 1e-3  # of the largest number, in float32; sums in another order differ by less
DATE = replace(PRESETS["date"], source_vocabulary=55, target_vocabulary=25, dropout=0.1)
COLUMNS = {"ours": "ours", "nn.Transformer": "nn_transformer", "textbook": "textbook"}


@dataclass(frozen=True)
class Size:
    """A model to train, and how many steps make a turn, so that one takes about as long as another."""

    config: TransformerConfig
    steps: int


SIZES = {
    "date": Size(DATE, steps=10),
    "wide": Size(replace(DATE, d_model=256, d_ff=1024, encoder_layers=3, decoder_layers=3), steps=2),
}


class Race:
    """The three models on one batch; each call of :meth:`round` gives each of them a turn.

    Args:
        size: models and steps in a turn.
        compute: device and precision.
        clock: seconds; it waits for the device.

    Raises:
        ValueError: the models do not compute the same.
    """

    def __init__(self, size: Size, compute: Compute, clock: Callable[[torch.device], float] | None = None) -> None:
        torch.manual_seed(0)
        self.compute, self.steps, self.clock = compute, size.steps, clock or wall_clock
        self.batch = tuple(ids.to(compute.device) for ids in draw(size.config))
        models = twins(Transformer(size.config).to(compute.device))
        check_equal(models, self.batch, TOLERANCE)
        self.trainers = {name: Trainer(model, compute) for name, model in models.items()}
        self.round()  # warms up

    def round(self) -> dict[str, float]:
        """Tokens a second of each model, in turns of a few steps."""
        rates = {}
        for name, trainer in self.trainers.items():
            begun = self.clock(self.compute.device)
            for _ in range(self.steps):
                trainer.step(self.batch)
            rates[name] = self.steps * 2 * BATCH * LENGTH / (self.clock(self.compute.device) - begun)
        return rates


class Trainer:
    """A model with its optimizer; the step is the same for all models."""

    def __init__(self, model: nn.Module, compute: Compute) -> None:
        self.model, self.compute = model, compute
        self.optimizer = torch.optim.AdamW(model.parameters(), RATE, fused=True)
        self.scaler = compute.grad_scaler()

    def step(self, batch: Batch) -> None:
        """One update."""
        with self.compute.autocast():
            loss = loss_of(self.model, batch)
        self.optimizer.zero_grad()
        self.scaler.scale(loss).backward()
        self.scaler.step(self.optimizer)
        self.scaler.update()


def draw(config: TransformerConfig) -> Batch:
    """Random sources (B, S), half of them and more filled with tokens, and random full targets (B, T + 1)."""
    numbers = torch.Generator().manual_seed(0)
    source = torch.randint(len(SPECIAL), config.source_vocabulary, (BATCH, LENGTH), generator=numbers)
    target = torch.randint(len(SPECIAL), config.target_vocabulary, (BATCH, LENGTH + 1), generator=numbers)
    lengths = torch.randint(SHORTEST, LENGTH + 1, (BATCH, 1), generator=numbers)
    return source.masked_fill(torch.arange(LENGTH) >= lengths, config.padding), target


def wall_clock(device: torch.device) -> float:
    """Seconds of the wall, after all that was asked of the device is done."""
    if device.type != "cpu":
        torch.accelerator.synchronize()
    return time.perf_counter()


def measure(device: str, size: str, precision: str, round: int) -> dict[str, float]:
    """One round, in columns named after the models; the number of the round changes nothing."""
    rates = race_of(device, size, precision).round()
    return {COLUMNS[name]: float(f"{rate:.5g}") for name, rate in rates.items()}


@functools.lru_cache(maxsize=1)  # the rounds of a race follow one another
def race_of(device: str, size: str, precision: str) -> Race:
    """The race that a cell belongs to."""
    return Race(SIZES[size], choose(device, precision))


STUDY = Study("nbcode.bench.training", ("device", "size", "precision", "round"), tuple(COLUMNS.values()), measure)


def table(results: Results) -> str:
    """Medians of tokens a second with quartiles, and how much faster ours is: medians of each round's ratio."""
    ratios = [f"ours / {name}" for name in COLUMNS if name != "ours"]
    lines = [("device", "size", "precision", *COLUMNS, *ratios)]
    races = dict.fromkeys(tuple(row[key] for key in STUDY.keys[:-1]) for row in results.rows)
    for race in races:
        where = dict(zip(STUDY.keys, race, strict=False))
        ours, *others = (results.column(column, **where) for column in COLUMNS.values())
        rates = [spread(each, "{:,.0f}") for each in (ours, *others)]
        faster = [[a / b for a, b in zip(ours, each, strict=True)] for each in others]
        lines.append((*race, *rates, *(spread(each, "{:.2f}") for each in faster)))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


def spread(values: Sequence[float], form: str) -> str:
    """The median and, in brackets, the quartiles."""
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else 3 * list(values)
    return f"{form.format(middle)} [{form.format(low)} to {form.format(high)}]"


def add_flags(flags: argparse.ArgumentParser) -> None:
    """The flags of this command."""
    flags.add_argument("--rounds", type=at_least_one, default=ROUNDS, help="turns of each model (default: %(default)s)")
    some = functools.partial(some_of, SIZES)
    flags.add_argument("--sizes", type=some, default=tuple(SIZES), help=f"comma-separated: {', '.join(SIZES)}")
    some, best = functools.partial(some_of, PRECISIONS), "fp32 and the one that the device is best at"
    flags.add_argument("--precisions", type=some, help=f"comma-separated: {', '.join(PRECISIONS)} (default: {best})")
    flags.add_argument("--device", help=f"{', '.join(DEVICES)} (default: the first of them that is there)")
    flags.add_argument("--out", type=Path, default=RESULTS, help="CSV file to write (default: the committed one)")


def some_of(known: Iterable[str], text: str) -> tuple[str, ...]:
    """A list such as "date,wide" of known names, each once, for argparse."""
    names = tuple(dict.fromkeys(text.split(",")))
    if unknown := [name for name in names if name not in known]:
        raise argparse.ArgumentTypeError(f"{', '.join(map(repr, unknown))}: not among {', '.join(known)}")
    return names


def main(arguments: argparse.Namespace) -> int:
    """Measure, write the file, print the table. The exit code is 2 for what the machine lacks, and 130 after Ctrl-C."""
    try:
        best = choose(arguments.device)
        device, precisions = best.device.type, arguments.precisions or tuple(dict.fromkeys(["fp32", best.precision]))
        for precision in precisions:
            choose(device, precision)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(best.why)
    cells = [
        {"device": device, "size": size, "precision": precision, "round": number}
        for size in arguments.sizes
        for precision in precisions
        for number in range(1, arguments.rounds + 1)
    ]
    try:
        written = STUDY.run(cells, shlex.join(["python", "-m", "nbcode.bench", *sys.argv[1:]]), arguments.out)
    except KeyboardInterrupt:
        print("\ninterrupted; the finished rounds are kept, and the same command continues", file=sys.stderr)
        return 130
    print(f"tokens a second: median [quartiles] of {arguments.rounds} rounds\n{table(read(written))}\n{written}")
    return 0
