"""Which learning rate suits each mixer? A pilot for :mod:`nbcode.experiments.recall`, on seeds that it does not use.

``python -m nbcode.experiments.recall_rates [--seeds 2] [--workers 1] [--out FILE]``

Each mixer tries three rates on four small cells. The one with the highest mean accuracy is its rate in the study, for
all tasks and distances.
"""

from __future__ import annotations

import statistics
import sys

import torch

from nbcode.experiments.sequence_run import accuracy, build, draw, train
from nbcode.experiments.study import Study, add_workers, main, parser
from nbcode.models.sequence import MIXERS

RATES = (1e-3, 3e-3, 1e-2)
CELLS = (("recall", 16), ("recall", 256), ("pattern", 32), ("lookup", 32))  # task and distance: near and far
FIRST_SEED = 100
STEPS = 1_000


def measure(mixer: str, rate: float, task: str, distance: int, seed: int) -> dict:
    """Accuracy on fresh sequences, and the step at which the task was solved, or "never"."""
    network = build(mixer, task, distance, seed)
    solved, _ = train(network, task, distance, seed, STEPS, rate)
    right = accuracy(network, *draw(task, distance, seed, "test"))
    return {"accuracy": round(right, 4), "steps_to_solve": solved or "never"}


STUDY = Study(
    "nbcode.experiments.recall_rates",
    ("mixer", "rate", "task", "distance", "seed"),
    ("accuracy", "steps_to_solve"),
    measure,
)


def best_rate(mixer: str) -> float:
    """The rate with the highest mean accuracy over the committed pilot.

    Raises:
        ValueError: the pilot has not tried this mixer.
    """
    results = STUDY.results()
    return max(RATES, key=lambda rate: statistics.mean(results.column("accuracy", mixer=mixer, rate=rate)))


if __name__ == "__main__":
    flags = parser(STUDY, __doc__.splitlines()[0], seeds=2)
    add_workers(flags)
    chosen = flags.parse_args()
    torch.set_num_threads(1)  # layers this small: a second thread would mostly wait
    grid = [
        {"mixer": mixer, "rate": rate, "task": task, "distance": distance, "seed": FIRST_SEED + seed}
        for mixer in MIXERS
        for rate in RATES
        for task, distance in CELLS
        for seed in range(chosen.seeds)
    ]
    sys.exit(main(STUDY, grid, chosen))
