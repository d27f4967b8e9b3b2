"""How the simulated company shares its work: how much comes from each area, who owns it when, what is mixed up."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from nbcode.data.requirements.areas import load_areas

START, DAYS = datetime.date(2024, 7, 1), 540
# How many requests an area gets, in proportion.
SHARES = {
    "pay": 10, "inv": 6, "ref": 9, "cs": 6, "rev": 4, "log": 12, "wms": 8, "sea": 5, "rec": 4, "cat": 5,
    "cpn": 6, "loy": 3, "msg": 3, "mer": 4, "set": 3, "ads": 3, "rsk": 3, "acc": 4, "bi": 5, "perf": 4,
}  # fmt: skip
GROWING = ("rec", "perf", "mer", "msg", "rsk")  # these get more requests as time goes on, the others fewer
# With which areas a colleague in a hurry confuses an area: half of the wrong labels come from here.
NEIGHBORS = {
    "pay": "ref rsk acc", "inv": "set pay", "ref": "log pay cs", "cs": "ref msg", "rev": "cat cs", "log": "wms ref",
    "wms": "log cat", "sea": "cat rec ads", "rec": "sea ads", "cat": "mer sea", "cpn": "loy pay", "loy": "cpn acc",
    "msg": "cs cpn", "mer": "cat acc set", "set": "inv pay", "ads": "rec sea", "rsk": "acc pay", "acc": "rsk loy",
    "bi": "perf set", "perf": "bi acc",
}  # fmt: skip
# Reports and speed are seen in every area. They belong to who must change something, not to where it is seen.
BY_ACTION = ("bi", "perf")
RULE_BY_ACTION = "what must change, not where it is seen"


@dataclass(frozen=True)
class Handover:
    """From a day on, an area belongs to another PM."""

    area: str
    day: datetime.date
    pm: str


HANDOVER = Handover("rev", datetime.date(2025, 7, 1), "P6")


def owner(area: str, day: datetime.date, handover: bool = True) -> str:
    """The code of the PM who owns an area on a day."""
    if handover and area == HANDOVER.area and day >= HANDOVER.day:
        return HANDOVER.pm
    return load_areas()[area].pm


def areas_at(growth: float) -> list[float]:
    """How likely each area of ``SHARES`` is at a point of time, from -0.5 for the first day to 0.5 for the last."""
    return [share * (1 + growth * (0.5 if area in GROWING else -0.15)) for area, share in SHARES.items()]
