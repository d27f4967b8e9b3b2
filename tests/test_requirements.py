"""The simulated requirements: the same for the same seed, each decision by itself, in the shares asked for."""

import collections
import dataclasses
import datetime

import pytest

from nbcode.data.requirements import Settings, generate
from nbcode.data.requirements.areas import load_areas, situations_by_name
from nbcode.data.requirements.company import BY_ACTION, DAYS, HANDOVER, NEIGHBORS, SHARES, START, owner
from nbcode.data.requirements.people import PMS, writers
from nbcode.data.requirements.plan import LATE, heaps, plan
from nbcode.data.requirements.streams import Stream

DEFAULT = Settings()
N = 3000


@pytest.fixture(scope="module")
def records():
    return generate(0, N)


@pytest.fixture(scope="module")
def facts(records):
    return [record.facts for record in records]


def share(values):
    values = list(values)
    return sum(map(bool, values)) / len(values)


def test_the_same_seed_gives_the_same_records_and_another_seed_others(records):
    assert generate(0, N) == records
    others = generate(1, N)
    assert len({record.text for record in records} & {record.text for record in others}) < 0.01 * N


def test_both_languages_tell_of_the_same_facts(records):
    chinese = generate(0, N, "zh")
    assert [record.facts for record in chinese] == [record.facts for record in records]
    names = dict(PMS.values())
    assert [names.get(record.sub_technical_pm) for record in records] == [r.sub_technical_pm for r in chinese]
    assert all(any("\u4e00" <= sign <= "\u9fff" for sign in record.text) for record in chinese)
    assert not any("\u4e00" <= sign <= "\u9fff" for record in records for sign in record.text + record.requester)


def test_records_come_in_the_order_of_their_days(records):
    days = [record.created_on for record in records]
    assert days == sorted(days) and [record.req_id for record in records] == list(range(1, N + 1))
    assert days[0] >= START and days[-1] < START + datetime.timedelta(DAYS)


# -- the shares of what is planted: within four standard errors of what was asked for


@pytest.mark.parametrize(
    ("name", "asked", "of"),
    [
        ("wrong", lambda f: f.planted, lambda f: not f.missing),
        ("two_owners", lambda f: f.second_area, lambda f: not f.duplicate_of),
        ("missing", lambda f: f.missing, lambda f: True),
        ("stories", lambda f: f.kind == "I", lambda f: not f.duplicate_of),
        ("second", lambda f: len(f.situations) == 2, lambda f: not f.duplicate_of),
        ("distractor", lambda f: f.distractor, lambda f: not f.duplicate_of),
        ("vague", lambda f: f.vague, lambda f: not f.duplicate_of),
        ("boilerplate", lambda f: f.boilerplate, lambda f: not f.duplicate_of),
        ("duplicates", lambda f: f.duplicate_of, lambda f: f.record > 50),
        ("seen_elsewhere", lambda f: f.seen_at, lambda f: f.area in BY_ACTION and f.kind != "I" and not f.duplicate_of),
    ],
)
def test_what_is_planted_has_the_share_that_was_asked_for(facts, name, asked, of):
    found = [asked(each) for each in facts if of(each)]
    wanted = getattr(DEFAULT, name)
    assert abs(share(found) - wanted) < 4 * (wanted * (1 - wanted) / len(found)) ** 0.5


def test_pms_are_missing_most_among_the_newest_and_the_shortest(facts):
    late = share(f.missing for f in facts if (f.created_on - START).days >= DAYS - LATE)
    early = share(f.missing for f in facts if (f.created_on - START).days < DAYS - LATE)
    assert late > 0.4 and early < 0.26
    short = share(f.missing for f in facts if f.style in ("terse", "chat"))
    assert short > share(f.missing for f in facts if f.style not in ("terse", "chat")) + 0.02


def test_every_pm_gets_enough_and_none_gets_most(records):
    counts = collections.Counter(record.sub_technical_pm for record in records if record.sub_technical_pm)
    assert len(counts) == 8
    assert max(counts.values()) < 3.5 * min(counts.values())


def test_an_area_without_its_nouns_is_told_in_one_of_twenty_records(facts):
    assert 0.04 < share(f.kind == "I" for f in facts) < 0.07


# -- who is right


def test_the_owner_is_who_the_dated_rule_names(facts):
    for each in facts:
        areas = [each.area, *([each.second_area] if each.second_area else [])]
        assert each.owners == tuple(dict.fromkeys(owner(area, each.created_on) for area in areas))
        assert (each.label in each.owners) == (not each.planted)


def test_one_area_changes_its_owner_on_a_day():
    before, after = HANDOVER.day - datetime.timedelta(1), HANDOVER.day
    changed = [area for area in SHARES if owner(area, before) != owner(area, after)]
    assert changed == ["rev"] and owner("rev", after) == "P6" and owner("rev", after, handover=False) == "P2"


def test_a_report_belongs_to_who_must_change_it_and_not_to_where_it_is_seen(facts):
    seen = [each for each in facts if each.seen_at]
    assert len(seen) > 50
    assert all(each.area in BY_ACTION and "P8" in each.owners for each in seen)
    assert all(each.seen_at not in BY_ACTION for each in seen)


def test_a_distractor_belongs_to_nobody_who_is_right(facts):
    for each in facts:
        if each.distractor and each.duplicate_kind in (None, "retold"):
            assert owner(each.distractor, each.created_on) not in each.owners


def test_the_wrong_labels_are_half_neighbors(facts):
    wrong = collections.Counter(each.planted for each in facts if each.planted)
    assert 0.3 < wrong["neighbor"] / wrong.total() < 0.7
    for each in facts:
        if each.planted == "neighbor":
            assert each.label in {owner(area, each.created_on) for area in NEIGHBORS[each.area].split()}


def test_the_company_is_whole():
    assert set(SHARES) == set(NEIGHBORS) == set(load_areas())
    assert {area.pm for area in load_areas().values()} == set(PMS)
    people = [writer.names for writer in writers(0, tuple(SHARES))]
    assert len({name for names in (*people, *PMS.values()) for name in names}) == 2 * (45 + 8)


# -- duplicates


def test_duplicates_go_back_to_an_earlier_record_that_repeats_none(facts):
    kinds = collections.Counter(each.duplicate_kind for each in facts if each.duplicate_of)
    assert set(kinds) == {"copy", "edited", "retold"} and min(kinds.values()) > 15
    for each in facts:
        if each.duplicate_of:
            source = facts[each.duplicate_of - 1]
            assert source.record < each.record and source.duplicate_of is None and each.group == source.group
            assert (source.area, source.situations, source.fold) == (each.area, each.situations, each.fold)


def test_a_copy_has_the_same_words_an_edited_one_most_of_them_and_a_retold_one_others(records):
    shared = collections.defaultdict(list)
    for record in records:
        if record.facts.duplicate_of:
            source = records[record.facts.duplicate_of - 1]
            if record.facts.duplicate_kind == "copy":
                assert (record.text, record.requester) == (source.text, source.requester)
            mine, theirs = set(record.description.split()), set(source.description.split())
            shared[record.facts.duplicate_kind].append(len(mine & theirs) / len(mine | theirs))
            assert record.facts.duplicate_kind != "edited" or record.title != source.title
    mean = {kind: sum(found) / len(found) for kind, found in shared.items()}
    assert mean["copy"] == 1 and mean["edited"] > 0.6 and mean["retold"] < 0.3


def test_a_retold_duplicate_draws_its_own_distractor(facts):
    retold = [each for each in facts if each.duplicate_kind == "retold"]
    kept = [each for each in retold if each.distractor and each.distractor == facts[each.duplicate_of - 1].distractor]
    assert len(kept) < 0.1 * len(retold)


# -- each decision has a stream of its own


def changed(facts, **knobs):
    """record -> names of the facts that change with the knobs."""
    other = plan(0, N, dataclasses.replace(DEFAULT, **knobs))
    names = [field.name for field in dataclasses.fields(facts[0])]
    return {
        mine.record: found
        for mine, theirs in zip(facts, other, strict=True)
        if (found := {name for name in names if getattr(mine, name) != getattr(theirs, name)})
    }


@pytest.mark.parametrize(
    ("knobs", "allowed"),
    [
        ({"wrong": 0}, {"label", "planted"}),
        ({"missing": 0}, {"missing", "label", "planted"}),
        ({"second": 0}, {"situations"}),
        ({"distractor": 0}, {"distractor"}),
        ({"seen_elsewhere": 0}, {"seen_at"}),
        ({"vague": 0}, {"vague"}),
        ({"boilerplate": 0}, {"boilerplate"}),
        ({"two_owners": 0}, {"second_area", "second_situation", "owners", "label", "planted", "distractor"}),
        ({"handover": False}, {"owners", "label", "planted", "distractor", "second_area", "second_situation"}),
    ],
)
def test_a_knob_changes_only_what_it_is_about(facts, knobs, allowed):
    found = changed(facts, **knobs)
    assert 0 < len(found) < 0.7 * N
    assert set().union(*found.values()) <= allowed


@pytest.mark.parametrize("knobs", [{"typos": 0}, {"wordings": 1}])
def test_a_knob_of_the_words_changes_no_fact(facts, knobs):
    assert not changed(facts, **knobs)


def test_records_without_what_a_knob_is_about_stay_as_they_are(facts):
    repeated = {each.record for each in facts if each.duplicate_of}
    assert set(changed(facts, duplicates=0)) == repeated
    stories = {each.record for each in facts if each.kind == "I"}
    own = {record for record in changed(facts, stories=0) if record not in repeated}
    assert own and own <= stories
    two = {each.record for each in facts if each.second_area}
    assert set(changed(facts, two_owners=0)) == two


def test_a_larger_share_keeps_what_a_smaller_one_has_planted(facts):
    more = plan(0, N, Settings(wrong=0.2))
    for mine, theirs in zip(facts, more, strict=True):
        assert not mine.planted or (mine.label, mine.planted) == (theirs.label, theirs.planted)


def test_a_knob_leaves_the_other_words_as_they_were(records):
    plain = generate(0, N, settings=Settings(distractor=0))
    for mine, theirs in zip(records, plain, strict=True):
        assert mine.title == theirs.title or mine.facts.duplicate_kind == "edited" or mine.facts.writer.typos
        assert mine.facts.distractor or mine.text == theirs.text
    loud = generate(0, N, settings=Settings(vague=1))
    right = [(a, b) for a, b in zip(records, loud, strict=True) if not a.facts.writer.typos]
    assert all(mine.description == theirs.description for mine, theirs in right if not mine.facts.duplicate_of)


def test_without_typos_only_those_texts_change_whose_writers_slip(records):
    clean = generate(0, N, settings=Settings(typos=0))
    differ = [mine for mine, theirs in zip(records, clean, strict=True) if mine.text != theirs.text]
    assert 0.15 < len(differ) / N < 0.6
    assert all(record.facts.writer.typos or record.facts.duplicate_kind == "edited" for record in differ)


def test_the_heaps_hold_every_situation_once():
    for area in load_areas():
        dealt = [name for heap in heaps(0, area) for names in heap.values() for name in names]
        assert sorted(dealt) == sorted(s.name for s in situations_by_name().values() if s.name.startswith(f"{area}/"))
    assert heaps(0, "log") != heaps(1, "log")


def test_a_stream_is_uniform_and_depends_on_its_whole_name():
    draws = [Stream(0, number, "x").random() for number in range(4000)]
    counts = collections.Counter(int(10 * draw) for draw in draws)
    assert sum((count - 400) ** 2 / 400 for count in counts.values()) < 27.9  # chi square, nine degrees, 0.1 percent
    assert Stream(1, 2, "x").random() != Stream(1, 2, "y").random() != Stream(12, "x").random()
    stream = Stream("one")
    assert len({stream.random() for _ in range(1000)}) == 1000
    assert sorted(Stream("two").shuffled(range(30))) == list(range(30))
    waits = [Stream(number, "m").misses(0.25) for number in range(4000)]
    assert abs(sum(waits) / 4000 - 3) < 0.22 and Stream("m").misses(1.0) == 0
    assert Stream("two").shuffled(range(30), 4) == Stream("two").shuffled(range(30))[:4]
    assert {Stream(number, "w").weighted("ab", (0, 1)) for number in range(200)} == {"b"}


def test_a_stream_never_changes():
    """The generator is frozen: these numbers came out when the pages were written."""
    assert [round(Stream(1, 7, "area").random(), 6), Stream("a").choice(range(1000))] == [0.95212, 96]


# -- what cannot be done


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((-1,), "seed is -1"),
        ((True,), "seed is True"),
        ((1.5,), "seed is 1.5"),
        ((1, 0), "n is 0"),
        ((1, 5, "de"), "en or zh"),
        ((1, 5, "en", {"wrong": 0}), "Settings"),
    ],
)
def test_bad_arguments_are_told(arguments, told):
    with pytest.raises(ValueError, match=told):
        generate(*arguments)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("wrong", -0.1),
        ("missing", 1.1),
        ("second", "half"),
        ("vague", True),
        ("stories", float("nan")),
        ("duplicates", None),
        ("typos", -1),
        ("wordings", 0),
        ("wordings", 2.0),
        ("handover", 1),
    ],
)
def test_bad_settings_are_told(name, value):
    with pytest.raises(ValueError, match=f"^{name} is "):
        Settings(**{name: value})


@pytest.mark.parametrize("extreme", [0.0, 1.0])
def test_extreme_settings_work(extreme):
    shares = {field.name: extreme for field in dataclasses.fields(Settings) if isinstance(field.default, float)}
    for language in ("en", "zh"):
        made = generate(0, 120, language, Settings(**shares, wordings=1, handover=False))
        assert len(made) == 120 and all(record.title and record.description for record in made)
        assert all((record.sub_technical_pm is None) == bool(extreme) for record in made) or not extreme
