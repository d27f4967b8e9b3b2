"""What the studies of fine-tuning share: texts and labels drawn, classifiers to train on them, scores, the command."""

from __future__ import annotations

import copy
import dataclasses
import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from nbcode.data.requirements import SPLITS, Requirement, generate
from nbcode.data.wordpiece import Encoding, WordPiece
from nbcode.device import Compute, choose
from nbcode.experiments.study import Study, add_workers, device_here, main, parser
from nbcode.models.bert import Bert
from nbcode.models.text_classifier import TextClassifier
from nbcode.pretrained import located
from nbcode.training import reading
from nbcode.training.metrics import calibration, calibration_error
from nbcode.training.probe import probe, start_head

if TYPE_CHECKING:
    from sklearn.linear_model import LogisticRegression

LONGEST = 96  # tokens; 99 texts of 100 are shorter
ALL = "all"  # labels
SCORES = ("accuracy", "loss", "calibration_error")
SEEDS = (10, 11, 12)  # used by nothing else; whatever was tuned was tuned on others


@dataclass(frozen=True)
class Part:
    """Some records.

    Attributes:
        texts: n titles and descriptions.
        tokens: the same in tokens.
        labels: (n,), class numbers as they are recorded, some of them wrong.
        owners: (n, C), true for the classes that are right: one, or two.
    """

    texts: list[str]
    tokens: list[Encoding]
    labels: torch.Tensor
    owners: torch.Tensor

    def some(self, numbers: Sequence[int]) -> Part:
        """The records of these numbers."""
        numbers = [int(number) for number in numbers]
        texts, tokens = ([each[i] for i in numbers] for each in (self.texts, self.tokens))
        return Part(texts, tokens, self.labels[numbers], self.owners[numbers])


@dataclass(frozen=True)
class Task:
    """What is learned from and what is measured on. The validation part is left out: nothing is chosen here.

    Attributes:
        classes: C names of PMs.
        train, test: the parts.
    """

    classes: list[str]
    train: Part
    test: Part


@functools.cache
def checkpoint() -> Bert:
    """MiniLM; copy it before you train it."""
    return Bert.from_pretrained(located().path)


@functools.lru_cache(maxsize=8)
def task(seed: int, split: str = "by_situation") -> Task:
    """The English records of a seed, cut by one of ``SPLITS``."""
    records = {record.req_id: record for record in generate(seed)}
    cut = SPLITS[split](list(records.values()))
    classes = classes_of(list(records.values()))
    train, test = (part([records[number] for number in numbers], classes) for numbers in (cut.train, cut.test))
    return Task(classes, train, test)


def classes_of(records: Sequence[Requirement]) -> list[str]:
    """The names that are recorded, in order."""
    return sorted({record.sub_technical_pm for record in records if record.sub_technical_pm is not None})


def part(records: Sequence[Requirement], classes: Sequence[str]) -> Part:
    """Labeled records as a part."""
    tokenizer = WordPiece.from_folder(located().path)
    return Part(
        [record.text for record in records],
        [tokenizer.encode(record.text, max_length=LONGEST) for record in records],
        torch.tensor([classes.index(record.sub_technical_pm) for record in records]),
        torch.tensor([[name in record.owners for name in classes] for record in records]),
    )


@functools.lru_cache(maxsize=8)
def known_features(seed: int, split: str, compute: Compute) -> tuple[torch.Tensor, torch.Tensor]:
    """MiniLM's features of both parts, (n, D) each: once for all cells that ask for them."""
    found = task(seed, split)
    return tuple(reading.features(checkpoint(), part.tokens, compute) for part in (found.train, found.test))


def drawn(labels: torch.Tensor, per_class: int | str, seed: int) -> list[int]:
    """The numbers of as many texts of each class, at random, in order; ``ALL`` takes every text.

    Fewer labels of a seed are among more of the same seed. A class that has less gives all it has.
    """
    if per_class == ALL:
        return list(range(len(labels)))
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))
    by_class = (order[labels[order] == label][:per_class].tolist() for label in labels.unique())
    return sorted(number for numbers in by_class for number in numbers)


def new_classifier(classes: int, seed: int, pretrained: bool = True) -> TextClassifier:
    """MiniLM, or the same network with random weights, below a random head."""
    torch.manual_seed(seed)
    encoder = copy.deepcopy(checkpoint()) if pretrained else Bert(checkpoint().config)
    return TextClassifier(encoder, classes)


@dataclass(frozen=True)
class Draw:
    """What a method learns from, and what it is measured on.

    Attributes:
        seed, split: which task.
        numbers: of the texts of its training part that were drawn.
        compute: device and precision.
    """

    seed: int
    split: str
    numbers: list[int]
    compute: Compute

    @property
    def train(self) -> Part:
        """The texts that were drawn."""
        return task(self.seed, self.split).train.some(self.numbers)

    @property
    def test(self) -> Part:
        """All texts of the test part."""
        return task(self.seed, self.split).test

    def features(self) -> tuple[torch.Tensor, torch.Tensor]:
        """MiniLM's features of both, (n, D) each."""
        train, test = known_features(self.seed, self.split, self.compute)
        return train[self.numbers], test

    def classifier(self, pretrained: bool = True) -> TextClassifier:
        """:func:`new_classifier` for these classes."""
        return new_classifier(len(task(self.seed, self.split).classes), self.seed, pretrained)

    def probe(self) -> LogisticRegression:
        """The probe of the features of the texts that were drawn."""
        return probe(self.features()[0], self.train.labels)

    def probed(self) -> TextClassifier:
        """MiniLM below a head that starts from the probe."""
        model = self.classifier()
        start_head(model, self.probe())
        return model

    def score(self, model: TextClassifier) -> dict[str, float]:
        """What :func:`scores` says of the model's answers on the test part."""
        return scores(reading.probabilities(model, self.test.tokens, self.compute), self.test.owners)


def draw(seed: int, split: str, per_class: int | str, device: str = "cpu") -> Draw:
    """As many labels of each class of a task."""
    return Draw(seed, split, drawn(task(seed, split).train.labels, per_class, seed), choose(device))


def scores(probabilities: torch.Tensor, owners: torch.Tensor) -> dict[str, float]:
    """Against the truth, not against the recorded labels: an owner is right, and where there are two, either is.

    Args:
        probabilities: (n, C).
        owners: (n, C), true for the right classes.

    Returns:
        The share of right guesses; the mean of -log of the probability that the owners get together; the mean distance
        of confidence and accuracy.
    """
    confidence, guess = probabilities.max(dim=1)  # (n,)
    right = owners.gather(1, guess.unsqueeze(1)).squeeze(1)  # (n,)
    owned = (probabilities.double() * owners).sum(dim=1).clamp(min=1e-12, max=1)
    return {
        "accuracy": round(right.double().mean().item(), 5),
        "loss": round(-owned.log().mean().item(), 5),
        "calibration_error": round(calibration_error(calibration(confidence.clamp(max=1), right)), 5),
    }


def losses(probabilities: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """The loss of each text, (n,): -log of the probability of its recorded label."""
    return functional.nll_loss(probabilities.double().clamp(min=1e-12).log(), labels, reduction="none")


def command(study: Study, what: str, cells: Callable[[Sequence[int]], Iterable[Mapping]]) -> int:
    """Run a study from the command line, with ``cells`` of the seeds. Returns the exit code."""
    flags = parser(study, what.splitlines()[0], seeds=None)
    add_workers(flags)
    default = " ".join(map(str, SEEDS))
    flags.add_argument("--seeds", type=int, nargs="+", default=SEEDS, help=f"of the databases (default: {default})")
    flags.add_argument("--device", type=device_here, default="cpu", help="cpu, cuda or mps (default: %(default)s)")
    chosen = flags.parse_args()
    torch.set_num_threads(1)  # with --workers, each has a processor of its own
    study = dataclasses.replace(study, measure=functools.partial(study.measure, device=chosen.device))
    return main(study, list(cells(list(dict.fromkeys(chosen.seeds)))), chosen)
