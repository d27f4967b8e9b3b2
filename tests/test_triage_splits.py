"""Near-duplicates are found, and splits leak neither them nor the future."""

import collections
import itertools
import random

import numpy as np
import pytest

from nbcode.data.requirements import generate
from nbcode.triage.near_duplicates import near_duplicates
from nbcode.triage.splits import SHARES, split_at_random, split_by_time

WORDS = [f"word{i}" for i in range(3000)]


def text(draw, length=40):
    return " ".join(draw.choices(WORDS, k=length))


def parts(split):
    return split.train, split.validation, split.test


# -- near-duplicates


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        ("The parcel is lost again, please help us.", "the  PARCEL is lost -- again: please help us!", True),
        ("one two three four five six seven eight nine ten", "One two three four five six seven eight nine", True),
        ("one two three four five six seven eight nine ten", "ten nine eight seven six five four three two one", False),
        ("用户支付后订单状态没有更新，请尽快修复这个问题", "用户支付后订单状态没有更新，请尽快修复此问题", True),
        ("用户支付后订单状态没有更新", "仓库里的包裹找不到了怎么办", False),
        ("help", "help", True), ("help", "Help!", True), ("help", "halt", False), ("", " ", True), ("", "help", False),
        ("🎉", "🎉", True), ("🎉", "!!", False), ("a b", "b a", False), ("\ud800", "a \x00 b", False),
    ],
)  # fmt: skip
def test_what_says_almost_the_same_goes_together(one, other, together):
    assert near_duplicates([one, other]).tolist() == [0, 0 if together else 1]
    assert near_duplicates(["in between all is different from both of them", one, other]).tolist()[1:] == [
        1,
        2 - together,
    ]


def shingles(words):
    return {tuple(words[at : at + 3]) for at in range(len(words) - 2)}


def test_pairs_are_found_as_the_plain_definition_says():
    """All pairs of 300 texts, by Python's sets; those far from the bar are never taken for one another."""
    draw = random.Random(0)
    texts = []
    for _ in range(100):
        words = text(draw).split()
        for changes in (0, 1, draw.randint(2, 12)):
            new = list(words)
            for _ in range(changes):
                new[draw.randrange(len(new))] = draw.choice(WORDS)
            texts.append(new)
    groups = near_duplicates([" ".join(words) for words in texts], alike=0.5)
    sets = [shingles(words) for words in texts]
    alike = [
        (len(sets[a] & sets[b]) / len(sets[a] | sets[b]), groups[a] == groups[b])
        for a, b in itertools.combinations(range(300), 2)
    ]
    assert all(together for index, together in alike if index >= 0.6)
    assert np.mean([together for index, together in alike if 0.5 <= index < 0.6]) > 0.8
    assert not any(together for index, together in alike if index < 0.2)


def test_a_group_is_named_by_its_first_and_holds_chains():
    draw = random.Random(1)
    words = text(draw, 60).split()
    chain = [" ".join(words[start : start + 30]) for start in range(0, 30, 6)]  # neighbors are alike, the ends are not
    groups = near_duplicates([text(draw), *chain, text(draw)])
    assert groups.tolist() == [0, 1, 1, 1, 1, 1, 6]
    assert near_duplicates([*chain[::4]]).tolist() == [0, 1]


def test_the_same_texts_give_the_same_groups_whatever_stands_beside():
    draw = random.Random(2)
    texts = [text(draw) for _ in range(50)]
    texts += [each + " more" for each in texts[:20]]
    groups = near_duplicates(texts)
    assert groups.tolist() == [*range(50), *range(20)] and near_duplicates(texts).tolist() == groups.tolist()
    assert near_duplicates([]).tolist() == []


def test_many_copies_of_one_text_cost_no_pairs():
    texts = [
        f"Please look at order {number}, which did not arrive, and tell the customer why" for number in range(1000)
    ]
    assert len(set(near_duplicates(texts).tolist())) == 1
    assert len(set(near_duplicates(texts, alike=1.0).tolist())) == 1000


@pytest.mark.parametrize("language", ["en", "zh"])
def test_copies_in_the_simulated_database_are_found(language):
    records = generate(0, 800, language)
    groups = near_duplicates([record.text for record in records])
    found = collections.defaultdict(list)
    for record in records:
        if record.facts.duplicate_of:
            found[record.facts.duplicate_kind].append(
                groups[record.req_id - 1] == groups[record.facts.duplicate_of - 1]
            )
    assert all(found["copy"]) and np.mean(found["edited"]) > 0.85
    wrong = sum(records[first].facts.group != record.facts.group for record, first in zip(records, groups, strict=True))
    assert wrong <= 0.01 * len(records)


@pytest.mark.parametrize("alike", [0, -1, 1.1, float("nan")])
def test_a_share_that_is_none_is_told(alike):
    with pytest.raises(ValueError, match="alike is"):
        near_duplicates(["a"], alike)


# -- at random


@pytest.mark.parametrize("seed", range(30))
def test_groups_stay_together_and_each_row_is_in_one_part(seed):
    draw = random.Random(seed)
    rows = [(draw.choice("abc"), draw.randint(0, 40)) for _ in range(draw.randint(60, 200))]
    labels, groups = zip(*rows, strict=True)
    split = split_at_random(labels, groups, seed)
    assert sorted(itertools.chain(*parts(split))) == list(range(len(rows)))
    train, validation, test = ({groups[place] for place in part} for part in parts(split))
    assert not train & validation and not train & test and not validation & test
    assert split_at_random(labels, groups, seed) == split


def test_each_class_has_its_shares_in_all_parts():
    draw = random.Random(3)
    labels = draw.choices("abcde", [50, 30, 15, 4, 1], k=2000)
    groups = [number if draw.random() < 0.7 else number // 7 * 7 for number in range(2000)]
    split = split_at_random(labels, groups)
    for label, count in collections.Counter(labels).items():
        for part, share in zip(parts(split), SHARES, strict=True):
            assert abs(sum(labels[place] == label for place in part) - share * count) <= 2
    assert split_at_random(labels, groups, 1) != split


def test_five_rows_of_a_class_are_dealt_three_one_one():
    labels = ["rare"] * 5 + ["often"] * 200
    split = split_at_random(labels, range(205))
    assert [sum(place < 5 for place in part) for part in parts(split)] == [3, 1, 1]


@pytest.mark.parametrize("labels", [[], ["a"], ["a", "b"], ["a"] * 50])
def test_a_part_without_rows_is_told(labels):
    with pytest.raises(ValueError, match=f"of {len(labels)} labeled rows a part would get none"):
        split_at_random(labels, [0] * len(labels))


def test_lists_that_do_not_fit_are_told():
    for split in (split_at_random, split_by_time):
        with pytest.raises(ValueError, match="3 groups for 2 rows"):
            split([0, 1], [0, 1, 2])


# -- by time


@pytest.mark.parametrize("seed", range(30))
def test_no_part_knows_what_comes_later(seed):
    draw = random.Random(seed)
    times = [draw.choice([None, *range(50)]) for _ in range(draw.randint(100, 300))]
    groups = [draw.randint(0, 500) for _ in times]
    split = split_by_time(times, groups)
    train, validation, test = ([times[place] for place in part] for part in parts(split))
    assert max(train) < min(validation) and max(validation) < min(test)
    seen = [{groups[place] for place in part} for part in parts(split)]
    assert not seen[0] & seen[1] and not seen[0] & seen[2] and not seen[1] & seen[2]
    # What is in no part has no time, or repeats an older part.
    for place in set(range(len(times))) - set(itertools.chain(*parts(split))):
        if times[place] is not None:
            older = [times[other] for other in split.train + split.validation if groups[other] == groups[place]]
            assert older and min(older) < times[place]


def test_shares_by_time_and_repetitions_that_are_dropped():
    times = list(range(1000))
    groups = [number if number != 999 else 0 for number in times]  # the newest repeats the oldest
    split = split_by_time(times[::-1], groups[::-1])
    assert [len(part) for part in parts(split)] == [600, 200, 199] and 0 not in split.test


@pytest.mark.parametrize("times", [[], [None] * 50, [7.0] * 50])
def test_times_that_cannot_be_cut_are_told(times):
    with pytest.raises(ValueError, match="or are of different times"):
        split_by_time(times, range(len(times)))
