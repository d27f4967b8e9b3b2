"""The learning rate and the number of epochs: those of the article, and those that small models are said to want.

``python -m nbcode.experiments.finetuning_rates [--seeds 10 11 12] [--device cpu] [--workers 1] [--out FILE]``

The article fine-tunes from a random head at a rate of 5e-5 for 10 epochs; the makers of its checkpoint advise small
models to take 1e-4 and more epochs. All are measured under the course's schedule, where the article has none: there the
rate rises over the first tenth of the steps and then falls to 0. 10 labels a class, disjoint situations.
"""

from __future__ import annotations

import dataclasses
import statistics
import sys
from collections.abc import Iterator, Mapping, Sequence

from nbcode.experiments.finetuning import HEADLINE
from nbcode.experiments.finetuning_run import ENGLISH, SCORES, Source, command, draw
from nbcode.experiments.study import Study
from nbcode.training.finetune import RECIPE, finetune

LABELS = 10
RATES = (2e-5, 5e-5, 1e-4, 2e-4)
EPOCHS = (5, 10, 20)


def measure(rate: float, epochs: int, seed: int, device: str = "cpu", source: Source = ENGLISH) -> dict[str, float]:
    """Train from a random head: the mean loss in the last epoch, and scores on the test part."""
    drawn = draw(seed, HEADLINE, LABELS, device, source)
    train, model = drawn.train, drawn.classifier()
    recipe = dataclasses.replace(RECIPE, rate=rate, epochs=epochs)
    history = finetune(model, train.tokens, train.labels.tolist(), recipe, seed=seed, compute=drawn.compute)
    last = [record.loss for record in history.records if record.epoch == epochs]
    return {"last_loss": round(statistics.fmean(last), 5), **drawn.score(model)}


def cells(seeds: Sequence[int]) -> Iterator[Mapping]:
    """Every rate with every number of epochs."""
    return ({"rate": rate, "epochs": epochs, "seed": seed} for seed in seeds for rate in RATES for epochs in EPOCHS)


STUDY = Study("nbcode.experiments.finetuning_rates", ("rate", "epochs", "seed"), ("last_loss", *SCORES), measure)


if __name__ == "__main__":
    sys.exit(command(STUDY, __doc__, cells))
