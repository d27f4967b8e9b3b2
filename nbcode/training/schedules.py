"""Learning rates that change from step to step: warm-up and what follows it. Made for PyTorch's ``LambdaLR``."""

from __future__ import annotations

import math
from collections.abc import Callable

Factor = Callable[[int], float]


def inverse_square_root(d_model: int, warmup: int) -> Factor:
    """The paper's schedule, as factor of a rate of 1: D^-0.5 min(n^-0.5, n warmup^-1.5), n the step from 1.

    It rises in a line for ``warmup`` steps, then falls with the root. Source: Vaswani et al. (2017), equation 3.

    Args:
        d_model: D; wider models get smaller steps.
        warmup: steps until the peak, at least 1.

    Raises:
        ValueError: a number below 1.
    """
    if d_model < 1 or warmup < 1:
        raise ValueError(f"d_model={d_model}, warmup={warmup}; both must be at least 1")
    return lambda step: d_model**-0.5 * min((step + 1) ** -0.5, (step + 1) * warmup**-1.5)


def warmup_cosine(steps: int, warmup: int, last: float = 0.0) -> Factor:
    """A modern schedule, as factor of the largest rate: up in a line, down along half a cosine.

    Source of the cosine: Loshchilov and Hutter (2017), "SGDR", equation 5, without restarts.

    Args:
        steps: of the whole run; afterwards the factor stays at ``last``.
        warmup: steps until the peak, from 0 to ``steps``.
        last: the factor at the end, from 0 to 1.

    Raises:
        ValueError: a number out of its range.
    """
    if not (steps >= 1 and 0 <= warmup <= steps and 0 <= last <= 1):
        raise ValueError(
            f"steps={steps}, warmup={warmup}, last={last}; give 1 <= steps, warmup <= steps, 0 <= last <= 1"
        )

    def factor(step: int) -> float:
        if step < warmup:
            return (step + 1) / warmup
        share = (step - warmup) / (steps - warmup) if step < steps else 1.0
        return last + (1 - last) * 0.5 * (1 + math.cos(math.pi * share))

    return factor


def warmup_linear(steps: int, warmup: int) -> Factor:
    """BERT's schedule, as factor of the largest rate: up in a line, down in a line to 0.

    Source: Devlin et al. (2019), appendix A.2.

    Args:
        steps: of the whole run; afterwards the factor is 0.
        warmup: steps until the peak, from 0 to ``steps``.

    Raises:
        ValueError: a number out of its range.
    """
    if not (steps >= 1 and 0 <= warmup <= steps):
        raise ValueError(f"steps={steps}, warmup={warmup}; give 1 <= steps, warmup <= steps")

    def factor(step: int) -> float:
        if step < warmup:
            return (step + 1) / warmup
        return (steps - step) / (steps - warmup) if step < steps else 0.0

    return factor
