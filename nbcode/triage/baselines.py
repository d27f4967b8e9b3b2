"""What the model is measured beside: on the same rows, trained on the same rows."""

from __future__ import annotations

from collections.abc import Sequence

from nbcode.training import baselines
from nbcode.triage.scores import Scores, scores
from nbcode.triage.splits import Split

MAJORITY, BAG_OF_WORDS = "always the most frequent label", "bag of words"
ROWS, CHARACTERS = 10_000, 10_000  # that a bag of words takes: it holds a weight for each piece of text and class


def baseline_scores(texts: Sequence[str], labels: Sequence[str], split: Split) -> dict[str, Scores]:
    """Trained on the training part, scored on the test part.

    Texts without words, such as emoji alone, have no bag. Of a large table the bag takes some rows, evenly spread, and
    its name tells how many.
    """
    some = split.train[:: -(-len(split.train) // ROWS)]
    name = BAG_OF_WORDS if len(some) == len(split.train) else f"{BAG_OF_WORDS}, from {len(some)} rows"
    found = {MAJORITY: _score(baselines.majority(), texts, labels, split.train, split.test)}
    try:
        found[name] = _score(baselines.bag_of_words(), texts, labels, some, split.test)
    except ValueError as error:
        if "empty vocabulary" not in str(error):
            raise
    return found


def _score(method, texts: Sequence[str], labels: Sequence[str], train: Sequence[int], test: Sequence[int]) -> Scores:
    method.fit([texts[place][:CHARACTERS] for place in train], [labels[place] for place in train])
    guesses = method.predict([texts[place][:CHARACTERS] for place in test])
    return scores([labels[place] for place in test], list(map(str, guesses)))
