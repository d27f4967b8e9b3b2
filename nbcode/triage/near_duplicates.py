"""Which texts say almost the same: those that share most of their runs of three words.

How alike two texts are is the Jaccard index of their runs: those in both, divided by those in either. To compare all
pairs would take N² steps. MinHash (Broder, "On the resemblance and containment of documents", 1997) gives each text
63 numbers of which two texts share, on average, a part equal to their index. They are read in 21 bands of 3; texts
that agree in a whole band are compared, which finds a pair of index s with probability 1 - (1 - s³)²¹: 94 % at .5,
99.99 % at .7. That costs about N steps, plus one for each pair that is compared: in a heap of texts that agree, each
text with at most 8 others.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Sequence

import numpy as np

WORDS = 3  # in a run
ALIKE = 0.5  # the index from which two texts count as near-duplicates
BANDS, ROWS = 21, 3
NOISE = 0.2  # three standard errors of an index that is estimated from 63 numbers
COMPARED = 8  # others of a heap
# A sign of Chinese or Japanese is a word; elsewhere a word is what stands between blanks and punctuation.
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]|[^\W\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+")


def near_duplicates(texts: Sequence[str], alike: float = ALIKE) -> np.ndarray:
    """Put texts that say almost the same into one group; what is alike to one of a group belongs to the group.

    Upper and lower case, punctuation and blanks do not count. Words that are repeated in another order, or said in
    other words, are not found.

    Args:
        texts: N of any length.
        alike: the least index, in (0, 1], for which two texts belong together.

    Returns:
        (N,) the place of the first text of the group that each belongs to.

    Raises:
        ValueError: ``alike`` is outside.
    """
    if not 0 < alike <= 1:
        raise ValueError(f"alike is {alike!r}; give a share above 0 and up to 1")
    first: dict[bytes, int] = {}  # what is equal is settled before anything is compared
    groups = np.arange(len(texts))
    runs, places = [], []
    for place, text in enumerate(texts):
        own = _runs(text)
        groups[place] = first.setdefault(own.tobytes(), place)
        if groups[place] == place:
            runs.append(own)
            places.append(place)
    joined = _joined(runs, alike)
    leader = dict(zip(places, np.array(places)[joined] if places else [], strict=True))
    return np.array([leader[group] for group in groups.tolist()], dtype=np.int64)


def _runs(text: str) -> np.ndarray:
    """The runs of a text as sorted numbers of 64 bits, each once. A text without words is a run of its own."""
    words = _WORD.findall(text.casefold()) or [text.strip()]
    words += [""] * (WORDS - len(words))
    codes = np.array([zlib.crc32(word.encode("utf-8", "replace")) for word in words], dtype=np.uint64)
    runs = np.zeros(len(codes) - WORDS + 1, dtype=np.uint64)
    for offset in range(WORDS):
        runs = _mixed(runs + codes[offset : len(codes) - WORDS + 1 + offset])
    return np.unique(runs)


def _mixed(numbers: np.ndarray) -> np.ndarray:
    """Numbers that look random, one to one (splitmix64, Steele, Lea and Flood, 2014)."""
    numbers = numbers + np.uint64(0x9E3779B97F4A7C15)
    numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return numbers ^ (numbers >> np.uint64(31))


def _joined(runs: list[np.ndarray], alike: float) -> np.ndarray:
    """The first of its group for each of M texts, (M,), by union and find."""
    leaders = list(range(len(runs)))

    def leader(place: int) -> int:
        while leaders[place] != place:
            leaders[place] = place = leaders[leaders[place]]
        return place

    for one, other in _candidates(runs, alike):
        a, b = leader(one), leader(other)
        if a != b and _index(runs[one], runs[other]) >= alike:
            leaders[max(a, b)] = min(a, b)
    return np.array([leader(place) for place in range(len(runs))], dtype=np.int64)


def _candidates(runs: list[np.ndarray], alike: float) -> Iterator[tuple[int, int]]:
    """Pairs of places that agree in a band, and in about as many numbers as they should."""
    if not runs:
        return
    signs = np.stack([_minima(own) for own in runs])  # (M, BANDS * ROWS)
    for heap in _heaps(signs):
        for step in range(1, min(COMPARED + 1, len(heap))):
            one, other = heap[:-step], heap[step:]
            near = (signs[one] == signs[other]).mean(axis=1) >= alike - NOISE
            yield from zip(one[near].tolist(), other[near].tolist(), strict=True)


def _heaps(signs: np.ndarray) -> Iterator[np.ndarray]:
    """Places of texts that agree in a band, band by band."""
    for band in range(BANDS):
        code = np.zeros(len(signs), dtype=np.uint64)
        for column in signs[:, band * ROWS : (band + 1) * ROWS].T:
            code = _mixed(code + column)
        order = np.argsort(code, kind="stable")
        edges = np.flatnonzero(np.diff(code[order])) + 1
        starts, ends = np.append(0, edges), np.append(edges, len(order))
        several = ends - starts > 1
        for start, end in zip(starts[several].tolist(), ends[several].tolist(), strict=True):
            yield order[start:end]


_FACTORS = _mixed(np.arange(BANDS * ROWS, dtype=np.uint64)) | np.uint64(1)


def _minima(runs: np.ndarray) -> np.ndarray:
    """(BANDS * ROWS,): for each of that many orders of all numbers, the first of these; of its 64 bits the upper 32."""
    # The low bits of a product are those of its low bits alone; the upper half hangs on all of them.
    return ((runs[:, None] * _FACTORS) >> np.uint64(32)).min(axis=0)  # (S, 63) -> (63,)


def _index(one: np.ndarray, other: np.ndarray) -> float:
    shared = len(np.intersect1d(one, other, assume_unique=True))
    return shared / (len(one) + len(other) - shared)
