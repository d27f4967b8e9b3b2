"""``{source} MODULE NAME``: the code of a function or class of the package, without its docstrings.

Code that a chapter shows is the code that runs. The docstring's shapes and errors are for who reads the package; in a
chapter the prose around the code says the same.
"""

from __future__ import annotations

import ast
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


class Source(SphinxDirective):
    """Show the code of a name in a module of the package."""

    required_arguments = 2

    def run(self) -> list[nodes.Node]:
        module, name = self.arguments
        path = Path(importlib.util.find_spec(module).origin)
        self.env.note_dependency(str(path))
        try:
            code = shown(path.read_text(encoding="utf-8"), name)
        except ValueError as error:
            raise self.error(f"{module}: {error}") from error
        if too_long := [line for line in code.splitlines() if len(line) > LONGEST]:
            raise self.error(
                f"{module} {name} has lines of more than {LONGEST} characters, which a page cuts: {too_long}"
            )
        block = nodes.literal_block(code, code, language="python")
        self.set_source_info(block)
        return [block]


def setup(app: Sphinx) -> None:
    app.add_directive("source", Source)
