"""What must be done again when something else has changed.

The execution cache knows only the cells of a notebook. Its path is therefore keyed by all that a notebook runs on:
the package with its data, the pins, and the version of Python. And a chapter shows numbers and figures of its lab,
so it is read again whenever the lab is.
"""

from __future__ import annotations

import hashlib
import platform
import shutil
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.config import Config

ROOT = Path(__file__).resolve().parents[3]
CACHES = ROOT / "_build" / ".jupyter_cache"
KEPT = 3  # caches of earlier states, for the way back


def runtime_fingerprint(root: Path = ROOT) -> str:
    """16 hexadecimal digits that change with the package, its data, the pins, and the version of Python."""
    digest = hashlib.sha256(platform.python_version().encode())
    for path in [*files_below(root / "nbcode"), root / "requirements.txt"]:
        digest.update(path.relative_to(root).as_posix().encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def files_below(folder: Path) -> list[Path]:
    """All files that belong to a folder: no byte code, and nothing that a running study has half written."""
    passing = {".pyc", ".partial", ".whole"}
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix not in passing)


def choose_cache(app: Sphinx, config: Config) -> None:
    """Give each state of the code its own cache, and drop the oldest ones."""
    here = CACHES / runtime_fingerprint()
    here.mkdir(parents=True, exist_ok=True)
    here.touch()
    old = sorted((path for path in CACHES.iterdir() if path != here), key=lambda path: path.stat().st_mtime)
    for path in old[:-KEPT]:
        shutil.rmtree(path, ignore_errors=True)
    config.nb_execution_cache_path = str(here)  # a changed value makes Sphinx read every page again
    # As does a change of these tools, or of a script or style: Sphinx copies them only when it writes a page.
    tools = b"".join(path.read_bytes() for path in files_below(Path(__file__).parents[1]))
    config.nbsite_tools = hashlib.sha256(tools).hexdigest()


def chapters_of_changed_labs(app: Sphinx, env, added: set, changed: set, removed: set) -> list[str]:
    """The chapters beside those labs that are about to be read."""
    stems = {name.removeprefix("notebooks/") for name in added | changed if name.startswith("notebooks/")}
    return [f"book/{stem}" for stem in stems if f"book/{stem}" in env.found_docs]


def setup(app: Sphinx) -> None:
    app.add_config_value("nbsite_tools", "", "env")
    app.connect("config-inited", choose_cache)
    app.connect("env-get-outdated", chapters_of_changed_labs)
