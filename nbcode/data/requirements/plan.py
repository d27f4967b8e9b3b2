"""Stage 1 of the simulation: what each record is about, in no language. Stage 2, ``words.py``, says it in one.

Each decision about each record has a stream of random numbers of its own (``streams.py``), so that a knob of the
settings changes what it is about and nothing else.
"""

from __future__ import annotations

import datetime
import functools
from collections.abc import Callable
from dataclasses import dataclass, replace

from nbcode.data.requirements.areas import FOLDS, KINDS, load_areas
from nbcode.data.requirements.company import BY_ACTION, DAYS, NEIGHBORS, SHARES, START, areas_at, owner
from nbcode.data.requirements.people import PMS, Writer, writers
from nbcode.data.requirements.settings import Settings
from nbcode.data.requirements.streams import Stream

WARM_UP = 50  # the first records repeat nothing, since little has been asked yet
LOOK_BACK = 120  # records, on average, from a duplicate back to what it repeats
HOME = 0.12  # of the requests come from the writer's own area
COPIES = {"copy": 20, "edited": 45, "retold": 35}
LATE = 45  # days at the end, in which most requests still wait for a PM
SHORT_STYLES = ("terse", "chat")


@dataclass(frozen=True)
class Facts:
    """The truth about one record, in no language.

    Attributes:
        record: its number, from 1, in the order of dates.
        created_on: its day.
        writer: who wrote it.
        style: terse, story, complaint, email, spec or chat.
        area: where something must change.
        fold: which heap of situations it tells of; a record tells of one heap only (see ``splits.by_situation``).
        situations: names of one or two, all of this area.
        second_area: another PM's area that it needs too; usually ``None``.
        second_situation: what it needs there.
        seen_at: the area where a matter of reports or speed shows itself, if it is named.
        distractor: an area that is mentioned and not concerned.
        vague: its title says nothing.
        boilerplate: how many sentences it has that any request could have.
        duplicate_of: the record that it repeats, which itself repeats none.
        duplicate_kind: copy, edited or retold.
        owners: codes of the PMs who are right: one, or two.
        label: the code that is recorded, or would be.
        planted: "" for a right label, "neighbor" or "anyone" for a wrong one.
        missing: no PM is recorded.
    """

    record: int
    created_on: datetime.date
    writer: Writer
    style: str
    area: str
    fold: int
    situations: tuple[str, ...]
    second_area: str | None = None
    second_situation: str | None = None
    seen_at: str | None = None
    distractor: str | None = None
    vague: bool = False
    boilerplate: int = 0
    duplicate_of: int | None = None
    duplicate_kind: str | None = None
    owners: tuple[str, ...] = ()
    label: str = ""
    planted: str = ""
    missing: bool = False

    @property
    def kind(self) -> str:
        """Of its main situation: F, W or I."""
        return self.situations[0].split("/")[1][0]

    @property
    def group(self) -> int:
        """The number of the record that all duplicates of one request go back to."""
        return self.duplicate_of or self.record


def plan(seed: int, n: int, settings: Settings) -> list[Facts]:
    """The facts of n records."""
    days = sorted(int(DAYS * Stream(seed, number, "day").random() ** 0.8) for number in range(1, n + 1))  # ever more
    made: list[Facts] = []
    for number, day in enumerate(days, 1):
        facts = _own(seed, number, START + datetime.timedelta(day), settings)
        if number > WARM_UP and Stream(seed, number, "duplicate").chance(settings.duplicates):
            back = 1 + Stream(seed, number, "duplicate of").misses(1 / LOOK_BACK)
            source = made[max(0, number - 1 - back)]
            facts = _repeated(seed, facts, made[source.group - 1], settings)
        made.append(_labeled(seed, facts, settings))
    return made


@functools.lru_cache(maxsize=64)
def heaps(seed: int, area: str) -> list[dict[str, list[str]]]:
    """The situations of an area dealt into ``FOLDS`` heaps, each kind by itself: kind -> names, for each heap."""
    dealt: list[dict[str, list[str]]] = [{kind: [] for kind in KINDS} for _ in range(FOLDS)]
    for kind in KINDS:
        stream = Stream(seed, area, "heaps", kind)
        first = stream.choice(range(FOLDS))  # the heaps that get one more differ from area to area
        for place, situation in enumerate(stream.shuffled(load_areas()[area].of_kind(kind)), first):
            dealt[place % FOLDS][kind].append(situation.name)
    return dealt


def _own(seed: int, number: int, day: datetime.date, settings: Settings) -> Facts:
    """A request that repeats no other."""
    writer = Stream(seed, number, "writer").choice(writers(seed, tuple(SHARES)))
    area = _area(seed, number, writer, day)
    told = Stream(seed, number, "story").chance(settings.stories)
    style = writer.style(Stream(seed, number, "style"), told)
    fold, situations = _situations(seed, number, area, told, settings)
    pm = functools.partial(owner, day=day, handover=settings.handover)
    other, need = _second(seed, number, fold, lambda other: pm(other) != pm(area), settings)
    return Facts(
        number,
        day,
        writer,
        style,
        area,
        fold,
        situations,
        second_area=other,
        second_situation=need,
        seen_at=_seen_at(seed, number, area, told, settings),
        distractor=_distractor(seed, number, day, (area, other), settings),
        vague=Stream(seed, number, "vague").chance(settings.vague),
        boilerplate=_boilerplate(seed, number, style, settings),
    )


def _area(seed: int, number: int, writer: Writer, day: datetime.date) -> str:
    stream = Stream(seed, number, "area")
    if stream.chance(HOME):
        return writer.home
    return stream.weighted(tuple(SHARES), areas_at((day - START).days / DAYS - 0.5))


def _situations(seed: int, number: int, area: str, told: bool, settings: Settings) -> tuple[int, tuple[str, ...]]:
    """A heap, the main situation out of it, and often a second."""
    names = [(fold, name) for fold, heap in enumerate(heaps(seed, area)) for name in _of(heap, "I" if told else "FW")]
    fold, main = Stream(seed, number, "situation").choice(names)
    if not Stream(seed, number, "second").chance(settings.second):
        return fold, (main,)
    others = [name for name in _of(heaps(seed, area)[fold], "FWI") if name != main]
    return fold, (main, Stream(seed, number, "second situation").choice(others))


def _of(heap: dict[str, list[str]], kinds: str) -> list[str]:
    return [name for kind in kinds for name in heap[kind]]


def _boilerplate(seed: int, number: int, style: str, settings: Settings) -> int:
    stream = Stream(seed, number, "boilerplate")
    if not stream.chance(settings.boilerplate):
        return 0
    return 1 if style in SHORT_STYLES else stream.choice((1, 1, 2))


def _second(
    seed: int, number: int, fold: int, allowed: Callable[[str], bool], settings: Settings
) -> tuple[str, str] | tuple[None, None]:
    """Sometimes: another PM's area that is needed too, and a situation there out of the same heap."""
    if not Stream(seed, number, "two owners").chance(settings.two_owners):
        return None, None
    area = _elsewhere(seed, number, "second area", allowed)
    return area, Stream(seed, number, "need", area).choice(_of(heaps(seed, area)[fold], "FW"))


def _seen_at(seed: int, number: int, area: str, told: bool, settings: Settings) -> str | None:
    if told or area not in BY_ACTION or not Stream(seed, number, "seen at").chance(settings.seen_elsewhere):
        return None
    return _elsewhere(seed, number, "seen in", lambda other: other not in BY_ACTION)


def _distractor(
    seed: int, number: int, day: datetime.date, concerned: tuple[str | None, ...], settings: Settings
) -> str | None:
    """Sometimes: an area of a PM whom none of the areas concerned belongs to."""
    if not Stream(seed, number, "distractor").chance(settings.distractor):
        return None
    right = {owner(area, day, settings.handover) for area in concerned if area}
    return _elsewhere(seed, number, "distractor area", lambda other: owner(other, day, settings.handover) not in right)


def _elsewhere(seed: int, number: int, decision: str, allowed: Callable[[str], bool]) -> str:
    """The first area in a random sequence that is allowed; so the choice changes only where it must."""
    stream = Stream(seed, number, decision)
    while not allowed(area := stream.choice(tuple(SHARES))):
        pass
    return area


def _repeated(seed: int, facts: Facts, source: Facts, settings: Settings) -> Facts:
    """A record that says again what another has said. A retold one has its own writer, style and distractor."""
    number, day = facts.record, facts.created_on
    kind = Stream(seed, number, "duplicate kind").weighted(tuple(COPIES), tuple(COPIES.values()))
    repeated = replace(source, record=number, created_on=day, duplicate_of=source.record, duplicate_kind=kind)
    if kind != "retold":
        return repeated
    style = facts.writer.style(Stream(seed, number, "style"), source.kind == "I")
    return replace(
        repeated,
        writer=facts.writer,
        style=style,
        distractor=_distractor(seed, number, day, (source.area, source.second_area), settings),
        vague=facts.vague,
        boilerplate=_boilerplate(seed, number, style, settings),
    )


def _labeled(seed: int, facts: Facts, settings: Settings) -> Facts:
    """Who is right, and who is recorded."""
    number, day = facts.record, facts.created_on
    areas = [facts.area, facts.second_area] if facts.second_area else [facts.area]
    owners = tuple(dict.fromkeys(owner(area, day, settings.handover) for area in areas))
    label, planted = Stream(seed, number, "label").choice(owners), ""
    missing = Stream(seed, number, "missing").chance(_missing(facts, settings))
    if not missing and Stream(seed, number, "wrong").chance(settings.wrong):
        label, planted = _wrong(seed, facts, owners, settings)
    return replace(facts, owners=owners, label=label, planted=planted, missing=missing)


def _wrong(seed: int, facts: Facts, owners: tuple[str, ...], settings: Settings) -> tuple[str, str]:
    """A wrong PM: half of the time of an area that one may confuse with this, else anyone."""
    stream = Stream(seed, facts.record, "wrong label")
    near = [owner(area, facts.created_on, settings.handover) for area in NEIGHBORS[facts.area].split()]
    near = [pm for pm in near if pm not in owners]
    if stream.chance(0.5) and near:
        return stream.choice(near), "neighbor"
    return stream.choice([pm for pm in PMS if pm not in owners]), "anyone"


def _missing(facts: Facts, settings: Settings) -> float:
    """How likely it is that nobody is recorded: not at random. On average it is the share that was asked for."""
    late = (facts.created_on - START).days >= DAYS - LATE
    times = (2.8 if late else 0.85) * (1.25 if facts.style in SHORT_STYLES else 0.9)
    return 1 - (1 - settings.missing) ** times
