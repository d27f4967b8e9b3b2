"""What the model is measured beside: on the same rows, trained on the same rows."""

from __future__ import annotations

from collections.abc import Sequence

from nbcode.training import baselines
from nbcode.triage.scores import Scores, scores
from nbcode.triage.splits import Split

MAJORITY, BAG_OF_WORDS = "always the most frequent label", "bag of words"


def baseline_scores(texts: Sequence[str], labels: Sequence[str], split: Split) -> dict[str, Scores]:
    """Trained on the training part, scored on the test part. Texts without words, such as emoji alone, have no bag."""
    train, truth = [texts[i] for i in split.train], [labels[i] for i in split.test]
    found = {}
    for name, method in ((MAJORITY, baselines.majority()), (BAG_OF_WORDS, baselines.bag_of_words())):
        try:
            method.fit(train, [labels[i] for i in split.train])
        except ValueError as error:
            if "empty vocabulary" not in str(error):
                raise
            continue
        found[name] = scores(truth, list(map(str, method.predict([texts[i] for i in split.test]))))
    return found
