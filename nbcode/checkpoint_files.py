"""The files of an open checkpoint: what must be there, whether they are genuine, and how they are read.

A checkpoint is data: a configuration, a vocabulary, and weights, as safetensors or as a PyTorch file of which only
tensors are read. Code that may lie beside them is never run.
"""

from __future__ import annotations

import hashlib
import json
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch  # loads for seconds; who only checks files does not need it

WEIGHTS = ("model.safetensors", "pytorch_model.bin")  # the first that is there is read
GIT_LFS = b"version https://git-lfs"


def check_folder(folder: Path) -> None:
    """Refuse a folder that is no checkpoint."""
    if not folder.is_dir():
        raise ValueError(f"{folder} is a file; give the folder of a checkpoint")
    names = ("config.json", "vocab.txt", *WEIGHTS)
    there = [name for name in names if (folder / name).is_file()]
    missing = [name for name in names[:2] if name not in there]
    if not set(there) & set(WEIGHTS):
        missing.append(" or ".join(WEIGHTS))
    if missing:
        raise ValueError(
            f"{folder} is no checkpoint: it lacks {', '.join(missing)}; is it the right folder, and whole?"
        )
    for name in there:
        with (folder / name).open("rb") as file:
            if file.read(len(GIT_LFS)) == GIT_LFS:
                raise ValueError(f"{folder / name} says only where git-lfs has the file; run git lfs pull there")


def check_sums(folder: Path, sums: Mapping[str, str]) -> None:
    """Refuse files that are not the ones whose sums are known: half a download, or another version."""
    for name, wanted in sums.items():
        path = folder / name
        if not path.is_file():
            raise ValueError(f"{folder} lacks {name}; delete the folder, and fetch or install it again")
        with path.open("rb") as file:
            came = hashlib.file_digest(file, "sha256").hexdigest()
        if came != wanted:
            # In the Hub's folders the names are links, and a file that only loses its link is found again.
            raise ValueError(
                f"{name} has the SHA-256 {came[:16]}..., not {wanted[:16]}...: it is damaged or of another version. "
                f"Delete {path.resolve()}, and fetch or install it again"
            )


def read_config(folder: Path) -> dict:
    """The configuration of a checkpoint.

    Raises:
        ValueError: it is no JSON object.
    """
    path = folder / "config.json"
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} cannot be read ({error}); fetch it again") from error
    if not isinstance(values, dict):
        raise ValueError(f"{path} holds a {type(values).__name__}; it should hold an object with the sizes")
    return values


def read_weights(folder: Path) -> dict[str, torch.Tensor]:
    """The tensors of a checkpoint, on the CPU, by name.

    Raises:
        ValueError: there is no file of weights, or it is damaged, or holds anything but tensors.
    """
    path = next((folder / name for name in WEIGHTS if (folder / name).is_file()), None)
    if path is None:
        raise ValueError(f"{folder} has neither {' nor '.join(WEIGHTS)}; give the folder of a checkpoint")
    try:
        weights = _read(path)
    except pickle.UnpicklingError:
        # Without PyTorch's own words: they advise to run what stands in the file.
        raise ValueError(
            f"{path} is damaged, or holds more than tensors, and no code in it was run. Fetch it again, or take the "
            f"checkpoint's {WEIGHTS[0]}"
        ) from None
    except Exception as error:  # each library has errors of its own for a damaged file
        raise ValueError(f"{path} is damaged ({type(error).__name__}: {error}); fetch it again") from error
    if not isinstance(weights, Mapping) or any(not hasattr(tensor, "dtype") for tensor in weights.values()):
        raise ValueError(f"{path} holds no table of tensors by name; give the weights alone")
    return dict(weights)


def _read(path: Path) -> object:
    import torch
    from safetensors.torch import load_file

    if path.suffix == ".safetensors":
        return load_file(path)
    return torch.load(path, map_location="cpu", weights_only=True)  # a pickle, which could otherwise run anything
