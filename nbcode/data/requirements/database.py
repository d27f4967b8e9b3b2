"""The simulated records as an SQLite database: what a tool may see, and beside it the truth, which it may not."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from nbcode.data.requirements.areas import LANGUAGES, load_areas
from nbcode.data.requirements.company import HANDOVER, RULE_BY_ACTION, START
from nbcode.data.requirements.people import PMS
from nbcode.data.requirements.records import Requirement
from nbcode.data.requirements.splits import SPLITS

SIMULATED = (
    "SIMULATED data, made by nbcode.data.requirements. No company, person or request in it is real. "
    "Scores on it say how methods compare on this simulation, not how good they are on real requests."
)
# Names of PMs, not their codes, stand in all tables, as a model's labels. The tables from truth on are for evaluation.
SCHEMA = """
create table about (what text primary key, text text not null);
create table pm (name text primary key, code text not null unique, name_en text not null, name_zh text not null);
create table area (area_id text primary key, name text not null);
create table ownership_rule (
    area_id text not null references area, pm text not null references pm,
    valid_from text not null, valid_to text, rule text not null
);
create table requirement (
    req_id integer primary key, created_on text not null, requester text not null,
    title text not null, description text not null, sub_technical_pm text references pm
);
create table truth (
    req_id integer primary key references requirement,
    owner text not null references pm, second_owner text references pm,
    area_id text not null references area, second_area text references area, situations text not null,
    seen_at text references area, distractor text references area, style text not null,
    duplicate_of integer references requirement, duplicate_kind text, planted_wrong text
);
create table split (
    req_id integer primary key references requirement,
    by_group text not null, by_time text not null, by_situation text not null
);
"""


def write_database(records: Sequence[Requirement], path: str | Path) -> None:
    """Write records to a new SQLite file.

    Tables: ``requirement`` (the one to work on; ``sub_technical_pm`` is NULL where nobody is recorded), ``pm``,
    ``area``, ``ownership_rule``; for evaluation only ``truth`` and ``split``; and ``about``, which says that all of it
    is simulated. ``split`` is empty where the records are too few to be cut.

    Args:
        records: from ``generate``.
        path: of a file that is not there yet. It appears only when it is complete.

    Raises:
        ValueError: no record, or the file is there already.
        OSError: the file cannot be written there.
    """
    path = Path(path)
    if not records:
        raise ValueError("no records; generate at least one")
    if path.exists():
        raise ValueError(f"{path} is there already; give another name, or delete it first")
    draft = path.with_name(path.name + ".part")
    draft.write_bytes(b"")  # an empty file is an empty database; a folder that cannot be written to fails here
    try:
        with closing(sqlite3.connect(draft)) as database:
            database.executescript(SCHEMA)
            for table, rows in _tables(records).items():
                for row in rows:
                    database.execute(f"insert into {table} values ({', '.join('?' * len(row))})", row)
            database.commit()
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _tables(records: Sequence[Requirement]) -> dict[str, Iterator[tuple] | list[tuple]]:
    """The rows of each table."""
    language = LANGUAGES.index(records[0].language)
    return {
        "about": [("simulated", SIMULATED), ("rule", f"an area's PM owns {RULE_BY_ACTION}")],
        "pm": [(names[language], code, *names) for code, names in PMS.items()],
        "area": [(area.code, area.names[records[0].language]) for area in load_areas().values()],
        "ownership_rule": _rules(language),
        "requirement": (
            (r.req_id, str(r.created_on), r.requester, r.title, r.description, r.sub_technical_pm) for r in records
        ),
        "truth": map(_truth, records),
        "split": _parts(records),
    }


def _rules(language: int) -> Iterator[tuple]:
    """Who owns which area when. A rule that was never replaced has no last day."""
    for area in load_areas().values():
        name = PMS[area.pm][language]
        if area.code == HANDOVER.area:
            yield area.code, name, str(START), str(HANDOVER.day), RULE_BY_ACTION
            yield area.code, PMS[HANDOVER.pm][language], str(HANDOVER.day), None, RULE_BY_ACTION
        else:
            yield area.code, name, str(START), None, RULE_BY_ACTION


def _truth(record: Requirement) -> tuple:
    facts = record.facts
    situations = (*facts.situations, *([facts.second_situation] if facts.second_situation else []))
    return (
        record.req_id,
        record.owners[0],
        record.owners[1] if len(record.owners) > 1 else None,
        facts.area,
        facts.second_area,
        " ".join(situations),
        facts.seen_at,
        facts.distractor,
        facts.style,
        facts.duplicate_of,
        facts.duplicate_kind,
        facts.planted or None,
    )


def _parts(records: Sequence[Requirement]) -> list[tuple]:
    """The part of each labeled record in each split."""
    try:
        splits = [split(records) for split in SPLITS.values()]
    except ValueError:
        return []
    found: dict[int, list[str]] = {}
    for split in splits:
        for part in ("train", "validation", "test"):
            for number in getattr(split, part):
                found.setdefault(number, []).append(part)
    return [(number, *parts) for number, parts in sorted(found.items())]
