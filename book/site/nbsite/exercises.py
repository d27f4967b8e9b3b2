"""Directives that turn ``nbcode.exercises`` and the self-test questions into page text.

Both write Markdown and let the parser do the rest, so that mathematics and code work in them as everywhere.
"""

from __future__ import annotations

import yaml
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from nbcode import exercises

LETTERS = "ABCDEF"


class _Written(SphinxDirective):
    """A directive whose result is Markdown text."""

    def parsed(self, text: str) -> list[nodes.Node]:
        container = nodes.container()
        source = self.env.doc2path(self.env.docname)
        self.state.nested_parse(StringList(text.splitlines(), source), self.content_offset, container)
        return container.children


class Exercises(_Written):
    """``{exercises} CHAPTER``: every exercise of a chapter, with its hint, its stub and its solution."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        wanted = [exercise for exercise in exercises.ALL if exercise.chapter == self.arguments[0]]
        if not wanted:
            chapters = sorted({exercise.chapter for exercise in exercises.ALL})
            raise self.error(f"no exercise belongs to {self.arguments[0]!r}; chapters: {', '.join(chapters)}")

        return self.parsed("\n\n".join(exercise_text(number, e) for number, e in enumerate(wanted, 1)))


def exercise_text(number: int, exercise: exercises.Exercise) -> str:
    """An exercise as Markdown."""
    level = {1: "apply", 2: "think", 3: "build"}[exercise.difficulty]
    stars = "★" * exercise.difficulty + "☆" * (3 - exercise.difficulty)
    return f"""\
:::::{{admonition}} Exercise {number}: `{exercise.name}`
:class: nb-exercise

*{stars} {level}, about {exercise.minutes} minutes*

{exercise.task}

```python
{exercise.stub}

check.{exercise.name}({exercise.name})
```

::::{{dropdown}} Hint for exercise {number}
{exercise.hint}
::::

::::{{dropdown}} Solution of exercise {number}
```python
{exercise.solution_source}
```
::::
:::::"""


class Question(_Written):
    """``{question}``: YAML with ``ask`` and ``choices``, each [right or wrong, text, explanation]."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        told = yaml.safe_load("\n".join(self.content))
        if not isinstance(told, dict) or set(told) != {"ask", "choices"}:
            raise self.error("a question needs exactly: ask, choices")
        kinds = [choice[0] for choice in told["choices"]]
        if kinds.count("right") != 1 or set(kinds) - {"right", "wrong"} or len(kinds) > len(LETTERS):
            raise self.error(f"a question needs one right choice and up to {len(LETTERS) - 1} wrong ones, not {kinds}")
        number = self.env.new_serialno("nb-question") + 1
        return self.parsed(question_text(number, told["ask"], told["choices"]))


def question_text(number: int, ask: str, choices: list[list[str]]) -> str:
    """A question as Markdown: every choice opens its explanation."""
    marks = {"right": "**Right.**", "wrong": "**Not so.**"}
    opened = "\n\n".join(
        f"::::{{dropdown}} {letter}. {text}\n:class-container: nb-choice-{kind}\n\n{marks[kind]} {why}\n::::"
        for letter, (kind, text, why) in zip(LETTERS, choices, strict=False)
    )
    return f":::::{{admonition}} Question {number}\n:class: nb-question\n\n{ask}\n\n{opened}\n:::::"


def setup(app: Sphinx) -> None:
    app.add_directive("exercises", Exercises)
    app.add_directive("question", Question)
