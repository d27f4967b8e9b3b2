"""One recipe, two heads: does a random head spoil what pre-training knew, or is it only slower?

``python -m nbcode.experiments.starts [--seeds 10 11 12] [--device cpu] [--workers 1] [--out FILE]``

Disjoint situations. In :mod:`nbcode.experiments.finetuning` each head has a recipe of its own; here
both have the one of the random head.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence

from nbcode.experiments.finetuning import HEADLINE
from nbcode.experiments.finetuning_run import ENGLISH, SCORES, Draw, Source, command, draw, losses
from nbcode.experiments.study import Study
from nbcode.models.text_classifier import TextClassifier
from nbcode.training import reading
from nbcode.training.finetune import RECIPE, finetune

LABELS = (5, 10, 50)
HEADS: dict[str, Callable[[Draw], TextClassifier]] = {"random": Draw.classifier, "probe": Draw.probed}


def measure(head: str, labels: int, seed: int, device: str = "cpu", source: Source = ENGLISH) -> dict[str, float]:
    """Train from that head: scores on the test part, and the mean loss on what was learned from."""
    drawn = draw(seed, HEADLINE, labels, device, source)
    train, model = drawn.train, HEADS[head](drawn)
    finetune(model, train.tokens, train.labels.tolist(), RECIPE, seed=seed, compute=drawn.compute)
    left = losses(reading.probabilities(model, train.tokens, drawn.compute), train.labels).mean().item()
    return {**drawn.score(model), "training_loss": round(left, 5)}


def cells(seeds: Sequence[int]) -> Iterator[Mapping]:
    """Both heads with every number of labels."""
    return ({"head": head, "labels": labels, "seed": seed} for seed in seeds for labels in LABELS for head in HEADS)


STUDY = Study("nbcode.experiments.starts", ("head", "labels", "seed"), (*SCORES, "training_loss"), measure)


if __name__ == "__main__":
    sys.exit(command(STUDY, __doc__, cells))
