"""The texts of the simulated requirements: every wording in every frame reads as a sentence; bad files are told."""

import re

import pytest

from nbcode.data.requirements import Settings, generate
from nbcode.data.requirements.areas import ACTORS, FOLDER, FOLDS, LANGUAGES, load_areas, read_area, situations_by_name
from nbcode.data.requirements.frames import FOLDER as FRAMES
from nbcode.data.requirements.frames import load_frames, read_frames
from nbcode.data.requirements.people import STORY_STYLES, STYLES
from nbcode.data.requirements.streams import Stream
from nbcode.data.requirements.typos import with_typos
from nbcode.data.requirements.words import filled

NEVER = {
    "en": re.compile(
        r"[{}\[\]|~]|  | [,.;:?!]|[,;:]\.|\.\.(?!\.)(?<!\.\.\.)|\b(?!had|that)(\w+) \1\b"
        r"|\b[Aa] (?!u[ns]|one\b|euro|and\b)[aeiou]|\b[Aa]n (?!hour|honest|heir|MRI|SMS|SIM)[^aeiouAEIOU]"
    ),
    "zh": re.compile(r"[{}\[\]|~ ]|[，。：；！？][，。：；！？]|让让|想想|能能|[０-９]"),
}
STOPS = {"en": (".", "?", "!", '."', '!"', '?"'), "zh": ("。", "？", "！", "。”", "？”", "！”")}


def variants(text, concepts):
    """A wording with its first words everywhere, then its second ones, and so on: each of them comes once."""
    options = [found.split("|") for found in re.findall(r"\[(.*?)\]", text)]
    options += [concepts[name] for name in re.findall(r"\{(\w+)\}", text)]
    for turn in range(max(map(len, options), default=1)):
        said = re.sub(r"\{(\w+)\}", lambda found: concepts[found[1]][turn % len(concepts[found[1]])], text)  # noqa: B023
        yield re.sub(r"\[(.*?)\]", lambda found: (words := found[1].split("|"))[turn % len(words)], said)  # noqa: B023


def clauses(language):
    """Every situation with every variant of every wording."""
    for name, situation in situations_by_name().items():
        concepts = load_areas()[name.split("/")[0]].concepts[language]
        for wording in situation.wordings[language]:
            yield situation, list(variants(wording, concepts))


def spun(text, turn):
    return re.sub(r"\[(.*?)\]", lambda found: (words := found[1].split("|"))[turn % len(words)], text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_variant_of_every_wording_is_whole(language):
    bad = [
        (situation.name, said)
        for situation, found in clauses(language)
        for said in found
        if NEVER[language].search(said) or said != said.strip() or (situation.kind != "I" and said[-1] in ".。!！?？")
    ]
    assert not bad


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_wording_fits_every_frame_of_its_kind(language):
    frames = load_frames(language)
    styles = {"F": STYLES, "W": STYLES, "I": STORY_STYLES}
    bad = []
    for count, (situation, found) in enumerate(clauses(language)):
        kind, clause = situation.kind, found[0]
        sections = [f"say {kind} {style}" for style in styles[kind]] + [f"second {kind}"]
        sections += [f"other {kind}"] if kind in "FW" else []
        for section in sections:
            suiting = [frame for frame in frames.sections[section] if frame.suits(clause)]
            assert suiting
            for frame in suiting:
                text = spun(frame.text, count)
                said = filled(text, frames, situation, clause, Stream(count, text))
                ends = said.endswith(STOPS[language]) or section == "say I chat"
                if NEVER[language].search(said) or not ends or clause[1:] not in said:
                    bad.append((situation.name, said))
    assert not bad


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_wording_fits_every_title_of_its_kind(language):
    frames = load_frames(language)
    for count, (situation, found) in enumerate(clauses(language)):
        if situation.kind != "I":
            for frame in frames.sections[f"title {situation.kind}"]:
                if frame.suits(found[0]):
                    said = filled(spun(frame.text, count), frames, situation, found[0], Stream(count))
                    assert not NEVER[language].search(said) and not said.endswith(STOPS[language])


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_mention_fits_every_frame(language):
    frames = load_frames(language)
    mentions = [mention for area in load_areas().values() for mention in area.mentions[language]]
    for section in [name for name in frames.sections if name.startswith(("distractor", "seen"))]:
        for frame in frames.sections[section]:
            for mention in mentions:
                said = frame.text.replace("{mention}", mention)
                assert not NEVER[language].search(said) and said.endswith(STOPS[language]) and mention in said


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_any_request_could_end_with_is_a_sentence(language):
    frames = load_frames(language)
    for section in ("boilerplate", "nudge"):
        for frame in frames.sections[section]:
            for turn in range(4):
                said = spun(frame.text, turn)
                assert not NEVER[language].search(said) and said.endswith(STOPS[language])


@pytest.mark.parametrize("language", LANGUAGES)
def test_whole_texts_have_no_slip_but_the_writers_own(language):
    opening = ("- ", "...", "……")  # of titles
    for record in generate(0, 1500, language, Settings(typos=0)):
        for text in (record.title, record.description):
            bare = text.replace("...", "").replace(", iOS", "")
            assert not NEVER[language].search(bare), text
        if record.facts.style not in ("email", "chat"):
            assert record.description.endswith((*STOPS[language], '"', "”")), record.description
        if language == "en" and not record.facts.writer.small and record.facts.style != "chat":
            for sentence in re.split(r"(?<=[.?!]) ", record.description):
                assert not sentence[:1].islower() or record.facts.style == "email", record.description
        assert record.title and not record.title.startswith(opening)


def test_who_speaks_of_customers_is_no_customer():
    frames = load_frames("en")
    for number in range(200):
        assert "customer service" in (who := frames.actor("shopper", Stream(number), "people wait in vain")[0]) or any(
            word in who for word in ("agent", "support", "hotline")
        )
    shoppers = {frame.text.split("|")[0] for frame in frames.sections["actor shopper"]}
    assert {frames.actor("shopper", Stream(number), "the lamp is late")[0] for number in range(200)} == shoppers


def test_plurals_are_given_and_not_made():
    text = {frame.text for actor in ACTORS for frame in load_frames("en").sections[f"actor {actor}"]}
    assert {"a head of department|heads of department", "a clerk in operations|clerks in operations"} <= text


def test_there_is_enough_to_say():
    for area in load_areas().values():
        assert len(area.situations) >= 36
        for situation in area.situations:
            story = situation.kind == "I"
            assert len(set(situation.wordings["en"])) >= (3 if story else 4), situation.name
            assert len(set(situation.wordings["zh"])) >= (2 if story else 3), situation.name


def test_a_story_does_not_name_the_words_of_its_area():
    """At most one in fifty: a reader must infer the area."""
    told, named = 0, []
    for area in load_areas().values():
        words = {form for forms in area.concepts["en"].values() for form in forms}
        for situation in area.of_kind("I"):
            for wording in situation.wordings["en"]:
                told += 1
                named += [wording for word in words if re.search(rf"\b{re.escape(word)}\b", wording.lower())]
    assert len(named) < 0.02 * told, named


# -- typos


def test_typos_touch_long_words_only_and_as_many_as_asked_for():
    text = "the quick sender writes several ordinary sentences without looking, at 10 " * 400
    said = with_typos(text, 0.1, Stream("typos"), "en").split(" ")
    words = text.split(" ")
    wrong = [word for word, was in zip(said, words, strict=True) if word != was]
    assert all(len(was) > 3 for word, was in zip(said, words, strict=True) if word != was)
    assert 0.07 < len(wrong) / sum(len(word) > 3 and word.isalpha() for word in words) < 0.13
    assert with_typos(text, 0, Stream("typos"), "en") == text


def test_chinese_typos_are_characters_that_sound_alike():
    assert with_typos("在我的账上", 1, Stream("typos"), "zh") == "再我得帐上"


# -- bad files

HEAD = "area log P3\nname en delivery\nname zh 配送\nconcept parcel en parcel|box\nconcept parcel zh 包裹\n"
MENTIONS = "mention en the van\nmention zh 车\n"
F = "\nF shopper\nen the {parcel} is late\nen it has [not|never] come\nzh {parcel}没到\nzh 一直没来\n"
W = "\nW ops\nen send it twice\nen see it\nzh 再发一次\nzh 看到\n"
I = "\nI\nen I wait\nen I sit here\nzh 我在等\nzh 坐着\n"  # noqa: E741
GOOD = HEAD + MENTIONS + (F + W + I) * FOLDS


def test_a_good_area_file_is_read(tmp_path):
    path = tmp_path / "log.txt"
    path.write_text("# a comment\n" + GOOD, encoding="utf-8")
    area = read_area(path)
    assert (area.code, area.pm, len(area.situations)) == ("log", "P3", 15)
    assert area.situations[0].name == "log/F1" and area.situations[-1].name == "log/I5"
    assert area.situations[0].wordings["en"] == ["the {parcel} is late", "it has [not|never] come"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "log.txt, line 1: empty"),
        ("name en delivery\n", "line 1: the file must begin"),
        (GOOD.replace("area log P3", "area log three"), "line 1: 'area log three'"),
        (GOOD + "area pay P1\n", "one such line a file"),
        (GOOD.replace("F shopper", "F driver", 1), "line 9: 'F driver'"),
        (GOOD.replace("\nI\n", "\nI shopper\n", 1), "line 21: 'I shopper'"),
        (GOOD.replace("{parcel} is late", "{box} is late", 1), "line 10: no concept box"),
        (GOOD.replace("[not|never]", "[not|never", 1), "line 11: .*brackets"),
        (GOOD.replace("[not|never]", "[not]", 1), "line 11: .*brackets"),
        (GOOD.replace("[not|never]", "not|never", 1), "line 11: .*brackets"),
        (GOOD.replace("is late\n", "is late \n", 1), "line 10: .*blank"),
        (GOOD.replace("en I sit here\n", "", 1), "line 21: fewer than two wordings in en"),
        (GOOD.replace("name en", "name de"), "line 2: 'name' wants a language"),
        (GOOD.replace("parcel|box", "parcel||box"), "line 4: 'concept' wants"),
        (GOOD.replace("name en", "title en"), "line 2: begins with 'title'"),
        (HEAD + (F + W + I) * FOLDS, "no name or no mention in en"),
        (HEAD + MENTIONS + F * 5 + W * 5 + I * 4, "fewer than 5 situations of kind I"),
        (HEAD + MENTIONS + "en the {parcel} is late\n", "line 8: a wording before"),
    ],
)
def test_a_bad_area_file_is_told_with_its_line(tmp_path, text, told):
    path = tmp_path / "log.txt"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=told):
        read_area(path)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("= title F\n", "= title X\n", r"missing: \['title F'\]; unknown: \['title X'\]"),
        ("= actor shopper\n", "a frame\n= actor shopper\n", "line 5: a frame before the first section"),
        ("{clause}, any idea?", "{what}, any idea?", "slots are actor"),
        ("{clause}, any idea?", "~never2 {clause}, any idea?", "it may avoid because"),
        ("{actors} want to {clause}\n~they [feature", "~they [feature", None),
        ("let me report something: ", "~because let me report something: ", None),
    ],
)
def test_a_bad_file_of_frames_is_told(tmp_path, old, new, told):
    text = (FRAMES / "en.txt").read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "en.txt"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    if told is None:
        assert read_frames(path).language == "en"
    else:
        with pytest.raises(ValueError, match=told):
            read_frames(path)


def test_a_section_without_a_frame_for_every_clause_is_told(tmp_path):
    text = (FRAMES / "en.txt").read_text(encoding="utf-8")
    path = tmp_path / "en.txt"
    path.write_text(re.sub(r"(= other F\n)(.+\n)+", r"\1~because so: {clause}.\n", text), encoding="utf-8")
    with pytest.raises(ValueError, match="suits every clause, to: other F"):
        read_frames(path)


def test_an_unknown_language_is_told():
    with pytest.raises(ValueError, match="en or zh"):
        load_frames("fr")


def test_the_texts_lie_inside_the_package_so_that_they_are_installed_with_it():
    assert len(list(FOLDER.glob("*.txt"))) == 20 and {path.stem for path in FRAMES.glob("*.txt")} == set(LANGUAGES)
    assert all(b"\r" not in path.read_bytes() for folder in (FOLDER, FRAMES) for path in folder.glob("*.txt"))
