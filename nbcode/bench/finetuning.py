"""How many examples a second does fine-tuning see: ours, and that of ``transformers.Trainer``?

Both fine-tune MiniLM on the same labeled texts from the same weights, head included, for as many epochs with the same
rate, batch size and kind of optimizer; that both networks compute the same is checked first. ``Trainer`` runs twice: as
it comes, in float32 and with batches at random, each padded to its longest text; and tuned, in our precision and with
its grouping by length. The runs take turns, and every round has another order of turns and another seed. The clock runs
from the call to its end, optimizer and batches made; tokens are ready before it. Afterwards each network guesses the
owner of texts that it was not trained on, so that the table can say whether the speed costs anything. One round says
little about that: of 900 texts, a difference of 1 point is within chance.

Where the difference comes from, by ``torch.profiler`` on one thread:

- Padding: for each token ``Trainer`` reads 1.48 places as it comes, 1.11 tuned, ours 1.05. Its groups are a quarter of
  the data or 50 batches, whichever is less, ours 16 batches: with thousands of texts the two would be level.
- Precision: as it comes, half of its time are matrix products in float32; the matrix units want bf16.
- Dropout: drawing random numbers is 15 % of the time of the tuned one, and further threads draw no faster. In ours it
  is 2 % (:mod:`nbcode.models.fast_dropout`).
- Attention: with dropout, PyTorch's is not fused on a CPU, and looks in every batch for rows without any key: 5 %.
- Query, key and value are three products there, each with its own changes of precision, and one in ours.

What both share: the optimizer goes over 22 million weights for each batch, half of them the table of tokens.
"""

from __future__ import annotations

import argparse
import copy
import dataclasses
import functools
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from accelerate.utils import send_to_device

from nbcode.bench import trainer
from nbcode.bench.classifier_twins import check_equal, own_weights, twin_of
from nbcode.bench.training import spread, wall_clock
from nbcode.data.requirements import by_group, generate
from nbcode.data.wordpiece import padded
from nbcode.device import DEVICES, PRECISIONS, Compute, choose
from nbcode.experiments.finetuning_run import Part, classes_of, drawn, new_classifier, part, scores
from nbcode.experiments.study import Results, Study, at_least_one, read
from nbcode.models.text_classifier import TextClassifier
from nbcode.pretrained import located
from nbcode.training.finetune import FILLING, FROM_PROBE, finetune
from nbcode.training.probe import probe, start_head
from nbcode.training.reading import features, probabilities

RESULTS = Path(__file__).parent / "results" / "finetuning.csv"
SEED = 0  # of the database
PER_CLASS = 50  # texts to train on
RUN = dataclasses.replace(FROM_PROBE, epochs=2)
ROUNDS = 3
TOLERANCE = 1e-3  # of the largest number, in float32; sums in another order differ by less
COLUMNS = {"ours": "ours", "Trainer as it comes": "trainer", "Trainer tuned": "trainer_tuned"}
SETTINGS = {"Trainer as it comes": trainer.as_it_comes, "Trainer tuned": trainer.tuned}


class Race:
    """The contenders on the same texts; each call of :meth:`round` gives each of them a turn.

    Args:
        compute: device, and the precision of ours and of the tuned ``Trainer``.
        clock: seconds; it waits for the device.

    Raises:
        ValueError: the networks do not compute the same, or there is no checkpoint to be had.
    """

    def __init__(self, compute: Compute, clock: Callable[[torch.device], float] | None = None) -> None:
        self.compute, self.clock = compute, clock or wall_clock
        self.train, self.test, classes = texts()
        self.ours = started(self.train, classes, compute)
        folder = located().path
        self.twin, self.collate = twin_of(self.ours, folder), trainer.collator(folder)
        few = self.train.some(range(RUN.batch))
        batch = padded(few.tokens, FILLING) | {"labels": few.labels}
        check_equal(self.ours, self.twin, send_to_device(batch, compute.device), TOLERANCE)
        for name in COLUMNS:
            self.turn(name, few, seed=0)  # warms up

    def round(self, number: int) -> dict[str, float]:
        """Examples a second and scores, in the columns of the study."""
        found = {}
        names = [*COLUMNS][number % len(COLUMNS) :] + [*COLUMNS][: number % len(COLUMNS)]
        for name in names:
            model, rate = self.turn(name, self.train, seed=number)
            score = scores(probabilities(model, self.test.tokens, self.compute), self.test.owners)["accuracy"]
            found |= {COLUMNS[name]: float(f"{rate:.4g}"), f"{COLUMNS[name]}_score": score}
        return {column: found[column] for column in VALUES}

    def turn(self, name: str, part: Part, seed: int) -> tuple[TextClassifier, float]:
        """The network that a contender makes of these texts, in our form, and the examples a second."""
        model, labels = copy.deepcopy(self.ours if name == "ours" else self.twin), part.labels.tolist()
        data = trainer.examples(part.tokens, labels)
        torch.manual_seed(seed)
        begun = self.clock(self.compute.device)
        if name == "ours":
            finetune(model, part.tokens, labels, RUN, seed=seed, compute=self.compute)
        else:
            trainer.train(model, data, self.collate, SETTINGS[name](RUN, seed, self.compute))
        seconds = self.clock(self.compute.device) - begun
        return self._in_our_form(model), RUN.epochs * len(data) / seconds

    def _in_our_form(self, model: TextClassifier | trainer.MeanClassifier) -> TextClassifier:
        if isinstance(model, TextClassifier):
            return model
        own = copy.deepcopy(self.ours)
        own.load_state_dict(own_weights(model.state_dict(), len(own.encoder.layers)))
        return own


def texts() -> tuple[Part, Part, list[str]]:
    """Texts to train on, as many of each class; texts for the score, of which none repeats one of them; the classes."""
    records = {record.req_id: record for record in generate(SEED)}
    classes, cut = classes_of(list(records.values())), by_group(list(records.values()))
    numbers = cut.train, cut.validation + cut.test
    train, test = (part([records[number] for number in each], classes) for each in numbers)
    return train.some(drawn(train.labels, PER_CLASS, SEED)), test, classes


def started(train: Part, classes: Sequence[str], compute: Compute) -> TextClassifier:
    """MiniLM with the head of a probe of its features, on the device."""
    model = new_classifier(len(classes), SEED)
    start_head(model, probe(features(model.encoder, train.tokens, compute), train.labels))
    return model.to(compute.device)


def measure(device: str, precision: str, round: int) -> dict[str, float]:
    """One round."""
    return race_of(device, precision).round(round)


@functools.lru_cache(maxsize=1)  # the rounds of a race follow one another
def race_of(device: str, precision: str) -> Race:
    """The race that a cell belongs to."""
    return Race(choose(device, precision))


VALUES = tuple(COLUMNS.values()) + tuple(f"{column}_score" for column in COLUMNS.values())
STUDY = Study("nbcode.bench.finetuning", ("device", "precision", "round"), VALUES, measure)


def table(results: Results) -> str:
    """Medians with quartiles: the speed of each, how much faster ours is, its score, and by how much ours is better."""
    lines = [("device", "precision", "", "examples/s", "ours / it", "score, %", "ours - it, points")]
    for race in dict.fromkeys(tuple(row[key] for key in STUDY.keys[:-1]) for row in results.rows):
        where = dict(zip(STUDY.keys, race, strict=False))
        columns = {name: results.column(name, **where) for name in STUDY.values}
        for name, column in COLUMNS.items():
            rates, score = columns[column], columns[f"{column}_score"]
            faster = [ours / it for ours, it in zip(columns["ours"], rates, strict=True)]
            better = [100 * (ours - it) for ours, it in zip(columns["ours_score"], score, strict=True)]
            own = spread(rates, "{:.1f}"), spread([100 * each for each in score], "{:.1f}")
            beside = (spread(faster, "{:.2f}"), spread(better, "{:+.1f}")) if name != "ours" else ("", "")
            lines.append((*race, name, own[0], beside[0], own[1], beside[1]))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


def add_flags(flags: argparse.ArgumentParser) -> None:
    """The flags of this command."""
    told = "fine-tunings by each (default: %(default)s)"
    flags.add_argument("--rounds", type=at_least_one, default=ROUNDS, help=told)
    told = f"of ours and of the tuned Trainer: {', '.join(PRECISIONS)} (default: the one that the device is best at)"
    flags.add_argument("--precision", choices=PRECISIONS, help=told)
    flags.add_argument("--device", help=f"{', '.join(DEVICES)} (default: the first of them that is there)")
    flags.add_argument("--out", type=Path, default=RESULTS, help="CSV file to write (default: the committed one)")


def main(arguments: argparse.Namespace) -> int:
    """Measure, write the file, print the table. The exit code is 2 for what the machine lacks, and 130 after Ctrl-C."""
    try:
        compute = choose(arguments.device, arguments.precision)
        print(f"{compute.why}\n{located().why}")
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    cells = [
        {"device": compute.device.type, "precision": compute.precision, "round": number}
        for number in range(1, arguments.rounds + 1)
    ]
    try:
        written = STUDY.run(cells, shlex.join(["python", "-m", "nbcode.bench", *sys.argv[1:]]), arguments.out)
    except KeyboardInterrupt:
        print("\ninterrupted; the finished rounds are kept, and the same command continues", file=sys.stderr)
        return 130
    print(f"median [quartiles] of {arguments.rounds} rounds\n{table(read(written))}\n{written}")
    return 0
