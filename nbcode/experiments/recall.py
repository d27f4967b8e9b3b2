"""How far back can convolution, recurrence and attention reach, and what is each of them good at?

``python -m nbcode.experiments.recall [--distances 4,8,...] [--models cnn,...] [--seeds 5] [--steps 1000]
[--device cpu] [--workers 1] [--out FILE]``

Models with about 8,000 parameters each, equal but for the way in which they mix positions
(:mod:`nbcode.models.sequence`), learn the tasks of :mod:`nbcode.data.recall` from data that never repeat: recall at
every distance, the two control tasks at one length. A run ends when its model has solved the task, or after
``--steps``. All have the same optimizer and batches, and each mixer the rate that suited it best in a pilot on other
seeds (:mod:`nbcode.experiments.recall_rates`).

Columns: ``accuracy`` on fresh sequences at the end; ``steps_to_solve``, or "never"; ``ms_per_step``, the median time of
a training step (on the CPU of one thread, and the time that it computed, so that other programs do not count);
``gradient_at_first``, before training, how long the gradient of the loss at the last position is by the first
embedding, as a part of that by the last embedding.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import statistics
import sys

import torch

from nbcode.experiments.recall_rates import best_rate
from nbcode.experiments.sequence_run import accuracy, build, draw, gradient_at_first, train
from nbcode.experiments.study import Study, add_workers, at_least_one, device_here, main, parser
from nbcode.models.sequence import MIXERS

DISTANCES = (4, 8, 16, 32, 64, 128, 256)
CONTROL_LENGTH = 32  # of the sequences in the two other tasks
STEPS = 1_000
LONGER = 4  # times as many steps
LONGER_UP_TO = 64  # further out this remedy would take hours
# name of a model -> its mixer, and how many times the steps it may take
MODELS = {**{name: (name, 1) for name in MIXERS}, "gru-longer": ("gru", LONGER)}


def measure(task: str, model: str, distance: int, seed: int, steps: int = STEPS, device: str = "cpu") -> dict:
    """Train one model on one task and measure it; see the module for the columns."""
    mixer, factor = MODELS[model]
    network = build(mixer, task, distance, seed)
    reach = gradient_at_first(network, task, distance, seed)
    network.to(device)
    solved, seconds = train(network, task, distance, seed, factor * steps, best_rate(mixer))
    return {
        "parameters": network.parameter_count(),
        "accuracy": round(accuracy(network, *draw(task, distance, seed, "test")), 4),
        "steps_to_solve": solved or "never",
        "ms_per_step": round(1000 * statistics.median(seconds), 2),
        "gradient_at_first": float(f"{reach:.3g}"),
    }


def cells(distances: tuple[int, ...], models: tuple[str, ...], seeds: int) -> list[dict]:
    """Recall for every model at every distance, then the two other tasks at one length; seed after seed."""
    wanted = [("recall", model, distance) for distance in distances for model in models if _measured(model, distance)]
    wanted += [(task, model, CONTROL_LENGTH) for task in ("pattern", "lookup") for model in models]
    return [
        {"task": task, "model": model, "distance": distance, "seed": seed}
        for seed in range(seeds)
        for task, model, distance in wanted
    ]


def _measured(model: str, distance: int) -> bool:
    return MODELS[model][1] == 1 or distance <= LONGER_UP_TO


STUDY = Study(
    "nbcode.experiments.recall",
    ("task", "model", "distance", "seed"),
    ("parameters", "accuracy", "steps_to_solve", "ms_per_step", "gradient_at_first"),
    measure,
)


def _distances(text: str) -> tuple[int, ...]:
    try:
        distances = tuple(int(part) for part in text.split(","))
    except ValueError:
        distances = ()
    if not distances or min(distances) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a list like 4,16,64 of whole numbers of at least 1")
    return distances


def _models(text: str) -> tuple[str, ...]:
    models = tuple(text.split(","))
    if unknown := [name for name in models if name not in MODELS]:
        raise argparse.ArgumentTypeError(f"no model is called {', '.join(unknown)}; there are: {', '.join(MODELS)}")
    return models


if __name__ == "__main__":
    flags = parser(STUDY, __doc__.splitlines()[0], seeds=5)
    flags.add_argument("--distances", type=_distances, default=DISTANCES, help="comma-separated, from 1")
    flags.add_argument("--models", type=_models, default=tuple(MODELS), help=f"comma-separated: {', '.join(MODELS)}")
    flags.add_argument("--steps", type=at_least_one, default=STEPS, help="at most (default: %(default)s)")
    flags.add_argument("--device", type=device_here, default="cpu", help="cpu, cuda or mps (default: %(default)s)")
    add_workers(flags)
    chosen = flags.parse_args()
    torch.set_num_threads(1)  # layers this small: a second thread would mostly wait
    study = dataclasses.replace(STUDY, measure=functools.partial(measure, steps=chosen.steps, device=chosen.device))
    sys.exit(main(study, cells(chosen.distances, chosen.models, chosen.seeds), chosen))
