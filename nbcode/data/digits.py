"""Handwritten digits, 8 by 8 pixels: the first real data of the course.

They come with scikit-learn, so that nothing has to be downloaded. Source: Alpaydin and Kaynak (1998), "Optical
Recognition of Handwritten Digits", UCI Machine Learning Repository, DOI 10.24432/C50P49; scikit-learn holds the 1,797
images of its test part.
"""

from __future__ import annotations

from typing import NamedTuple

import torch

SHARES = (0.5, 0.2)  # of training and validation; the rest is for the test


class Part(NamedTuple):
    """Images (B, 1, H, W), float32 from 0 to 1, H = W = 8, and their labels (B,), int64 from 0 to 9."""

    images: torch.Tensor
    labels: torch.Tensor


class Digits(NamedTuple):
    """The three parts of the data. No image is in two of them."""

    train: Part
    validation: Part
    test: Part


def load() -> Part:
    """All 1,797 images, in the order of the file."""
    from sklearn.datasets import load_digits  # here, since only these data need scikit-learn

    found = load_digits()
    images = torch.tensor(found.images, dtype=torch.float32).unsqueeze(1) / 16  # gray levels are 0 to 16
    return Part(images, torch.tensor(found.target, dtype=torch.int64))


def digits(n_train: int | None = None, seed: int = 0) -> Digits:
    """The digits, shuffled and cut into 898 for training, 359 for validation and 540 for the test.

    Args:
        n_train: keep only the first so many training images, to make the task harder; ``None`` keeps all.
        seed: of the shuffle.

    Raises:
        ValueError: ``n_train`` is not a whole number from 1 to the size of the training part.
    """
    images, labels = load()
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))
    first, second = (int(share * len(labels)) for share in SHARES)
    if n_train is not None and (isinstance(n_train, bool) or not isinstance(n_train, int) or not 0 < n_train <= first):
        raise ValueError(f"n_train is {n_train!r}; give a whole number from 1 to {first}, or None for all")
    parts = order[:first][:n_train], order[first : first + second], order[first + second :]
    return Digits(*(Part(images[part], labels[part]) for part in parts))
