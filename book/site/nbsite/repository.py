"""The address of the repository: it stands in ``_config.yml``, and everything else follows from there.

``python -m nbsite.repository https://github.com/NAME/REPOSITORY [BRANCH]`` changes it, the set-up cell of every
notebook, and the links in README.md.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path

import yaml

from nbsite.freshness import ROOT

CONFIG, README = ROOT / "_config.yml", ROOT / "README.md"
ADDRESS = re.compile(r"https://github\.com/([\w.-]+)/([\w.-]+?)/?")
BRANCH = re.compile(r"[\w./-]+")


@dataclass(frozen=True)
class Repository:
    """Where the course is kept: address and branch."""

    url: str
    branch: str

    @classmethod
    def current(cls, config: Path = CONFIG) -> Repository:
        """The repository of ``_config.yml``."""
        told = yaml.safe_load(config.read_text(encoding="utf-8"))["repository"]
        return cls(told["url"], told["branch"])

    @classmethod
    def parse(cls, url: str, branch: str = "main") -> Repository:
        """A repository from what a person typed.

        Raises:
            ValueError: not the address of a GitHub repository (Colab opens notebooks from there), or a bad branch.
        """
        found = ADDRESS.fullmatch(url)
        if not found:
            raise ValueError(f"{url!r} is not an address like https://github.com/NAME/REPOSITORY")
        if not BRANCH.fullmatch(branch):
            raise ValueError(f"{branch!r} is not the name of a branch")
        return cls(f"https://github.com/{found[1]}/{found[2].removesuffix('.git')}", branch)

    @property
    def name(self) -> str:
        """NAME/REPOSITORY."""
        return self.url.removeprefix("https://github.com/")


def replaced(text: str, old: Repository, new: Repository) -> str:
    """A text with every mention of the old repository turned into the new one, on its branch."""
    # Links to a file or to a Colab notebook carry the branch behind "blob" or "tree".
    for kind in ("blob", "tree"):
        text = text.replace(f"{old.name}/{kind}/{old.branch}", f"{new.name}/{kind}/{new.branch}")
    return text.replace(old.name, new.name)


def change(new: Repository) -> None:
    """Write the new address everywhere."""
    from nbsite import labs  # it needs Repository

    old = Repository.current()
    config = CONFIG.read_text(encoding="utf-8").replace(f"url: {old.url}\n", f"url: {new.url}\n")
    CONFIG.write_text(config.replace(f"  branch: {old.branch}\n", f"  branch: {new.branch}\n"), encoding="utf-8")
    README.write_text(replaced(README.read_text(encoding="utf-8"), old, new), encoding="utf-8")
    labs.main([])


if __name__ == "__main__":
    try:
        change(Repository.parse(*sys.argv[1:]))
    except (ValueError, TypeError) as error:
        print(f"{error}\nusage: python -m nbsite.repository URL [BRANCH]", file=sys.stderr)
        sys.exit(2)
