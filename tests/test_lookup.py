"""The look-up by a query: its scores, weights and output are attention's, and it answers to every kind of hand."""

import math
import random

import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention

from figures import CHAPTERS, HOSTILE, hostile, middle, numbers, show, state, take_out_and_put_back, text
from nbcode.widgets import Lookup
from nbsite.browser import open_page, watched

TAG = "nb-lookup"
PAGE = f"book/{CHAPTERS[TAG]}.html"
STATES = 40
CROSS = [[2, 0, -3, -3], [0, 2, 3, -3], [-2, 0, 3, 3], [0, -2, -3, 3]]  # four keys of one length, at right angles


def random_state(rng: random.Random) -> dict:
    coordinate = lambda: rng.choice((0.0, 4.0, -4.0, *(round(rng.uniform(-4, 4), 2) for _ in range(6))))
    return {
        "query": [coordinate(), coordinate()],
        "entries": [[coordinate() for _ in range(4)] for _ in range(rng.randint(2, 6))],
        "score": rng.choice(("scaled", "plain")),
    }


def parts(query, entries) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Query (1, K), keys (S, K) and values (S, 2) in JavaScript's precision."""
    keys, values = torch.tensor(entries, dtype=torch.float64).split(2, dim=1)
    return torch.tensor([query], dtype=torch.float64), keys, values


def rows(figure) -> list[dict]:
    """What the table holds: exact numbers, and the texts of its cells."""
    return figure.locator("tbody tr").evaluate_all(
        "all => all.map(row => ({...row.dataset, cells: [...row.cells].map(cell => cell.innerText)}))"
    )


def column(figure, name: str) -> list[float]:
    return [float(row[name]) for row in rows(figure)]


def output(figure) -> list[float]:
    """The weighted mean in full."""
    return [float(figure.locator("output[name=output]").get_attribute(f"data-{axis}")) for axis in "xy"]


def on_paper(figure, x: float, y: float, plane: int = 0) -> tuple[float, float]:
    """Where a place of one of the two planes is on the screen."""
    box = figure.locator(".nb-plane .nb-paper").nth(plane).bounding_box()
    return box["x"] + (x + 4) / 8 * box["width"], box["y"] + (4 - y) / 8 * box["height"]


def drag(figure, handle, *places: tuple[float, float]) -> None:
    mouse = figure.page.mouse
    mouse.move(*middle(handle))
    mouse.down()
    for place in places:
        mouse.move(*place, steps=3)
    mouse.up()


def slide(figure, name: str, value: float) -> None:
    figure.locator(f"input[name={name}]").evaluate(
        "(input, value) => { input.value = value; input.dispatchEvent(new Event('input', {bubbles: true})); }", value
    )


@pytest.fixture
def figure(opened):
    shown = opened(TAG)
    show(shown, query=[0.7, 0.7], entries=CROSS, mode="soft", score="scaled")
    shown.scroll_into_view_if_needed()
    return shown


@pytest.fixture
def fresh(browser, address):
    """The figure as the page starts it, in a page of its own."""
    with watched(browser, height=1400) as seen:
        figure = open_page(seen, f"{address}/{PAGE}").locator(TAG)
        figure.scroll_into_view_if_needed()  # the mouse reaches only what is in the window
        yield figure


def test_a_soft_look_up_is_attention(figure):
    rng = random.Random(1)
    for _ in range(STATES):
        given = random_state(rng)
        show(figure, mode="soft", **given)
        query, keys, values = parts(given["query"], given["entries"])
        scale = {"scaled": None, "plain": 1.0}[given["score"]]  # None: 1 / sqrt(K), PyTorch's own
        result = scaled_dot_product_attention(query, keys, values, scale=scale)
        scores = (query @ keys.T)[0]
        weights = torch.softmax(scores / (math.sqrt(2) if scale is None else 1), dim=0)
        assert output(figure) == pytest.approx(result[0].tolist(), rel=1e-12, abs=1e-12), given
        assert column(figure, "weight") == pytest.approx(weights.tolist(), rel=1e-12, abs=1e-15), given
        assert column(figure, "score") == pytest.approx(scores.tolist(), rel=1e-12, abs=1e-12)


def test_the_numbers_that_a_reader_sees_are_the_exact_ones_rounded(figure):
    rng = random.Random(2)
    for _ in range(STATES):
        given = random_state(rng)
        show(figure, mode="soft", **given)
        for letter, row in zip("ABCDEF", rows(figure), strict=False):
            name, score, scaled, weight = row["cells"]
            assert name.strip() == letter
            assert numbers(score)[0] == pytest.approx(float(row["score"]), abs=0.00501)
            assert numbers(scaled)[0] == pytest.approx(float(row["score"]) / math.sqrt(2), abs=0.00501)
            assert numbers(weight)[0] == pytest.approx(float(row["weight"]), abs=0.000501)
        assert numbers(figure.locator("tfoot td").inner_text()) == [1]
        told = numbers(text(figure, "output"))
        assert told[:-2] == pytest.approx(column(figure, "weight"), abs=0.00501)
        assert told[-2:] == pytest.approx(output(figure), abs=0.00501)
        assert numbers(figure.locator(".nb-equation").inner_text()) == pytest.approx(given["query"], abs=0.00501)


def test_an_average_and_a_hard_look_up_are_the_ends_of_the_soft_one(figure):
    rng = random.Random(3)
    for _ in range(STATES):
        given = random_state(rng)
        query, keys, values = parts(given["query"], given["entries"])
        # No score is above 32 here, so a query of a billion times the length leaves nothing to all but the best.
        for mode, factor in (("average", 0.0), ("hard", 1e9)):
            show(figure, mode=mode, **given)
            expected = scaled_dot_product_attention(factor * query, keys, values)
            assert output(figure) == pytest.approx(expected[0].tolist(), rel=1e-9, abs=1e-9), (mode, given)
            assert sum(column(figure, "weight")) == pytest.approx(1)


def test_the_buttons_choose_look_up_and_score(figure):
    assert column(figure, "weight") != [0.25] * 4
    figure.locator("button[name=average]").click()
    assert column(figure, "weight") == [0.25] * 4 and "whatever the query says" in text(figure, "told")
    figure.locator("button[name=hard]").click()
    assert column(figure, "weight") == [0.5, 0.5, 0, 0] and text(figure, "told") == "A and B tie and share the weight."
    show(figure, query=[0.7, 0.8])
    assert column(figure, "weight") == [0, 1, 0, 0] and output(figure) == [3, -3]
    assert "the value of B comes out as it is" in text(figure, "told")
    figure.locator("button[name=soft]").click()
    scaled = max(column(figure, "weight"))
    assert text(figure, "told") == f"Key B has the most weight, {100 * scaled:.0f} %."
    figure.locator("button[name=plain]").click()
    assert state(figure, "mode", "score") == ["soft", "plain"] and max(column(figure, "weight")) > scaled
    assert column(figure, "used") == column(figure, "score")


def test_direction_selects_and_length_sharpens(figure):
    """What the page asks its reader to predict."""
    for letter, degrees in zip("ABCD", (0, 90, 180, -90), strict=True):
        slide(figure, "direction", degrees)
        most = []
        for length in (0, 0.5, 1, 2, 4):
            slide(figure, "length", length)
            assert state(figure, "query")[0] == pytest.approx(
                [length * math.cos(math.radians(degrees)), length * math.sin(math.radians(degrees))], abs=1e-4
            )
            weights = column(figure, "weight")
            most.append(weights["ABCD".index(letter)])
            assert most[-1] == max(weights)
        assert most == sorted(most) and most[0] == 0.25 and most[-1] > 0.98
        assert text(figure, "told").startswith(f"Key {letter} has the most weight")


def test_turning_keeps_the_length_and_stretching_the_direction(figure):
    show(figure, query=[1.2, -0.9])
    for degrees in (-180, -37, 0, 90, 151):
        slide(figure, "direction", degrees)
        assert math.hypot(*state(figure, "query")[0]) == pytest.approx(1.5, abs=2e-4)
    slide(figure, "length", 0)
    assert state(figure, "query")[0] == [0, 0] and "no key is better" in text(figure, "told")
    slide(figure, "length", 2)  # it has kept its direction while it had none
    x, y = state(figure, "query")[0]
    assert math.degrees(math.atan2(y, x)) == pytest.approx(151, abs=0.01)


def test_the_output_and_the_weights_are_drawn_where_they_are(figure):
    rng = random.Random(4)
    for _ in range(10):
        given = random_state(rng)
        show(figure, mode="soft", **given)
        dot = figure.locator(".nb-out")
        assert middle(dot) == pytest.approx(on_paper(figure, *output(figure), plane=1), abs=1)
        weights = column(figure, "weight")
        for name, (least, more) in {".nb-thread": (0.5, 7), ".nb-shaft.nb-key": (1.5, 6)}.items():
            widths = figure.locator(name).evaluate_all("all => all.map(line => parseFloat(line.style.strokeWidth))")
            assert widths == pytest.approx([least + more * weight for weight in weights], abs=0.01)
        bars = figure.locator(".nb-bar").evaluate_all(
            "all => all.map(bar => bar.offsetWidth / bar.parentNode.clientWidth)"
        )
        assert bars == pytest.approx(weights, abs=0.02)


def test_the_mouse_drags_query_keys_and_values(figure):
    drag(figure, figure.locator(".nb-query.nb-handle"), on_paper(figure, -1, 2))
    assert state(figure, "query")[0] == pytest.approx([-1, 2], abs=0.03)
    figure.page.mouse.move(*on_paper(figure, 1, 1))
    assert state(figure, "query")[0] == pytest.approx([-1, 2], abs=0.03)  # let go is let go
    drag(figure, figure.locator(".nb-key.nb-handle").nth(2), on_paper(figure, -2.5, 1.5))
    assert state(figure, "entries")[0][2] == pytest.approx([-2.5, 1.5, 3, 3], abs=0.03)
    weights, before = column(figure, "weight"), output(figure)
    drag(figure, figure.locator(".nb-item").nth(1), on_paper(figure, 0, 0, plane=1))
    assert state(figure, "entries")[0][1] == pytest.approx([0, 2, 0, 0], abs=0.03)
    assert column(figure, "weight") == weights and output(figure) != before  # a value has no say in the weights


def test_what_is_dragged_stays_in_the_picture(figure):
    drag(figure, figure.locator(".nb-query.nb-handle"), on_paper(figure, 4, 4))
    assert state(figure, "query")[0] == pytest.approx([4 / math.sqrt(2)] * 2, abs=0.03)  # its length is 4 at most
    drag(figure, figure.locator(".nb-key.nb-handle").nth(0), on_paper(figure, 5, 0.5))
    drag(figure, figure.locator(".nb-item").nth(0), on_paper(figure, -5, -5, plane=1))
    query, entries = state(figure, "query", "entries")
    assert entries[0] == pytest.approx([4, 0.5, -4, -4], abs=0.03)
    Lookup(query=query, entries=entries)  # Python takes it too
    names = figure.locator(".nb-plane .nb-letter").all()
    for plane in range(2):
        paper = figure.locator(".nb-plane .nb-paper").nth(plane).bounding_box()
        inside = [
            paper["x"] - 1 < x < paper["x"] + paper["width"] + 1
            and paper["y"] - 1 < y < paper["y"] + paper["height"] + 1
            for x, y in map(middle, names)
        ]
        assert inside.count(True) == (5, 4)[plane]


def test_a_query_that_lies_on_a_key_can_be_taken_from_it(figure):
    show(figure, query=[0, 2])
    drag(figure, figure.locator(".nb-query.nb-handle"), on_paper(figure, 1, 1))
    assert state(figure, "query")[0] == pytest.approx([1, 1], abs=0.03)
    assert state(figure, "entries")[0] == CROSS


def test_a_click_beside_the_handles_points_the_query_there(figure):
    for place in ((1.2, -2.5), (-3, 1.1)):
        figure.page.mouse.click(*on_paper(figure, *place))
        assert state(figure, "query")[0] == pytest.approx(place, abs=0.03)
    figure.page.mouse.click(*on_paper(figure, 1, 1, plane=1))
    assert state(figure, "query")[0] == pytest.approx([-3, 1.1], abs=0.03)


def test_keys_move_query_keys_and_values(figure):
    keyboard = figure.page.keyboard
    figure.locator(".nb-query.nb-handle").focus()
    for key, expected in (("ArrowRight", [0.8, 0.7]), ("Shift+ArrowDown", [0.8, -0.3]), ("ArrowUp", [0.8, -0.2])):
        keyboard.press(key)
        assert state(figure, "query")[0] == pytest.approx(expected)
    figure.locator(".nb-key.nb-handle").nth(3).focus()
    keyboard.press("ArrowLeft")
    figure.locator(".nb-item").nth(3).focus()
    keyboard.press("Shift+ArrowUp")
    keyboard.press("Shift+ArrowUp")
    assert state(figure, "entries")[0][3] == pytest.approx([-0.1, -2, -3, 4])
    figure.locator("input[name=direction]").focus()
    keyboard.press("Home")
    assert state(figure, "query")[0][0] == pytest.approx(-math.hypot(0.8, 0.2), abs=1e-3)
    figure.locator("input[name=length]").focus()
    keyboard.press("End")
    assert state(figure, "query")[0] == pytest.approx([-4, 0], abs=1e-3)
    keyboard.press("Home")
    assert state(figure, "query")[0] == [0, 0]


def test_handles_say_what_they_are_and_where(figure):
    show(figure, query=[-0.5, 1.25])
    query = figure.locator(".nb-query.nb-handle")
    assert query.get_attribute("aria-label") == "Query"
    assert query.get_attribute("aria-valuetext") == "(−0.50, 1.25), length 1.35"
    key, weight = figure.locator(".nb-key.nb-handle").nth(1), column(figure, "weight")[1]
    assert key.get_attribute("aria-label") == f"Key B, weight {weight:.3f}"
    assert figure.locator(".nb-item").nth(1).get_attribute("aria-valuetext") == "(3.00, −3.00)"


def test_a_finger_drags_the_query_without_scrolling_and_a_swipe_moves_nothing(browser, address):
    with watched(browser, width=390, height=800, has_touch=True, is_mobile=True) as seen:
        page = open_page(seen, f"{address}/{PAGE}")
        figure = page.locator(TAG)
        show(figure, query=[0.7, 0.7], entries=CROSS)
        figure.locator(".nb-plane").first.scroll_into_view_if_needed()
        page.touchscreen.tap(*on_paper(figure, -1.5, 1.5))
        assert state(figure, "query")[0] == pytest.approx([-1.5, 1.5], abs=0.05)
        touch = page.context.new_cdp_session(page)

        def swipe(x: float, y: float) -> None:
            touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
            for step in range(1, 6):
                points = [{"x": x + 10 * step, "y": y - 5 * step}]
                touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": points})
            touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

        scrolled = page.evaluate("scrollY")
        swipe(*on_paper(figure, -1.5, 1.5))
        moved = state(figure, "query")[0]
        assert moved[0] > -1 and moved[1] > 1.7 and page.evaluate("scrollY") == scrolled
        swipe(*on_paper(figure, -2.5, -2.5))
        assert state(figure, "query")[0] == moved


def test_other_entries_bring_their_own_arrows(figure):
    rng = random.Random(5)
    for n in (6, 2, 5, 3):
        entries = [[round(rng.uniform(-4, 4), 1) for _ in range(4)] for _ in range(n)]
        show(figure, entries=entries)
        assert len(rows(figure)) == n
        for name in (".nb-key.nb-handle", ".nb-item", ".nb-thread", ".nb-shaft.nb-key"):
            assert figure.locator(name).count() == n
        drag(figure, figure.locator(".nb-item").nth(n - 1), on_paper(figure, 0.5, -0.5, plane=1))
        assert state(figure, "entries")[0][n - 1][2:] == pytest.approx([0.5, -0.5], abs=0.03)


def test_start_again_brings_back_the_first_query_and_entries(fresh):
    first = state(fresh, "query", "entries")
    drag(fresh, fresh.locator(".nb-key.nb-handle").nth(0), on_paper(fresh, 3, -3))
    drag(fresh, fresh.locator(".nb-query.nb-handle"), on_paper(fresh, 0, -3))
    assert state(fresh, "query", "entries") != first
    fresh.locator("button[name=start]").click()
    assert state(fresh, "query", "entries") == first == [Lookup().query, Lookup().entries]


def test_it_starts_undecided(fresh):
    """Between two keys, with a short query: turning and stretching it both change something."""
    weights = column(fresh, "weight")
    assert 0.3 < sorted(weights)[-2] < max(weights) < 0.6


def test_taken_out_and_put_back_it_goes_on(figure):
    figure.locator(".nb-query.nb-handle").focus()
    figure.page.keyboard.press("ArrowLeft")
    take_out_and_put_back(figure.page, TAG)
    assert state(figure, "query")[0] == pytest.approx([0.6, 0.7])
    assert figure.locator(".nb-key.nb-handle").count() == 4


@pytest.mark.parametrize("trait", ["query", "entries", "entry", "mode", "score"])
def test_a_hostile_state_is_shown_as_text(figure, trait):
    harmful = {"query": [1, 1], "entries": CROSS, "mode": "soft", "score": "scaled"}
    if trait == "entry":
        harmful["entries"] = [[HOSTILE] * 4, [1, 1, HOSTILE, HOSTILE]]
    else:
        harmful[trait] = {"query": [HOSTILE, HOSTILE]}.get(trait, HOSTILE)
    with hostile(figure.page, TAG, harmful) as made:
        for button in made.locator("button").all():
            button.click()


@pytest.mark.parametrize("dark", [False, True])
def test_on_a_telephone_nothing_sticks_out(browser, address, dark):
    with watched(browser, width=390, dark=dark) as seen:
        figure = open_page(seen, f"{address}/{PAGE}").locator(TAG)
        show(figure, query=[-4, -4], entries=[[-4, 4, 4, 4], [4, -4, -4, -4], [-4, -4, 4, -4]] * 2)
        assert figure.page.evaluate("document.scrollingElement.scrollWidth - innerWidth") <= 0
        sticking_out = """el => [...el.querySelectorAll('*')].filter(part => {
            const box = part.getBoundingClientRect(), whole = el.getBoundingClientRect();
            return box.width && (box.left < whole.left - 1 || box.right > whole.right + 1);
        }).map(part => part.outerHTML.slice(0, 80))"""
        assert figure.evaluate(sticking_out) == []
