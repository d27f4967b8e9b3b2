"""Scores against labels a class: a reader draws the curve that he expects, and then sees the measured ones."""

from __future__ import annotations

from collections.abc import Mapping

import traitlets

from nbcode.widgets.base import BadTrait, InteractiveFigure, bundle, is_number, styles

ALL = "all"  # in place of a number of labels a class: as many as there are
COLUMNS = ("method", "labels", "seed", "accuracy")
MOST_METHODS, MOST_SIZES, MOST_ROWS = 6, 8, 2000  # more curves cannot be told apart, nor more columns on a telephone
LONGEST_NAME = 40


def is_whole(value: object, least: int) -> bool:
    """Whether a value is a whole number that is not below a limit."""
    return type(value) is int and value >= least


def is_name(value: object) -> bool:
    """Whether a value can name a method."""
    return isinstance(value, str) and 0 < len(value) <= LONGEST_NAME


def is_size(value: object) -> bool:
    """Whether a value is a number of labels a class."""
    return value == ALL if isinstance(value, str) else is_whole(value, 1)


def is_share(value: object) -> bool:
    """Whether a value lies from 0 to 1."""
    return is_number(value) and 0 <= value <= 1


FITS = {
    "method": is_name,
    "labels": is_size,
    "seed": lambda value: is_whole(value, 0),
    "accuracy": is_share,
}


class Results(traitlets.List):
    """The rows of a study, one for each run."""

    def validate(self, obj, value):
        """The rows as lists, or a ``BadTrait`` that names the first bad one."""
        if not isinstance(value, (list, tuple)) or len(value) > MOST_ROWS:
            raise BadTrait(f"{self.name} must be a list of at most {MOST_ROWS} rows [{', '.join(COLUMNS)}]")
        for number, row in enumerate(value):
            right = isinstance(row, (list, tuple)) and len(row) == len(COLUMNS)
            if not right or not all(fits(cell) for fits, cell in zip(FITS.values(), row, strict=True)):
                raise BadTrait(
                    f"{self.name}[{number}] is {str(row)[:100]}; give [{', '.join(COLUMNS)}]: a name of 1 to "
                    f"{LONGEST_NAME} characters, a whole number from 1 on or {ALL!r}, a whole number from 0 on, "
                    "a share from 0 to 1"
                )
        self._check_grid(value)
        return [[*row[:-1], float(row[-1])] for row in value]

    def _check_grid(self, rows):
        methods, sizes, cells = ({tuple(row[part]) for row in rows} for part in (slice(1), slice(1, 2), slice(3)))
        if len(methods) > MOST_METHODS or len(sizes) > MOST_SIZES:
            raise BadTrait(
                f"{self.name} has {len(methods)} methods and {len(sizes)} numbers of labels; "
                f"give at most {MOST_METHODS} and {MOST_SIZES}"
            )
        if len(cells) < len(rows):
            raise BadTrait(f"{self.name} has a run twice; give each of {', '.join(COLUMNS[:3])} once")


class Method(traitlets.Unicode):
    """The name of a method, or nothing."""

    def validate(self, obj, value):
        """The name, or a ``BadTrait``."""
        if value != "" and not is_name(value):
            raise BadTrait(f"{self.name} is {str(value)[:100]!r}; give the name of a method, as in rows")
        return value


class Methods(traitlets.List):
    """Names of methods."""

    def validate(self, obj, value):
        """The names, each once, or a ``BadTrait``."""
        if not isinstance(value, (list, tuple)) or not all(map(is_name, value)):
            raise BadTrait(f"{self.name} is {str(value)[:100]}; give a list of names of methods, as in rows")
        return list(dict.fromkeys(value))


class Size(traitlets.Any):
    """A number of labels a class."""

    allow_none = False  # else None would pass unseen

    def validate(self, obj, value):
        """The number, or a ``BadTrait``."""
        if not is_size(value):
            raise BadTrait(f"{self.name} is {value!r}; give a whole number from 1 on, or {ALL!r}")
        return value


class Guesses(traitlets.Dict):
    """Drawn curves by the names of their methods: a share or None for each number of labels, in ascending order."""

    def validate(self, obj, value):
        """The curves as lists, or a ``BadTrait``."""
        drawn = value.items() if isinstance(value, Mapping) else [(None, None)]
        for name, curve in drawn:
            right = is_name(name) and isinstance(curve, (list, tuple)) and len(curve) <= MOST_SIZES
            if not right or not all(each is None or is_share(each) for each in curve):
                raise BadTrait(
                    f"{self.name} must name methods, each with at most {MOST_SIZES} shares from 0 to 1, None where "
                    "nothing is guessed"
                )
        return {name: list(curve) for name, curve in drawn}


class LearningCurves(InteractiveFigure):
    """What several methods score with so many labels a class, after the reader has drawn what he expects.

    Traits of the results: ``rows``, each [method, labels, seed, accuracy], where labels is the number of labels a class
    or "all", and runs of two methods with the same seed learned from the same labels; ``pretrained``,
    the methods that begin with pre-trained weights. Methods keep the order of their first rows.

    Traits that a reader changes: ``method``, the one to draw and to compare with the others (the last one, if it is
    empty); ``labels``, the number that is looked at; ``shown``, the methods whose measured curves are seen;
    ``guesses``, by method, the drawn curves.
    """

    tag = "learning-curves"
    _esm = bundle("learning_curves.js")
    _css = styles("base.css", "plane.css", "learning_curves.css")
    rows = Results().tag(sync=True)
    pretrained = Methods().tag(sync=True)
    method = Method("").tag(sync=True)
    labels = Size(10).tag(sync=True)
    shown = Methods().tag(sync=True)
    guesses = Guesses().tag(sync=True)

    @traitlets.validate("pretrained", "method", "shown", "guesses")
    def _is_in_rows(self, proposal):
        known, value = dict.fromkeys(row[0] for row in self.rows), proposal.value
        unknown = [name for name in ([value] if isinstance(value, str) else value) if name and name not in known]
        if known and unknown:
            raise BadTrait(f"{proposal.trait.name} names {unknown[0]!r}; the methods in rows are {', '.join(known)}")
        return value
