"""Does attention always learn to recall? Two learning rates, three distances, many seeds.

``python -m nbcode.experiments.attention_rates [--seeds 20] [--workers 1] [--out FILE]``

The study of recall (:mod:`nbcode.experiments.recall`) has few seeds and, for each mixer, one rate. A run that fails
once in ten or twenty times can hide from it. The seeds here are none of that study's or its pilot's.
"""

from __future__ import annotations

import sys

import torch

from nbcode.experiments import recall_rates
from nbcode.experiments.study import Study, add_workers, main, parser

RATES = (3e-3, 1e-2)
DISTANCES = (16, 64, 256)
FIRST_SEED = 200


def measure(rate: float, distance: int, seed: int) -> dict:
    """What the pilot of recall measures, for attention."""
    return recall_rates.measure("attention", rate, "recall", distance, seed)


STUDY = Study("nbcode.experiments.attention_rates", ("rate", "distance", "seed"), recall_rates.STUDY.values, measure)

if __name__ == "__main__":
    flags = parser(STUDY, __doc__.splitlines()[0])
    add_workers(flags)
    chosen = flags.parse_args()
    torch.set_num_threads(1)  # a layer this small: a second thread would mostly wait
    grid = [
        {"rate": rate, "distance": distance, "seed": FIRST_SEED + seed}
        for rate in RATES
        for distance in DISTANCES
        for seed in range(chosen.seeds)
    ]
    sys.exit(main(STUDY, grid, chosen))
