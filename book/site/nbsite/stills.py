"""The still pictures behind the interactive figures: for print, EPUB, and pages without script.

``python -m nbsite.stills`` draws them from the built book into ``book/stills`` and notes a fingerprint of each figure
and each picture. By these a test knows when a picture is out of date, or was not committed with its figure. Pictures
are not compared pixel by pixel: fonts differ between machines.
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


def pictures() -> dict[str, str]:
    """For each picture in the folder: its hash."""
    return {path.stem: hashlib.sha256(path.read_bytes()).hexdigest()[:16] for path in sorted(STILLS.glob("*.png"))}


def noted() -> dict[str, dict[str, str]]:
    """What was noted when the pictures were drawn: ``figures`` and ``pictures``, each name -> fingerprint."""
    return json.loads(NOTES.read_text(encoding="utf-8")) if NOTES.exists() else {"figures": {}, "pictures": {}}


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
    for path in STILLS.glob("*.png"):
        if path.stem not in fingerprints(html):
            path.unlink()
    notes = {"figures": fingerprints(html), "pictures": pictures()}
    NOTES.write_text(json.dumps(notes, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    if not build(strict=False):  # a new figure has no picture yet, which is a warning
        sys.exit("the book could not be built, so there is nothing to draw from")
    draw()
