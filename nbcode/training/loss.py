"""Losses by hand: mean squared error, and softmax with cross-entropy in a form that does not overflow.

Cross-entropy also with smoothed labels, for sequences with padding.
"""

from __future__ import annotations

import torch


def mean_squared_error(
    prediction: torch.Tensor,
    target: torch.Tensor,
) -> torch.Tensor:
    """The mean of (prediction - target)² over all entries; a scalar. Equals ``nn.MSELoss()``.

    Raises:
        ValueError: the shapes differ, or there is nothing to average. PyTorch would broadcast (B,) against (B, 1) into
            all B² pairs, and the loss would mean something else.
    """
    predicted, wanted = tuple(prediction.shape), tuple(target.shape)
    if predicted != wanted:
        raise ValueError(different_shapes(predicted, wanted))
    if prediction.numel() == 0:
        raise ValueError(f"shape {predicted}: there is nothing to average over")
    return (prediction - target).square().mean()


def log_sum_exp(logits: torch.Tensor) -> torch.Tensor:
    """log(exp(z_1) + ... + exp(z_C)) over the last dimension: (..., C) -> (...). Equals ``torch.logsumexp``.

    The largest logit is taken out first, so that no exponential exceeds 1; it must be finite, and others may be
    minus infinity, as masked classes are. Raises ``ValueError`` where C is 0.
    """
    largest = _largest(logits)
    return (logits - largest).exp().sum(dim=-1).log() + largest.squeeze(-1)


def log_softmax(logits: torch.Tensor) -> torch.Tensor:
    """The logarithms of the softmax: (..., C) -> (..., C). Equals ``torch.log_softmax(logits, dim=-1)``."""
    shifted = logits - _largest(logits)  # (..., C), none above 0
    # Not logits - log_sum_exp: large logits would round small differences away.
    return shifted - shifted.exp().sum(dim=-1, keepdim=True).log()


def _largest(logits: torch.Tensor) -> torch.Tensor:
    """(..., C) -> (..., 1), without a gradient: wherever it is taken out, it cancels."""
    if logits.ndim == 0 or logits.shape[-1] == 0:
        raise ValueError(f"logits have shape {tuple(logits.shape)}; give (..., C) with at least one class")
    return logits.detach().amax(dim=-1, keepdim=True)


def softmax(logits: torch.Tensor) -> torch.Tensor:
    """Positive numbers in the proportions exp(z_c) that add up to 1: (..., C) -> (..., C)."""
    return log_softmax(logits).exp()


def cross_entropy(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """The mean of -log p(target) over a batch; a scalar. Equals ``nn.CrossEntropyLoss()``.

    Args:
        logits: (B, C).
        target: (B,) of dtype int64, classes from 0 to C - 1.

    Raises:
        ValueError: wrong shapes, a wrong dtype, an empty batch, or a class that does not exist.
    """
    if logits.ndim != 2 or target.shape != logits.shape[:1] or logits.numel() == 0:
        raise ValueError(
            f"logits have shape {tuple(logits.shape)} and target {tuple(target.shape)}; "
            "give (B, C) and (B,): one row of logits and one class number per example, at least one of each"
        )
    if target.dtype != torch.int64:
        raise ValueError(f"target has dtype {target.dtype}; give class numbers as int64, for example target.long()")
    classes = logits.shape[1]
    if not ((target >= 0) & (target < classes)).all():
        raise ValueError(f"classes must be from 0 to {classes - 1}; target has {sorted(set(target.tolist()))}")
    chosen = log_softmax(logits).gather(1, target.unsqueeze(1))  # (B, C) at (B, 1) -> (B, 1)
    return -chosen.mean()


def label_smoothed(
    logits: torch.Tensor, target: torch.Tensor, smoothing: float, ignore: int | None = None
) -> torch.Tensor:
    """The mean cross-entropy with targets that leave some doubt; a scalar.

    The right class gets 1 - smoothing, and all C classes, the right one too, share the rest equally. Equals
    ``F.cross_entropy(logits, target, label_smoothing=smoothing, ignore_index=ignore)`` on flattened inputs.

    Args:
        logits: (..., C), for example (B, T, V).
        target: (...) of dtype int64, classes from 0 to C - 1.
        smoothing: from 0, which is :func:`cross_entropy`, to 1.
        ignore: a number in the target, for example that of padding, whose places do not count; ``None``: all do.

    Raises:
        ValueError: wrong shapes, a wrong dtype, a smoothing out of range, a class that does not exist, or no place
            that counts.

    Source: Szegedy et al. (2016), "Rethinking the Inception Architecture for Computer Vision", section 7.
    """
    _check_smoothed(logits, target, smoothing)
    counts = torch.ones_like(target, dtype=torch.bool) if ignore is None else target != ignore
    logits, target = logits[counts], target[counts]  # (M, C) and (M,), the M places that count
    if len(target) == 0:
        raise ValueError("no place of the target counts; give at least one that is not to be ignored")
    right = cross_entropy(logits, target)
    # Not 0 times the other part: with a masked class, whose logit is minus infinity, it would be NaN.
    return right if smoothing == 0 else (1 - smoothing) * right - smoothing * log_softmax(logits).mean()


def _check_smoothed(logits: torch.Tensor, target: torch.Tensor, smoothing: float) -> None:
    if logits.ndim == 0 or target.shape != logits.shape[:-1]:
        raise ValueError(
            f"logits have shape {tuple(logits.shape)} and target {tuple(target.shape)}; "
            "give (..., C) and (...): logits of all classes and one class number at each place"
        )
    if not 0 <= smoothing <= 1:
        raise ValueError(f"smoothing is {smoothing}; give a share from 0 to 1, for example 0.1")


def different_shapes(prediction: tuple[int, ...], target: tuple[int, ...]) -> str:
    """What to tell someone whose prediction and target differ in shape."""
    told = f"prediction has shape {prediction} and target {target}; they must be equal."
    if [size for size in prediction if size != 1] == [size for size in target if size != 1]:
        told += (
            " Subtracted, they would be broadcast, and every prediction would be compared with every target."
            f" Give target the prediction's shape: target.reshape{prediction}"
        )
    return told
