"""Three ways to cut the labeled records into training, validation and test, each with a question of its own.

- ``by_group``: how good is the model on more of the same? All duplicates of one request are in the same part; without
  that, the test would hold what the training has shown.
- ``by_time``: how good is it on what comes next? The validation comes after the training, the test after both. Between
  them reviews go to another PM, and duplicates reach across, as they do in life.
- ``by_situation``: has it understood, or learned the wordings by heart? No situation of the test or the validation is
  in the training. The situations of each area are dealt into five heaps, and each record tells of one heap only; so
  whole heaps are held out and no record is dropped. This is the split to report first.

All are fixed: the same records always go to the same parts. Shares are 60, 20 and 20 percent, about.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from nbcode.data.requirements.records import Requirement
from nbcode.data.requirements.streams import Stream

TRAIN, VALIDATION = 0.6, 0.2  # the rest is for the test
TEST_FOLD, VALIDATION_FOLD = 0, 1  # heaps; the deal is random, so their numbers mean nothing


@dataclass(frozen=True)
class Split:
    """The numbers (``req_id``) of the records in each part; none is in two."""

    train: tuple[int, ...]
    validation: tuple[int, ...]
    test: tuple[int, ...]


def by_group(records: Sequence[Requirement]) -> Split:
    """Random, with the duplicates of a request kept together.

    Raises:
        ValueError: a part would be empty.
    """

    def part(record: Requirement) -> int:
        draw = Stream("split", record.facts.group).random()
        return 0 if draw < TRAIN else 1 if draw < TRAIN + VALIDATION else 2

    return _split(records, part)


def by_time(records: Sequence[Requirement]) -> Split:
    """The oldest records to train, the newest for the test. A day is never cut in two.

    Raises:
        ValueError: a part would be empty.
    """
    days = sorted(record.created_on for record in records if record.sub_technical_pm)
    if not days:
        return _split(records, lambda record: 0)
    first, second = days[int(TRAIN * len(days))], days[int((TRAIN + VALIDATION) * len(days))]
    return _split(records, lambda record: (record.created_on >= first) + (record.created_on >= second))


def by_situation(records: Sequence[Requirement]) -> Split:
    """No situation in two parts: two of the five heaps are held out, one for validation and one for the test.

    Raises:
        ValueError: a part would be empty.
    """
    part_of = {TEST_FOLD: 2, VALIDATION_FOLD: 1}
    return _split(records, lambda record: part_of.get(record.facts.fold, 0))


SPLITS: dict[str, Callable[[Sequence[Requirement]], Split]] = {
    "by_group": by_group,
    "by_time": by_time,
    "by_situation": by_situation,
}


def _split(records: Sequence[Requirement], part: Callable[[Requirement], int]) -> Split:
    parts: tuple[list[int], ...] = ([], [], [])
    for record in records:
        if record.sub_technical_pm is not None:
            parts[part(record)].append(record.req_id)
    if not all(parts):
        sizes = ", ".join(
            f"{name} {len(ids)}" for name, ids in zip(("train", "validation", "test"), parts, strict=True)
        )
        raise ValueError(f"a part is empty ({sizes}) of {len(records)} records; generate more, some hundreds at least")
    return Split(*map(tuple, parts))
