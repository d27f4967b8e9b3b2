"""Recurrent networks of one layer: a cell reads a sequence step by step and carries a state along.

Left out: several layers, both directions, dropout. LSTM is an exercise.
"""

from __future__ import annotations

import math

import torch
from torch import nn


class Recurrent(nn.Module):
    """What all of them share: parameters in PyTorch's layout, and the loop over time.

    ``weight_ih`` has shape (G D, I) and reads the input, ``weight_hh`` has shape (G D, D) and reads the state; both
    biases have shape (G D,). G is the number of parts that a cell computes. All start uniform within 1 / sqrt(D), as
    PyTorch's do.

    Args:
        input_size: I, the width of the inputs.
        hidden_size: D, the width of the state.

    Raises:
        ValueError: a size below 1.
    """

    parts: int  # G
    twin: type[nn.RNNBase]

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        if input_size < 1 or hidden_size < 1:
            raise ValueError(f"input_size={input_size}, hidden_size={hidden_size}; both must be at least 1")
        self.input_size, self.hidden_size = input_size, hidden_size
        rows, bound = self.parts * hidden_size, 1 / math.sqrt(hidden_size)
        shapes = {
            "weight_ih": (rows, input_size),
            "weight_hh": (rows, hidden_size),
            "bias_ih": (rows,),
            "bias_hh": (rows,),
        }
        for name, shape in shapes.items():
            self.register_parameter(name, nn.Parameter(torch.empty(shape).uniform_(-bound, bound)))

    @classmethod
    def from_torch(cls, module: nn.RNNBase) -> Recurrent:
        """Take over the weights of the twin in ``torch.nn``; missing biases become zeros.

        Raises:
            ValueError: another kind of module, or one with a setting that does not exist here.
        """
        if type(module) is not cls.twin:
            raise ValueError(f"module is of type {type(module).__name__}; give an nn.{cls.twin.__name__}")
        settings = {
            "num_layers": (module.num_layers, 1),
            "bidirectional": (module.bidirectional, False),
            "batch_first": (module.batch_first, True),
            "nonlinearity": (getattr(module, "nonlinearity", "tanh"), "tanh"),
        }
        wrong = [f"{name}={came!r}, not {need!r}" for name, (came, need) in settings.items() if came != need]
        if wrong:
            raise ValueError(f"the module has {', '.join(wrong)}; only one layer with those settings exists here")
        own = cls(module.input_size, module.hidden_size)
        for name, parameter in own.named_parameters():
            theirs = getattr(module, f"{name}_l0", torch.zeros_like(parameter).to(module.weight_ih_l0))
            setattr(own, name, nn.Parameter(theirs.detach().clone()))
        return own

    def cell(self, from_input: torch.Tensor, state: torch.Tensor) -> torch.Tensor:
        """The next state, from what the input contributes (B, G D) and the state (B, D)."""
        raise NotImplementedError

    def forward(
        self,
        x: torch.Tensor,
        state: torch.Tensor | None = None,
        padding_mask: torch.Tensor | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Read a batch of sequences.

        Args:
            x: (B, T, I).
            state: (B, D) before the first step; ``None`` for zeros. PyTorch's has an axis for layers in front.
            padding_mask: (B, T), true at padding: there the state stands still.

        Returns:
            All states (B, T, D), and the last one (B, D). Where T is 0, the last one is the first.

        Raises:
            ValueError: a shape that does not fit.
        """
        self._check(x, state, padding_mask)
        state = x.new_zeros(len(x), self.hidden_size) if state is None else state
        # The inputs are all known: one product for all steps. Only the state has to wait for the step before it.
        from_input = x @ self.weight_ih.T + self.bias_ih  # (B, T, I) @ (I, G D) -> (B, T, G D)
        states = []
        for t in range(x.shape[1]):
            following = self.cell(from_input[:, t], state)  # (B, D)
            if padding_mask is not None:
                following = torch.where(padding_mask[:, t, None], state, following)
            state = following
            states.append(state)
        together = torch.stack(states, dim=1) if states else x.new_empty(len(x), 0, self.hidden_size)  # (B, T, D)
        return together, state

    def _check(self, x: torch.Tensor, state: torch.Tensor | None, padding_mask: torch.Tensor | None) -> None:
        if x.ndim != 3 or x.shape[2] != self.input_size:
            raise ValueError(f"x has shape {tuple(x.shape)}; give (B, T, {self.input_size})")
        batch, length, _ = x.shape
        if state is not None and state.shape != (batch, self.hidden_size):
            raise ValueError(f"state has shape {tuple(state.shape)}; give ({batch}, {self.hidden_size})")
        if padding_mask is not None and (padding_mask.shape != (batch, length) or padding_mask.dtype != torch.bool):
            came = f"shape {tuple(padding_mask.shape)} and dtype {padding_mask.dtype}"
            raise ValueError(f"padding_mask has {came}; give ({batch}, {length}) of dtype bool, true at padding")


class RNN(Recurrent):
    """The simplest: h' = tanh(W x + U h + b), with two biases that are added, as in PyTorch. The values of ``nn.RNN``.

    Source: Elman (1990), "Finding Structure in Time".
    """

    parts, twin = 1, nn.RNN

    def cell(self, from_input: torch.Tensor, state: torch.Tensor) -> torch.Tensor:
        """(B, D) and (B, D) -> (B, D)."""
        return torch.tanh(from_input + state @ self.weight_hh.T + self.bias_hh)


class GRU(Recurrent):
    """A state behind two gates, each between 0 and 1. The values of ``nn.GRU``.

    The update gate z says how much of the old state stays: where it is 1 the state, and a gradient, pass unchanged.
    The reset gate r says how much of the old state the candidate n sees. The rows of each parameter are r, z, n.

    Source: Cho et al. (2014), "Learning Phrase Representations using RNN Encoder-Decoder for Statistical Machine
        Translation", section 2.3. There r meets the state before the matrix product, U (r h); here, as in PyTorch,
        after it, r (U h + b), so that one product serves all three parts.
    """

    parts, twin = 3, nn.GRU

    def cell(self, from_input: torch.Tensor, state: torch.Tensor) -> torch.Tensor:
        """(B, 3 D) and (B, D) -> (B, D)."""
        from_state = state @ self.weight_hh.T + self.bias_hh  # (B, D) -> (B, 3 D)
        r_input, z_input, n_input = from_input.chunk(3, dim=-1)  # (B, D) each
        r_state, z_state, n_state = from_state.chunk(3, dim=-1)
        r = torch.sigmoid(r_input + r_state)
        z = torch.sigmoid(z_input + z_state)
        n = torch.tanh(n_input + r * n_state)
        return z * state + (1 - z) * n
