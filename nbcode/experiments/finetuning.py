"""What is pre-training worth when labels are few? Learning curves over labels a class, several seeds.

``python -m nbcode.experiments.finetuning [--seeds 10 11 12] [--device cpu] [--workers 1] [--out FILE]``
``                                         [--checkpoint NAME_OR_FOLDER] [--language en]``

Each seed is another simulated database and another draw of labels. The headline is the split with disjoint situations;
on the other two a few methods are measured at a few sizes. Whatever was tuned was tuned on seeds 0 to 2.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence

import torch
from numpy.typing import ArrayLike

from nbcode.experiments.finetuning_run import ALL, ENGLISH, SCORES, Draw, Source, command, draw, losses, scores
from nbcode.experiments.study import Study
from nbcode.models.text_classifier import TextClassifier
from nbcode.training import reading
from nbcode.training.baselines import bag_of_words, majority
from nbcode.training.finetune import FROM_PROBE, RECIPE, Recipe, finetune

LABELS = (5, 10, 20, 50, ALL)
HEADLINE = "by_situation"
# At most so many epochs and so many steps. Random weights know nothing and need more of both until the loss of the
# training is near 0 (with all labels, their steps end before it is); they get up to four times as many epochs. A rate
# of 3e-4 did no better than 1e-4 on seeds 0 and 1 (10 labels a class: .19 and .22 against .20 and .20; training loss
# below .01 with both).
HEAD_EPOCHS, HEAD_STEPS = RECIPE.epochs, 500
RANDOM_EPOCHS, RANDOM_STEPS = 40, 800


def by_majority(drawn: Draw) -> dict[str, float]:
    """Always the most frequent class."""
    return _scikit(majority(), drawn)


def by_bag_of_words(drawn: Draw) -> dict[str, float]:
    """Logistic regression on words and their pieces."""
    return _scikit(bag_of_words(), drawn)


def frozen(drawn: Draw) -> dict[str, float]:
    """Logistic regression on the checkpoint's features."""
    probe = drawn.probe()
    return _measured(drawn, *(probe.predict_proba(features.numpy()) for features in drawn.features()))


def fine_tuned(drawn: Draw) -> dict[str, float]:
    """All of the checkpoint, with a head that starts from that regression."""
    return _tuned(drawn, drawn.probed(), FROM_PROBE)


def fine_tuned_random_head(drawn: Draw) -> dict[str, float]:
    """All of the checkpoint, with a head that starts from random numbers: at twice the rate, and for longer."""
    return _tuned(drawn, drawn.classifier(), at_most(HEAD_EPOCHS, HEAD_STEPS, len(drawn.numbers)))


def random_weights(drawn: Draw) -> dict[str, float]:
    """The same network without its pre-training."""
    return _tuned(drawn, drawn.classifier(pretrained=False), at_most(RANDOM_EPOCHS, RANDOM_STEPS, len(drawn.numbers)))


def at_most(epochs: int, steps: int, texts: int) -> Recipe:
    """The usual recipe with whole epochs, as many as fit into both limits."""
    in_an_epoch = -(-texts // RECIPE.batch)
    return dataclasses.replace(RECIPE, epochs=max(1, min(epochs, steps // in_an_epoch)))


METHODS: dict[str, Callable[[Draw], dict[str, float]]] = {
    "majority": by_majority,
    "bag of words": by_bag_of_words,
    "frozen": frozen,
    "fine-tuned": fine_tuned,
    "fine-tuned, random head": fine_tuned_random_head,
    "random weights": random_weights,
}
# On the other splits, only what answers their question: what had been seen before, and what comes next.
ELSEWHERE = {"by_group": (10, 50), "by_time": (10, 50)}
METHODS_ELSEWHERE = ("bag of words", "frozen", "fine-tuned")


def measure(
    split: str, method: str, labels: int | str, seed: int, device: str = "cpu", source: Source = ENGLISH
) -> dict[str, float]:
    """Train a method on so many labels of each class; its scores on the test part, its loss on what it learned from."""
    return METHODS[method](draw(seed, split, labels, device, source))


def cells(seeds: Sequence[int]) -> Iterator[Mapping]:
    """All that is measured. Of equally many labels a class no class is the most frequent, so majority takes all."""
    for seed in seeds:
        for method in METHODS:
            for labels in LABELS if method != "majority" else (ALL,):
                yield {"split": HEADLINE, "method": method, "labels": labels, "seed": seed}
        for split, some in ELSEWHERE.items():
            yield {"split": split, "method": "majority", "labels": ALL, "seed": seed}
            for method in METHODS_ELSEWHERE:
                for labels in some:
                    yield {"split": split, "method": method, "labels": labels, "seed": seed}


def _scikit(model: object, drawn: Draw) -> dict[str, float]:
    """Fit it on texts, and score it."""
    model.fit(drawn.train.texts, drawn.train.labels.numpy())
    return _measured(drawn, *(model.predict_proba(part.texts) for part in (drawn.train, drawn.test)))


def _tuned(drawn: Draw, model: TextClassifier, recipe: Recipe) -> dict[str, float]:
    train = drawn.train
    finetune(model, train.tokens, train.labels.tolist(), recipe, seed=drawn.seed, compute=drawn.compute)
    chances = (reading.probabilities(model, part.tokens, drawn.compute) for part in (train, drawn.test))
    return _measured(drawn, *chances)


def _measured(drawn: Draw, of_train: ArrayLike, of_test: ArrayLike) -> dict[str, float]:
    """The scores of the probabilities (n, C) of the test, and the mean loss of those of the labels that were drawn."""
    training_loss = losses(torch.as_tensor(of_train), drawn.train.labels).mean().item()
    return {**scores(torch.as_tensor(of_test), drawn.test.owners), "training_loss": round(training_loss, 5)}


STUDY = Study(
    "nbcode.experiments.finetuning",
    ("split", "method", "labels", "seed"),
    (*SCORES, "training_loss"),
    measure,
)


if __name__ == "__main__":
    sys.exit(command(STUDY, __doc__, cells))
