"""Text to numbers and back: nothing lost, nothing special by accident, and rows of one length."""

import re

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.utils.rnn import pad_sequence

from nbcode.data.vocabulary import END, PADDING, SPECIAL, START, UNKNOWN, Vocabulary, padded, tokenize

repeatable = settings(derandomize=True, deadline=None, max_examples=150)
# Pieces that meet each other in unlucky ways, and any other text.
texts = st.lists(
    st.sampled_from(["<fr>", "<", ">", "Tue", "é", "ß", "Ā", "7", " ", "\n", "年", "\u0301"]) | st.text(max_size=5)
).map("".join)


def test_words_digits_and_signs_by_hand():
    assert tokenize("23 Jan, 2029年") == ["2", "3", " ", "Jan", ",", " ", "2", "0", "2", "9", "年"]
    assert tokenize("<fr>poniedziałek,\u00a0août") == ["<fr>", "poniedziałek", ",", "\u00a0", "août"]
    assert tokenize("星期二") == ["星", "期", "二"] and tokenize("") == []
    assert tokenize("<FR> <f1> <>") == ["<", "FR", ">", " ", "<", "f", "1", ">", " ", "<", ">"]
    assert tokenize("a\r\nb") == ["a", "\r", "\n", "b"] and tokenize("😀é") == ["😀", "é"]


@repeatable
@given(text=texts)
def test_tokens_join_to_the_text_and_are_words_tags_or_single_characters(text):
    tokens = tokenize(text)
    assert "".join(tokens) == text
    assert all(len(token) == 1 or token.strip("×÷").isalpha() or re.fullmatch("<[a-z]+>", token) for token in tokens)


@repeatable
@given(known=st.lists(texts, min_size=1), seed=st.randoms(use_true_random=False))
def test_what_was_seen_comes_back_whatever_the_order(known, seed):
    vocabulary = Vocabulary.of(known)
    for text in known:
        numbers = vocabulary.encode(text)
        if not set(tokenize(text)) & set(SPECIAL):
            assert vocabulary.decode(numbers) == text and UNKNOWN not in numbers
            assert vocabulary.decode([START, *numbers, END, *numbers]) == text
            assert vocabulary.decode([*numbers, PADDING, PADDING]) == text
    shuffled = seed.sample(known, len(known))
    assert Vocabulary.of(shuffled).tokens == vocabulary.tokens


def test_numbers_follow_the_special_tokens_in_the_order_of_the_tokens():
    vocabulary = Vocabulary(["b", "a", "b", "年"])
    assert vocabulary.tokens == ("<pad>", "<start>", "<end>", "<unknown>", "a", "b", "年") and len(vocabulary) == 7
    assert (PADDING, START, END, UNKNOWN) == (0, 1, 2, 3)
    assert vocabulary.encode("b年a") == [5, 6, 4] and vocabulary.encode("ba") == [UNKNOWN]  # another word
    assert vocabulary.encode("") == [] and vocabulary.decode([]) == ""
    assert len(Vocabulary([])) == 4


def test_what_was_not_seen_is_unknown_and_is_shown_as_such():
    vocabulary = Vocabulary.of(["23 Jan"])
    numbers = vocabulary.encode("2x3 Feb")
    assert numbers.count(UNKNOWN) == 2 and vocabulary.decode(numbers) == "2\ufffd3 \ufffd"


@pytest.mark.parametrize("typed", SPECIAL)
def test_a_special_token_that_is_typed_in_a_text_is_not_special(typed):
    for vocabulary in (Vocabulary.of(["ab"]), Vocabulary.of([typed]), Vocabulary([typed, "ab"])):
        assert vocabulary.encode(typed) == [UNKNOWN]
        assert vocabulary.tokens.count(typed) == 1
    assert Vocabulary.of(["ab"]).decode(Vocabulary.of(["ab"]).encode(f"ab{typed}ab")) == "ab\ufffdab"


def test_decoding_takes_the_rows_of_a_tensor_and_stops_at_the_first_end():
    vocabulary = Vocabulary(["a", "b"])
    assert vocabulary.decode(torch.tensor([START, 5, 4, END, 5, END, 99])) == "ba"
    assert vocabulary.decode([END, 4]) == "" and vocabulary.decode([PADDING, 4, PADDING, START, 5]) == "ab"


@pytest.mark.parametrize("number", [6, -1, 1000])
def test_a_number_without_a_token_is_refused(number):
    with pytest.raises(ValueError, match=f"token {number} is not in this vocabulary of 6"):
        Vocabulary(["a", "b"]).decode([4, number])


@repeatable
@given(rows=st.lists(st.lists(st.integers(0, 99), max_size=6), min_size=1, max_size=5))
def test_rows_are_filled_up_behind(rows):
    table = padded(rows)
    assert table.dtype is torch.int64 and table.shape == (len(rows), max(map(len, rows)))
    assert torch.equal(table, pad_sequence([torch.tensor(row, dtype=torch.int64) for row in rows], batch_first=True))


def test_no_row_makes_no_batch():
    with pytest.raises(ValueError, match="there is no row to make a batch of"):
        padded([])
