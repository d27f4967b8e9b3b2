"""The open checkpoint that a model begins as."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nbcode.checkpoint_files import read_config
from nbcode.data.wordpiece import WordPiece
from nbcode.models.bert import Bert
from nbcode.pretrained import located
from nbcode.triage.columns import TableError, TriageWarning
from nbcode.triage.model_folder import MEMORY
from nbcode.triage.text_model import CHARACTERS

UNKNOWN = 0.1  # the share of unknown words from which a checkpoint hardly suits a table
SAMPLE = 500  # texts in which words are counted


@dataclass(frozen=True)
class Checkpoint:
    """An open checkpoint.

    Attributes:
        name: as it was asked for; of a folder, its last part.
        why: where it came from.
        encoder: the network.
        tokenizer: its own.
        config: in Hugging Face's words.
    """

    name: str
    why: str
    encoder: Bert
    tokenizer: WordPiece
    config: dict


def open_checkpoint(name_or_folder: str | Path) -> Checkpoint:
    """Find and read a checkpoint.

    Raises:
        ValueError: it is not to be had, or damaged, or no BERT.
        TableError: it is a model of this tool, which may have seen the rows that it would be measured on.
    """
    try:
        found = located(name_or_folder)
    except RuntimeError as error:  # ~name, and nobody has that name
        raise ValueError(f"{name_or_folder}: {error}") from error
    if (found.path / MEMORY).exists():
        raise TableError(
            f"{name_or_folder} is a model that this tool has trained; it may know the rows of the test part. Give the "
            "checkpoint that it began as"
        )
    name = found.path.resolve().name if Path(name_or_folder).expanduser().exists() else Path(str(name_or_folder)).name
    encoder, tokenizer = Bert.from_pretrained(found.path), WordPiece.from_folder(found.path)
    if len(tokenizer) > encoder.config.vocabulary:
        raise ValueError(
            f"{name_or_folder}: the vocabulary has {len(tokenizer)} tokens, the network knows "
            f"{encoder.config.vocabulary}; are both of one checkpoint?"
        )
    return Checkpoint(name, found.why, encoder, tokenizer, read_config(found.path))


def unknown_share(tokenizer: WordPiece, texts: Sequence[str]) -> float:
    """The share of words that a vocabulary cannot spell, in some of the texts, evenly spread."""
    some = [text[:CHARACTERS] for text in texts[:: -(-len(texts) // SAMPLE)]]
    words = sum(len(tokenizer.words(text)) for text in some)
    return sum(len(tokenizer.unknown(text)) for text in some) / words if words else 0.0


def warn_of_unknown(share: float, name: str) -> None:
    """Warn where a vocabulary is for another language."""
    if share > UNKNOWN:
        warnings.warn(
            f"{share:.0%} of the words are unknown to the checkpoint {name}; it cannot read them. Give one for the "
            "language of these texts, such as hfl/minirbt-h288 for Chinese",
            TriageWarning,
            stacklevel=3,
        )
