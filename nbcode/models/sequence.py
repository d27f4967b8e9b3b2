"""One block, in which only the way of mixing positions differs: convolution, recurrence or attention.

embedding -> x + mixer(norm(x)) -> x + network(norm(x)) -> logits at every position. All mixers look back only, never
ahead. They are PyTorch's own layers, which are quick; the chapter's lab holds hand-built ones equal to them.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional

from nbcode.models.positions import positions

KERNEL = 3
WIDTHS = range(4, 257, 2)  # that are tried to match a number of parameters


class Convolutions(nn.Module):
    """Convolutions of 3 positions, each the one at hand and two behind it, with ReLU and residual connections.

    Dilation d leaves d - 1 positions out between those that a layer reads (van den Oord et al. 2016, section 2.1).
    """

    def __init__(self, width: int, dilations: tuple[int, ...]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Conv1d(width, width, KERNEL, dilation=d) for d in dilations)

    @property
    def reach(self) -> int:
        """How many positions back the output can see."""
        return sum((KERNEL - 1) * layer.dilation[0] for layer in self.layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, T, D) -> (B, T, D)."""
        x = x.transpose(1, 2)  # (B, T, D) -> (B, D, T): Conv1d wants channels second
        for layer in self.layers:
            before = functional.pad(
                x, ((KERNEL - 1) * layer.dilation[0], 0)
            )  # zeros on the left only: nothing comes from ahead
            x = x + layer(before).relu()
        return x.transpose(1, 2)


class Recurrence(nn.Module):
    """A layer of ``nn.RNN`` or ``nn.GRU`` that returns its state at every position."""

    def __init__(self, layer: nn.RNNBase) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, T, D) -> (B, T, D)."""
        return self.layer(x)[0]


class Attention(nn.Module):
    """One head of causal self-attention; with ``plain`` its weights are made one by one, else by a fused function."""

    def __init__(self, width: int, plain: bool = False) -> None:
        super().__init__()
        self.plain = plain
        self.query, self.key, self.value, self.out = (nn.Linear(width, width) for _ in range(4))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, T, D) -> (B, T, D)."""
        query, key, value = self.query(x), self.key(x), self.value(x)  # (B, T, D) each
        if self.plain:
            scores = query @ key.mT / math.sqrt(x.shape[-1])  # (B, T, D) @ (B, D, T) -> (B, T, T)
            ahead = torch.ones_like(scores[0], dtype=torch.bool).triu(1)
            return self.out(scores.masked_fill(ahead, -math.inf).softmax(dim=-1) @ value)
        heads = (each.unsqueeze(1) for each in (query, key, value))  # (B, 1, T, D): the function wants heads
        return self.out(functional.scaled_dot_product_attention(*heads, is_causal=True).squeeze(1))


def identity_rnn(width: int) -> nn.RNN:
    """A ReLU network that starts by adding its input to its state and keeping it (Le, Jaitly and Hinton 2015)."""
    rnn = nn.RNN(width, width, nonlinearity="relu", batch_first=True)
    with torch.no_grad():
        rnn.weight_hh_l0.copy_(torch.eye(width))
        rnn.weight_ih_l0.normal_(0, 0.001)
        rnn.bias_ih_l0.zero_()
        rnn.bias_hh_l0.zero_()
    return rnn


def long_memory_gru(width: int, length: int) -> nn.GRU:
    """A GRU whose units start by remembering for 1 to ``length`` steps (Tallec and Ollivier 2018, "chrono").

    In PyTorch the update gate z keeps: h' = (1 - z) n + z h. A bias of log(u) keeps a share u / (1 + u) in each step,
    so about u steps are remembered.
    """
    gru = nn.GRU(width, width, batch_first=True)
    with torch.no_grad():
        spans = 1 + (max(length, 3) - 2) * torch.rand(width)  # the u of each unit
        gru.bias_ih_l0[width : 2 * width] = spans.log()  # the gates stand in the order reset, update, new
        gru.bias_hh_l0[width : 2 * width] = 0.0
    return gru


# name -> maker of a mixer, from its width and the length of the sequences
MIXERS: dict[str, Callable[[int, int], nn.Module]] = {
    "cnn": lambda width, length: Convolutions(width, (1, 1)),
    "cnn-dilated": lambda width, length: Convolutions(width, tuple(2**k for k in range(8))),
    "rnn": lambda width, length: Recurrence(nn.RNN(width, width, batch_first=True)),
    "rnn-identity": lambda width, length: Recurrence(identity_rnn(width)),
    "gru": lambda width, length: Recurrence(nn.GRU(width, width, batch_first=True)),
    "gru-long-memory": lambda width, length: Recurrence(long_memory_gru(width, length)),
    "attention": lambda width, length: Attention(width),
    "attention-blind": lambda width, length: Attention(width),  # the same without positions
}


class SequenceModel(nn.Module):
    """The block around one mixer.

    Args:
        mixer: a key of ``MIXERS``.
        width: D.
        vocabulary: number of tokens V.
        classes: number of answers C.
        length: longest sequence T; a long memory is set up for it.

    Raises:
        ValueError: an unknown mixer.
    """

    def __init__(self, mixer: str, width: int, vocabulary: int, classes: int, length: int) -> None:
        super().__init__()
        if mixer not in MIXERS:
            raise ValueError(f"unknown mixer {mixer!r}; choose one of {', '.join(MIXERS)}")
        self.embedding = nn.Embedding(vocabulary, width)
        self.mixer = MIXERS[mixer](width, length)
        self.network = nn.Sequential(nn.Linear(width, 2 * width), nn.ReLU(), nn.Linear(2 * width, width))
        self.before_mixer, self.before_network = nn.LayerNorm(width), nn.LayerNorm(width)
        self.out = nn.Linear(width, classes)
        # Fixed, so that they are no parameters. Only attention needs them: the others know the order by themselves.
        known = positions(length, width) if mixer == "attention" else None
        self.register_buffer("positions", known, persistent=False)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Tokens (B, T) -> logits (B, T, C)."""
        return self.after_embedding(self.embedding(tokens))

    def after_embedding(self, x: torch.Tensor) -> torch.Tensor:
        """The rest of the way: (B, T, D) -> (B, T, C). Apart, so that gradients by the embeddings can be asked for."""
        if self.positions is not None:
            x = x + self.positions[: x.shape[1]]
        x = x + self.mixer(self.before_mixer(x))
        x = x + self.network(self.before_network(x))
        return self.out(x)

    def parameter_count(self) -> int:
        """The number of parameters."""
        return sum(parameter.numel() for parameter in self.parameters())


def matched_width(mixer: str, parameters: int, vocabulary: int, classes: int) -> int:
    """The even width, from 4 to 256, with which the model comes nearest to a number of parameters."""

    def miss(width: int) -> int:
        with torch.device("meta"):  # counts without making the numbers
            return abs(SequenceModel(mixer, width, vocabulary, classes, length=4).parameter_count() - parameters)

    return min(WIDTHS, key=miss)
