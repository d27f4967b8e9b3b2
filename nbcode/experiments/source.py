"""A fingerprint of the code behind a study: its own module and every module of ``nbcode`` that it reaches.

Comments, docstrings and blank lines do not count, so that better words do not call for hours of computing.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import io
import tokenize
from pathlib import Path

PACKAGE = "nbcode"
# Bookkeeping, which changes no result.
EXEMPT = {f"{PACKAGE}.experiments.study", f"{PACKAGE}.experiments.source"}


def fingerprint(module: str) -> str:
    """The first 16 hexadecimal digits of the SHA-256 of the code that ``module`` runs.

    Args:
        module: a dotted name, for example ``nbcode.experiments.perceptron``.
    """
    digest = hashlib.sha256()
    for name in sorted(reached(module)):
        digest.update(f"{name}\n{code_only(_path(name).read_text(encoding='utf-8'))}\n".encode())
    return digest.hexdigest()[:16]


def reached(module: str) -> set[str]:
    """The modules of the package that ``module`` imports, directly or not, and itself."""
    found: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name in found or name in EXEMPT:
            continue
        found.add(name)
        waiting += imported_modules(_path(name).read_text(encoding="utf-8"))
    return found


def imported_modules(text: str) -> set[str]:
    """The modules of the package that a source text imports, anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in names if name.split(".")[0] == PACKAGE and _is_module(name)}


def code_only(text: str) -> str:
    """A source text without comments, docstrings, blank lines and trailing blanks; texts in it stay as they are."""
    lines = text.encode().split(b"\n")  # bytes, since the syntax tree counts its columns in them
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][: len(text.split("\n")[row - 1][:column].encode())]
    tree = ast.parse(text)
    for docstring in _docstrings(tree):
        _cut(lines, docstring)
    inside = _lines_that_end_inside_a_text(tree)
    kept = [
        line if row in inside else line.rstrip() for row, line in enumerate(lines, 1) if line.strip() or row in inside
    ]
    return b"\n".join(kept).decode()


def _docstrings(tree: ast.AST) -> list[ast.expr]:
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    places = (node for node in ast.walk(tree) if isinstance(node, documented))
    return [node.body[0].value for node in places if ast.get_docstring(node) is not None]


def _cut(lines: list[bytes], node: ast.expr) -> None:
    """Take a node out of the lines, and leave the lines there, empty."""
    before = lines[node.lineno - 1][: node.col_offset]
    after = lines[node.end_lineno - 1][node.end_col_offset :]
    lines[node.lineno - 1 : node.end_lineno] = [before + after, *[b""] * (node.end_lineno - node.lineno)]


def _lines_that_end_inside_a_text(tree: ast.AST) -> set[int]:
    """Numbers of the lines whose end, or whose being blank, belongs to a text over several lines."""
    docstrings = {id(node) for node in _docstrings(tree)}
    texts = [
        node
        for node in ast.walk(tree)
        if isinstance(node, (ast.Constant, ast.JoinedStr)) and id(node) not in docstrings
    ]
    return {row for node in texts for row in range(node.lineno, node.end_lineno)}


def _is_module(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:  # the parent is a module, so the name is something inside it
        return False


def _path(name: str) -> Path:
    return Path(importlib.util.find_spec(name).origin)
