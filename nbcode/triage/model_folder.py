"""The folder of a trained model: a BERT checkpoint with a head, and what the model remembers of its table.

``Bert.from_pretrained`` reads it, and so do Hugging Face's libraries, as a ``BertForTokenClassification``: the head of
the mean over the tokens is the mean of the head over the tokens.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nbcode.data.tokenizer_files import CONFIG as TOKENIZER
from nbcode.data.tokenizer_files import VOCABULARY
from nbcode.triage.columns import Columns, TableError
from nbcode.triage.new_folder import check_free
from nbcode.triage.seen import SEEN, read_seen, write_seen

if TYPE_CHECKING:
    from nbcode.triage.text_model import TextModel  # brings PyTorch, which loads for seconds

MEMORY, CONFIG, WEIGHTS, CARD, METRICS = "labels.json", "config.json", "model.safetensors", "README.md", "metrics.json"
FILES = (MEMORY, CONFIG, WEIGHTS, VOCABULARY, TOKENIZER, SEEN, METRICS, CARD)
HEAD = "classifier."  # Hugging Face's name of the head
DIGITS = 12  # of the sum of the weights, at the end of a model's name


@dataclass(frozen=True)
class Memory:
    """What a model remembers of its table.

    Attributes:
        text: the text columns, in the order in which they were joined.
        label: the column that it predicts.
        classes: its labels, in the order of its outputs.
        model_id: tells it from all other models.
        max_tokens: where it cuts a text.
    """

    text: tuple[str, ...]
    label: str
    classes: tuple[str, ...]
    model_id: str
    max_tokens: int = 128

    def check_fits(self, columns: Columns, folder: str | Path) -> None:
        """Refuse a table whose texts or label are others: the model would answer, and mean nothing.

        Raises:
            TableError: with both.
        """
        if (self.text, self.label) != (columns.text, columns.label):
            raise TableError(
                f"the model in {folder} was trained to tell {self.label!r} from {_joined(self.text)}; asked for is "
                f"{columns.label!r} from {_joined(columns.text)}. Give the same columns in the same order, or train a "
                "model for these"
            )


def remember(folder: str | Path, memory: Memory) -> None:
    """Write it into a model's folder."""
    (Path(folder) / MEMORY).write_text(json.dumps(asdict(memory), indent=1, ensure_ascii=False), encoding="utf-8")


def recall(folder: str | Path) -> Memory:
    """Read it from a model's folder.

    Raises:
        TableError: the folder is none of this tool's, or its file is damaged.
    """
    path = Path(folder) / MEMORY
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise TableError(f"{folder} is no folder of a model that this tool has trained: it lacks {MEMORY}") from error
    except ValueError as error:
        raise TableError(f"{path} cannot be read: {error}. Train the model again") from error
    try:
        names = tuple(found["text"]), found["label"], tuple(found["classes"]), found["model_id"]
        memory = Memory(*names, int(found.get("max_tokens", Memory.max_tokens)))
    except (TypeError, KeyError, ValueError) as error:
        raise TableError(f"{path} holds something else than a model's labels. Train the model again") from error
    if not all(isinstance(each, str) for each in (*memory.text, memory.label, *memory.classes, memory.model_id)):
        raise TableError(f"{path} holds names that are no texts. Train the model again")
    return memory


def check_out(folder: Path) -> None:
    """Refuse a place for a new model where anything is but an older one.

    Raises:
        TableError: as ``check_free``, or what is there only looks like a model of this tool.
    """
    check_free(folder, FILES)
    if folder.exists() and any(folder.iterdir()):
        recall(folder)


def save_model(folder: Path, model: TextModel, columns: Columns, config: dict, name: str) -> TextModel:
    """Write a model; metrics and card are left to others.

    Args:
        folder: is there.
        model: to be saved.
        columns: of the table that it was trained on.
        config: of the checkpoint that it began as, in Hugging Face's words.
        name: of that checkpoint; the model's own begins with it.

    Returns:
        The model, under its name: the same weights have the same.
    """
    from safetensors.torch import save_file

    from nbcode.models.bert import hugging_face_names

    encoder, head = model.network.encoder, model.network.head
    weights = hugging_face_names(encoder.state_dict(), len(encoder.layers))
    weights = {f"bert.{name}": tensor for name, tensor in weights.items()}
    weights |= {HEAD + name: tensor.detach().cpu().clone() for name, tensor in head.state_dict().items()}
    save_file(weights, folder / WEIGHTS, metadata={"format": "pt"})
    model.tokenizer.save(folder)
    labels = {
        "architectures": ["BertForTokenClassification"],
        "id2label": dict(enumerate(model.classes)),
        "label2id": {label: number for number, label in enumerate(model.classes)},
    }
    kept = {key: value for key, value in config.items() if key != "_name_or_path"}  # it may name a private folder
    (folder / CONFIG).write_text(json.dumps(kept | labels, indent=1, ensure_ascii=False), encoding="utf-8")
    memory = Memory(columns.text, columns.label, tuple(model.classes), _named(name, folder), model.max_tokens)
    remember(folder, memory)
    write_seen(folder, model.seen)
    model.model_id = memory.model_id
    return model


def load_predictor(folder: str | Path, columns: Columns) -> TextModel:
    """The model in a folder that ``fit`` has written.

    Args:
        folder: of the model.
        columns: of the table that it is to be used on.

    Raises:
        TableError: the folder is none of this tool's, is damaged, or the model was trained on other columns.
    """
    folder = Path(folder)
    memory = recall(folder)
    memory.check_fits(columns, folder)
    if not (folder / WEIGHTS).is_file() or not memory.model_id.endswith(_digits(folder)):
        raise TableError(f"{folder / WEIGHTS} is not what {MEMORY} tells of: half a copy? Copy or train it again")
    try:
        return _read(folder, memory)
    except (ValueError, RuntimeError, KeyError) as error:  # what a file that was changed by hand may lead to
        raise TableError(f"the model in {folder} is damaged: {error}. Copy or train it again") from error


def _read(folder: Path, memory: Memory) -> TextModel:
    from nbcode.checkpoint_files import read_weights
    from nbcode.data.wordpiece import WordPiece
    from nbcode.models.bert import Bert
    from nbcode.models.text_classifier import TextClassifier
    from nbcode.triage.text_model import TextModel

    network = TextClassifier(Bert.from_pretrained(folder), len(memory.classes))
    weights = read_weights(folder)
    network.head.load_state_dict({part: weights[HEAD + part] for part in ("weight", "bias")})
    tokenizer = WordPiece.from_folder(folder)
    return TextModel(network.eval(), tokenizer, memory.classes, memory.max_tokens, memory.model_id, read_seen(folder))


def _named(name: str, folder: Path) -> str:
    """The checkpoint's name and the first digits of the sum of the weights."""
    return f"{re.sub(r'[^A-Za-z0-9._-]+', '-', name).strip('-')}-{_digits(folder)}"


def _digits(folder: Path) -> str:
    with (folder / WEIGHTS).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:DIGITS]


def _joined(names: Sequence[str]) -> str:
    return " + ".join(map(repr, names))
