"""How long the translator of chapter 7 takes in the page: ``PYTHONPATH=book/site python -m nbsite.answering``.

The time runs from a date to its translation with all probabilities and attention maps, in Chromium, on one core and
without the drawing; and once more with it. Measured in the built book, and written beside the results of
``nbcode.bench``, for the lab to quote.
"""

from __future__ import annotations

import hashlib
import statistics
import sys
from dataclasses import dataclass
from pathlib import Path

from nbcode.bench.training import RESULTS as TRAINING
from nbcode.data.dates import pairs, split
from nbcode.experiments.study import Results, Study, read
from nbcode.widgets.base import bundle
from nbsite.browser import launched, open_page, watched
from nbsite.freshness import ROOT

COMMAND = "PYTHONPATH=book/site python -m nbsite.answering"
RESULTS = TRAINING.with_name("answering.csv")
COLUMNS = ("translating", "showing", "browser", "scripts")
WARM_UP, COUNTED = 20, 100  # dates
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
    """Milliseconds for each date, and the browser that took them.

    Attributes:
        translating: from the text to the last token, all in one go.
        showing: the same with everything that the figure draws, up to the layout.
        browser: its name and version.
    """

    translating: list[float]
    showing: list[float]
    browser: str


def answering_times(texts: list[str], warm_up: int = WARM_UP, page: Path = PAGE) -> Times:
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
        measured = opened.evaluate(MEASURE, [texts, warm_up, [bundle(name) for name in SCRIPTS]])
        return Times(*measured, f"{browser.browser_type.name} {browser.version}")


def study_of(times: Times, texts: list[str]) -> Study:
    """The times as a study whose cells are the texts. ``scripts`` tells by which code of the figure they are."""
    scripts = hashlib.sha256(bundle("translator.js").encode()).hexdigest()[:16]
    rows = {
        text: dict(zip(COLUMNS, (round(one, 2), round(other, 2), times.browser, scripts), strict=True))
        for text, one, other in zip(texts, times.translating, times.showing, strict=True)
    }
    return Study("nbsite.answering", ("source",), COLUMNS, lambda source: rows[source])


def table(results: Results) -> str:
    """Medians, and the time within which 95 % of the dates were answered."""
    lines = []
    for column in COLUMNS[:2]:
        times = results.column(column)
        most = statistics.quantiles(times, n=20)[-1]
        lines.append(f"{column}: median {statistics.median(times):.1f} ms, 95 % within {most:.1f} ms")
    return "\n".join(lines)


def main(page: Path = PAGE, out: Path = RESULTS) -> int:
    """Measure, write the file, print the table. The exit code is 1 without a built book."""
    if not page.exists():
        print(f"{page} is not there; run `make book` first", file=sys.stderr)
        return 1
    texts = [pair.source for pair in pairs(split(0).test, WARM_UP + COUNTED, seed=0)]
    times = answering_times(texts, WARM_UP, page)
    counted = texts[WARM_UP:]
    written = study_of(times, counted).run([{"source": text} for text in counted], COMMAND, out)
    print(f"{table(read(written))}\n{written}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
