"""Three tasks on sequences of symbols, each made for another way of mixing positions.

``recall``   the first symbol is asked for at the last position: what counts lies at one fixed distance;
``pattern``  at every position, a fixed rule over three neighbors: what counts is near, and the same everywhere;
``lookup``   pairs of a key and a value, then a key: what counts lies wherever the key stood.

Every maker draws from a ``torch.Generator``, so that data never end and never repeat by accident. The recall task is
that of Hochreiter and Schmidhuber (1997, section 5.2) in its plainest form; look-ups by content have been used to
compare architectures since Graves et al. (2014), section 4.3.
"""

from __future__ import annotations

import torch

SYMBOLS = 8  # of the noise and of the answers: a guess is right in 1 of 8
KEYS = 8
QUERY = SYMBOLS  # the last token of a recall sequence
NO_TARGET = -100  # positions without a target; PyTorch's cross-entropy leaves them out
# tokens of each task: recall has the query beside the symbols; a look-up has all pairs, then the keys alone
VOCABULARY = {"recall": SYMBOLS + 1, "pattern": SYMBOLS, "lookup": KEYS * SYMBOLS + KEYS}
RULE_SEED = 0  # of the table of the pattern task, the same for all runs

Batch = tuple[torch.Tensor, torch.Tensor]


def recall(n: int, distance: int, generator: torch.Generator) -> Batch:
    """A symbol, then noise, then the query, at ``distance`` from the symbol.

    Returns:
        Tokens (B, T) and targets (B, T), both int64, with B = n and T = distance + 1; only the last position has a
        target, the first symbol.

    Raises:
        ValueError: ``n`` or ``distance`` is not a whole number of at least 1.
    """
    _check(n, distance)
    tokens = torch.randint(SYMBOLS, (n, distance + 1), generator=generator)
    tokens[:, -1] = QUERY
    return tokens, _only_last(tokens, tokens[:, 0])


def pattern_rule() -> torch.Tensor:
    """The answer for every triple of neighbors, drawn once: (8, 8, 8), from 0 to 7."""
    return torch.randint(SYMBOLS, (SYMBOLS,) * 3, generator=torch.Generator().manual_seed(RULE_SEED))


def pattern(n: int, distance: int, generator: torch.Generator) -> Batch:
    """Noise; the target of each position from the third on is looked up by its symbol and the two before it.

    Returns:
        As :func:`recall`. ``distance`` is only the length, T = distance + 1; what counts is never further than 2 away.

    Raises:
        ValueError: ``n`` is not a whole number of at least 1, or ``distance`` not one of at least 2.
    """
    _check(n, distance, least=2)
    tokens = torch.randint(SYMBOLS, (n, distance + 1), generator=generator)
    targets = torch.full_like(tokens, NO_TARGET)
    targets[:, 2:] = pattern_rule()[tokens[:, :-2], tokens[:, 1:-1], tokens[:, 2:]]
    return tokens, targets


def lookup(n: int, distance: int, generator: torch.Generator) -> Batch:
    """Pairs of a key and its value, ``distance`` of them, then one of these keys; the target is its value.

    Each sequence has its own random map from keys to values, and a pair is one token. A key may come several times,
    always with the same value.

    Returns:
        As :func:`recall`, with T = distance + 1.

    Raises:
        ValueError: ``n`` or ``distance`` is not a whole number of at least 1.
    """
    _check(n, distance)
    value_of = torch.randint(SYMBOLS, (n, KEYS), generator=generator)
    keys = torch.randint(KEYS, (n, distance), generator=generator)
    asked = keys.gather(1, torch.randint(distance, (n, 1), generator=generator))  # (B, 1), one that was shown
    pairs = keys * SYMBOLS + value_of.gather(1, keys)
    tokens = torch.cat([pairs, KEYS * SYMBOLS + asked], dim=1)  # (B, distance), (B, 1) -> (B, T)
    return tokens, _only_last(tokens, value_of.gather(1, asked).squeeze(1))


TASKS = {"recall": recall, "pattern": pattern, "lookup": lookup}


def _only_last(tokens: torch.Tensor, answers: torch.Tensor) -> torch.Tensor:
    targets = torch.full_like(tokens, NO_TARGET)
    targets[:, -1] = answers
    return targets


def _check(n: int, distance: int, least: int = 1) -> None:
    for name, value, low in (("n", n, 1), ("distance", distance, least)):
        if isinstance(value, bool) or not isinstance(value, int) or value < low:
            raise ValueError(f"{name} is {value!r}; give a whole number of at least {low}")
