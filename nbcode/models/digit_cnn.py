"""A small convolutional network for the 8 by 8 digits: two convolutions, a pooling, one dense layer."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from nbcode.models.convolution import Conv2d, max_pool


@dataclass(frozen=True)
class DigitCNNConfig:
    """The sizes of a :class:`DigitCNN`.

    Attributes:
        size: H and W of the images.
        classes: the number of logits.
        channels: feature maps of the first and of the second convolution.
        kernel: side of their windows; odd, so that padding keeps the size.
        pool: side of the pooling's windows.
    """

    size: int = 8
    classes: int = 10
    channels: tuple[int, int] = (8, 16)
    kernel: int = 3
    pool: int = 2


class DigitCNN(nn.Module):
    """Convolution, ReLU, convolution, ReLU, max pooling, dense layer: (B, 1, H, W) -> logits (B, C).

    Raises:
        ValueError: an even kernel, or a pooling window larger than the image.
    """

    def __init__(self, config: DigitCNNConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or DigitCNNConfig()
        if config.kernel % 2 == 0 or config.pool > config.size:
            raise ValueError(
                f"kernel={config.kernel}, pool={config.pool}, size={config.size}; "
                "the kernel must be odd, and the pooling window must fit into the image"
            )
        first, second = config.channels
        self.first = Conv2d(1, first, config.kernel, padding=config.kernel // 2)
        self.second = Conv2d(first, second, config.kernel, padding=config.kernel // 2)
        self.dense = nn.Linear(second * (config.size // config.pool) ** 2, config.classes)

    def feature_maps(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """What the two convolutions see, after ReLU: (B, 1, H, W) -> (B, C1, H, W) and (B, C2, H, W)."""
        low = self.first(images).relu()  # (B, C1, H, W)
        return low, self.second(low).relu()  # (B, C2, H, W)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """(B, 1, H, W) -> (B, C)."""
        _, high = self.feature_maps(images)  # (B, C2, H, W)
        pooled = max_pool(high, self.config.pool)  # (B, C2, H / 2, W / 2)
        return self.dense(pooled.flatten(1))  # (B, C2 H / 2 W / 2) -> (B, C)
