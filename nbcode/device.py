"""Where the course computes: device, precision and seed, each choice with its reason in words.

Left out: several processes and their launch, which belong to ``accelerate``.
"""

from __future__ import annotations

import contextlib
import random
from dataclasses import dataclass

import numpy as np
import torch

DEVICES = ("cuda", "mps", "cpu")
PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
# From this compute capability on (Ampere), NVIDIA's matrix units multiply in bf16. Colab's T4 has 7.5.
BF16_CAPABILITY = (8, 0)


@dataclass(frozen=True)
class Compute:
    """A device and the precision of the matrix products on it.

    Attributes:
        device: where tensors live.
        dtype: what matrix products are computed in under :meth:`autocast`. The weights stay float32.
        why: both choices and their reasons, one sentence each.
    """

    device: torch.device
    dtype: torch.dtype
    why: str

    @property
    def precision(self) -> str:
        """The short name of ``dtype``: fp32, bf16 or fp16."""
        return next(name for name, dtype in PRECISIONS.items() if dtype is self.dtype)

    @property
    def scales_gradients(self) -> bool:
        """Whether the loss must be scaled up before ``backward``.

        fp16 rounds gradients below about 6e-8 to zero; bf16 has the exponents of float32 and does not.
        """
        return self.dtype is torch.float16

    def autocast(self) -> contextlib.AbstractContextManager:
        """A context in which matrix products run in ``dtype``; in fp32 it does nothing."""
        if self.dtype is torch.float32:
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, self.dtype)

    def grad_scaler(self) -> torch.amp.GradScaler:
        """A gradient scaler for the loop; it passes everything through unless ``scales_gradients``."""
        return torch.amp.GradScaler(self.device.type, enabled=self.scales_gradients)

    def __str__(self) -> str:
        return self.why


def choose(device: str | None = None, precision: str | None = None) -> Compute:
    """Choose where to compute, and in which precision.

    Args:
        device: ``"cuda"``, ``"mps"`` or ``"cpu"``; ``None`` takes the first of them that this machine has.
        precision: ``"fp32"``, ``"bf16"`` or ``"fp16"``; ``None`` takes what the device computes fastest
            without losing accuracy that the course would notice.

    Raises:
        ValueError: the name is unknown, the machine lacks the device, or the device lacks the precision.
    """
    kind, device_reason = _choose_device(device)
    dtype, precision_reason = _choose_precision(kind, precision)
    return Compute(torch.device(kind), dtype, f"{device_reason} {precision_reason}")


def set_seed(seed: int) -> None:
    """Seed Python's, NumPy's and PyTorch's generators, on every device.

    Raises:
        ValueError: ``seed`` is not an integer from 0 to 2**32 - 1 (NumPy's range).
    """
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**32:
        raise ValueError(f"seed is {seed!r}; give an integer from 0 to {2**32 - 1}")
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def processor_name() -> str:
    """The CPU's model as PyTorch reports it, with its number of threads in use."""
    name = str(_cpu_capabilities().get("cpu_name", "")).strip() or "CPU"
    return f"{name}, {torch.get_num_threads()} threads"


def _available() -> dict[str, bool]:
    return {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}


def _choose_device(name: str | None) -> tuple[str, str]:
    available = _available()
    if name is None:
        kind = next(kind for kind in DEVICES if available[kind])
        reason = {
            "cuda": "because PyTorch sees an NVIDIA GPU",
            "mps": "because this Mac has a GPU that PyTorch can use and no NVIDIA GPU is present",
            "cpu": "because PyTorch sees no GPU",
        }[kind]
        return kind, f"Device: {_device_name(kind)}, {reason}."
    if name not in DEVICES:
        raise ValueError(
            f"unknown device {name!r}; choose one of {', '.join(DEVICES)}, or None to let the machine decide"
        )
    if not available[name]:
        have = ", ".join(kind for kind in DEVICES if available[kind])
        raise ValueError(f"device {name!r} is not available here; this machine has: {have}")
    return name, f"Device: {_device_name(name)}, because it was asked for."


def _device_name(kind: str) -> str:
    if kind == "cuda":
        return f"{torch.cuda.get_device_name()} (cuda)"
    return "the Mac's GPU (mps)" if kind == "mps" else f"{processor_name()} (cpu)"


def _choose_precision(kind: str, name: str | None) -> tuple[torch.dtype, str]:
    if name is not None:
        if name not in PRECISIONS:
            raise ValueError(f"unknown precision {name!r}; choose one of {', '.join(PRECISIONS)}, or None")
        if name == "fp16" and kind != "cuda":
            raise ValueError(f"fp16 needs a CUDA GPU and the device is {kind!r}; choose fp32 or bf16")
        return PRECISIONS[name], f"Precision: {name}, because it was asked for."
    if kind == "cuda":
        return _choose_cuda_precision()
    if kind == "mps":
        return torch.float32, "Precision: fp32, the one that this course is checked in on a Mac."
    if _cpu_capabilities().get("amx_bf16"):
        return torch.bfloat16, "Precision: bf16, because this processor has matrix units for it (AMX)."
    return torch.float32, "Precision: fp32, because this processor has no matrix units for bf16."


def _choose_cuda_precision() -> tuple[torch.dtype, str]:
    capability = torch.cuda.get_device_capability()
    found = "compute capability {}.{}".format(*capability)
    if capability >= BF16_CAPABILITY:
        return torch.bfloat16, f"Precision: bf16, because {found} is at least 8.0."
    reason = f"because {found} is below 8.0, where bf16 begins."
    return torch.float16, f"Precision: fp16 with gradient scaling, {reason}"


def _cpu_capabilities() -> dict:
    # Public since PyTorch 2.10 or so; where it is missing we know nothing of the processor and stay in fp32.
    read = getattr(torch.cpu, "get_capabilities", None)
    return read() if read is not None else {}
