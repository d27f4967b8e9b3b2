"""Training on texts: a linear probe of the checkpoint first, then all weights, for as long as it helps.

No epoch at all is among what is tried: with few rows the checkpoint as it is, under a linear classifier, may be best.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from tqdm import tqdm

from nbcode.data.wordpiece import Encoding
from nbcode.models.bert import Bert
from nbcode.models.text_classifier import TextClassifier
from nbcode.training.checks import TrainingDiverged
from nbcode.training.early_stopping import EarlyStopping
from nbcode.training.finetune import Recipe, batches_of, finetune
from nbcode.training.history import Record
from nbcode.training.probe import probe, start_head
from nbcode.training.progress import bar
from nbcode.training.reading import features, probabilities
from nbcode.training.temperature import temperature
from nbcode.triage.table import BATCH

_Examples = tuple[list[Encoding], list[int]]  # texts and the numbers of their classes
TINY = 1e-12  # instead of a probability of 0, whose logarithm is none


@dataclass(frozen=True)
class Material:
    """All labeled rows, as a network takes them.

    Attributes:
        encoder: the checkpoint; it stays as it is.
        tokens: N texts.
        labels: N.
        features: (N, D), what the encoder makes of the texts.
    """

    encoder: Bert
    tokens: list[Encoding]
    labels: list[str]
    features: torch.Tensor

    @classmethod
    def read(cls, encoder: Bert, tokens: list[Encoding], labels: list[str], progress: bool) -> Material:
        """Read all texts once with the encoder."""
        parts = []
        with bar(len(tokens), "text", progress) as shown:
            for start in range(0, len(tokens), BATCH):
                parts.append(features(encoder, tokens[start : start + BATCH]))
                shown.update(len(parts[-1]))
        return cls(encoder, tokens, labels, torch.cat(parts))


@dataclass(frozen=True)
class Learned:
    """A trained network.

    Attributes:
        network: the classifier.
        classes: the labels of its outputs.
        epochs: passes over the rows that made it.
        temperature: by which its logits should be divided; 1 where nothing was watched.
        losses: on the validation part, after 0, 1, 2, ... epochs; empty where none was watched.
    """

    network: TextClassifier
    classes: list[str]
    epochs: int
    temperature: float = 1.0
    losses: tuple[float, ...] = ()


@dataclass(frozen=True)
class Watch:
    """When to stop.

    Attributes:
        places: rows of the validation part.
        patience: epochs without a lower loss after which training ends.
    """

    places: Sequence[int]
    patience: int


def learn(
    material: Material,
    places: Sequence[int],
    recipe: Recipe | None,
    watch: Watch | None = None,
    *,
    seed: int,
    progress: bool,
) -> Learned:
    """Train on some of the rows.

    Args:
        material: all rows.
        places: those to train on, of at least two classes.
        recipe: how; ``None`` fits the probe only.
        watch: ``None`` trains for all epochs.
        seed: of the order of batches and of dropout.
        progress: show a bar.

    Raises:
        ValueError: one class only, or the rate is too large.
        KeyboardInterrupt: Ctrl-C came.
    """
    labels = [material.labels[place] for place in places]
    classes = sorted(set(labels))
    numbers = [classes.index(label) for label in labels]
    network = TextClassifier(copy.deepcopy(material.encoder), max(2, len(classes)))
    start_head(network, probe(material.features[list(places)], torch.tensor(numbers)))
    tokens = [material.tokens[place] for place in places]
    steps = 1 if recipe is None else len(batches_of(tokens, numbers, recipe.batch, seed))  # of an epoch
    measure = _Measure(network, material, () if watch is None else watch.places, classes)
    stop = None if watch is None else _Stop(network, measure, steps, watch)
    if recipe is not None:
        _run(network, (tokens, numbers), recipe, seed, stop, bar(recipe.epochs * steps, "step", progress))
    if stop is not None:
        return stop.result(classes)
    return Learned(network, classes, 0 if recipe is None else recipe.epochs)


def _run(
    network: TextClassifier, examples: _Examples, recipe: Recipe, seed: int, stop: _Stop | None, shown: tqdm
) -> None:
    """Fine-tune, with a bar, until the end or until ``stop`` says so."""

    def on_step(record: Record) -> None:
        shown.set_postfix_str(f"epoch {record.epoch}, loss {record.loss:.3f}", refresh=False)
        shown.update()
        if stop is not None:
            stop.hook(record)

    try:
        with shown:
            torch.manual_seed(seed)  # dropout draws from it
            history = finetune(network, *examples, recipe, seed=seed, on_step=on_step)
    except TrainingDiverged as error:
        raise ValueError(f"training broke down at the rate {recipe.rate:g}; give a smaller one ({error})") from error
    if history.stopped == "interrupted":  # the loop ends in order on Ctrl-C; here nothing half done is of use
        raise KeyboardInterrupt


class _Stop:
    """Early stopping that knows how good the network was before the first step."""

    def __init__(self, network: TextClassifier, measure: _Measure, steps: int, watch: Watch) -> None:
        self.network, self.measure = network, measure
        self.first, self.start = measure(), copy.deepcopy(network.state_dict())
        self.hook = EarlyStopping(network, measure, steps, watch.patience)

    def result(self, classes: list[str]) -> Learned:
        """The network with its best weights."""
        losses = [self.first, *self.hook.measured.values()]
        best = int(np.nanargmin(losses))
        if best == 0:
            self.network.load_state_dict(self.start)
        else:
            self.hook.restore()
        self.measure()
        return Learned(self.network, classes, best, self.measure.temperature, tuple(losses))


class _Measure:
    """The cross-entropy on other rows, under the temperature that suits them best.

    Without it, the loss would rise from the first epoch on, since the network becomes too sure of itself while it still
    learns to choose better. Rows of a class that the training lacks say nothing here and are left out.
    """

    def __init__(self, network: TextClassifier, material: Material, places: Sequence[int], classes: list[str]) -> None:
        known = [place for place in places if material.labels[place] in classes]
        self.network, self.temperature = network, 1.0
        self.tokens = [material.tokens[place] for place in known]
        self.numbers = torch.tensor([classes.index(material.labels[place]) for place in known])  # (n,)

    def __call__(self) -> float:
        if not self.tokens:
            return 0.0
        logits = probabilities(self.network, self.tokens).clamp(min=TINY).log()  # (n, C)
        self.temperature, loss = temperature(logits, self.numbers)
        return loss
