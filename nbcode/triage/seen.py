"""Which texts a model was trained on: it remembers fingerprints, so that nobody scores it on what it has seen.

Texts and not keys, since a copy under another key has been seen too, and the same keys count the rows of other tables.
A text that was changed since, by as little as a word, counts as not seen.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from nbcode.triage.columns import TableError

SEEN = "seen.txt"
BYTES = 8  # two of a million texts share a fingerprint with a probability of 3e-8


def fingerprint(text: str) -> str:
    """16 digits. Case and white space do not count."""
    words = " ".join(text.casefold().split())
    return hashlib.blake2b(words.encode("utf-8", "replace"), digest_size=BYTES).hexdigest()


def write_seen(folder: Path, seen: Iterable[str]) -> None:
    """Into a model's folder, a line each."""
    (folder / SEEN).write_text("".join(f"{each}\n" for each in sorted(seen)), encoding="ascii")


def read_seen(folder: Path) -> frozenset[str]:
    """From a model's folder.

    Raises:
        TableError: the file is missing or damaged.
    """
    try:
        found = frozenset((folder / SEEN).read_text(encoding="ascii").split())
    except (OSError, UnicodeDecodeError) as error:
        raise TableError(f"{folder / SEEN} cannot be read ({error}). Train the model again") from error
    if any(len(each) != 2 * BYTES for each in found):
        raise TableError(f"{folder / SEEN} is damaged. Train the model again")
    return found
