"""The still pictures behind the interactive figures: for print, EPUB, and pages without script.

``python -m nbsite.stills`` draws them from the built book into ``book/stills`` and notes a fingerprint of each figure,
by which a test knows when a picture is out of date. Pictures are not compared pixel by pixel: fonts differ between
machines.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from html import unescape
from pathlib import Path

from nbcode import widgets
from nbsite.browser import launched, open_page, watched
from nbsite.build import build
from nbsite.freshness import ROOT

BOOK = ROOT / "_build" / "html" / "book"
STILLS = ROOT / "book" / "stills"
NOTES = STILLS / "fingerprints.json"
FIGURE = re.compile(r'<figure[^>]*id="([\w-]+)"[^>]*>\s*<(nb-[\w-]+) class="nb-live" data-state="([^"]*)"')
FRONT_ENDS = {f"nb-{figure.tag}": f"{figure._esm}{figure._css}" for figure in widgets.ALL}


def fingerprints(html: Path = BOOK) -> dict[str, str]:
    """For each interactive figure of the built book: a hash of its front end and its first state."""
    found = {}
    for page in sorted(html.glob("*.html")):
        for name, tag, state in FIGURE.findall(page.read_text(encoding="utf-8")):
            text = FRONT_ENDS[tag] + json.dumps(json.loads(unescape(state)), sort_keys=True)
            found[name] = hashlib.sha256(text.encode()).hexdigest()[:16]
    return found


def noted() -> dict[str, str]:
    """The fingerprints of the committed pictures."""
    return json.loads(NOTES.read_text(encoding="utf-8")) if NOTES.exists() else {}


def draw(html: Path = BOOK) -> None:
    """Draw every figure of the built book, in light colors, at twice the size for sharp print."""
    with launched() as browser, watched(browser, width=1100, device_scale_factor=2) as seen:
        for page in sorted(html.glob("*.html")):
            names = [name for name, _, _ in FIGURE.findall(page.read_text(encoding="utf-8"))]
            if names:
                open_page(seen, page.as_uri())
            for name in names:
                seen.page.locator(f"#{name} .nb-live").screenshot(path=STILLS / f"{name}.png")
                print(f"drew {name}")
    NOTES.write_text(json.dumps(fingerprints(html), indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    if not build(strict=False):  # a new figure has no picture yet, which is a warning
        sys.exit("the book could not be built, so there is nothing to draw from")
    draw()
