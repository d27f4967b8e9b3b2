"""The tools of the book: one address for the repository, fresh caches and pictures, code and questions on the page."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from nbcode.exercises import ALL
from nbsite import exercises, freshness, labs, repository, stills
from nbsite.freshness import ROOT
from nbsite.repository import Repository
from nbsite.sources import LONGEST, body, difference, shown

# Also within Colab's links, which name the repository behind /github/.
REPOSITORIES = re.compile(r"github(?:\.com)?/([\w.-]+/[\w.-]+?)(?:\.git)?(?=[@/\s)\"'>]|$)")


def copy_of_what_names_the_repository(folder: Path, monkeypatch) -> None:
    """A small tree with the configuration, README and notebooks, which the commands then change."""
    (folder / "notebooks").mkdir()
    for path in [ROOT / "_config.yml", ROOT / "README.md", *labs.NOTEBOOKS.glob("*.ipynb")]:
        copy = folder / path.relative_to(ROOT)
        copy.write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setattr(repository, "CONFIG", folder / "_config.yml")
    monkeypatch.setattr(repository, "README", folder / "README.md")
    monkeypatch.setattr(labs, "NOTEBOOKS", folder / "notebooks")
    current = Repository.current.__func__
    monkeypatch.setattr(Repository, "current", classmethod(lambda cls: current(cls, folder / "_config.yml")))


def test_every_mention_of_the_repository_is_the_one_of_the_configuration():
    ours = Repository.current().name
    texts = [ROOT / "README.md", ROOT / "_config.yml", *labs.NOTEBOOKS.glob("*.ipynb"), *(ROOT / "book").glob("*.md")]
    for path in texts:
        assert set(REPOSITORIES.findall(path.read_text(encoding="utf-8"))) <= {ours}, path


def test_one_command_changes_the_repository_everywhere(tmp_path, monkeypatch):
    copy_of_what_names_the_repository(tmp_path, monkeypatch)
    repository.change(Repository.parse("https://github.com/someone/else.git", "next"))
    assert Repository.current() == Repository("https://github.com/someone/else", "next")
    for path in tmp_path.rglob("*.*"):
        text = path.read_text(encoding="utf-8")
        assert set(REPOSITORIES.findall(text)) <= {"someone/else"}, path
        assert path.suffix != ".ipynb" or "git+https://github.com/someone/else@next" in text
    readme = (tmp_path / "README.md").read_text()
    for path in labs.NOTEBOOKS.glob("*.ipynb"):
        assert f"colab.research.google.com/github/someone/else/blob/next/notebooks/{path.name}" in readme


@pytest.mark.parametrize(
    "address", ["", "github.com/a/b", "https://example.org/a/b", "https://github.com/a", "x; rm -rf"]
)
def test_a_bad_address_is_refused_and_nothing_changes(address):
    before = (ROOT / "_config.yml").read_text(encoding="utf-8")
    command = [sys.executable, "-m", "nbsite.repository", address]
    finished = subprocess.run(
        command, capture_output=True, text=True, check=False, env={"PYTHONPATH": str(ROOT / "book/site")}
    )
    assert finished.returncode == 2 and "https://github.com/NAME/REPOSITORY" in finished.stderr
    assert (ROOT / "_config.yml").read_text(encoding="utf-8") == before


def test_cache_is_keyed_by_package_data_and_pins(tmp_path):
    (tmp_path / "nbcode" / "data").mkdir(parents=True)
    files = {
        "requirements.txt": "torch==2",
        "nbcode/a.py": "x = 1",
        "nbcode/data/table.csv": "1,2",
        "nbcode/figure.js": "1",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    seen = {freshness.runtime_fingerprint(tmp_path)}
    for name in files:
        (tmp_path / name).write_text(files[name] + "0")
        seen.add(freshness.runtime_fingerprint(tmp_path))
    assert len(seen) == 5
    (tmp_path / "README.md").write_text("words")
    assert freshness.runtime_fingerprint(tmp_path) in seen


def test_a_chapter_is_read_again_with_its_lab():
    class Env:
        found_docs = frozenset({"book/01_neuron", "notebooks/01_neuron", "book/intro"})

    again = freshness.chapters_of_changed_labs(None, Env, {"notebooks/01_neuron"}, {"book/intro"}, set())
    assert again == ["book/01_neuron"]


def test_still_pictures_are_of_the_current_figures(html):
    now = stills.fingerprints(html / "book")
    assert len(now) >= 3
    assert now == stills.noted()["figures"], "a figure has changed since its picture was drawn: run `make stills`"
    assert set(now) == set(stills.pictures())
    assert stills.pictures() == stills.noted()["pictures"], "a picture is not the one that was drawn: run `make stills`"


def test_a_changed_figure_makes_its_picture_stale(tmp_path, html, monkeypatch):
    page = (html / "book" / "01_neuron.html").read_text(encoding="utf-8")
    (tmp_path / "page.html").write_text(page.replace("&quot;b&quot;: -0.4", "&quot;b&quot;: -0.5"), encoding="utf-8")
    moved = stills.fingerprints(tmp_path)
    before = stills.noted()["figures"]
    assert moved["fig-neuron"] != before["fig-neuron"] and moved["fig-hidden"] == before["fig-hidden"]
    monkeypatch.setitem(stills.FRONT_ENDS, "nb-hidden", "another front end")
    assert stills.fingerprints(tmp_path)["fig-hidden"] != before["fig-hidden"]


def test_shown_code_is_the_code_without_its_docstrings():
    method = '    def f(self, x):\n        """Words."""\n        return x  # why\n'
    text = f'"""Module."""\n\n\nclass A:\n    """Class."""\n\n{method}'
    assert shown(text, "A.f") == "def f(self, x):\n    return x  # why"
    assert "Class." not in shown(text, "A") and "def f" in shown(text, "A")
    with pytest.raises(ValueError, match="no function or class 'B'"):
        shown(text, "B")


@pytest.mark.parametrize("exercise", ALL, ids=lambda exercise: exercise.name)
def test_exercise_on_the_page_has_stub_hint_and_solution(exercise):
    text = exercises.exercise_text(1, exercise)
    for part in (exercise.task, exercise.hint, exercise.stub, exercise.solution_source):
        assert part in text
    assert all(len(line) <= LONGEST for line in exercise.solution_source.splitlines()), "a page cuts longer lines"


def test_every_choice_of_a_question_is_explained():
    questions = 0
    for page in (ROOT / "book").glob("[0-9]*.md"):
        for block in re.findall(r"^:::\{question\}\n(.*?)^:::$", page.read_text(encoding="utf-8"), re.M | re.S):
            questions += 1
            told = yaml.safe_load(block)
            kinds = [kind for kind, _, _ in told["choices"]]
            assert kinds.count("right") == 1 and set(kinds) == {"right", "wrong"}
            assert all(len(why) > 15 for _, _, why in told["choices"])
    assert questions >= 10


def test_a_failing_cell_ends_the_build_with_a_sentence(tmp_path):
    """The real build on a copy of the book whose lab fails."""
    copy = tmp_path / "course"
    ignored = shutil.ignore_patterns(".venv", "_build", ".git", "__pycache__", "tests")
    shutil.copytree(ROOT, copy, ignore=ignored)
    contents = "format: jb-book\nroot: book/references\nchapters:\n- file: notebooks/00_before\n"  # one lab is enough
    (copy / "_toc.yml").write_text(contents)
    lab = copy / "notebooks" / "00_before.ipynb"
    notebook = json.loads(lab.read_text(encoding="utf-8"))
    broken = next(
        cell for cell in notebook["cells"] if cell["cell_type"] == "code" and "set-up" not in str(cell["metadata"])
    )
    broken["source"] = ["assert 1 + 1 == 3, 'arithmetic has changed'"]
    lab.write_text(json.dumps(notebook), encoding="utf-8")
    command = [sys.executable, "-m", "nbsite.build"]
    environment = {"PYTHONPATH": f"{copy / 'book/site'}:{copy}", "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    finished = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False)
    assert finished.returncode == 1
    assert "arithmetic has changed" in finished.stdout + finished.stderr
    assert "The book was not built." in finished.stderr


def test_a_missing_browser_is_a_sentence(monkeypatch):
    from nbsite import browser

    class Playwright:
        class chromium:  # noqa: N801
            executable_path = "/nowhere/chrome"

    monkeypatch.setattr(browser.shutil, "which", lambda name: None)
    with pytest.raises(RuntimeError, match="apt-get install chromium"):
        browser.executable(Playwright)


def test_an_unexpected_skip_fails_on_ci_only(tmp_path):
    for name in ("conftest.py", "figures.py"):
        shutil.copy(ROOT / "tests" / name, tmp_path)
    inside = 'import pytest\n\ndef test_skipped():\n    pytest.skip("{}")\n\ndef test_runs():\n    pass\n'
    for reason, ci, code in (("no reason", "true", 1), ("no reason", "", 0), ("needs a GPU", "true", 0)):
        (tmp_path / "test_inside.py").write_text(inside.format(reason), encoding="utf-8")
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
        environment = {"CI": ci, "PYTHONPATH": str(ROOT / "book/site"), "PATH": "/usr/bin:/bin"}
        finished = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert finished.returncode == code, finished.stdout
        assert ("only 'needs a GPU' may be" in finished.stdout) == bool(code)


def test_the_built_pages_load_the_current_scripts_and_styles(html):
    """Sphinx copies them only when it writes a page, so a changed style alone must make it write."""
    for path in (ROOT / "book" / "site" / "web").iterdir():
        assert (html / "_static" / path.name).read_bytes() == path.read_bytes(), "run `make book`"


def test_the_difference_of_two_functions_shows_only_their_statements():
    before = "def f(x):\n    y = g(x)\n    return y"
    after = "def f(\n    x: int,\n) -> int:\n    y = g(x)\n    # a reason\n    check(y)\n    return y"
    assert difference(body(before), body(after)) == "  y = g(x)\n+ check(y)\n  return y"
