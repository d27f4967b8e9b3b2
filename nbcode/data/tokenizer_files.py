"""The files of a BERT tokenizer: ``vocab.txt``, a token a line, and ``tokenizer_config.json``, which may be missing."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

PADDING, UNKNOWN, START, SEPARATOR, MASK = SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
VOCABULARY, CONFIG = "vocab.txt", "tokenizer_config.json"
SETTINGS = {"do_lower_case": "lower_case", "strip_accents": "strip_accents", "tokenize_chinese_chars": "split_cjk"}


def read(folder: Path) -> tuple[list[str], dict[str, bool | None]]:
    """The vocabulary, and the settings that are given, under the names of :class:`nbcode.data.wordpiece.WordPiece`.

    Raises:
        ValueError: no vocabulary, a damaged file, or tokens or settings that do not exist here.
    """
    path = folder / VOCABULARY
    try:
        lines = path.read_bytes().decode().removesuffix("\n").split("\n")  # a token may hold any other line end
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} cannot be read ({error}); give the folder of a BERT checkpoint") from error
    return [line.rstrip() for line in lines], read_settings(folder / CONFIG)


def write(folder: Path, vocabulary: Sequence[str], settings: Mapping[str, bool | None]) -> None:
    """Write both files, for :func:`read` and for Hugging Face's ``AutoTokenizer``; the folder is made.

    Raises:
        ValueError: a token that a line cannot hold: it would come back as another, or move the numbers of the rest.
    """
    for token in vocabulary:
        if "\n" in token or token != token.rstrip():
            raise ValueError(f"the token {token!r} ends with a space or holds a line end; {VOCABULARY} cannot hold it")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / VOCABULARY).write_bytes("".join(f"{token}\n" for token in vocabulary).encode())
    config = {theirs: settings[own] for theirs, own in SETTINGS.items()}
    (folder / CONFIG).write_bytes(json.dumps({"tokenizer_class": "BertTokenizer", **config}, indent=2).encode())


def read_settings(path: Path) -> dict[str, bool | None]:
    """The settings in a ``tokenizer_config.json``, under the names here; none if there is no such file."""
    if not path.is_file():
        return {}
    try:
        values = json.loads(path.read_bytes())
    except ValueError as error:
        raise ValueError(f"{path} cannot be read ({error}); fetch it again") from error
    if not isinstance(values, dict):
        raise ValueError(f"{path} holds a {type(values).__name__}; it should be an object")
    strange = sorted(set(_named_tokens(values)) - set(SPECIAL))
    if strange:
        raise ValueError(f"{path} names the tokens {', '.join(strange)}; only {', '.join(SPECIAL)} are special here")
    found = {own: values[theirs] for theirs, own in SETTINGS.items() if theirs in values}
    for own, value in found.items():
        if not isinstance(value, bool) and (own, value) != ("strip_accents", None):
            raise ValueError(f"{path} sets {own} to {value!r}; it should be true or false")
    return found


def _named_tokens(values: Mapping[str, object]) -> Iterator[str]:
    """The special and added tokens that a configuration names, each as a text or as an object with its content."""
    for name, value in values.items():
        if name in ("added_tokens_decoder", "additional_special_tokens", "extra_special_tokens"):
            entries = list(value.values() if isinstance(value, dict) else value or [])
        else:
            entries = [value] * name.endswith("_token")
        for entry in entries:
            token = entry.get("content") if isinstance(entry, dict) else entry
            if isinstance(token, str):
                yield token
