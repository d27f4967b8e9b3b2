"""The folder of a trained model, as far as the table is concerned: which columns it was trained on, and its classes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from nbcode.triage.columns import Columns, TableError

MEMORY = "labels.json"


@dataclass(frozen=True)
class Memory:
    """What a model remembers of its table.

    Attributes:
        text: the text columns, in the order in which they were joined.
        label: the column that it predicts.
        classes: its labels, in the order of its outputs.
        model_id: tells it from all other models.
    """

    text: tuple[str, ...]
    label: str
    classes: tuple[str, ...]
    model_id: str

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
        memory = Memory(tuple(found["text"]), found["label"], tuple(found["classes"]), found["model_id"])
    except (TypeError, KeyError) as error:
        raise TableError(f"{path} holds something else than a model's labels. Train the model again") from error
    if not all(isinstance(each, str) for each in (*memory.text, memory.label, *memory.classes, memory.model_id)):
        raise TableError(f"{path} holds names that are no texts. Train the model again")
    return memory


def _joined(names: Sequence[str]) -> str:
    return " + ".join(map(repr, names))
