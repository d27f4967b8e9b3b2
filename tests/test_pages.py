"""Every built page, as a reader meets it: nothing fetched from elsewhere, no message, nothing missing, accessible."""

import re
from itertools import cycle, product
from urllib.parse import unquote, urlparse

import pytest
from axe_playwright_python.sync_playwright import Axe
from bs4 import BeautifulSoup
from conftest import HTML, pages

from nbsite.browser import open_page, watched

PAGES = [page for page in pages() if page != "index.html"]  # which only leads to the first page
LOOKS = list(product((1400, 390), (False, True)))
# What the theme itself logs: its color mode, and where it put the focus.
THEMES_OWN_LOG = re.compile(r"log: \[PST\]: .*")
# What axe-core finds on a page of the untouched theme with one paragraph.
THEMES_OWN_VIOLATIONS = {"label-content-name-mismatch", "region"}


def problems_of(seen) -> dict:
    seen.console[:] = [line for line in seen.console if not THEMES_OWN_LOG.fullmatch(line)]
    return seen.problems()


def look_at(browser, url: str, width: int, dark: bool) -> None:
    """Open a page in one look and hold everything against it that a machine can see."""
    with watched(browser, width=width, dark=dark) as seen:
        page = open_page(seen, url)
        theme = page.evaluate("document.documentElement.dataset.theme")
        assert theme == ("dark" if dark else "light")
        assert not problems_of(seen)
        too_wide = page.evaluate("document.scrollingElement.scrollWidth - innerWidth")
        assert too_wide <= 0, f"{too_wide} pixels wider than the window"
        assert not violations(page)


def violations(page) -> list[str]:
    """What axe-core finds with everything opened, less what the untouched theme has outside of the article."""
    page.evaluate("document.querySelectorAll('.bd-article details').forEach(closed => { closed.open = true; })")
    found = []
    for violation in Axe().run(page).response["violations"]:
        for node in violation["nodes"]:
            (selector,) = node["target"][-1:]
            inside = page.evaluate("at => Boolean(document.querySelector(at)?.closest('.bd-article'))", selector)
            if inside or violation["id"] not in THEMES_OWN_VIOLATIONS:
                found.append(f"{violation['id']}: {node['html'][:200]}")
    return found


@pytest.mark.parametrize(("page", "look"), [pytest.param(*pair, id=pair[0]) for pair in zip(PAGES, cycle(LOOKS))])
def test_page_is_sound(browser, address, page, look):
    look_at(browser, f"{address}/{page}", *look)


@pytest.mark.slow
@pytest.mark.parametrize("look", LOOKS, ids=str)
@pytest.mark.parametrize("page", PAGES)
def test_page_is_sound_in_every_look(browser, address, page, look):
    look_at(browser, f"{address}/{page}", *look)


@pytest.mark.parametrize("page", PAGES)
def test_page_is_sound_from_disk(browser, html, page):
    with watched(browser) as seen:
        open_page(seen, (html / page).as_uri())
        assert not problems_of(seen)


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(html, page):
    soup = BeautifulSoup((html / page).read_text(encoding="utf-8"), "html.parser")
    for tag in soup.find_all(href=True):
        link = urlparse(tag["href"])
        if link.scheme or link.netloc:
            continue
        target = (html / page).parent / unquote(link.path) if link.path else html / page
        assert target.exists(), f"{tag} leads to {target}, which is not there"
        if link.fragment and target.suffix == ".html":
            there = soup if target == html / page else BeautifulSoup(target.read_text(encoding="utf-8"), "html.parser")
            assert there.find(id=unquote(link.fragment)), f"{tag} leads to no id in {target.name}"


@pytest.mark.parametrize("page", PAGES)
def test_images_are_described(html, page):
    soup = BeautifulSoup((html / page).read_text(encoding="utf-8"), "html.parser")
    for image in soup.select(".bd-article img"):
        alt = image.get("alt", "")
        # Without alt text, Sphinx writes the path of the file, which a checker of alt texts takes for one.
        assert len(alt) > 40 and not re.search(r"\.(png|svg|jpe?g)$", alt), f"alt text of {image}"


def test_search_finds_a_word_of_a_chapter(browser, html, address):
    for base in (address, html.as_uri()):
        with watched(browser) as seen:
            page = open_page(seen, f"{base}/search.html?q=perceptron")
            page.wait_for_selector("#search-results li a")
            assert "The neuron" in page.locator("#search-results").inner_text()


def test_a_figure_stands_as_a_picture_where_no_script_runs(browser, address):
    with watched(browser, java_script_enabled=False) as seen:
        seen.page.goto(f"{address}/book/01_neuron.html")
        for still in seen.page.locator(".nb-live > img").all():
            assert still.is_visible()
            box = still.bounding_box()
            assert box["width"] > 300 and box["height"] > 200
        assert seen.page.locator(".nb-live > img").count() == 2
        assert not seen.foreign


def test_a_broken_figure_says_so_and_keeps_its_picture(browser, address):
    with watched(browser) as seen:
        broken = '(window.nbFigures ??= {})["nb-neuron"] = {"esm": "throw new Error(\\"no paper\\")", "css": ""};'
        seen.page.route(
            "**/figures/neuron.js*", lambda route: route.fulfill(body=broken, content_type="text/javascript")
        )
        seen.page.goto(f"{address}/book/01_neuron.html")
        figure = seen.page.locator('nb-neuron[data-nb="failed"]')
        figure.wait_for()
        assert "could not start: no paper" in figure.inner_text()
        assert figure.locator("img").is_visible()


def test_a_control_without_kernel_is_replaced_by_a_sentence(browser, address):
    with watched(browser) as seen:
        page = open_page(seen, f"{address}/notebooks/01_neuron.html")
        assert "needs a running kernel" in page.locator(".nb-needs-kernel").inner_text()
        assert "spread 0.30: done" in page.locator(".nb-needs-kernel pre").inner_text()


def test_on_paper_figures_are_pictures_and_nothing_is_closed(browser, address):
    with watched(browser, dark=True) as seen:
        page = open_page(seen, f"{address}/book/01_neuron.html")
        closed = page.locator(".bd-article details:not([open])").count()
        page.emulate_media(media="print")
        page.wait_for_function("!document.querySelector('.bd-article details:not([open])')")
        assert page.locator(".nb-live > img:visible").count() == 2
        assert page.locator(".nb-live .nb-root:visible").count() == 0
        for part in (".bd-article p", ".bd-article h1", ".bd-article h2", ".highlight span", ".bd-article td"):
            color = page.locator(part).first.evaluate("el => getComputedStyle(el).color")
            assert max(map(int, re.findall(r"\d+", color)[:3])) < 130, f"{part} is printed in {color}"
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        page.emulate_media(media="screen")
        page.wait_for_function("document.querySelector('.bd-article details:not([open])')")
        assert page.locator(".bd-article details:not([open])").count() == closed > 10
        assert page.locator(".nb-live .nb-root:visible").count() == 2


def test_the_first_page_is_reached_from_the_index(browser, html):
    with watched(browser) as seen:
        seen.page.goto((html / "index.html").as_uri())
        seen.page.wait_for_url("**/book/intro.html")


def test_buttons_lead_to_the_repository_and_to_colab(html):
    from nbsite.repository import Repository

    repository = Repository.current()
    chapter = (HTML / "book" / "01_neuron.html").read_text(encoding="utf-8")
    lab = (HTML / "notebooks" / "01_neuron.html").read_text(encoding="utf-8")
    assert f'href="{repository.url}"' in chapter
    assert f'href="{repository.url}/edit/{repository.branch}/book/01_neuron.md"' in chapter
    colab = (
        f"https://colab.research.google.com/github/{repository.name}/blob/{repository.branch}/notebooks/01_neuron.ipynb"
    )
    assert f'href="{colab}"' in lab
    assert "colab.research.google.com" not in chapter  # a page without cells cannot be opened there


def test_figures_and_equations_are_numbered(html):
    soup = BeautifulSoup((html / "book" / "01_neuron.html").read_text(encoding="utf-8"), "html.parser")
    numbers = [figure.find(class_="caption-number").text for figure in soup.select("figure.nb-figure")]
    assert len(numbers) == 2 and all(re.fullmatch(r"Fig\. \d+ ", number) for number in numbers)
    assert len(soup.select("span.eqno")) >= 5
