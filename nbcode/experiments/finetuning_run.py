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
from nbcode.pretrained import MINILM, located
from nbcode.training import reading
from nbcode.training.metrics import calibration, calibration_error
from nbcode.training.probe import probe, start_head

if TYPE_CHECKING:
    from sklearn.linear_model import LogisticRegression

LONGEST = 96  # tokens; 99 English texts of 100 are shorter, of the Chinese at most 93
ALL = "all"  # labels
SCORES = ("accuracy", "loss", "calibration_error")
SEEDS = (10, 11, 12)  # used by nothing else; whatever was tuned was tuned on others


@dataclass(frozen=True)
class Source:
    """Which network is fine-tuned, and in which language the requests are.

    Attributes:
        checkpoint: a name or a folder, as :func:`nbcode.pretrained.located` takes it.
        language: en or zh, as :func:`nbcode.data.requirements.generate` takes it.
    """

    checkpoint: str = MINILM
    language: str = "en"


ENGLISH = Source()  # MiniLM, on English


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
def checkpoint(source: Source) -> Bert:
    """The open model; copy it before you train it."""
    return Bert.from_pretrained(located(source.checkpoint).path)


@functools.lru_cache(maxsize=8)
def task(seed: int, split: str = "by_situation", source: Source = ENGLISH) -> Task:
    """The records of a seed, cut by one of ``SPLITS``."""
    records = {record.req_id: record for record in generate(seed, language=source.language)}
    cut = SPLITS[split](list(records.values()))
    classes = classes_of(list(records.values()))
    train, test = (part([records[i] for i in numbers], classes, source) for numbers in (cut.train, cut.test))
    return Task(classes, train, test)


def classes_of(records: Sequence[Requirement]) -> list[str]:
    """The names that are recorded, in order."""
    return sorted({record.sub_technical_pm for record in records if record.sub_technical_pm is not None})


def part(records: Sequence[Requirement], classes: Sequence[str], source: Source = ENGLISH) -> Part:
    """Labeled records as a part."""
    tokenizer = WordPiece.from_folder(located(source.checkpoint).path)
    return Part(
        [record.text for record in records],
        [tokenizer.encode(record.text, max_length=LONGEST) for record in records],
        torch.tensor([classes.index(record.sub_technical_pm) for record in records]),
        torch.tensor([[name in record.owners for name in classes] for record in records]),
    )


@functools.lru_cache(maxsize=8)
def known_features(seed: int, split: str, source: Source, compute: Compute) -> tuple[torch.Tensor, torch.Tensor]:
    """The checkpoint's features of both parts, (n, D) each: once for all cells that ask for them."""
    found = task(seed, split, source)
    return tuple(reading.features(checkpoint(source), part.tokens, compute) for part in (found.train, found.test))


def drawn(labels: torch.Tensor, per_class: int | str, seed: int) -> list[int]:
    """The numbers of as many texts of each class, at random, in order; ``ALL`` takes every text.

    Fewer labels of a seed are among more of the same seed. A class that has less gives all it has.
    """
    if per_class == ALL:
        return list(range(len(labels)))
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))
    by_class = (order[labels[order] == label][:per_class].tolist() for label in labels.unique())
    return sorted(number for numbers in by_class for number in numbers)


def new_classifier(classes: int, seed: int, pretrained: bool = True, source: Source = ENGLISH) -> TextClassifier:
    """The checkpoint, or the same network with random weights, below a random head."""
    known = checkpoint(source)  # before the seed: whoever reads it first draws random numbers
    torch.manual_seed(seed)
    return TextClassifier(copy.deepcopy(known) if pretrained else Bert(known.config), classes)


@dataclass(frozen=True)
class Draw:
    """What a method learns from, and what it is measured on.

    Attributes:
        seed, split: which task.
        numbers: of the texts of its training part that were drawn.
        compute: device and precision.
        source: which network, and which language.
    """

    seed: int
    split: str
    numbers: list[int]
    compute: Compute
    source: Source = ENGLISH

    @property
    def task(self) -> Task:
        """What :func:`task` made of it."""
        return task(self.seed, self.split, self.source)

    @property
    def train(self) -> Part:
        """The texts that were drawn."""
        return self.task.train.some(self.numbers)

    @property
    def test(self) -> Part:
        """All texts of the test part."""
        return self.task.test

    def features(self) -> tuple[torch.Tensor, torch.Tensor]:
        """The checkpoint's features of both, (n, D) each."""
        train, test = known_features(self.seed, self.split, self.source, self.compute)
        return train[self.numbers], test

    def classifier(self, pretrained: bool = True) -> TextClassifier:
        """:func:`new_classifier` for these classes."""
        return new_classifier(len(self.task.classes), self.seed, pretrained, self.source)

    def probe(self) -> LogisticRegression:
        """The probe of the features of the texts that were drawn."""
        return probe(self.features()[0], self.train.labels)

    def probed(self) -> TextClassifier:
        """The checkpoint below a head that starts from the probe."""
        model = self.classifier()
        start_head(model, self.probe())
        return model

    def score(self, model: TextClassifier) -> dict[str, float]:
        """What :func:`scores` says of the model's answers on the test part."""
        return scores(reading.probabilities(model, self.test.tokens, self.compute), self.test.owners)


def draw(seed: int, split: str, per_class: int | str, device: str = "cpu", source: Source = ENGLISH) -> Draw:
    """As many labels of each class of a task."""
    numbers = drawn(task(seed, split, source).train.labels, per_class, seed)
    return Draw(seed, split, numbers, choose(device), source)


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
    """Run a study from the command line, with ``cells`` of the seeds. Returns the exit code.

    Another checkpoint or language needs ``--out``, so that the committed results stay what the course says they are.
    """
    flags = parser(study, what.splitlines()[0], seeds=None)
    add_workers(flags)
    default = " ".join(map(str, SEEDS))
    flags.add_argument("--seeds", type=int, nargs="+", default=SEEDS, help=f"of the databases (default: {default})")
    flags.add_argument("--device", type=device_here, default="cpu", help="cpu, cuda or mps (default: %(default)s)")
    flags.add_argument("--checkpoint", default=MINILM, help="name or folder of the network (default: %(default)s)")
    flags.add_argument("--language", choices=("en", "zh"), default="en", help="of the requests (default: %(default)s)")
    chosen = flags.parse_args()
    source = Source(chosen.checkpoint, chosen.language)
    if source != ENGLISH and not chosen.out:
        flags.error("with another checkpoint or language, name the file to write: --out FILE")
    try:
        located(chosen.checkpoint)
    except ValueError as error:
        flags.error(str(error))
    torch.set_num_threads(1)  # with --workers, each has a processor of its own
    study = dataclasses.replace(study, measure=functools.partial(study.measure, device=chosen.device, source=source))
    return main(study, list(cells(list(dict.fromkeys(chosen.seeds)))), chosen)
