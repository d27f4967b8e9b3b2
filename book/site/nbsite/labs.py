"""The notebooks: their common set-up cell, and how they are stored.

``python -m nbsite.labs`` writes the set-up cell into every notebook and strips outputs and counts;
``python -m nbsite.labs --check`` only says what it would change, and fails if there is anything.
"""

from __future__ import annotations

import sys
from pathlib import Path

import nbformat

from nbsite.freshness import ROOT
from nbsite.repository import Repository

NOTEBOOKS = ROOT / "notebooks"
SETUP_TAG = "set-up"
SETUP = """\
# The same in every lab. On Colab it fetches the code of the course.
import sys

if "google.colab" in sys.modules:
    %pip install -q --no-deps "git+{url}@{branch}"
    %pip install -q --no-deps "accelerate>=1.1" "anywidget>=0.9" "psygnal>=0.8.1"
"""
KEPT = ("tags", "mystnb")
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def setup_cell(repository: Repository) -> str:
    """The source of the set-up cell for a repository."""
    return SETUP.format(url=repository.url, branch=repository.branch).rstrip()


def normalized(notebook: nbformat.NotebookNode, repository: Repository) -> nbformat.NotebookNode:
    """The notebook with the current set-up cell, numbered cell ids, plain metadata, and nothing stored.

    Raises:
        ValueError: there is not exactly one cell with the tag ``set-up``.
    """
    marked = [cell for cell in notebook.cells if SETUP_TAG in cell.metadata.get("tags", [])]
    if len(marked) != 1:
        raise ValueError(f"{len(marked)} cells have the tag {SETUP_TAG!r}; there must be one")
    marked[0].source = setup_cell(repository)
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number:02d}"
        # Colab adds the name of whoever ran a cell.
        cell.metadata = nbformat.from_dict({key: cell.metadata[key] for key in KEPT if key in cell.metadata})
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    notebook.metadata = nbformat.from_dict(METADATA)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    return notebook


def written(path: Path, repository: Repository) -> str:
    """The text that a notebook's file should have."""
    notebook = normalized(nbformat.read(path, as_version=4), repository)
    nbformat.validate(notebook)
    return nbformat.writes(notebook) + "\n"


def main(arguments: list[str]) -> int:
    repository = Repository.current()
    different = []
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        text = written(path, repository)
        if text != path.read_text(encoding="utf-8"):
            different.append(path.name)
            if "--check" not in arguments:
                path.write_text(text, encoding="utf-8")
    if "--check" not in arguments:
        print(f"rewrote {', '.join(different)}" if different else "nothing to rewrite")
        return 0
    if different:
        print(f"{', '.join(different)}: stored outputs or an old set-up cell; run `make labs`", file=sys.stderr)
    return int(bool(different))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
