"""A browser without network, for the tests and for drawing still pictures."""

from __future__ import annotations

import contextlib
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlparse

from playwright.sync_api import Browser, BrowserContext, Error, Page, Playwright, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
# macOS and Windows keep browsers where no search path leads.
PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Google\Chrome\Application\chrome.exe",
)
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
MISSING = (
    "No browser was found. Install Chromium or Chrome (on Debian: apt-get install chromium), "
    "or let Playwright fetch its own: .venv/bin/playwright install chromium"
)
LOCAL = {"localhost", "127.0.0.1"}


@dataclass
class Watched:
    """A page, and what went wrong on it so far."""

    page: Page
    foreign: list[str] = field(default_factory=list)  # requests to other hosts; all are refused
    console: list[str] = field(default_factory=list)  # messages and script errors
    missing: list[str] = field(default_factory=list)  # files that could not be loaded

    def problems(self) -> dict[str, list[str]]:
        """Everything found, by kind, without empty kinds."""
        found = {"foreign request": self.foreign, "console": self.console, "missing file": self.missing}
        return {kind: what for kind, what in found.items() if what}


def executable(playwright: Playwright) -> str:
    """The path of an installed browser, or of Playwright's own.

    Raises:
        RuntimeError: there is neither; the message says what to install.
    """
    for name in NAMES:
        if path := shutil.which(name):
            return path
    for path in (*PLACES, playwright.chromium.executable_path):
        if Path(path).exists():
            return path
    raise RuntimeError(MISSING)


@contextlib.contextmanager
def launched() -> Iterator[Browser]:
    """A headless browser with an empty profile."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(playwright), args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


@contextlib.contextmanager
def watched(
    browser: Browser, width: int = 1400, height: int = 1000, dark: bool = False, **context_options
) -> Iterator[Watched]:
    """An empty page whose requests to other hosts are refused and noted, as are console messages and missing files."""
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light", **context_options
    )
    try:
        yield _watch(context)
    finally:
        context.close()


def _watch(context: BrowserContext) -> Watched:
    seen = Watched(context.new_page())

    def decide(route) -> None:
        address = urlparse(route.request.url)
        if address.scheme in ("http", "https", "ws", "wss") and address.hostname not in LOCAL:
            seen.foreign.append(route.request.url)
            route.abort()
        else:
            route.continue_()

    context.route("**/*", decide)
    seen.page.on("console", lambda message: seen.console.append(f"{message.type}: {message.text[:300]}"))
    seen.page.on("pageerror", lambda error: seen.console.append(f"script error: {str(error)[:300]}"))
    seen.page.on("response", lambda r: seen.missing.append(f"{r.status} {r.url}") if r.status >= 400 else None)
    seen.page.on("requestfailed", lambda r: _failed(seen, r.url))
    return seen


def _failed(seen: Watched, url: str) -> None:
    if url not in seen.foreign:
        seen.missing.append(url)


def open_page(seen: Watched, url: str) -> Page:
    """Open a page of the book and wait until its formulas are set and its figures run and have computed what they show.

    Raises:
        RuntimeError: a figure failed or did not start within ten seconds.
    """
    page = seen.page
    page.goto(url, wait_until="load")
    page.evaluate("window.MathJax?.startup?.promise?.then(() => null)")  # until then, the page still moves
    try:
        page.wait_for_function(
            "[...document.querySelectorAll('.nb-live, .nb-widget')].every(el => el.dataset.nb) && "
            "!document.querySelector('.nb-root[data-busy=true]')",
            timeout=10_000,
        )
    except Error as error:
        raise RuntimeError(f"a figure of {url} did not start: {error}") from error
    if failed := page.locator('[data-nb="failed"]').all_inner_texts():
        raise RuntimeError(f"figures of {url} failed: {failed}")
    return page


if __name__ == "__main__":
    # Says which browser the tests would use; fails where there is none.
    try:
        with sync_playwright() as started:
            print(executable(started))
    except RuntimeError as missing:
        sys.exit(str(missing))
