"""A threshold over real predictions: which requests are assigned without a person, and how many of them rightly."""

from __future__ import annotations

import traitlets

from nbcode.widgets.base import BadTrait, InteractiveFigure, Number, bundle, is_number, styles

MOST = 5000  # predictions; each of them stands in the page
PARTS = ("confidence", "right", "class", "predicted", "text")
LONGEST = 120  # characters of a text or of the name of a class
COSTS = 1.0, 50.0


def cut(text: str) -> str:
    """A text that fits into a line or two and into a page: a cell of a table may hold a megabyte."""
    short = text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
    return short.encode("utf-8", "replace").decode("utf-8")  # half a pair of surrogates is no text


class Predictions(traitlets.List):
    """Predictions, the true classes, and what they are about."""

    def validate(self, obj, value):
        """The predictions as lists with short texts, or a ``BadTrait`` that names the first bad one."""
        if not isinstance(value, (list, tuple)) or len(value) > MOST:
            raise BadTrait(f"{self.name} must be a list of at most {MOST} predictions [{', '.join(PARTS)}]")
        for number, each in enumerate(value):
            if not self._fits(each):
                raise BadTrait(
                    f"{self.name}[{number}] is {str(each)[:100]}; give [{', '.join(PARTS)}]: a number from 0 to 1, "
                    "True or False, and three texts"
                )
        return [[float(confidence), right, *map(cut, texts)] for confidence, right, *texts in value]

    def _fits(self, each):
        if not isinstance(each, (list, tuple)) or len(each) != len(PARTS):
            return False
        confidence, right, *texts = each
        sure = is_number(confidence) and 0 <= confidence <= 1
        return sure and isinstance(right, bool) and all(isinstance(text, str) for text in texts)


class Threshold(InteractiveFigure):
    """Predictions of a classifier: those that are sure enough are taken over, the others are left to a person.

    Traits: ``predictions``, each [confidence, right, class, predicted, text], where right says whether the predicted
    class counts as right (a request may have two owners) and the text, such as a title, is cut to 120 characters;
    ``threshold``, the least confidence at which a prediction is taken over; ``cost``, of a wrong assignment, in
    decisions by a person. What the threshold gives is that of ``nbcode.training.metrics.coverage``.
    """

    tag = "threshold"
    _esm = bundle("threshold.js")
    _css = styles("base.css", "plane.css", "threshold.css")
    predictions = Predictions().tag(sync=True)
    threshold = Number(0.5, min=0, max=1).tag(sync=True)
    cost = Number(5.0, min=COSTS[0], max=COSTS[1]).tag(sync=True)
