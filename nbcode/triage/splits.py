"""Cut labeled rows into training, validation and test, so that the test asks what will be asked later.

Without a time: at random, each class in the same shares everywhere, near-duplicates in one part. With a time: what is
newer is the test, as it will be when the model works; a row of the test or the validation that repeats an older part
is dropped, since the model has seen the answer.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence

import numpy as np

from nbcode.data.requirements.splits import TRAIN, VALIDATION, Split

SHARES = (TRAIN, VALIDATION, 1 - TRAIN - VALIDATION)
NAMES = ("training", "validation", "test")


def split_at_random(labels: Sequence[str], groups: Sequence[Hashable], seed: int = 0) -> Split:
    """Whole groups, large ones first, each to the part that lacks its classes most.

    Args:
        labels: N classes.
        groups: N, equal for rows that must stay together, such as ``near_duplicates`` returns.
        seed: of the order among groups of one size.

    Returns:
        Places in ``labels``; each in one part.

    Raises:
        ValueError: lists of different length, or a part would be empty.
    """
    members: dict[Hashable, list[int]] = defaultdict(list)
    for place, group in _paired(groups, labels):
        members[group].append(place)
    order = list(members.values())
    np.random.default_rng(seed).shuffle(order)
    order.sort(key=len, reverse=True)
    lacking = {label: [share * count for share in SHARES] for label, count in Counter(labels).items()}
    parts: tuple[list[int], ...] = ([], [], [])
    for group in order:
        counts = Counter(labels[place] for place in group)
        # Of a class with five rows, three go to training before one goes anywhere else.
        part = max(range(3), key=lambda part: sum(count * lacking[label][part] for label, count in counts.items()))
        parts[part].extend(group)
        for label, count in counts.items():
            lacking[label][part] -= count
    return _split(parts, len(labels))


def split_by_time(times: Sequence[float | None], groups: Sequence[Hashable]) -> Split:
    """The oldest rows to train, the newest for the test. Rows of one moment stay together.

    Args:
        times: N, in any order; a row without one is in no part, for it may be of the future.
        groups: N, equal for rows that repeat one another.

    Returns:
        Places in ``times``. A row of a group that an older part has a row of is in none.

    Raises:
        ValueError: lists of different length, or a part would be empty.
    """
    places = sorted((place for place, _ in _paired(groups, times) if times[place] is not None), key=times.__getitem__)
    parts: tuple[list[int], ...] = ([], [], [])
    if places:
        first = times[places[int(TRAIN * len(places))]]
        second = times[places[int((TRAIN + VALIDATION) * len(places))]]
        seen: dict[Hashable, int] = {}  # group -> the oldest part with a row of it
        for place in places:
            part = (times[place] >= first) + (times[place] >= second)
            if seen.setdefault(groups[place], part) == part:
                parts[part].append(place)
    return _split(parts, len(times))


def _paired(groups: Sequence[Hashable], others: Sequence) -> Iterable[tuple[int, Hashable]]:
    if len(groups) != len(others):
        raise ValueError(f"{len(groups)} groups for {len(others)} rows; give one for each")
    return enumerate(groups)


def _split(parts: Sequence[list[int]], rows: int) -> Split:
    if not all(parts):
        sizes = ", ".join(f"{name} {len(part)}" for name, part in zip(NAMES, parts, strict=True))
        raise ValueError(
            f"of {rows} labeled rows a part would get none ({sizes}); too few of them differ from the others, or are "
            "of different times. Label more rows"
        )
    return Split(*(tuple(sorted(part)) for part in parts))
