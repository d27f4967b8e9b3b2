"""What an exercise is, and how an answer to it is judged.

An answer is a function. It is run beside the solution on random arguments, and each pair of results is compared.
Where they differ, the answer is compared with known wrong answers ("mutants"), and the one that it equals
everywhere names the mistake; a wrong answer that nobody foresaw gets the first failing case instead.
"""

from __future__ import annotations

import copy
import inspect
import math
import numbers
import random
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

TRIALS = 30
TOLERANCE = 1e-5  # relative and absolute: a right answer in float32 must pass


class WrongAnswer(ValueError):
    """Raised by a ``view`` when a result cannot be judged at all; its message goes to the reader."""


@dataclass(frozen=True)
class Mutant:
    """A typical wrong answer, and what the reader who wrote it should be told."""

    answer: Callable
    says: str


@dataclass(frozen=True)
class Verdict:
    """What a check found. ``status`` is "right", "wrong" or "not written yet"; true only when right."""

    status: str
    message: str

    def __bool__(self) -> bool:
        return self.status == "right"

    def _ipython_display_(self) -> None:
        """The check has printed the message; as a cell's last value it must not show again."""


def normal(rng: random.Random, *shape: int) -> torch.Tensor:
    """Normally distributed numbers of a shape, for the ``arguments`` of an exercise."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(rng.getrandbits(32)))


def _same(result, arguments):
    return result


@dataclass(frozen=True)
class Exercise:
    """An exercise of a chapter: the page, the lab and the tests are made from it.

    Attributes:
        name: of the function that the reader writes; also the check's, ``check.<name>``.
        chapter: the concept in the file names of the chapter's page and lab, for example ``"neuron"``.
        difficulty: 1 (apply), 2 (think) or 3 (build).
        minutes: the time that it takes.
        task: what to write, in Markdown.
        hint: in Markdown.
        solution: a right answer.
        mutants: at least three typical wrong answers.
        arguments: makes one random tuple of arguments from a ``random.Random``.
        view: maps a result and its arguments to what is compared, for tasks with many right answers.
        explain: says in words how the view of an answer differs from the solution's; without it both are shown.
        trials: number of random tuples of arguments; 1 where there is nothing random.
        edge_cases: tuples of arguments that chance might miss; they are tried every time.
    """

    name: str
    chapter: str
    difficulty: int
    minutes: int
    task: str
    hint: str
    solution: Callable
    mutants: tuple[Mutant, ...]
    arguments: Callable[[random.Random], tuple]
    view: Callable = field(default=_same)
    explain: Callable | None = None
    trials: int = TRIALS
    edge_cases: tuple[tuple, ...] = ()

    @property
    def signature(self) -> str:
        """The function's name and parameters, for example ``weighted_sum(x, w, b)``."""
        return self.name + str(inspect.signature(self.solution))

    @property
    def stub(self) -> str:
        """The code that a reader starts from."""
        return f"def {self.signature}:\n    pass  # your code"

    @property
    def solution_source(self) -> str:
        """The solution's source code."""
        return textwrap.dedent(inspect.getsource(self.solution))

    def check(self, answer: Callable, seed: int | None = None) -> Verdict:
        """Judge an answer and print what was found. Never raises for a wrong answer.

        Args:
            answer: the reader's function.
            seed: of the random arguments; ``None`` draws new ones each time.
        """
        verdict = judge(self, answer, random.Random(seed))
        mark = {"right": "✓", "wrong": "✗", "not written yet": "…"}[verdict.status]
        print(f"{mark} {self.name}: {verdict.message}")
        return verdict


def judge(exercise: Exercise, answer: Callable, rng: random.Random) -> Verdict:
    """Run an answer beside the solution on random arguments; the difference that is shortest to tell is told."""
    if not callable(answer):
        return Verdict(
            "wrong", f"give the function itself, not what it returns: check.{exercise.name}({exercise.name})"
        )
    trials = [*exercise.edge_cases, *(exercise.arguments(rng) for _ in range(exercise.trials))]
    try:
        views = [_run(exercise, answer, arguments) for arguments in trials]
    except NotImplementedError:
        return Verdict("not written yet", "not written yet")
    except WrongAnswer as error:
        return Verdict("wrong", _known_mistake(exercise, answer, trials) or str(error))
    if all(view is None for view in views):
        return Verdict("not written yet", "not written yet (it returns None; if it is written, is a return missing?)")
    told = [found for pair in zip(trials, views, strict=True) if (found := _told_difference(exercise, *pair))]
    if told:
        return Verdict("wrong", _known_mistake(exercise, answer, trials) or min(told, key=len))
    return Verdict("right", f"right, on {exercise.trials} random cases" if exercise.trials > 1 else "right")


def _told_difference(exercise: Exercise, arguments: tuple, view) -> str | None:
    """What to tell the reader about one case; None if the answer is right in it."""
    expected = _run(exercise, exercise.solution, arguments)
    difference = _difference(view, expected)
    if difference and exercise.explain:
        return exercise.explain(view, expected)
    return difference and f"for {_show(exercise, arguments)} {difference}"


def _run(exercise: Exercise, answer: Callable, arguments: tuple):
    """The view of the result; raises WrongAnswer where the answer fails, changes an argument or is not repeatable."""
    given = copy.deepcopy(arguments)
    try:
        result = answer(*given)
        again = answer(*copy.deepcopy(arguments))
    except NotImplementedError:
        raise
    except (Exception, SystemExit) as error:
        what = f"{type(error).__name__}: {error}"
        raise WrongAnswer(f"your function raised {what} for {_show(exercise, arguments)}") from error
    if result is None or result is ...:
        return None
    if _difference(given, arguments):
        raise WrongAnswer("your function changes an argument in place; work on a copy, the caller still needs it")
    comparable = _difference(result, result) is None  # a dictionary, say, is not: it is wrong, but not random
    if comparable and _difference(result, again):
        raise WrongAnswer("called twice with the same arguments, your function gives two different results")
    return exercise.view(result, arguments)


def _known_mistake(exercise: Exercise, answer: Callable, trials: Sequence[tuple]) -> str | None:
    """The message of the mutant that does the same as the answer in every trial, if there is one."""
    done = [_outcome(exercise, answer, arguments) for arguments in trials]
    for mutant in exercise.mutants:
        if not any(
            _difference(mine, _outcome(exercise, mutant.answer, arguments))
            for mine, arguments in zip(done, trials, strict=True)
        ):
            return mutant.says
    return None


def _outcome(exercise: Exercise, answer: Callable, arguments: tuple):
    try:
        return _run(exercise, answer, arguments)
    except NotImplementedError:
        return "not written yet"
    except WrongAnswer as error:
        # Two functions that fail alike make the same mistake, whatever their lines are called.
        return f"raised {error}"


def _difference(got, expected) -> str | None:
    """How ``got`` differs from ``expected``, in words; None where they agree."""
    if callable(expected) and got is expected:  # a function among the arguments
        return None
    if isinstance(expected, (tuple, list)):
        got = got.tolist() if isinstance(got, (torch.Tensor, np.ndarray)) and not _is_meta(got) else got
        if not isinstance(got, (tuple, list)) or len(got) != len(expected):
            return f"you return {_brief(got)}, expected {_brief(expected)}"
        pairs = zip(got, expected, strict=True)
        differ = [place for place, pair in enumerate(pairs, 1) if _difference(*pair)]
        if not differ:
            return None
        parts = isinstance(expected, tuple) and any(isinstance(part, torch.Tensor) for part in expected)
        if not parts:
            return f"you return {_brief(got)}, expected {_brief(expected)}"
        first = differ[0]
        return f"result {first} of {len(expected)} is wrong: {_difference(got[first - 1], expected[first - 1])}"
    if isinstance(expected, (str, bool)) or expected is None:
        same = type(got) is type(expected) and got == expected
        return None if same else f"you return {_brief(got)}, expected {_brief(expected)}"
    return _numeric_difference(got, expected)


def _numeric_difference(got, expected) -> str | None:
    if got is None or (isinstance(got, (str, bool, tuple, list)) and not isinstance(expected, torch.Tensor)):
        return f"you return {_brief(got)}, expected {_brief(expected)}"
    try:
        mine, right = torch.as_tensor(got).cpu(), torch.as_tensor(expected).cpu()
    except (TypeError, ValueError, OverflowError, RuntimeError):  # the last also where a tensor holds no data
        return f"you return a {type(got).__name__}, expected {_brief(expected)}"
    if mine.is_complex():
        return f"you return complex numbers, expected {_brief(expected)}"
    if mine.shape != right.shape:
        return f"your result has shape {tuple(mine.shape)}, expected {tuple(right.shape)}"
    close = torch.isclose(mine.double(), right.double(), rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True)
    return None if close.all() else f"you return {_brief(got)}, expected {_brief(expected)}"


def _show(exercise: Exercise, arguments: tuple) -> str:
    """The arguments by name, as a reader would type them."""
    names = inspect.signature(exercise.solution).parameters
    shown = ", ".join(f"{name}={_brief(value)}" for name, value in zip(names, arguments, strict=False))
    return shown or "no arguments"


def _is_meta(value) -> bool:
    return isinstance(value, torch.Tensor) and value.is_meta


def _brief(value) -> str:
    if isinstance(value, torch.Tensor):
        return "a tensor without data" if _is_meta(value) else _brief(value.tolist())
    if isinstance(value, (list, tuple)):
        inner = ", ".join(_brief(item) for item in value)
        return f"[{inner}]" if isinstance(value, list) else f"({inner},)" if len(value) == 1 else f"({inner})"
    if isinstance(value, numbers.Real) and not isinstance(value, (bool, numbers.Integral)):
        return f"{value:.4g}" if math.isfinite(value) else str(value)
    if inspect.isfunction(value):
        return "a function"
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


class Check:
    """``check.name(answer)`` judges an answer to the exercise ``name``; ``check.name`` alone shows its task."""

    def __init__(self, exercises: Sequence[Exercise]) -> None:
        self._exercises = {exercise.name: exercise for exercise in exercises}

    def __getattr__(self, name: str) -> BoundCheck:
        if name.startswith("_"):
            raise AttributeError(name)
        if name not in self._exercises:
            raise AttributeError(f"no exercise is called {name!r}; there are: {', '.join(self._exercises)}")
        return BoundCheck(self._exercises[name])

    def __dir__(self) -> list[str]:
        return list(self._exercises)


@dataclass(frozen=True)
class BoundCheck:
    """One exercise in the lab: call it with an answer, or let Jupyter show its task and hint."""

    exercise: Exercise

    def __call__(self, answer: Callable, seed: int | None = None) -> Verdict:
        return self.exercise.check(answer, seed)

    def _repr_markdown_(self) -> str:
        stars = "★" * self.exercise.difficulty + "☆" * (3 - self.exercise.difficulty)
        head = f"**`{self.exercise.signature}`** · {stars} · {self.exercise.minutes} min"
        hint = f"<details><summary>Hint</summary>\n\n{self.exercise.hint}\n\n</details>"
        return f"{head}\n\n{self.exercise.task}\n\n{hint}"
