"""Which recorded labels are wrong? Those with the highest loss, if the model has not learned them by heart.

``python -m nbcode.experiments.wrong_labels [--seeds 10 11 12] [--device cpu] [--workers 1] [--out FILE]``

Every text gets the loss of its recorded label twice: from a model that was trained on that label, and out of fold, from
one that was trained on other texts. Sorted by it, how many of the first 20, and of as many as were planted, are wrong?
A label is wrong if its PM owns nothing of the request. Duplicates are kept in one fold; with a copy in the training, a
text would hardly be out of fold.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from nbcode.data.requirements import generate
from nbcode.device import Compute, choose
from nbcode.experiments.finetuning_run import (
    ENGLISH,
    Part,
    Source,
    checkpoint,
    classes_of,
    command,
    losses,
    new_classifier,
    part,
)
from nbcode.experiments.study import Study
from nbcode.training import reading
from nbcode.training.baselines import bag_of_words
from nbcode.training.finetune import FROM_PROBE, finetune
from nbcode.training.probe import probe, start_head

FOLDS = 3
FIRST = 20


@dataclass(frozen=True)
class Labeled:
    """All labeled texts of a seed.

    Attributes:
        texts: n of them.
        groups: n numbers, equal for a request and its duplicates.
        features: (n, D), the checkpoint's.
        seed: of the records, the folds and the training.
        compute: device and precision.
        source: which network, and which language.
    """

    texts: Part
    groups: list[int]
    features: torch.Tensor
    seed: int
    compute: Compute
    source: Source


@functools.lru_cache(maxsize=2)
def labeled(seed: int, compute: Compute, source: Source = ENGLISH) -> Labeled:
    """The labeled texts of a seed, whatever their split."""
    records = generate(seed, language=source.language)
    chosen = [record for record in records if record.sub_technical_pm is not None]
    texts = part(chosen, classes_of(records), source)
    features = reading.features(checkpoint(source), texts.tokens, compute)
    return Labeled(texts, [record.facts.group for record in chosen], features, seed, compute, source)


def by_bag_of_words(known: Labeled, train: np.ndarray, asked: np.ndarray) -> torch.Tensor:
    """Logistic regression on words and their pieces."""
    train, asked = known.texts.some(train), known.texts.some(asked)
    return torch.as_tensor(bag_of_words().fit(train.texts, train.labels.numpy()).predict_proba(asked.texts))


def frozen(known: Labeled, train: np.ndarray, asked: np.ndarray) -> torch.Tensor:
    """Logistic regression on the checkpoint's features."""
    fitted = probe(known.features[train], known.texts.labels[train])
    return torch.as_tensor(fitted.predict_proba(known.features[asked].numpy()))


def fine_tuned(known: Labeled, train: np.ndarray, asked: np.ndarray) -> torch.Tensor:
    """All of the checkpoint, with a head that starts from that regression."""
    texts = known.texts.some(train)
    model = new_classifier(known.texts.owners.shape[1], known.seed, source=known.source)
    start_head(model, probe(known.features[train], texts.labels))
    finetune(model, texts.tokens, texts.labels.tolist(), FROM_PROBE, seed=known.seed, compute=known.compute)
    return reading.probabilities(model, known.texts.some(asked).tokens, known.compute)


# Trained on the texts of the first numbers; the probabilities of the classes of those of the second.
METHODS: dict[str, Callable[[Labeled, np.ndarray, np.ndarray], torch.Tensor]] = {
    "bag of words": by_bag_of_words,
    "frozen": frozen,
    "fine-tuned": fine_tuned,
}
TRAINING, OUT_OF_FOLD = "training", "out of fold"


def measure(method: str, loss: str, seed: int, device: str = "cpu", source: Source = ENGLISH) -> dict[str, float]:
    """How many labels are wrong; their share among those with the highest loss."""
    known = labeled(seed, choose(device), source)
    texts = known.texts
    found = torch.empty(texts.owners.shape, dtype=torch.float64)  # (n, C)
    for train, asked in folds(known) if loss == OUT_OF_FOLD else [(np.arange(len(found)),) * 2]:
        found[asked] = METHODS[method](known, train, asked).double()
    wrong = ~texts.owners.gather(1, texts.labels.unsqueeze(1)).squeeze(1)  # (n,)
    order, planted = losses(found, texts.labels).argsort(descending=True), int(wrong.sum())
    shares = {f"first_{FIRST}": wrong[order[:FIRST]], "first_planted": wrong[order[:planted]]}
    return {"planted": planted, **{name: round(each.double().mean().item(), 5) for name, each in shares.items()}}


def folds(known: Labeled) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Each text is asked once, when neither it nor a duplicate of it is trained on."""
    from sklearn.model_selection import StratifiedGroupKFold

    cut = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=known.seed)
    return cut.split(np.zeros(len(known.groups)), known.texts.labels.numpy(), known.groups)


def cells(seeds: Sequence[int]) -> Iterator[Mapping]:
    """Every method with both losses."""
    return (
        {"method": method, "loss": loss, "seed": seed}
        for seed in seeds
        for method in METHODS
        for loss in (TRAINING, OUT_OF_FOLD)
    )


STUDY = Study(
    "nbcode.experiments.wrong_labels",
    ("method", "loss", "seed"),
    ("planted", f"first_{FIRST}", "first_planted"),
    measure,
)


if __name__ == "__main__":
    sys.exit(command(STUDY, __doc__, cells))
