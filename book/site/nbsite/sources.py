"""``{source} MODULE NAME``: the code of a function or class of the package, without its docstrings.

``{source-diff} MODULE NAME MODULE NAME``: what changes from the body of one function to that of another.

Code that a chapter shows is the code that runs. The docstring's shapes and errors are for who reads the package; in a
chapter the prose around the code says the same.
"""

from __future__ import annotations

import ast
import difflib
import importlib.util
import textwrap
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

LONGEST = 84  # characters that fit into the width of a page


def shown(text: str, name: str) -> str:
    """The source of ``name``, such as ``correct`` or ``Neurons.forward``, dedented and without docstrings.

    Raises:
        ValueError: the source text defines no such name.
    """
    scope: ast.AST = ast.parse(text)
    for part in name.split("."):
        scope = next((node for node in getattr(scope, "body", []) if getattr(node, "name", None) == part), None)
        if scope is None:
            raise ValueError(f"no function or class {name!r}")
    first = min([scope.lineno, *(decorator.lineno for decorator in scope.decorator_list)])
    lines = text.splitlines()
    hidden = {number for node in ast.walk(scope) for number in _docstring_lines(node)}
    kept = [lines[number - 1] for number in range(first, scope.end_lineno + 1) if number not in hidden]
    return textwrap.dedent("\n".join(kept)).strip("\n")


def _docstring_lines(node: ast.AST) -> range:
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and ast.get_docstring(node) is not None:
        return range(node.body[0].lineno, node.body[0].end_lineno + 1)
    return range(0)


def body(code: str) -> str:
    """The statements of a function, dedented, without its signature and without comments on lines of their own."""
    function = ast.parse(code).body[0]
    lines = code.splitlines()[function.body[0].lineno - 1 :]
    return textwrap.dedent("\n".join(line for line in lines if not line.lstrip().startswith("#")))


def difference(before: str, after: str) -> str:
    """The lines of both texts, each after a sign: ``-`` only in the first, ``+`` only in the second."""
    lines = difflib.ndiff(before.splitlines(), after.splitlines())
    return "\n".join(line.rstrip() for line in lines if not line.startswith("?"))


class SourceDirective(SphinxDirective):
    """What the two directives share: finding a function's code, and making a block of code."""

    def code(self, module: str, name: str) -> str:
        """The code of a name; an error of the build where there is none."""
        path = Path(importlib.util.find_spec(module).origin)
        self.env.note_dependency(str(path))
        try:
            return shown(path.read_text(encoding="utf-8"), name)
        except ValueError as error:
            raise self.error(f"{module}: {error}") from error

    def block(self, code: str, language: str) -> list[nodes.Node]:
        """A block of code, if it fits the page."""
        if too_long := [line for line in code.splitlines() if len(line) > LONGEST]:
            what = " ".join(self.arguments)
            raise self.error(f"{what} has lines of more than {LONGEST} characters, which a page cuts: {too_long}")
        block = nodes.literal_block(code, code, language=language)
        self.set_source_info(block)
        return [block]


class Source(SourceDirective):
    """Show the code of a name in a module of the package."""

    required_arguments = 2

    def run(self) -> list[nodes.Node]:
        return self.block(self.code(*self.arguments), "python")


class SourceDiff(SourceDirective):
    """Show what changes from the body of one function of the package to that of another."""

    required_arguments = 4

    def run(self) -> list[nodes.Node]:
        before, after = (body(self.code(*pair)) for pair in (self.arguments[:2], self.arguments[2:]))
        return self.block(difference(before, after), "diff")


def setup(app: Sphinx) -> None:
    app.add_directive("source", Source)
    app.add_directive("source-diff", SourceDiff)
