"""Where predictions wait until all are made.

The file has no name (where the system allows that), so a process that is killed leaves nothing behind, nobody else can
write to it, and it is safe to keep keys of any type in it. Memory holds one batch.
"""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Iterator

from nbcode.triage.table import Prediction


class SideFile:
    """Batches of predictions on the disk, in the order in which they came. Use it with ``with``."""

    def __init__(self) -> None:
        self.file = tempfile.TemporaryFile()  # noqa: SIM115
        self.count = 0

    def __enter__(self) -> SideFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def add(self, batch: list[Prediction]) -> None:
        """Append a batch."""
        if batch:
            pickle.dump([tuple(row) for row in batch], self.file)
            self.count += len(batch)

    def __iter__(self) -> Iterator[list[Prediction]]:
        """The batches, from the first."""
        end = self.file.seek(0, 2)
        self.file.seek(0)
        while self.file.tell() < end:
            yield [Prediction(*row) for row in pickle.load(self.file)]
