"""The three wirings: paths and costs are those of nbcode, drawn where they belong; answers wait to be asked for."""

import itertools
import json
import random
import re

import pytest

from figures import CHAPTERS, HOSTILE, hostile, middle, numbers, show, state, take_out_and_put_back, text
from nbcode.models.wiring import (
    KINDS,
    depth_needed,
    longest_path,
    multiplications,
    pairwise_multiplications,
    path,
    receptive_field,
    sequential_steps,
)
from nbcode.widgets import Wirings
from nbsite.browser import open_page, watched

TAG = "nb-wirings"
STATES = 60
ENDS = ("source", "target")
every_kind = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture
def figure(opened):
    shown = opened(TAG)
    show(shown, **Wirings.defaults())
    return shown


def random_state(rng: random.Random) -> dict:
    tokens = rng.randint(4, 16)
    return {
        "tokens": tokens,
        "depth": rng.randint(1, 15),
        "convolution": rng.choice(["plain", "dilated"]),
        "source": rng.randrange(tokens),
        "target": rng.randrange(tokens),
        "width": rng.choice([2 ** rng.randint(0, 10), rng.randint(1, 1024)]),
    }


def exact(figure, kind: str, name: str):
    return json.loads(figure.locator(f"output[name={kind}]").get_attribute(f"data-{name}"))


def drawing(figure, kind: str):
    return figure.locator(".nb-wiring").nth(KINDS.index(kind))


def mark(figure, kind: str, end: str):
    return drawing(figure, kind).locator(f".nb-{end}")


def costs(figure, kind: str) -> list[str]:
    return figure.locator("tbody tr").nth(KINDS.index(kind)).locator(".nb-count").all_inner_texts()


def seen_layer_by_layer(kind: str, target: int, depth: int, n: int, dilated: bool) -> list[list[bool]]:
    """Which nodes the target sees, from the top layer down."""
    if kind == "recurrence":
        return [[position <= target for position in range(n)]] * (depth + 1)
    rows = [[position == target for position in range(n)]]
    for layer in reversed(range(depth)):
        apart = 2**layer if dilated else 1
        near = lambda p, q, apart=apart: kind == "attention" or abs(p - q) in (0, apart)
        rows.insert(0, [any(near(p, q) for q in range(n) if rows[0][q]) for p in range(n)])
    return rows


@every_kind
def test_paths_are_those_of_nbcode(figure, kind):
    rng, missing = random.Random(1), 0
    for _ in range(STATES):
        given = random_state(rng)
        show(figure, **given)
        source, target, depth, n = (given[name] for name in ("source", "target", "depth", "tokens"))
        dilated = given["convolution"] == "dilated"
        expected, told = path(kind, source, target, depth, dilated=dilated), text(figure, kind)
        assert exact(figure, kind, "path") == (expected and [list(node) for node in expected]), given
        seen = exact(figure, kind, "seen")
        assert seen == seen_layer_by_layer(kind, target, depth, n, dilated)
        window = receptive_field(kind, target, depth, n, dilated=dilated)
        assert [position for position in range(n) if seen[0][position]] == list(window)
        if expected:
            moves = sum(here[1] != there[1] for here, there in itertools.pairwise(expected))
            steps = len(expected) - 1
            assert numbers(told) == ([steps, moves] if 0 < moves < steps else [steps])
            assert ("straight up" in told) == (moves == 0) and ("sideways" in told) == (moves > 0)
        else:
            missing += 1
            assert told.startswith("No path: ")
            if kind == "convolution":
                assert numbers(told) == [window[0] + 1, window[-1] + 1]
    assert {"convolution": 0 < missing < STATES, "recurrence": 0 < missing < STATES, "attention": not missing}[kind]


def test_costs_are_those_of_nbcode(figure):
    rng = random.Random(2)
    figure.locator("button[name=longest]").click()
    figure.locator("button[name=compare]").click()
    for _ in range(STATES):
        given = random_state(rng)
        show(figure, **given)
        n, d, dilated = given["tokens"], given["width"], given["convolution"] == "dilated"
        for kind in KINDS:
            expected = [longest_path(kind, n, dilated=dilated), sequential_steps(kind, n), multiplications(kind, n, d)]
            assert costs(figure, kind) == [f"{count:,}" for count in expected]
        told = text(figure, "crossing")
        pairs, recurrence = pairwise_multiplications(n, d), multiplications("recurrence", n, d)
        assert f"2·n²·d = {pairs:,} times" in told and f"2·n·d² = {recurrence:,}." in told
        assert f"n = d + 1 = {d + 1:,} on" in told
        assert ("The pairs cost more, as they do from" in told) == (pairs > recurrence)
        assert multiplications("attention", n, d) > recurrence  # "more at every n"


def test_the_first_state_is_a_question(figure):
    assert text(figure, "convolution") == "No path: only 10 to 12 reach the target."
    assert text(figure, "recurrence") == "13 steps, 11 of them sideways."
    assert text(figure, "attention") == "2 steps, 1 of them sideways."
    show(figure, depth=1)
    assert text(figure, "attention") == "1 step, sideways."


@pytest.mark.parametrize("convolution", ["plain", "dilated"])
def test_a_reader_who_adds_layers_finds_the_number_that_connects(figure, convolution):
    figure.locator(f"button[name={convolution}]").click()
    slider = figure.locator("input[name=depth]")
    slider.focus()
    figure.page.keyboard.press("Home")
    while text(figure, "convolution").startswith("No path"):
        figure.page.keyboard.press("ArrowRight")
    needed = depth_needed("convolution", 12, dilated=convolution == "dilated")
    assert state(figure, "depth") == [needed] and needed == {"plain": 11, "dilated": 4}[convolution]


def test_longest_paths_are_asked_for_and_hidden_again_with_other_kernels(browser, address):
    with watched(browser) as seen:
        figure = open_page(seen, f"{address}/book/{CHAPTERS[TAG]}.html").locator(TAG)
        longest = lambda: [costs(figure, kind)[0] for kind in KINDS]
        assert longest() == ["?"] * 3 and text(figure, "crossing") == ""
        figure.locator("button[name=longest]").click()
        assert longest() == ["11", "12", "1"]
        assert figure.locator("tbody tr .nb-order").first.inner_text() == "O(n/k)"
        figure.locator("button[name=dilated]").click()
        assert longest() == ["?"] * 3
        figure.locator("button[name=longest]").click()
        assert longest() == ["4", "12", "1"]
        assert figure.locator("tbody tr .nb-order").first.inner_text() == "O(log n)"


def test_nothing_flows_back_in_recurrence_only(figure):
    show(figure, source=7, target=3, depth=4)
    assert text(figure, "recurrence") == "No path: nothing flows from right to left."
    assert text(figure, "convolution") == "4 steps, all sideways."
    assert text(figure, "attention") == "4 steps, 1 of them sideways."
    show(figure, source=3)
    assert text(figure, "recurrence") == "4 steps, straight up."


def points(line: str) -> list[tuple[float, float]]:
    return [tuple(map(float, pair.split(","))) for pair in re.findall(r"[\d.]+,[\d.]+", line)]


@every_kind
def test_the_path_is_drawn_through_its_nodes_and_lies_on_the_wiring(figure, kind):
    rng = random.Random(3)
    for _ in range(12):
        show(figure, **random_state(rng))
        nodes, drawn = exact(figure, kind, "path"), drawing(figure, kind)
        way = points(drawn.locator(".nb-way").get_attribute("d"))
        ends = [float(re.search(r"[\d.]+", mark(figure, kind, end).get_attribute("transform"))[0]) for end in ENDS]
        if nodes is None:
            assert way == []
            stops = points(drawn.locator(".nb-stops").get_attribute("d"))
            assert [x for x, _ in stops] == pytest.approx(ends, abs=0.06)  # both ends, and nothing between them
            continue
        assert len(way) == len(nodes) and [way[0][0], way[-1][0]] == pytest.approx(ends, abs=0.06)
        columns, rows = {p: x for (_, p), (x, _) in zip(nodes, way, strict=True)}, sorted({y for _, y in way})
        assert sorted(columns, key=columns.get) == sorted(columns) and rows[0] == 40 and rows[-1] == 200
        # What the target can see is drawn stronger, and every step of the path leads along such a wire.
        wires = drawn.locator(".nb-wires.nb-seen").get_attribute("d")
        strong = {tuple(points(wire)[:2]) for wire in re.findall(r"M[\d.,]+L[\d.,]+", wires)}
        assert set(itertools.pairwise(way)) <= strong


def column(figure, kind: str, position: int, n: int = 12) -> float:
    """Where a column is on the screen."""
    box = drawing(figure, kind).bounding_box()
    return box["x"] + 15 + position * (box["width"] - 30) / (n - 1)


@every_kind
@pytest.mark.parametrize("end", ENDS)
def test_the_mouse_drags_both_ends_in_every_picture(figure, kind, end):
    figure.scroll_into_view_if_needed()
    mouse, (x, y) = figure.page.mouse, middle(mark(figure, kind, end))
    assert x == pytest.approx(column(figure, kind, {"source": 0, "target": 11}[end]), abs=0.6)
    mouse.move(x, y)
    mouse.down()
    mouse.move(column(figure, kind, 5) + 3, y + 30, steps=4)
    assert state(figure, end) == [5]
    mouse.move(column(figure, kind, 11) + 200, y, steps=2)
    assert state(figure, end) == [11]
    mouse.move(column(figure, kind, 3) - 3, y, steps=2)
    mouse.up()
    assert state(figure, end) == [3]
    mouse.move(column(figure, kind, 8), y)
    assert state(figure, end) == [3]  # let go is let go
    for other in KINDS:  # the ends are the same in all three
        assert middle(mark(figure, other, end))[0] == pytest.approx(column(figure, other, 3), abs=0.6)


@every_kind
def test_a_click_above_the_middle_moves_the_target_and_below_it_the_source(figure, kind):
    figure.scroll_into_view_if_needed()
    box = drawing(figure, kind).bounding_box()
    figure.page.mouse.click(column(figure, kind, 6), box["y"] + 0.3 * box["height"])
    assert state(figure, *ENDS) == [0, 6]
    figure.page.mouse.click(column(figure, kind, 2), box["y"] + 0.7 * box["height"])
    assert state(figure, *ENDS) == [2, 6]


def test_a_tap_moves_an_end_a_finger_drags_it_and_a_swipe_scrolls(browser, address):
    with watched(browser, width=390, height=800, has_touch=True, is_mobile=True) as seen:
        page = open_page(seen, f"{address}/book/{CHAPTERS[TAG]}.html")
        figure = page.locator(TAG)
        drawing(figure, "recurrence").scroll_into_view_if_needed()
        box = drawing(figure, "recurrence").bounding_box()
        page.touchscreen.tap(column(figure, "recurrence", 8), box["y"] + 60)
        page.touchscreen.tap(column(figure, "recurrence", 3), box["y"] + 180)
        assert state(figure, *ENDS) == [3, 8]
        touch = page.context.new_cdp_session(page)

        def slide(x, y, dx, dy):
            touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
            for step in range(1, 6):
                at = {"x": x + dx * step / 5, "y": y + dy * step / 5}
                touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [at]})
            touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

        scrolled, apart = page.evaluate("scrollY"), column(figure, "recurrence", 1) - column(figure, "recurrence", 0)
        slide(*middle(mark(figure, "recurrence", "source")), 2 * apart, 12)
        assert state(figure, *ENDS) == [5, 8] and page.evaluate("scrollY") == scrolled
        slide(column(figure, "recurrence", 10), box["y"] + 100, 0, -90)
        assert state(figure, *ENDS) == [5, 8]


@every_kind
def test_keys_move_both_ends_and_stop_at_the_last_token(figure, kind):
    keyboard = figure.page.keyboard
    mark(figure, kind, "source").focus()
    for key, expected in (("ArrowRight", 1), ("ArrowUp", 2), ("ArrowLeft", 1), ("ArrowDown", 0), ("ArrowDown", 0)):
        keyboard.press(key)
        assert state(figure, "source") == [expected]
    keyboard.press("Shift+ArrowRight")
    assert state(figure, "source") == [10]
    assert mark(figure, kind, "source").get_attribute("aria-valuetext") == "token 11 of 12"
    mark(figure, kind, "target").focus()
    for key, expected in (("ArrowRight", 11), ("ArrowLeft", 10), ("Shift+ArrowLeft", 0)):
        keyboard.press(key)
        assert state(figure, "target") == [expected]
    assert mark(figure, kind, "target").get_attribute("aria-valuenow") == "1"


def test_keys_move_the_sliders_within_what_python_takes(figure):
    keyboard = figure.page.keyboard
    for name, low, high, step in (("depth", 1, 15, 3), ("tokens", 4, 16, 13), ("width", 1, 1024, 128)):
        show(figure, **Wirings.defaults())
        slider = figure.locator(f"input[name={name}]")
        slider.focus()
        for key, expected in (("ArrowRight", step), ("Home", low), ("End", high)):
            keyboard.press(key)
            assert state(figure, name) == [expected] and slider.get_attribute("aria-valuetext") == str(expected)
            Wirings(**{name: expected})
    show(figure, width=100)  # between two places of the slider
    assert slider.get_attribute("aria-valuetext") == "100"


def test_an_end_at_the_last_token_stays_there_when_tokens_come_and_go(figure):
    for tokens in (4, 16, 9):
        show(figure, tokens=tokens)
        for kind in KINDS:
            assert mark(figure, kind, "target").text_content() == str(tokens)
            assert mark(figure, kind, "source").text_content() == "1"
    mark(figure, "attention", "target").focus()
    figure.page.keyboard.press("ArrowLeft")
    assert state(figure, "target") == [7]


@pytest.mark.parametrize("width", [390, 700, 1000, 1400])
def test_the_wirings_are_readable_at_every_width(browser, address, width):
    with watched(browser, width=width, height=1400) as seen:
        figure = open_page(seen, f"{address}/book/{CHAPTERS[TAG]}.html").locator(TAG)
        show(figure, tokens=16, width=1024)
        figure.locator("button[name=longest]").click()
        figure.locator("button[name=compare]").click()
        around = figure.bounding_box()
        boxes = [drawing(figure, kind).bounding_box() for kind in KINDS]
        stacked = len({round(box["x"]) for box in boxes}) == 1
        assert stacked or len({round(box["y"]) for box in boxes}) == 1
        assert stacked == (width < 800)
        for part in (*boxes, figure.locator("table").bounding_box(), figure.locator("button").last.bounding_box()):
            assert around["x"] < part["x"] and part["x"] + part["width"] < around["x"] + around["width"]
        for box, drawn in zip(boxes, figure.locator(".nb-wiring").all(), strict=True):
            wide = float(drawn.get_attribute("viewBox").split()[2])
            assert box["width"] / wide == pytest.approx(1, abs=0.02)  # so letters have the size that they say


def test_the_pictures_follow_the_width_of_the_window_and_keep_their_state(browser, address):
    with watched(browser) as seen:
        figure = open_page(seen, f"{address}/book/{CHAPTERS[TAG]}.html").locator(TAG)
        seen.page.evaluate("addEventListener('error', event => console.log(`script error ${event.message}`))")
        show(figure, depth=5, source=4)
        before = [exact(figure, kind, "path") for kind in KINDS]
        seen.page.set_viewport_size({"width": 390, "height": 900})
        seen.page.wait_for_function(
            "[...document.querySelectorAll('.nb-wiring')].every(each => Math.abs("
            "each.getBoundingClientRect().width - each.viewBox.baseVal.width) < 2 && each.viewBox.baseVal.width > 280)"
        )
        assert [exact(figure, kind, "path") for kind in KINDS] == before
        assert state(figure, "depth", "source") == [5, 4]
        assert not [line for line in seen.console if "ResizeObserver" in line or "script error" in line]


def test_taken_out_it_lets_go_of_everything(figure):
    show(figure, depth=6)
    take_out_and_put_back(figure.page, TAG)
    assert state(figure, "depth") == [6]


@pytest.mark.parametrize("trait", Wirings.defaults())
def test_a_hostile_state_is_shown_as_text(figure, trait):
    with hostile(figure.page, TAG, {**Wirings.defaults(), trait: HOSTILE}):
        pass
