"""Stage 2 of the simulation: the facts of a record said in one language.

The same facts in two languages tell of the same situations in the same style; no sentence is a translation.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from nbcode.data.requirements.areas import LANGUAGES, Situation, load_areas, situations_by_name
from nbcode.data.requirements.frames import Frames, load_frames, spun
from nbcode.data.requirements.plan import SHORT_STYLES, Facts
from nbcode.data.requirements.settings import Settings
from nbcode.data.requirements.streams import Stream
from nbcode.data.requirements.typos import with_typos

JOIN = {"en": " ", "zh": ""}
STOP = {"en": ".", "zh": "。"}
STORY_TITLE = 0.6  # of the stories have a title of their own; the others show how the story begins
FIRST_WORDS = {"en": 6, "zh": 12}  # so much of it: words; in Chinese characters, to the first comma at most
EDITED_TYPOS = 0.02  # who sends a request again in a hurry makes at least so many


def said(seed: int, facts: Facts, language: str, settings: Settings) -> tuple[str, str]:
    """Title and description of a record.

    Raises:
        ValueError: an unknown language.
    """
    return _Telling(seed, facts, language, settings).texts()


@dataclass
class _Telling:
    """One record on its way to words. A copy has the streams of what it repeats, and so the same words."""

    seed: int
    facts: Facts
    language: str
    settings: Settings
    frames: Frames = field(init=False)

    def __post_init__(self) -> None:
        self.frames = load_frames(self.language)

    def stream(self, decision: str) -> Stream:
        own = self.facts.duplicate_kind in (None, "retold")
        return Stream(self.seed, self.facts.record if own else self.facts.group, self.language, decision)

    def texts(self) -> tuple[str, str]:
        """Title and description, with the writer's typing errors and habits."""
        facts = self.facts
        body, tail, title = self.body(), self.tail(), self.title()
        rate, stream = facts.writer.typos, self.stream("typos")
        if facts.duplicate_kind == "edited":
            title, tail = self.edited(title, tail)
            rate, stream = max(rate, EDITED_TYPOS), Stream(self.seed, facts.record, self.language, "typos")
        description = JOIN[self.language].join(self.framed([*body, *tail]))
        title, description = (
            with_typos(text, rate * self.settings.typos, stream, self.language) for text in (title, description)
        )
        if facts.writer.small and facts.style in SHORT_STYLES:
            return title.lower(), description.lower()
        return title, description

    def title(self) -> str:
        """A line that names the situation, or a vague one."""
        main = situations_by_name()[self.facts.situations[0]]
        stream = self.stream("title")
        if self.facts.vague:
            return _capital(self.frames.pick("title vague", stream))
        if main.kind != "I" or stream.chance(STORY_TITLE):
            return _capital(self.sentence(f"title {main.kind}", main, "title", 0))
        story = self.clause(main, self.stream("title clause"), 0)
        if self.language == "en":
            return _capital(" ".join(story.split()[: FIRST_WORDS["en"]]) + " ...")
        return story.split("，")[0][: FIRST_WORDS["zh"]] + "……"

    def body(self) -> list[str]:
        """What the record is about."""
        facts, found = self.facts, situations_by_name()
        main = found[facts.situations[0]]
        parts = [self.sentence(f"say {main.kind} {facts.style}", main, "main", 1)]
        if facts.seen_at:
            kind = "W" if main.kind == "W" else "F"
            parts.append(self.mentioning(f"seen {facts.area} {kind}", facts.seen_at))
        for name in facts.situations[1:]:
            parts.append(self.sentence(f"second {found[name].kind}", found[name], "second", 1))
        if facts.second_situation:
            other = found[facts.second_situation]
            parts.append(self.sentence(f"other {other.kind}", other, "other", 1))
        return parts

    def tail(self) -> list[str]:
        """What it is not about."""
        kind = "W" if self.facts.kind == "W" else "F"
        parts = [self.mentioning(f"distractor {kind}", self.facts.distractor)] if self.facts.distractor else []
        stream = self.stream("boilerplate")
        for frame in stream.shuffled(self.frames.sections["boilerplate"], self.facts.boilerplate):
            parts.append(spun(frame.text, stream))
        return self.stream("order").shuffled(parts) if len(parts) > 1 else parts

    def edited(self, title: str, tail: list[str]) -> tuple[str, list[str]]:
        """A copy with a word before its title, and a sentence less or more."""
        stream = Stream(self.seed, self.facts.record, self.language, "edited")
        title = self.frames.pick("again", stream) + JOIN[self.language] + title
        if tail and stream.chance(0.5):
            tail = tail[1:]
        if stream.chance(0.6):
            tail = [*tail, self.frames.pick("nudge", stream)]
        return _capital(title), tail

    def framed(self, parts: list[str]) -> list[str]:
        """Sentences with capitals, a greeting and a name, as the style asks for."""
        style = self.facts.style
        if style not in ("chat", "email"):
            return [_capital(part) for part in parts]
        stream = self.stream("greeting")
        if style == "chat":
            opener = [self.frames.pick("opener", stream)] if stream.chance(0.6) else []
            return [*opener, *parts]
        name = self.facts.writer.names[LANGUAGES.index(self.language)]
        closing = self.frames.pick("closing", self.stream("closing")).replace("{name}", name)
        rest = [_capital(part) for part in (*parts[1:], closing)]
        return [_capital(self.frames.pick("greeting", stream)), parts[0], *rest]

    def mentioning(self, section: str, area: str) -> str:
        stream = self.stream(section)
        return self.frames.pick(section, stream).replace(
            "{mention}", stream.choice(load_areas()[area].mentions[self.language])
        )

    def sentence(self, section: str, situation: Situation, place: str, turn: int) -> str:
        """A situation in a frame that suits it."""
        stream = self.stream(place)
        clause = self.clause(situation, stream, turn)
        return filled(self.frames.pick(section, stream, clause), self.frames, situation, clause, stream)

    def clause(self, situation: Situation, stream: Stream, turn: int) -> str:
        """One wording with its words chosen. Title and text have different ones, and what is retold others again."""
        wordings = situation.wordings[self.language][: self.settings.wordings]
        order = Stream(self.seed, self.facts.group, self.language, situation.name).shuffled(wordings)
        text = order[(turn + (2 if self.facts.duplicate_kind == "retold" else 0)) % len(order)]
        concepts = load_areas()[situation.name.split("/")[0]].concepts[self.language]
        text = re.sub(r"\{(\w+)\}", lambda found: stream.choice(concepts[found[1]]), text)
        return spun(text, stream)


def filled(frame: str, frames: Frames, situation: Situation, clause: str, stream: Stream) -> str:
    """A frame with its slots filled. Who notices a fault or wants something fits the situation."""
    if situation.kind == "I":
        clause = _capital(clause)
        clause += "" if clause[-1] in "?!.？！。" else STOP[frames.language]
    if "{benefit}" in frame:
        frame = frame.replace("{benefit}", frames.pick("benefit", stream))
    if "{actor" in frame:
        one, several = frames.actor(situation.actor, stream, clause if situation.kind == "F" else "")
        frame = frame.replace("{actors}", several).replace("{actor}", one)
    return frame.replace("{clause}", clause)


def _capital(text: str) -> str:
    """With its first letter, behind a quotation mark too, made capital; never inside a word such as iOS."""
    start = len(text) - len(text.lstrip('"'))
    if re.match(r"[a-z][A-Z]", text[start:]):
        return text
    return text[:start] + text[start : start + 1].upper() + text[start + 1 :]
