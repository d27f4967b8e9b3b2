"""What several tests share: the built book, its server, a browser; and the rule that nothing is skipped silently."""

import gc
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from figures import CHAPTERS
from nbsite.browser import launched, open_page, watched
from nbsite.freshness import ROOT
from nbsite.serve import server

HTML = ROOT / "_build" / "html"
ALLOWED_SKIP = "needs a GPU"


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """On CI, a test that was skipped for another reason than a missing GPU is a failure."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter else []
    others = [report.nodeid for report in skipped if ALLOWED_SKIP not in str(report.longrepr)]
    if others and os.environ.get("CI"):
        print(f"\nskipped, though only '{ALLOWED_SKIP}' may be: {', '.join(others)}")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pages() -> list[str]:
    """All pages of the built book, relative to its folder."""
    return sorted(path.relative_to(HTML).as_posix() for path in HTML.rglob("*.html") if "_static" not in path.parts)


@pytest.fixture(scope="module")
def few_objects() -> Iterator[None]:
    """Hide what is loaded from the garbage collector: accelerate calls it after each run, 0.2 s with all of PyTorch."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(scope="session")
def html() -> Path:
    """The folder of the built book."""
    if not (HTML / "index.html").exists():
        pytest.fail("the book is not built; run `make book` first, or `make test`, which does")
    return HTML


@pytest.fixture(scope="session")
def address(html: Path) -> Iterator[str]:
    """The address of a local server of the built book."""
    running = server(0, html)
    thread = threading.Thread(target=running.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{running.server_port}"
    running.shutdown()
    running.server_close()
    thread.join()


@pytest.fixture(scope="module")
def browser():
    """A browser for the tests of one module. It closes with the module: nbval cannot run beside its event loop."""
    try:
        with launched() as started:
            yield started
    except RuntimeError as error:
        pytest.fail(str(error))


@pytest.fixture(scope="module")
def opened(browser, address):
    """A page per chapter, opened when a figure of it is first asked for, as a function of the figure's tag."""
    contexts, pages = [], {}

    def find(tag: str):
        chapter = CHAPTERS[tag]
        if chapter not in pages:
            contexts.append(watched(browser, height=1400))
            pages[chapter] = open_page(contexts[-1].__enter__(), f"{address}/book/{chapter}.html")
        return pages[chapter].locator(tag)

    yield find
    for context in contexts:
        context.__exit__(None, None, None)
