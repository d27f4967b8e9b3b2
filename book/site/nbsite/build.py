"""Build the book: ``python -m nbsite.build``. Executes the labs that need it; every warning is an error."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from nbsite.freshness import ROOT

READ = ROOT / "_build" / ".doctrees"  # the pages as Sphinx has read them
FIRST_PAGE = ROOT / "_build" / "html" / "index.html"


def build(strict: bool = True) -> bool:
    """Build the book and say whether that went well.

    Args:
        strict: take every warning as an error; only so does a failing lab end the build.
    """
    jupyter_book = Path(sys.executable).parent / "jupyter-book"
    flags = ["-W", "--keep-going"] if strict else []  # the second shows all the problems at once
    return subprocess.run([jupyter_book, "build", ROOT, *flags], check=False).returncode == 0


def main() -> int:
    if not build():
        # Sphinx reads again only what has changed, and would not repeat what it complained about.
        shutil.rmtree(READ, ignore_errors=True)
        print(
            "\nThe book was not built. The first line above with WARNING or ERROR says what is wrong and where;\n"
            "a failing cell is shown with its traceback. Pages of an earlier build may be left in _build/html.",
            file=sys.stderr,
        )
        return 1
    print(f"\nThe book is built. Open {FIRST_PAGE.as_uri()}\nor run `make serve`.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
