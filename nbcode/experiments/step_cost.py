"""What does one training step of a layer cost as the sequence grows: time, and memory kept for the way back?

``python -m nbcode.experiments.step_cost [--repeats 7] [--device cpu] [--out FILE]``

One layer of each kind, of one width, forward and backward over 8 sequences. The layers take turns, so that what
disturbs the machine disturbs all of them alike, and each gets the median of its times: on the CPU the computing time of
one thread, on a GPU the time of the wall. Memory is counted, not measured:
the bytes of all tensors that autograd keeps between forward and backward, each once, without inputs and parameters.
"""

from __future__ import annotations

import dataclasses
import functools
import statistics
import sys

import torch
from torch import nn

from nbcode.experiments.sequence_run import clock
from nbcode.experiments.study import Study, at_least_one, device_here, main, parser
from nbcode.models.sequence import Attention, Convolutions, Recurrence

WIDTHS = (32, 256)
LENGTHS = (16, 32, 64, 128, 256, 512, 1024, 2048, 4096)
BATCH = 8
REPEATS = 7
LAYERS = {
    "cnn": lambda width: Convolutions(width, (1,)),
    "rnn": lambda width: Recurrence(nn.RNN(width, width, batch_first=True)),
    "gru": lambda width: Recurrence(nn.GRU(width, width, batch_first=True)),
    "attention": lambda width: Attention(width, plain=True),
    "attention_fused": lambda width: Attention(width),
}


def measure(width: int, length: int, repeats: int = REPEATS, device: str = "cpu") -> dict:
    """Milliseconds and MiB of each layer, in columns named after it."""
    torch.manual_seed(0)
    layers = {name: make(width).to(device) for name, make in LAYERS.items()}
    x = torch.randn(BATCH, length, width, device=device, requires_grad=True)  # (B, T, D)
    times: dict[str, list[float]] = {name: [] for name in layers}
    for round_number in range(repeats + 1):
        for name, layer in layers.items():
            seconds = step_time(layer, x)
            if round_number:  # the first round warms up
                times[name].append(seconds)
    return {
        **{f"{name}_ms": float(f"{1000 * statistics.median(each):.4g}") for name, each in times.items()},
        **{f"{name}_mib": float(f"{kept_bytes(layer, x) / 2**20:.4g}") for name, layer in layers.items()},
    }


def step_time(layer: nn.Module, x: torch.Tensor) -> float:
    """Seconds of one pass forward and backward."""
    begun = clock(x.device)
    layer(x).sum().backward()
    return clock(x.device) - begun


def kept_bytes(layer: nn.Module, x: torch.Tensor) -> int:
    """Bytes that autograd keeps for the way back, beside the input and the parameters."""
    known = {each.untyped_storage().data_ptr() for each in (x, *layer.parameters())}
    kept: dict[int, int] = {}

    def note(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in known:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        result = layer(x)  # held until the end of the count, so that no address is used twice
    del result
    return sum(kept.values())


def crossing(lengths: list[float], one: list[float], other: list[float]) -> float | None:
    """The first length from which on ``one`` costs more than ``other``, between measured lengths on logarithmic scales.

    Returns:
        ``None`` where that does not happen within the measured lengths.

    Raises:
        ValueError: the three are not equally long, or empty.
    """
    if not lengths or not len(lengths) == len(one) == len(other):
        raise ValueError(f"{len(lengths)} lengths, {len(one)} and {len(other)} costs; give as many of each")
    ratios = [a / b for a, b in zip(one, other, strict=True)]
    last_below = max((place for place, ratio in enumerate(ratios) if ratio <= 1), default=None)
    if last_below is None:
        return lengths[0]
    if last_below == len(lengths) - 1:
        return None
    below, above = (torch.tensor(ratios[place]).log().item() for place in (last_below, last_below + 1))
    part = -below / (above - below)  # of the way between the two, where the logarithm of the ratio is 0
    return lengths[last_below] * (lengths[last_below + 1] / lengths[last_below]) ** part


STUDY = Study(
    "nbcode.experiments.step_cost",
    ("width", "length"),
    tuple(f"{name}_{unit}" for unit in ("ms", "mib") for name in LAYERS),
    measure,
)


if __name__ == "__main__":
    flags = parser(STUDY, __doc__.splitlines()[0], seeds=None)
    flags.add_argument("--repeats", type=at_least_one, default=REPEATS, help="rounds (default: %(default)s)")
    flags.add_argument("--device", type=device_here, default="cpu", help="cpu, cuda or mps (default: %(default)s)")
    chosen = flags.parse_args()
    torch.set_num_threads(1)  # so that the computing time of the process is the time of the step
    study = dataclasses.replace(STUDY, measure=functools.partial(measure, repeats=chosen.repeats, device=chosen.device))
    sys.exit(main(study, [{"width": width, "length": length} for width in WIDTHS for length in LENGTHS], chosen))
