"""A fingerprint of the code behind a study: its own module, and what it needs of the other modules of ``nbcode``.

Comments, docstrings and blank lines do not count, so that better words do not call for hours of computing.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import io
import tokenize
from dataclasses import dataclass
from pathlib import Path

PACKAGE = "nbcode"
# Bookkeeping, which changes no result.
EXEMPT = {f"{PACKAGE}.experiments.study", f"{PACKAGE}.experiments.source"}
WHOLE = "*"


@dataclass(frozen=True)
class Part:
    """A piece of a module: a top-level statement, or one name that an import brings.

    Attributes:
        code: without comments and docstrings.
        defines: the names that it brings; ``None`` for a statement that runs on import whatever is needed.
        uses: the names that it reads.
        imports: what it imports from the package, as pairs of a module and a name in it.
    """

    code: str
    defines: frozenset[str] | None
    uses: frozenset[str]
    imports: frozenset[tuple[str, str]]


def fingerprint(module: str) -> str:
    """The first 16 hexadecimal digits of the SHA-256 of the code that ``module`` runs.

    Args:
        module: a dotted name, for example ``nbcode.experiments.perceptron``.
    """
    digest = hashlib.sha256()
    for name, codes in sorted(reached(module).items()):
        digest.update("\n".join([name, *codes, ""]).encode())
    return digest.hexdigest()[:16]


def reached(module: str) -> dict[str, list[str]]:
    """The code that ``module`` needs: for each module of the package, the codes of its parts.

    Its own is all needed. Of another module, what is imported from it by name, and what these definitions need in
    their turn: a new function beside an old one changes no study. A module that is imported whole is needed whole.
    """
    wanted = {module: {WHOLE}}
    read: dict[str, list[Part]] = {}
    codes: dict[str, list[str]] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()  # once for each name that is wanted of it
        if name not in read:
            read[name] = parts_of(_path(name).read_text(encoding="utf-8"))
        parts = needed(read[name], wanted[name])
        codes[name] = [part.code for part in parts if part.code]
        for other, inside in {pair for part in parts for pair in part.imports}:
            known = wanted.setdefault(other, set())
            if other not in EXEMPT and inside not in known:
                known.add(inside)
                waiting.append(other)
    return codes


def needed(parts: list[Part], names: set[str]) -> list[Part]:
    """The parts that define ``names``, and those that they need, wherever these stand."""
    names, chosen = set(names), set()
    while True:
        more = {
            place
            for place, part in enumerate(parts)
            if place not in chosen and (WHOLE in names or part.defines is None or part.defines & names)
        }
        if not more:
            return [parts[place] for place in sorted(chosen)]
        chosen |= more
        names = names.union(*(parts[place].uses for place in more))


def parts_of(text: str) -> list[Part]:
    """The parts of a module, in their order."""
    lines = text.split("\n")
    parts = []
    for statement in ast.parse(text).body:
        if isinstance(statement, (ast.Import, ast.ImportFrom)):
            parts += _imported_names(statement)
            continue
        nodes = list(ast.walk(statement))
        inner = [node for node in nodes if isinstance(node, (ast.Import, ast.ImportFrom))]
        imports = (part.imports for node in inner for part in _imported_names(node))
        uses = frozenset(node.id for node in nodes if isinstance(node, ast.Name))
        first = min([statement.lineno, *(each.lineno for each in getattr(statement, "decorator_list", ()))])
        code = code_only("\n".join(lines[first - 1 : statement.end_lineno]))
        parts.append(Part(code, _defines(statement), uses, frozenset().union(*imports)))
    return parts


def _imported_names(statement: ast.Import | ast.ImportFrom) -> list[Part]:
    """One part for each name that the statement binds."""
    parts = []
    for alias in statement.names:
        source = (statement.module,) if isinstance(statement, ast.ImportFrom) else ()
        full = ".".join((*source, alias.name))
        bound = alias.asname or (alias.name if source else alias.name.split(".")[0])
        if full.split(".")[0] != PACKAGE:
            imports = frozenset()
        elif _is_module(full):
            imports = frozenset({(full, WHOLE)})
        else:
            imports = frozenset({(statement.module, alias.name)})
        parts.append(Part(f"{bound} = {full}", frozenset({bound}), frozenset(), imports))
    return parts


def _defines(statement: ast.stmt) -> frozenset[str] | None:
    if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return frozenset({statement.name})
    if isinstance(statement, (ast.Assign, ast.AnnAssign)):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        names = [node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)]
        return frozenset(names)
    if isinstance(statement, ast.If) and "__name__" in ast.unparse(statement.test):
        return frozenset()  # runs only when the module is the command
    return None


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
