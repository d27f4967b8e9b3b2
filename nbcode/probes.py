"""Looking into a network while it runs: what each part puts out, the gradient that comes back, and what follows.

Hooks come off again by ``with``, whatever happens in between.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import nn

from nbcode.data.vocabulary import START, Vocabulary
from nbcode.decoding import greedy
from nbcode.models.transformer import Transformer
from nbcode.training.evaluation import evaluating
from nbcode.training.history import Record


@dataclass
class Signals:
    """What was recorded, one entry for each call of a module, in the order of the calls.

    Attributes:
        outputs: name -> what the module returned.
        gradients: name -> the derivative of the result of ``backward`` by that output; ``None`` until there is one.
    """

    outputs: dict[str, list[torch.Tensor]] = field(default_factory=dict)
    gradients: dict[str, list[torch.Tensor | None]] = field(default_factory=dict)


@contextlib.contextmanager
def recording(modules: Mapping[str, nn.Module]) -> Iterator[Signals]:
    """Record what modules return, and the gradients that come back, until the end of the ``with`` block.

    What is recorded is a copy without a graph: it stays as it was, and keeps nothing else alive.

    Args:
        modules: name -> module; ``dict(model.named_modules())`` records everything.

    Raises:
        ValueError: a module returns something that is no tensor.
    """
    signals = Signals()
    with contextlib.ExitStack() as hooks:
        for name, module in modules.items():
            signals.outputs[name], signals.gradients[name] = [], []
            record = partial(_record, name, signals, hooks)
            hooks.callback(module.register_forward_hook(record).remove)
        yield signals


def _record(
    name: str, signals: Signals, hooks: contextlib.ExitStack, module: nn.Module, inputs: tuple, output: object
) -> None:
    if not isinstance(output, torch.Tensor):
        raise ValueError(f"{name} returns a {type(output).__name__}; record a module that returns one tensor")
    place = len(signals.outputs[name])
    signals.outputs[name].append(output.detach().clone())  # a later step may change it in place
    signals.gradients[name].append(None)
    if output.requires_grad:
        hook = output.register_hook(lambda gradient: _keep(signals.gradients[name], place, gradient))
        hooks.callback(hook.remove)


def _keep(gradients: list, place: int, gradient: torch.Tensor) -> None:
    gradients[place] = gradient.detach().clone()


def rms(values: torch.Tensor) -> float:
    """The root of the mean square of all entries: the size of a typical one."""
    values = values.detach()
    values = values.cpu() if values.device.type == "mps" else values  # a Mac's GPU knows no float64
    return values.double().square().mean().sqrt().item()


def dead_units(model: nn.Module, modules: Mapping[str, nn.Module], batches: Iterable) -> dict[str, torch.Tensor]:
    """Which features are 0 for every example: after a ReLU, such a unit passes no gradient, and its weights stay.

    Only a whole data set can tell: a unit that is silent on one batch may fire on the next.

    Args:
        model: on any device; called on the first part of each batch, which is moved to it, in evaluation mode.
        modules: name -> module of the model that returns (B, D); each runs once in a call.
        batches: tuples whose first part is the input.

    Returns:
        name -> (D,), true where dead.

    Raises:
        ValueError: no batch, or a module that does not run, or more than once.
    """
    device = next((parameter.device for parameter in model.parameters()), None)
    alive: dict[str, torch.Tensor] = {}
    with evaluating(model):
        for x, *_ in batches:
            with recording(modules) as signals:
                model(x.to(device))
            for name, outputs in signals.outputs.items():
                if len(outputs) != 1:
                    raise ValueError(f"{name} ran {len(outputs)} times in one call of the model; it must run once")
                fires = (outputs[0] != 0).any(dim=0)  # (B, D) -> (D,)
                alive[name] = fires | alive.get(name, False)
    if not alive:
        raise ValueError("no batch given; a unit is dead only over data")
    return {name: ~fires for name, fires in alive.items()}


def saturated(slopes: torch.Tensor, below: float = 0.05) -> float:
    """The share of slopes with a size under a limit: there, almost no gradient passes.

    Args:
        slopes: derivatives of an activation where it was used, any shape.
        below: the limit, positive.
    """
    return (slopes.abs() < below).cpu().double().mean().item()


class UpdateToWeight:
    """Watch how far each step moves the weights, as a part of their size. Give it to ``fit`` as ``on_step``.

    Attributes:
        ratios: name of a parameter -> rms(change) / rms(weights before), one entry for each step; infinite where all
            weights were 0 and now are not.

    Args:
        model: its parameters of two or more dimensions are watched. Biases begin at 0, no size to compare with.
    """

    def __init__(self, model: nn.Module) -> None:
        self.weights = {name: weight for name, weight in model.named_parameters() if weight.ndim > 1}
        self.ratios: dict[str, list[float]] = {name: [] for name in self.weights}
        self._before = {name: weight.detach().clone() for name, weight in self.weights.items()}

    def __call__(self, record: Record | None = None) -> None:
        for name, weight in self.weights.items():
            before = self._before[name].to(weight.device)  # fit may have moved the model to a GPU
            change, size = rms(weight - before), rms(before)
            self.ratios[name].append(change / size if size else math.inf if change else 0.0)
            self._before[name] = weight.detach().clone()


def traced(model: Transformer, text: str, source: Vocabulary, target: Vocabulary, digits: int = 4) -> dict:
    """One greedy translation with all that was computed on the way, as plain numbers: a figure can store it.

    Args:
        model: in any mode; it decodes in evaluation mode, up to its own ``max_length``.
        text: what to translate, from 1 to ``max_length`` tokens.
        source: the vocabulary of the text.
        target: the vocabulary of what is written.
        digits: after the point; all numbers are rounded.

    Returns:
        ``text``; ``written``, the T tokens with the end token; ``logits``, (T, Vt); ``maps``, the attention weights in
        lists of layers, "encoder" (N, S, S), "decoder" (N, T, T) and "cross" (N, T, S).

    Raises:
        ValueError: an empty text, or one that is too long.
    """
    if not text:
        raise ValueError("text is empty; there is nothing to translate in it")
    device = next(model.parameters()).device
    ids = torch.tensor([source.encode(text)], device=device)  # (1, S)
    written = greedy(model, ids, model.config.max_length)  # (1, T)
    read = torch.cat([torch.full_like(written[:, :1], START), written[:, :-1]], dim=1)
    with evaluating(model):
        logits, maps = model(ids, read, need_weights=True)
    rounded = lambda tensor: [[round(x, digits) for x in row] for row in tensor.tolist()]
    return {
        "text": text,
        "written": written[0].tolist(),
        "logits": rounded(logits[0].double()),
        "maps": {part: [[rounded(head) for head in layer[0].double()] for layer in maps[part]] for part in maps},
    }
