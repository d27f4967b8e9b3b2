"""A folder that appears only when it is whole."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from nbcode.training.interrupt import deferred_interrupt
from nbcode.triage.columns import TableError, listed


def check_free(folder: Path, own: Sequence[str]) -> None:
    """Refuse a place for a new folder where something else is.

    Args:
        folder: may be empty, or hold an older one of the same kind.
        own: the files that such a folder has, and nothing else; the first is in every one.

    Raises:
        TableError: it holds other files, is a file or a disk, or the folder around it does not exist or takes no files.
    """
    if folder.exists() and not folder.is_dir():
        raise TableError(f"{folder} is a file; give the name of a folder")
    if os.path.ismount(folder):
        raise TableError(f"{folder} is a mounted disk or volume, which cannot be replaced; give a folder in it")
    found = sorted(path.name for path in folder.iterdir()) if folder.exists() else []
    others = [name for name in found if name not in own]
    if others or (found and own[0] not in found):
        raise TableError(
            f"{folder} holds something else than a model of this tool ({listed(others or found)}); give another"
        )
    if not os.access(folder.parent, os.W_OK | os.X_OK):  # of a folder that is not there this is false too
        raise TableError(f"no folder can be made in {folder.parent}; is it there, and yours?")


@contextlib.contextmanager
def new_folder(folder: Path, own: Sequence[str]) -> Iterator[Path]:
    """A folder to write into; at the end it gets its name, in place of an older one. On an error nothing is left.

    Between the leaving of the old folder and the coming of the new one is a moment in which a power cut leaves only a
    hidden folder beside it.

    Raises:
        TableError: as ``check_free``, or it cannot be written.
    """
    folder = folder.resolve()
    check_free(folder, own)
    try:
        draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".part", dir=folder.parent))
        try:
            (inner := draft / "new").mkdir()  # with everybody's usual rights; a temporary folder is closed to others
            yield inner
            with deferred_interrupt():
                _put(inner, folder, draft / "old")
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    except OSError as error:
        raise TableError(f"{folder} cannot be written: {error.strerror or error}") from error


def _put(new: Path, folder: Path, old: Path) -> None:
    """Give the new folder its name. Only an empty folder could be replaced at once."""
    if not folder.exists():
        new.rename(folder)
        return
    folder.rename(old)
    try:
        new.rename(folder)
    except BaseException:
        old.rename(folder)
        raise
