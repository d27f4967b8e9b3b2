"""A table of vectors, one for each token: the first layer of every network that reads symbols."""

from __future__ import annotations

import torch
from torch import nn


class Embedding(nn.Module):
    """Looks up a row per token; the values of ``nn.Embedding``, whose parameters it shares in layout and start.

    A look-up is a product with a one-hot vector, without the multiplications by zero. Its gradient is that product's
    too: a token that comes twice adds up two gradients in its row, and the rows of absent tokens get zero.

    ``weight`` has shape (V, D) and starts normal with standard deviation 1.

    Args:
        vocabulary: V, the number of tokens.
        width: D, of their vectors.

    Raises:
        ValueError: a size below 1.
    """

    def __init__(self, vocabulary: int, width: int) -> None:
        super().__init__()
        if vocabulary < 1 or width < 1:
            raise ValueError(f"vocabulary={vocabulary}, width={width}; both must be at least 1")
        self.weight = nn.Parameter(torch.randn(vocabulary, width))

    @classmethod
    def from_torch(cls, embedding: nn.Embedding) -> Embedding:
        """Take over the weights of an ``nn.Embedding``.

        Raises:
            ValueError: it has a padding index, a largest norm or scaled gradients, which do not exist here.
        """
        if embedding.padding_idx is not None or embedding.max_norm is not None or embedding.scale_grad_by_freq:
            settings = ("padding_idx", "max_norm", "scale_grad_by_freq")
            came = ", ".join(f"{name}={getattr(embedding, name)}" for name in settings)
            raise ValueError(f"{came}; give an nn.Embedding without them")
        own = cls(*embedding.weight.shape)
        own.weight = nn.Parameter(embedding.weight.detach().clone())
        return own

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """(...) whole numbers from 0 to V - 1 -> (..., D).

        Raises:
            ValueError: another dtype, or a token that is not in the vocabulary. Python would take -1 for the last row.
        """
        if ids.dtype not in (torch.int64, torch.int32):
            raise ValueError(f"ids have dtype {ids.dtype}; give whole numbers, for example ids.long()")
        vocabulary = len(self.weight)
        if ids.numel() and not (ids.min() >= 0 and ids.max() < vocabulary):  # on a GPU this waits for the result
            came = f"from {ids.min()} to {ids.max()}"
            raise ValueError(f"ids go {came}; this vocabulary has the tokens 0 to {vocabulary - 1}")
        return self.weight[ids]  # (V, D) at (...) -> (..., D)
