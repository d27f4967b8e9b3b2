"""Sentence frames: what people put around the matter itself, by language, kind and style.

They stand in ``frames/*.txt``, one a line, in sections such as ``= say F email``. Each language has its own frames and
its own word order; nothing is translated. A frame may say which clauses it does not suit: "~they Elsewhere one can
{clause}." is not used where the clause holds a pattern of the section ``= avoid they``.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from pathlib import Path

from nbcode.data.requirements.areas import ACTORS, LANGUAGES
from nbcode.data.requirements.company import BY_ACTION
from nbcode.data.requirements.people import STORY_STYLES, STYLES
from nbcode.data.requirements.streams import Stream

FOLDER = Path(__file__).parent / "frames"
SLOTS = {"clause", "actor", "actors", "benefit", "mention", "name"}
SECTIONS = (
    *(f"actor {actor}" for actor in ACTORS),
    *(f"title {kind}" for kind in ("F", "W", "I", "vague")),
    *(f"say {kind} {style}" for kind in "FW" for style in STYLES),
    *(f"say I {style}" for style in STORY_STYLES),
    *(f"second {kind}" for kind in "FWI"),
    *(f"other {kind}" for kind in "FW"),
    *(f"seen {area} {kind}" for area in BY_ACTION for kind in "FW"),
    *(f"distractor {kind}" for kind in "FW"),
    *("boilerplate", "greeting", "closing", "opener", "again", "nudge", "benefit"),
)
_LINE = re.compile(r"((?:~\w+ )*)(.+)")


@dataclass(frozen=True)
class Frame:
    """A text with slots, and patterns that it does not suit."""

    text: str
    avoid: tuple[re.Pattern[str], ...] = ()

    def suits(self, clause: str) -> bool:
        """Whether it reads well around a clause."""
        return not any(pattern.search(clause) for pattern in self.avoid)


@dataclass(frozen=True)
class Frames:
    """All frames of one language.

    Attributes:
        language: en or zh.
        sections: name -> frames.
        self_names: words after which a customer would speak of others.
    """

    language: str
    sections: dict[str, list[Frame]]
    self_names: re.Pattern[str]

    def pick(self, section: str, stream: Stream, clause: str = "") -> str:
        """A frame that suits a clause, its alternatives chosen, its slots still open."""
        options = [frame for frame in self.sections[section] if frame.suits(clause)]
        return spun(stream.choice(options).text, stream)

    def actor(self, kind: str, stream: Stream, clause: str) -> tuple[str, str]:
        """One who notices a fault or wants something: with an article, and the plural.

        A clause about "customers" or "us" comes from support: no customer speaks so.
        """
        if kind in ("shopper", "merchant") and self.self_names.search(clause):
            kind = "agent"
        one, several = stream.choice(self.sections[f"actor {kind}"]).text.split("|")
        return one, several


def spun(text: str, stream: Stream) -> str:
    """A text with each ``[one|other]`` replaced by one of its alternatives."""
    if "[" not in text:
        return text
    return re.sub(r"\[([^\[\]]*)\]", lambda found: stream.choice(found[1].split("|")), text)


@functools.cache
def load_frames(language: str) -> Frames:
    """The frames of a language.

    Raises:
        ValueError: an unknown language, or a file that does not keep to the format.
    """
    if language not in LANGUAGES:
        raise ValueError(f"language is {language!r}; give {' or '.join(LANGUAGES)}")
    return read_frames(FOLDER / f"{language}.txt")


def read_frames(path: str | Path) -> Frames:
    """Read one file and check it.

    Raises:
        ValueError: with file and line, a line outside of a section, a section that is missing or unknown or in which no
            frame suits every clause, a slot that nobody fills, or a frame that avoids what no section names.
    """
    path = Path(path)
    lines: dict[str, list[tuple[int, str]]] = {}
    section = ""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith("= "):
            section = line[2:]
            lines[section] = []
        elif line and not line.startswith("#"):
            if not section:
                raise ValueError(f"{path.name}, line {number}: a frame before the first section such as '= title F'")
            lines[section].append((number, line))
    missing = [name for name in (*SECTIONS, "avoid self") if not lines.get(name)]
    unknown = [name for name in lines if name not in SECTIONS and not name.startswith("avoid ")]
    if missing or unknown:
        raise ValueError(f"{path.name}: sections missing: {missing}; unknown: {unknown}")
    avoid = {
        name[6:]: re.compile("|".join(text for _, text in found))
        for name, found in lines.items()
        if name.startswith("avoid ")
    }
    sections = {
        name: [_frame(path, *line, avoid) for line in found] for name, found in lines.items() if name in SECTIONS
    }
    picky = [name for name, found in sections.items() if all(frame.avoid for frame in found)]
    if picky:
        raise ValueError(f"{path.name}: add a frame without ~, which suits every clause, to: {', '.join(picky)}")
    return Frames(path.stem, sections, avoid["self"])


def _frame(path: Path, number: int, line: str, avoid: dict[str, re.Pattern[str]]) -> Frame:
    marks, text = _LINE.fullmatch(line).groups()
    names = marks.replace("~", "").split()
    slots = set(re.findall(r"\{(.*?)\}", text))
    if not slots <= SLOTS or not set(names) <= set(avoid):
        raise ValueError(
            f"{path.name}, line {number}: slots are {', '.join(sorted(SLOTS))}; it may avoid {', '.join(sorted(avoid))}"
        )
    return Frame(text, tuple(avoid[name] for name in names))
