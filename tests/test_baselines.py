"""The baselines: what they know, and what they cannot."""

import numpy as np
import pytest

from nbcode.training.baselines import bag_of_words, majority

TEXTS = ["refund the order", "refund my card", "slow search page", "the search is slow", "search finds nothing"]
LABELS = [0, 0, 1, 1, 1]


def test_the_majority_is_the_most_frequent_class_whatever_is_asked():
    found = majority().fit(TEXTS, LABELS)
    assert found.predict(["refund the order", "anything"]).tolist() == [1, 1]
    np.testing.assert_allclose(found.predict_proba(["refund the order"]), [[0.4, 0.6]])


def test_known_words_decide_in_any_order():
    found = bag_of_words().fit(TEXTS, LABELS)
    assert found.predict(["a card to refund", "page of search"]).tolist() == [0, 1]


@pytest.mark.parametrize("text", ["完全不同", "Q", "ж ш"])
def test_of_unknown_words_it_knows_the_frequencies_only(text):
    found = bag_of_words().fit(TEXTS, LABELS)
    probabilities = found.predict_proba([text, ""])
    np.testing.assert_allclose(probabilities[0], probabilities[1], atol=0.01)  # they have in common a word's two ends
    assert probabilities[0].argmax() == 1


def test_pieces_see_through_slips_and_know_chinese():
    found = bag_of_words().fit(TEXTS, LABELS)
    assert found.predict(["refnd", "serach"]).tolist() == [0, 1]
    chinese = bag_of_words().fit(["订单退款太慢", "退款没有到账", "搜索结果不准", "搜索很慢"], [0, 0, 1, 1])
    assert chinese.predict(["请尽快退款", "无法搜索商品"]).tolist() == [0, 1]
