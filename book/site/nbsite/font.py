"""Cuts the small fonts of the figures out of large ones: the characters of the dates that matplotlib's own font lacks.

``python -m nbsite.font /usr/share/fonts/opentype/noto`` writes ``nbcode/plots/fonts``. The folder is where Debian's
package ``fonts-noto-cjk`` puts the large fonts. Run it again where the dates write new characters; a test tells when.
"""

from __future__ import annotations

import datetime
import sys
from pathlib import Path

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTCollection, TTFont
from matplotlib import font_manager

from nbcode.data import dates
from nbcode.plots.style import EAST_ASIAN, FONTS, LATIN

FACE = "Noto Sans CJK SC"  # of those in the collection; where Chinese and Japanese shapes differ, the Chinese
KEPT = (0, 5, 7, 13, 14)  # numbers of the names that stay: copyright, version, trademark, license and its address


def characters() -> set[str]:
    """Those of all dates in all target languages that matplotlib's own font does not hold."""
    year = [dates.FIRST + datetime.timedelta(number) for number in range(366)]
    texts = (dates.written(day, to, style) for day in year for to in dates.MORE_TARGETS for style in ("full", "long"))
    own = font_manager.get_font(font_manager.findfont(LATIN)).get_charmap()
    return {character for character in set("".join(texts)) if ord(character) not in own}


def cut(collection: Path, wanted: set[str], weight: str) -> TTFont:
    """A font of the wanted characters alone, under a name of its own.

    Args:
        collection: the large font.
        wanted: single characters.
        weight: "Regular" or "Bold", which the collection must have.

    Raises:
        ValueError: the collection lacks the face or a character.
    """
    faces = {font["name"].getDebugName(1): font for font in TTCollection(collection, lazy=True).fonts}
    if FACE not in faces:
        raise ValueError(f"{collection.name} holds {', '.join(faces)}; give a collection with {FACE}")
    font = faces[FACE]
    if missing := {character for character in wanted if ord(character) not in font.getBestCmap()}:
        raise ValueError(f"{FACE} lacks {''.join(sorted(missing))}")
    subsetter = Subsetter(Options(layout_features=[], name_IDs=KEPT, hinting=False, notdef_outline=True))
    subsetter.populate(text="".join(wanted))
    subsetter.subset(font)
    whole = f"{EAST_ASIAN} {weight}"
    for number, name in ((1, EAST_ASIAN), (2, weight), (4, whole), (6, whole.replace(" ", ""))):
        font["name"].setName(name, number, 3, 1, 0x409)  # for Windows, in Unicode, English: what all systems read
    font.recalcTimestamp = False  # the same font makes the same file
    return font


if __name__ == "__main__":
    for weight, path in FONTS.items():
        cut(Path(sys.argv[1]) / f"NotoSansCJK-{weight}.ttc", characters(), weight).save(path)
        print(f"{path.name}: {path.stat().st_size} bytes")
