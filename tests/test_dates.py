"""Dates in two languages against rules written by hand: every style, every target language, every split."""

import collections
import datetime
import re
import string

import pytest
import torch

from nbcode.data import dates
from nbcode.data.dates import FIRST, LAST, MORE_TARGETS, STYLES, Pair, pairs, split, tensors, translated, vocabularies
from nbcode.data.vocabulary import END, PADDING, START, UNKNOWN, tokenize
from nbcode.models.transformer import PRESETS

ENGLISH_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
ENGLISH_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
# Each style of the sources as a Python format of (weekday, its first letters, day, month, its first letters, year).
WRITTEN = {
    ("en", "full"): "{weekday}, {month} {day}, {year}",
    ("en", "long"): "{month} {day}, {year}",
    ("en", "medium"): "{mon} {day}, {year}",
    ("en_GB", "full"): "{weekday}, {day} {month} {year}",
    ("en_GB", "long"): "{day} {month} {year}",
    ("en_GB", "medium"): "{day} {mon} {year}",
    ("en_IE", "full"): "{weekday} {day} {month} {year}",
    ("en", "E, MMM d, y"): "{week}, {mon} {day}, {year}",
    ("en_GB", "E, d MMM y"): "{week}, {day} {mon} {year}",
    ("en_CA", "short"): "{year}-{number:02}-{day:02}",
}
# Each target language: months, weekdays, without weekday, with it.
LANGUAGES = {
    "fr": (
        "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
        "lundi mardi mercredi jeudi vendredi samedi dimanche",
        "{day} {month} {year}",
        "{weekday} {day} {month} {year}",
    ),
    "de": (
        "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
        "Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonntag",
        "{day}. {month} {year}",
        "{weekday}, {day}. {month} {year}",
    ),
    "es": (
        "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
        "lunes martes miércoles jueves viernes sábado domingo",
        "{day} de {month} de {year}",
        "{weekday}, {day} de {month} de {year}",
    ),
    "it": (
        "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
        "lunedì martedì mercoledì giovedì venerdì sabato domenica",
        "{day} {month} {year}",
        "{weekday} {day} {month} {year}",
    ),
    "pl": (
        "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia",
        "poniedziałek wtorek środa czwartek piątek sobota niedziela",
        "{day} {month} {year}",
        "{weekday}, {day} {month} {year}",
    ),
    "sv": (
        "januari februari mars april maj juni juli augusti september oktober november december",
        "måndag tisdag onsdag torsdag fredag lördag söndag",
        "{day} {month} {year}",
        "{weekday} {day} {month} {year}",
    ),
    "zh": ("", "一 二 三 四 五 六 日", "{year}年{number}月{day}日", "{year}年{number}月{day}日星期{weekday}"),
    "ja": ("", "月 火 水 木 金 土 日", "{year}年{number}月{day}日", "{year}年{number}月{day}日{weekday}曜日"),
}


def english(day, style):
    """A day in one of the styles, by hand."""
    month, weekday = ENGLISH_MONTHS[day.month - 1], ENGLISH_DAYS[day.weekday()]
    mon = "Sept" if month == "September" and style[0] == "en_GB" else month[:3]
    names = {"month": month, "weekday": weekday, "mon": mon, "week": weekday[:3]}
    return WRITTEN[style].format(day=day.day, number=day.month, year=day.year, **names)


def foreign(day, target, with_weekday):
    """A day in one of the target languages, by hand."""
    months, weekdays, plain, whole = LANGUAGES[target]
    names = {"month": (months.split() or [""] * 12)[day.month - 1], "weekday": weekdays.split()[day.weekday()]}
    return (whole if with_weekday else plain).format(day=day.day, number=day.month, year=day.year, **names)


def parsed(source):
    """The day that an English text means, and its weekday from 0, or ``None``; reads words, knows no style."""
    if re.fullmatch(r"\d{4}-\d\d-\d\d", source):
        return datetime.date.fromisoformat(source), None
    words, numbers = re.findall("[A-Za-z]+", source), [int(number) for number in re.findall(r"\d+", source)]
    (month,) = [
        i for i, name in enumerate(ENGLISH_MONTHS, 1) for word in words if len(word) > 2 and name.startswith(word)
    ]
    weekday = [i for i, name in enumerate(ENGLISH_DAYS) for word in words if len(word) > 2 and name.startswith(word)]
    day, year = numbers  # in this order in all other styles
    assert len(words) == 1 + len(weekday)
    return datetime.date(year, month, day), (weekday or [None])[0]


def parts_by_hand(pattern, **fields):
    """Each token of a text beside the part of the date that it belongs to; signs and literal words belong to none."""
    found = []
    for literal, name, spec, _ in string.Formatter().parse(pattern):
        found += [(token, "") for token in tokenize(literal)]
        if name:
            part = {"week": "weekday", "mon": "month", "number": "month"}.get(name, name)
            found += [(token, part) for token in tokenize(format(fields[name], spec))]
    return found


def some_days(seed, n=400):
    return split(seed).test[:n]


def test_the_split_is_all_days_once():
    days = split(0)
    assert (len(days.test), len(days.validation)) == (1000, 1000)
    everything = [*days.train, *days.validation, *days.test]
    assert len(everything) == len(set(everything)) == (datetime.date(2100, 1, 1) - datetime.date(1900, 1, 1)).days
    assert (
        (min(everything), max(everything)) == (FIRST, LAST) == (datetime.date(1900, 1, 1), datetime.date(2099, 12, 31))
    )


def test_a_split_follows_its_seed_and_is_mixed():
    assert split(3) == split(3) and split(3) != split(4)
    test = split(3).test
    assert len({day.year for day in test}) > 190
    assert len(set(test) & set(split(4).test)) < 100


@pytest.mark.parametrize("style", STYLES, ids=str)
def test_a_source_is_written_in_its_style_as_by_hand(style):
    assert all(translated(day, style).source == english(day, style) for day in some_days(1))


@pytest.mark.parametrize("target", MORE_TARGETS)
def test_a_target_is_written_in_its_language_as_by_hand(target):
    days = some_days(2)
    assert {day.month for day in days} == set(range(1, 13)) and {day.weekday() for day in days} == set(range(7))
    for day in days:
        assert translated(day, ("en", "full"), target).target == foreign(day, target, with_weekday=True)
        assert translated(day, ("en", "long"), target).target == foreign(day, target, with_weekday=False)


def test_a_target_means_the_day_that_its_source_means_with_a_weekday_only_if_it_has_one():
    made = pairs(split(0).train, 3000, seed=0)
    with_weekday = 0
    for pair in made:
        day, weekday = parsed(pair.source)
        assert weekday in (None, day.weekday())
        assert pair.target == foreign(day, "zh", with_weekday=weekday is not None)
        with_weekday += weekday is not None
    assert with_weekday / 3000 == pytest.approx(0.5, abs=0.05)  # five of the ten styles


def test_a_target_language_is_asked_for_by_a_tag():
    made = pairs(split(0).train, 1600, seed=0, targets=MORE_TARGETS)
    count = collections.Counter()
    for pair in made:
        tag, source = re.fullmatch(r"<([a-z]{2})>(.*)", pair.source).groups()
        day, weekday = parsed(source)
        assert pair.target == foreign(day, tag, with_weekday=weekday is not None)
        count[tag] += 1
    assert set(count) == set(MORE_TARGETS) == set(LANGUAGES) and min(count.values()) > 140
    assert not any("<" in pair.source for pair in pairs(split(0).train, 50, seed=0, targets=("fr",)))


def test_each_day_comes_once_before_one_comes_twice():
    days = some_days(0, 50)
    made = [parsed(pair.source)[0] for pair in pairs(days, 125, seed=1)]
    assert sorted(made[:50]) == sorted(made[50:100]) == sorted(days)
    assert made[:50] != made[50:100] and len(set(made[100:])) == 25
    assert set(made) == set(days)


def test_styles_are_equally_likely_and_can_be_chosen():
    made = pairs(some_days(0, 1000), 4000, seed=0)
    count = collections.Counter(re.sub("[A-Za-z]+", "a", re.sub(r"\d+", "0", pair.source)) for pair in made)
    assert count["0-0-0"] / 4000 == pytest.approx(0.1, abs=0.03)
    iso = pairs(some_days(0), 20, seed=0, styles=[("en_CA", "short")])
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d", pair.source) for pair in iso)


def test_pairs_follow_their_seed_and_leave_the_days_alone():
    days = some_days(0, 30)
    before = list(days)
    assert pairs(days, 40, seed=5) == pairs(days, 40, seed=5) != pairs(days, 40, seed=6)
    assert days == before and pairs(days, 0, seed=0) == []
    assert pairs(tuple(days), 40, seed=5) == pairs(days, 40, seed=5)


def test_a_few_thousand_examples_hold_every_token():
    days = split(0)
    source, target = vocabularies(pairs(days.train, 3000, seed=0))
    assert (len(source), len(target)) == (55, 25)  # as the page tells
    unseen = pairs(days.test, 1000, seed=1)
    sources, targets = tensors(unseen, source, target)
    assert not (sources == UNKNOWN).any() and not (targets == UNKNOWN).any()
    assert max(sources.shape[1], targets.shape[1]) <= PRESETS["date"].max_length


@pytest.mark.parametrize("targets", [("zh",), MORE_TARGETS], ids=["one", "many"])
def test_tensors_hold_the_texts_between_start_and_end_and_padding_behind(targets):
    made = pairs(split(0).train, 200, seed=0, targets=targets)
    source, target = vocabularies(made)
    sources, targets = tensors(made, source, target)
    assert sources.dtype is targets.dtype is torch.int64 and len(sources) == len(targets) == 200
    for pair, x, y in zip(made, sources, targets, strict=True):
        assert source.decode(x) == pair.source and target.decode(y) == pair.target
        kept = y[y != PADDING].tolist()
        assert (kept[0], kept[-1]) == (START, END) and kept.count(END) == kept.count(START) == 1
        assert not y[len(kept) :].any() and START not in x and END not in x


@pytest.mark.parametrize("style", STYLES, ids=str)
def test_each_token_of_a_source_belongs_to_its_part(style):
    for day in some_days(3):
        month, weekday = ENGLISH_MONTHS[day.month - 1], ENGLISH_DAYS[day.weekday()]
        mon = "Sept" if month == "September" and style[0] == "en_GB" else month[:3]
        names = {"month": month, "weekday": weekday, "mon": mon, "week": weekday[:3]}
        by_hand = parts_by_hand(WRITTEN[style], day=day.day, number=day.month, year=day.year, **names)
        source = translated(day, style).source
        assert [*zip(tokenize(source), dates.source_parts(source), strict=True)] == by_hand
        tagged = dates.source_parts(f"<zh>{source}")
        assert tagged == ["", *(part for _, part in by_hand)]


@pytest.mark.parametrize("with_weekday", [False, True])
def test_each_token_of_a_chinese_target_belongs_to_its_part(with_weekday):
    """The last sign of 星期日 is the weekday, that of 23日 none."""
    _, weekdays, plain, whole = LANGUAGES["zh"]
    for day in some_days(4):
        fields = {"day": day.day, "number": day.month, "year": day.year, "weekday": weekdays.split()[day.weekday()]}
        by_hand = parts_by_hand(whole if with_weekday else plain, **fields)
        target = foreign(day, "zh", with_weekday)
        assert [*zip(tokenize(target), dates.target_parts(target), strict=True)] == by_hand


def test_no_text_has_no_parts():
    assert dates.source_parts("") == dates.target_parts("") == []


def test_spaces_are_plain(monkeypatch):
    import babel.dates

    monkeypatch.setattr(babel.dates, "format_date", lambda *given, **named: "23\u202fJan\u00a02029 ")
    assert dates.written(datetime.date(2029, 1, 23), "en", "long") == "23 Jan 2029"


def test_nothing_to_choose_from_is_refused():
    day = [datetime.date(2029, 1, 23)]
    for days, n, more in (([], 1, {}), (day, -1, {}), (day, 1, {"styles": []}), (day, 1, {"targets": ()})):
        with pytest.raises(ValueError, match=r"\d days, \d+ styles, \d targets, n=-?1; give at least one of each"):
            pairs(days, n, 0, **more)
    source, target = vocabularies([Pair("1", "1")])
    with pytest.raises(ValueError, match="there is no row"):
        tensors([], source, target)
