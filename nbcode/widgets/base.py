"""What all interactive figures share. No torch here: a figure shows numbers that it computes in the page.

A figure is one small class and one ``.js`` file. Front ends import helpers from their neighbors
(``import { slider } from "./kit.js"``); since a front end must reach JupyterLab, Colab and a page opened from disk
as one text, those imports are written into it here.
"""

from __future__ import annotations

import numbers
import re
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import anywidget
import traitlets

STATIC = Path(__file__).parent / "static"
IMPORT = re.compile(r'^import \{[^}]*\} from "\./([\w.]+)";\n', re.MULTILINE)


class BadTrait(traitlets.TraitError, ValueError):
    """A value that a figure cannot show."""


def bundle(name: str) -> str:
    """The text of a front end with the modules that it imports written before it, each once.

    Args:
        name: of a file in the static folder.
    """
    parts: dict[str, str] = {}

    def add(file: str) -> None:
        if file in parts:
            return
        text = (STATIC / file).read_text(encoding="utf-8")
        for needed in IMPORT.findall(text):
            add(needed)
        own = IMPORT.sub("", text)
        # Only the outermost module exports; inside, the names of all parts share one scope.
        parts[file] = own if file == name else re.sub(r"^export (?!default)", "", own, flags=re.MULTILINE)

    add(name)
    return "\n".join(parts.values())


def styles(*names: str) -> str:
    """The style sheets of a figure as one text."""
    return "\n".join((STATIC / name).read_text(encoding="utf-8") for name in names)


class InteractiveFigure(anywidget.AnyWidget):
    """A figure whose arithmetic runs in the browser: in Jupyter, in Colab, and in the built page without a kernel.

    Subclasses set ``tag``, the name of the figure in a chapter (``neuron`` becomes ``<nb-neuron>``), ``_esm``,
    ``_css``, and their traits.
    """

    tag: ClassVar[str]

    def __init__(self, **traits) -> None:
        unknown = sorted(set(traits) - set(self.trait_names()))
        if unknown:
            raise BadTrait(f"{type(self).__name__} has no {', '.join(unknown)}; it has: {', '.join(self.defaults())}")
        super().__init__(**traits)

    @classmethod
    def defaults(cls) -> dict:
        """The figure's own traits and their default values: what a page without a kernel starts from."""
        own = cls.class_traits(sync=True)
        inherited = InteractiveFigure.class_traits(sync=True)
        return {name: trait.default() for name, trait in own.items() if name not in inherited}


def is_number(value: object) -> bool:
    """Whether a value is a number; NaN counts as none, since it lies within no limits."""
    return isinstance(value, numbers.Real) and not isinstance(value, bool) and value == value


class Number(traitlets.Float):
    """A finite number within limits."""

    def validate(self, obj, value):
        """The value as a float, or a ``BadTrait`` that names the limits."""
        if not is_number(value) or not self.min <= value <= self.max:
            raise BadTrait(f"{self.name} is {value!r}; give a finite number from {self.min:g} to {self.max:g}")
        return float(value)


class Whole(traitlets.Int):
    """A whole number within limits."""

    def validate(self, obj, value):
        """The value, or a ``BadTrait`` that names the limits."""
        if type(value) is not int or not self.min <= value <= self.max:
            raise BadTrait(f"{self.name} is {value!r}; give a whole number from {self.min} to {self.max}")
        return value


class Choice(traitlets.Enum):
    """One of a few names or numbers."""

    def validate(self, obj, value):
        """The value, or a ``BadTrait`` that lists what is allowed."""
        if isinstance(value, bool) or value not in self.values:  # True == 1
            raise BadTrait(f"{self.name} is {value!r}; choose one of {', '.join(map(str, self.values))}")
        return self.values[self.values.index(value)]


class Switch(traitlets.Bool):
    """On or off."""

    def validate(self, obj, value):
        """The value, or a ``BadTrait`` that says what is allowed."""
        if not isinstance(value, bool):
            raise BadTrait(f"{self.name} is {value!r}; give True or False")
        return value


def attributes(cls: type[InteractiveFigure], given: Mapping[str, object]) -> dict:
    """The complete state of a figure from some of its traits, validated.

    Raises:
        ValueError: an unknown trait, or a value that it does not take.
    """
    unknown = sorted(set(given) - set(cls.defaults()))
    if unknown:
        raise ValueError(f"<nb-{cls.tag}> has no {', '.join(unknown)}; it has: {', '.join(cls.defaults())}")
    fixed = sorted(name for name in given if getattr(cls, name).read_only)
    if fixed:
        raise BadTrait(f"{', '.join(fixed)} of <nb-{cls.tag}> is fixed and cannot be given")
    figure = cls(**given)
    try:
        return {name: getattr(figure, name) for name in cls.defaults()}
    finally:
        figure.close()
