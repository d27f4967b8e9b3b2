"""How long the translator of chapter 7 takes in the page: ``python -m nbsite.answering`` prints it for a built book.

The time runs from a date to its translation with all probabilities and attention maps, in Chromium, on one core and
without the drawing; and once more with it.
"""

from __future__ import annotations

import statistics
import sys
from dataclasses import dataclass
from pathlib import Path

from nbcode.widgets.base import bundle
from nbsite.browser import launched, open_page, watched
from nbsite.freshness import ROOT

PAGE = ROOT / "_build" / "html" / "book" / "07_translation.html"
TAG = "nb-translator"
# A function of the texts, from the page's own figure. The first texts only warm up the compiler of the browser.
MEASURE = """async ([texts, warmUp, scripts]) => {
    const [arithmetic, run, tokens] = await Promise.all(scripts.map(
        text => import(URL.createObjectURL(new Blob([text], {type: "text/javascript"})))));
    const figure = document.querySelector("nb-translator"), get = name => figure.model.get(name);
    const network = new arithmetic.Network(get("config"), get("shapes"), arithmetic.fromHalves(get("weights")));
    const translate = text => run.translate(network, tokens.encode(tokens.tokenize(text), get("source_tokens")));
    const show = text => { figure.model.set("text", text); figure.getBoundingClientRect(); };
    const timed = (work, text) => { const start = performance.now(); work(text); return performance.now() - start; };
    return [translate, show].map(work => texts.map(text => timed(work, text)).slice(warmUp));
}"""
SCRIPTS = ("translator_arithmetic.js", "translator_run.js", "translator_tokens.js")


@dataclass(frozen=True)
class Times:
    """Milliseconds for each date.

    Attributes:
        translating: from the text to the last token, all in one go.
        showing: the same with everything that the figure draws, up to the layout.
    """

    translating: list[float]
    showing: list[float]


def answering_times(texts: list[str], warm_up: int = 20, page: Path = PAGE) -> Times:
    """Translate texts in the built page, one after another.

    Args:
        texts: English dates; each differs from the one before, for what is shown already takes no time.
        warm_up: how many of the first ones are not counted.
        page: the built chapter.

    Raises:
        ValueError: no text is left to count.
        RuntimeError: no browser, or the page's figure did not start.
    """
    if len(texts) <= warm_up:
        raise ValueError(f"{len(texts)} texts, of which {warm_up} only warm up; give more")
    with launched() as browser, watched(browser) as seen:
        opened = open_page(seen, page.as_uri())
        opened.wait_for_function(f"document.querySelector('{TAG}').model.get('weights')")
        return Times(*opened.evaluate(MEASURE, [texts, warm_up, [bundle(name) for name in SCRIPTS]]))


def main() -> int:
    from nbcode.data import dates

    if not PAGE.exists():
        print(f"{PAGE} is not there; run `make book` first", file=sys.stderr)
        return 1
    texts = [pair.source for pair in dates.pairs(dates.split(0).test, 220, seed=0)]
    times = answering_times(texts)
    for name, measured in (("translating", times.translating), ("with drawing", times.showing)):
        cuts = statistics.quantiles(measured, n=20)
        print(f"{name}: median {cuts[9]:.1f} ms, 95 % within {cuts[18]:.1f} ms, {len(measured)} dates")
    return 0


if __name__ == "__main__":
    sys.exit(main())
