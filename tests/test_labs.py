"""The notebooks as they are stored: the parts that every lab has, and nothing that a run leaves behind."""

import nbformat
import pytest

from nbcode.exercises import ALL
from nbsite import labs
from nbsite.freshness import ROOT
from nbsite.repository import Repository

NOTEBOOKS = sorted(labs.NOTEBOOKS.glob("*.ipynb"))
every_lab = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def cells_of(path, kind="code"):
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == kind]


@every_lab
def test_stores_no_output_and_the_current_set_up_cell(path):
    assert path.read_text(encoding="utf-8") == labs.written(path, Repository.current()), "run `make labs`"


def test_a_stored_output_is_refused(tmp_path, monkeypatch, capsys):
    notebook = nbformat.read(NOTEBOOKS[-1], as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"][2]
    code.outputs, code.execution_count = [nbformat.v4.new_output("stream", text="left behind")], 3
    nbformat.write(notebook, tmp_path / "left.ipynb")
    monkeypatch.setattr(labs, "NOTEBOOKS", tmp_path)
    assert labs.main(["--check"]) == 1
    assert "left.ipynb" in capsys.readouterr().err
    assert labs.main([]) == 0 and labs.main(["--check"]) == 0


@every_lab
def test_set_up_cell_needs_nothing_pinned(path):
    """On Colab, torch, numpy and transformers stay as they are; only the course's code and anywidget are added."""
    setup = next(cell.source for cell in cells_of(path) if "set-up" in cell.metadata.get("tags", []))
    installs = [line.strip() for line in setup.splitlines() if "%pip" in line]
    assert installs and all("--no-deps" in line and "==" not in line for line in installs)
    assert f"git+{Repository.current().url}@" in setup


@every_lab
def test_every_figure_has_caption_and_alt_text(path):
    drawn = [cell for cell in cells_of(path) if "plots." in cell.source]
    assert drawn
    for cell in drawn:
        figure = cell.metadata["mystnb"]["figure"]
        assert figure["name"].startswith("fig-") and len(figure["caption"]) > 40
        assert len(cell.metadata["mystnb"]["image"]["alt"]) > 80


@every_lab
def test_reads_in_short_steps(path):
    """At most two code cells between sentences, and no cell longer than a screen."""
    run = 0
    for cell in nbformat.read(path, as_version=4).cells:
        run = run + 1 if cell.cell_type == "code" else 0
        assert run <= 2, cell.source
        assert cell.cell_type != "code" or len(cell.source.splitlines()) <= 22, cell.source


@every_lab
def test_asks_for_predictions_asserts_calls_python_live_and_tells_its_cost(path):
    code = "\n".join(cell.source for cell in cells_of(path))
    prose = "\n".join(cell.source for cell in cells_of(path, "markdown"))
    assert prose.count("**Predict:**") >= 5
    assert code.count("assert ") + code.count("assert_close") >= 8
    assert "ipywidgets.interact(" in code
    assert "set_seed(" in code and "choose()" in code
    assert cells_of(path)[-1].source.endswith("print(cost)")


@every_lab
def test_every_exercise_of_the_chapter_waits_in_the_lab(path):
    concept = path.stem.split("_", 1)[1]
    code = "\n".join(cell.source for cell in cells_of(path))
    exercises = [exercise for exercise in ALL if exercise.chapter == concept]
    assert 3 <= len(exercises) <= 5
    for exercise in exercises:
        assert f"def {exercise.signature}:" in code
        assert f"\ncheck.{exercise.name}({exercise.name})" in code


def test_every_chapter_has_its_lab_and_stands_in_the_contents():
    chapters = {path.stem for path in (ROOT / "book").glob("[0-9][0-9]_*.md")}
    assert chapters == {path.stem for path in NOTEBOOKS}
    contents = (ROOT / "_toc.yml").read_text(encoding="utf-8")
    for stem in chapters:
        assert f"- file: book/{stem}\n" in contents and f"- file: notebooks/{stem}\n" in contents


@pytest.mark.parametrize("stem", [path.stem for path in NOTEBOOKS])
def test_chapter_has_every_part(stem):
    text = (ROOT / "book" / f"{stem}.md").read_text(encoding="utf-8")
    assert text.splitlines()[2].startswith("**") and text.splitlines()[2].endswith("?**")  # opens with its question
    *before, _ = text.split(":::{interactive}")
    assert before and all("redict" in part[-1200:] for part in before)  # each figure comes after a prediction
    assert "You will be able to" in text and "This takes about" in text
    summary = text.split("## Summary")[1].split("##")[0]
    assert [line[0] for line in summary.splitlines() if line[:1].isdigit()] == list("12345")
    assert 4 <= text.count(":::{question}") <= 6
    assert f":::{{exercises}} {stem.split('_', 1)[1]}" in text
    words = len(text.split())
    assert words <= 4200, f"{words} words with markup; a page has at most about 3,500 of prose"
