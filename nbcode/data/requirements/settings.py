"""The knobs of the simulation, each with its range."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Settings:
    """How hard the simulated database is. Shares are of all records unless said otherwise.

    Attributes:
        wrong: of the recorded labels, how many name a wrong PM.
        two_owners: need two PMs; the label names one of them.
        duplicates: repeat an earlier record: as a copy, edited, or retold in other words.
        missing: have no PM, more often the newest and the shortest.
        stories: tell a story in place of naming the matter.
        second: tell a second situation of the same area.
        distractor: mention the matter of a PM who is not concerned.
        seen_elsewhere: of the records about reports or speed, how many name the place where it is seen: rule by action.
        vague: have a title that says nothing.
        boilerplate: end with sentences that any request could have.
        typos: factor on the writers' rates.
        wordings: use only so many wordings of each situation; ``None`` uses all.
        handover: one area changes its owner on a day.

    Raises:
        ValueError: a share not from 0 to 1, a negative factor, less than one wording, a handover that is no bool.
    """

    wrong: float = 0.04
    two_owners: float = 0.035
    duplicates: float = 0.07
    missing: float = 0.24
    stories: float = 0.055
    second: float = 0.5
    distractor: float = 0.35
    seen_elsewhere: float = 0.6
    vague: float = 0.12
    boilerplate: float = 0.6
    typos: float = 1.0
    wordings: int | None = None
    handover: bool = True

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name == "handover":
                fine, allowed = isinstance(value, bool), "True or False"
            elif field.name == "wordings":
                fine, allowed = (
                    value is None or (_whole(value) and value >= 1),
                    "a whole number from 1, or None for all",
                )
            elif field.name == "typos":
                fine, allowed = _number(value) and 0 <= value <= 10, "a factor from 0 to 10"
            else:
                fine, allowed = _number(value) and 0 <= value <= 1, "a share from 0 to 1"
            if not fine:
                raise ValueError(f"{field.name} is {value!r}; give {allowed}")


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


DEFAULT = Settings()
