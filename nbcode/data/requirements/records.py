"""The records of the simulated database, as a program sees them."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from nbcode.data.requirements.areas import LANGUAGES
from nbcode.data.requirements.frames import load_frames
from nbcode.data.requirements.people import PMS
from nbcode.data.requirements.plan import Facts, plan
from nbcode.data.requirements.settings import DEFAULT, Settings
from nbcode.data.requirements.words import said


@dataclass(frozen=True)
class Requirement:
    """One simulated request.

    Attributes:
        req_id: its number, from 1, in the order of dates.
        created_on: its day.
        requester: who wrote it.
        title: one line.
        description: one to ten sentences.
        sub_technical_pm: the name of the PM who is recorded, right or wrong; ``None`` where nobody is.
        owners: the names of the PMs who are right: one, or two.
        language: en or zh.
        facts: all that was decided about it.
    """

    req_id: int
    created_on: datetime.date
    requester: str
    title: str
    description: str
    sub_technical_pm: str | None
    owners: tuple[str, ...]
    language: str
    facts: Facts

    @property
    def text(self) -> str:
        """Title and description in one."""
        return f"{self.title}\n{self.description}"


def generate(seed: int, n: int = 3000, language: str = "en", settings: Settings = DEFAULT) -> list[Requirement]:
    """Simulate a database of product requirements. Nothing in it is real: no company, no person, no request.

    The same seed, number and settings give the same facts in both languages: same situations, dates, writers and PMs.

    Args:
        seed: of everything.
        n: how many records.
        language: en or zh.
        settings: how hard it is.

    Returns:
        The records in the order of their dates.

    Raises:
        ValueError: a negative seed, less than one record, an unknown language, settings that are no ``Settings``.
    """
    for name, value, least in (("seed", seed, 0), ("n", n, 1)):
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise ValueError(f"{name} is {value!r}; give a whole number from {least}")
    if not isinstance(settings, Settings):
        raise ValueError(f"settings is {settings!r}; give a Settings")
    load_frames(language)  # an unknown language fails here, before any work
    return [_written(seed, facts, language, settings) for facts in plan(seed, n, settings)]


def _written(seed: int, facts: Facts, language: str, settings: Settings) -> Requirement:
    title, description = said(seed, facts, language, settings)
    name = LANGUAGES.index(language)
    return Requirement(
        facts.record,
        facts.created_on,
        facts.writer.names[name],
        title,
        description,
        None if facts.missing else PMS[facts.label][name],
        tuple(PMS[pm][name] for pm in facts.owners),
        language,
        facts,
    )
