"""What a network must beat: always the most frequent class, and a bag of words. Both are scikit-learn's."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sklearn.dummy import DummyClassifier
    from sklearn.pipeline import Pipeline

PENALTY = 10.0  # scikit-learn's C, the inverse of the penalty's strength


def majority() -> DummyClassifier:
    """Always the most frequent class of the training; each class is as probable as it was frequent there."""
    from sklearn.dummy import DummyClassifier

    return DummyClassifier(strategy="prior")


def bag_of_words() -> Pipeline:
    """Logistic regression on weighted counts of words, pairs of words, and pieces of 1 to 5 characters.

    The pieces make it work for Chinese, which has no spaces, and for words with slips. It sees neither order nor
    meaning: a word that the training lacks tells it nothing.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline, make_union

    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    pieces = TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 5), sublinear_tf=True)
    return make_pipeline(make_union(words, pieces), LogisticRegression(C=PENALTY, max_iter=5000))
