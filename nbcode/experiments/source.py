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
    """A source text without comments, docstrings, blank lines and trailing blanks."""
    lines = text.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column]
    for first, last in _docstring_lines(text):
        lines[first - 1 : last] = [""] * (last - first + 1)
    return "\n".join(line.rstrip() for line in lines if line.strip())


def _docstring_lines(text: str) -> list[tuple[int, int]]:
    """First and last line of each docstring, counted from 1."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    places = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, documented) and ast.get_docstring(node) is not None:
            places.append((node.body[0].lineno, node.body[0].end_lineno))
    return places


def _is_module(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:  # the parent is a module, so the name is something inside it
        return False


def _path(name: str) -> Path:
    return Path(importlib.util.find_spec(name).origin)
