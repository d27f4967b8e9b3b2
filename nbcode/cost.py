"""What a notebook cost: time, memory, device. Each lab ends with it."""

from __future__ import annotations

import sys
import time

import torch

from nbcode.device import Compute


class Cost:
    """A stopwatch that also knows the peak memory.

    Start it after the imports; ``print(cost)`` in the last cell.
    """

    def __init__(self, compute: Compute) -> None:
        self.compute = compute
        self.started = time.perf_counter()

    def seconds(self) -> float:
        """Seconds since the stopwatch was made."""
        return time.perf_counter() - self.started

    def __str__(self) -> str:
        peak = _peak_bytes(self.compute.device)
        memory = "unknown" if peak is None else f"{peak / 2**20:,.0f} MiB"
        return (
            f"{self.seconds():.1f} s, peak memory {memory}, on {self.compute.device.type} in {self.compute.precision}"
        )


def _peak_bytes(device: torch.device) -> int | None:
    """Peak memory of the GPU, or of this process on the CPU; None where the system does not tell."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    if sys.platform == "win32":
        return None
    import resource  # Unix only

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # Linux counts in KiB, macOS in bytes
