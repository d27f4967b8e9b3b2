"""The fonts of the figures: every token of every target language has a glyph, on machines without Chinese fonts too."""

import io
import logging
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from matplotlib import font_manager

from nbcode.data import dates
from nbcode.data.vocabulary import SPECIAL, Vocabulary
from nbcode.plots.style import EAST_ASIAN, FOLDER, FONTS, LATIN, new_figure
from nbsite.font import characters

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def tokens():
    """Every token of the dates, in all languages."""
    examples = dates.pairs(dates.split(seed=0).test, 1_000, seed=0, targets=dates.MORE_TARGETS)
    source, target = dates.vocabularies(examples)
    assert {"年", "月", "日", "星", "期", "曜"} <= set(target.tokens)
    return {*source.tokens, *target.tokens}


def glyphs(font):
    return set(map(chr, font_manager.get_font(str(font)).get_charmap()))


@pytest.mark.parametrize("weight", FONTS)
def test_the_font_holds_what_the_dates_need_and_nothing_else(weight):
    assert glyphs(FONTS[weight]) == characters()  # if not: python -m nbsite.font


@pytest.mark.parametrize("target", ["zh", "ja"])
def test_every_token_of_a_target_vocabulary_has_a_glyph(target):
    year = [day for day in dates.split(seed=0).train if day.year == 2024]
    vocabulary = Vocabulary.of(dates.written(day, target, style) for day in year for style in ("full", "long"))
    held = glyphs(font_manager.findfont(LATIN)) | glyphs(FONTS["Regular"])
    assert len(vocabulary) > len(SPECIAL) + 10 and set("".join(vocabulary.tokens)) <= held


@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
@pytest.mark.parametrize("look", [{}, {"fontweight": "bold"}, {"fontstyle": "italic"}], ids=str)
def test_all_tokens_are_drawn_without_a_warning_or_a_message(tokens, look, kind, caplog):
    with caplog.at_level(logging.WARNING), new_figure() as figure:
        figure.text(0.1, 0.5, "".join(sorted(tokens)).replace(" ", "␣"), **look)
    figure.savefig(io.BytesIO(), format=kind)  # a missing glyph is a warning, and warnings are errors
    assert caplog.messages == []


def test_the_characters_come_from_our_font():
    with new_figure():
        pass
    for weight, path in FONTS.items():
        found = font_manager.findfont(font_manager.FontProperties(family=EAST_ASIAN, weight=weight.lower()))
        assert Path(found) == path


def test_importing_the_plots_loads_no_font():
    program = (
        "import nbcode.plots as plots; from nbcode.plots.style import EAST_ASIAN; from matplotlib import font_manager;"
        "assert EAST_ASIAN not in font_manager.get_font_names()"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True, cwd=ROOT)


def test_the_license_of_the_fonts_goes_with_them():
    license_text = (FOLDER / "OFL.txt").read_text(encoding="utf-8")
    assert "SIL OPEN FONT LICENSE Version 1.1" in license_text
    assert all(path.name in license_text for path in FONTS.values())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert "OFL-1.1" in project["license"]
    assert str((FOLDER / "OFL.txt").relative_to(ROOT)) in project["license-files"]
