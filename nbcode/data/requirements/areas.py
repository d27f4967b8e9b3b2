"""The areas of the simulated company and what happens in them, read from ``areas/*.txt``.

An area file names the area, its PM, words that mean the same (concepts) and how other areas mention it. Then come its
situations. A situation is a kind, who notices or wants it, and wordings that share few words, in each language:

    F  a fault: a clause that fits "We keep hearing that ___."
    W  a wish: a verb phrase that fits "Let shoppers ___."
    I  a story, told without the nouns of the area, from which a reader must infer it

In a wording ``{parcel}`` stands for any word of that concept, ``[four|five]`` for one of the alternatives.
All of it is made up.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, field
from pathlib import Path

LANGUAGES = ("en", "zh")
FOLDER = Path(__file__).parent / "areas"
KINDS = ("F", "W", "I")
ACTORS = ("shopper", "merchant", "agent", "ops", "analyst")
FOLDS = 5  # heaps that the situations are dealt into: an area needs that many of each kind
_CODE, _PM = re.compile(r"[a-z]+"), re.compile(r"P\d")


@dataclass(frozen=True)
class Situation:
    """One thing that happens or is wanted.

    Attributes:
        name: area, kind and number, such as ``"log/F3"``.
        kind: F, W or I.
        actor: who notices or wants it; empty for a story.
        wordings: language -> ways to say it.
    """

    name: str
    kind: str
    actor: str
    wordings: dict[str, list[str]]


@dataclass
class Area:
    """An area, its PM's code, and its texts; the dicts go by language."""

    code: str
    pm: str
    names: dict[str, str] = field(default_factory=dict)
    concepts: dict[str, dict[str, list[str]]] = field(default_factory=lambda: {language: {} for language in LANGUAGES})
    mentions: dict[str, list[str]] = field(default_factory=dict)
    situations: list[Situation] = field(default_factory=list)

    def of_kind(self, kinds: str) -> list[Situation]:
        """The situations whose kind is one of these letters."""
        return [situation for situation in self.situations if situation.kind in kinds]


@functools.cache
def load_areas() -> dict[str, Area]:
    """All areas by their code.

    Raises:
        ValueError: a file that does not keep to the format.
    """
    areas = [read_area(path) for path in sorted(FOLDER.glob("*.txt"))]
    return {area.code: area for area in areas}


@functools.cache
def situations_by_name() -> dict[str, Situation]:
    """All situations of all areas."""
    return {situation.name: situation for area in load_areas().values() for situation in area.situations}


def read_area(path: str | Path) -> Area:
    """Read one file and check it.

    Raises:
        ValueError: with file and line, what is wrong there and what the format asks for.
    """
    path = Path(path)
    area: Area | None = None
    lines = path.read_text(encoding="utf-8").splitlines()
    started: dict[int, int] = {}  # place of a situation -> its line
    for number, line in enumerate(lines, 1):
        if not line or line.startswith("#"):
            continue
        word, _, rest = line.partition(" ")
        try:
            if word == "area":
                area = _headed(area, rest)
            elif area is None:
                raise ValueError("the file must begin with a line such as 'area log P3'")
            else:
                _add(area, word, rest)
                started.setdefault(len(area.situations) - 1, number)
        except ValueError as error:
            raise ValueError(f"{path.name}, line {number}: {error}") from None
    if area is None:
        raise ValueError(f"{path.name}, line 1: empty; the file must begin with a line such as 'area log P3'")
    for place, situation in enumerate(area.situations):
        short = [language for language in LANGUAGES if len(situation.wordings[language]) < 2]
        if short:
            raise ValueError(f"{path.name}, line {started[place]}: fewer than two wordings in {' and '.join(short)}")
    _check_whole(area, f"{path.name}, line {len(lines)}")
    return area


def _headed(area: Area | None, rest: str) -> Area:
    code, _, pm = rest.partition(" ")
    if area is not None or not _CODE.fullmatch(code) or not _PM.fullmatch(pm):
        raise ValueError(f"'area {rest}': one such line a file, with a code in small letters and a PM such as P3")
    return Area(code, pm)


def _add(area: Area, word: str, rest: str) -> None:
    """What one line says, put into the area."""
    if word in KINDS:
        if (rest in ACTORS) == (word == "I") or (word == "I" and rest):
            raise ValueError(f"'{word} {rest}': F and W want one of {', '.join(ACTORS)}; I wants none")
        count = len(area.of_kind(word)) + 1
        area.situations.append(Situation(f"{area.code}/{word}{count}", word, rest, {name: [] for name in LANGUAGES}))
    elif word in LANGUAGES:
        _add_wording(area, word, rest)
    elif word in ("name", "mention", "concept"):
        concept, rest = rest.split(" ", 1) if word == "concept" and " " in rest else ("", rest)
        language, _, text = rest.partition(" ")
        forms = text.split("|")
        if language not in LANGUAGES or not all(form.strip() == form != "" for form in forms):
            raise ValueError(f"'{word}' wants a language ({', '.join(LANGUAGES)}) and texts with | between them")
        if word == "name":
            area.names[language] = text
        elif word == "mention":
            area.mentions[language] = forms
        else:
            area.concepts[language][concept] = forms
    else:
        raise ValueError(f"begins with {word!r}; a line begins with area, name, concept, mention, F, W, I, en or zh")


def _add_wording(area: Area, language: str, text: str) -> None:
    if not area.situations:
        raise ValueError("a wording before the first F, W or I line")
    unknown = set(re.findall(r"\{(.*?)\}", text)) - set(area.concepts[language])
    if unknown:
        raise ValueError(f"no concept {', '.join(sorted(unknown))} in {language}; define it above")
    bare = re.sub(r"\[[^\[\]]+\|[^\[\]]+\]|\{\w+\}", "x", text)
    if not text.strip() or text != text.strip() or re.search(r"[\[\]{}|]", bare):
        raise ValueError(f"{text!r}: an empty wording, a blank at its end, or brackets that do not fit")
    area.situations[-1].wordings[language].append(text)


def _check_whole(area: Area, where: str) -> None:
    """What can be seen only at the end of a file."""
    for language in LANGUAGES:
        if language not in area.names or not area.mentions.get(language):
            raise ValueError(f"{where}: no name or no mention in {language}")
    for kind in KINDS:
        if len(area.of_kind(kind)) < FOLDS:
            raise ValueError(f"{where}: fewer than {FOLDS} situations of kind {kind}")
