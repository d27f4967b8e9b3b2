"""The line that a reader fits: its loss and Adam's steps are nbcode's, and it answers to every kind of hand."""

import math
import random

import pytest
import torch

from figures import CHAPTERS, HOSTILE, hostile, middle, numbers, show, state, take_out_and_put_back, text
from nbcode.training.loss import mean_squared_error
from nbcode.training.optimizers import Adam
from nbcode.widgets import LineFit
from nbsite.browser import open_page, watched

TAG = "nb-line-fit"
PAGE = f"book/{CHAPTERS[TAG]}.html"
STATES = 40
TWO = [[-1, -1], [1, 3]]  # y = 2 x + 1, with nothing left to lose


def random_line(rng: random.Random) -> tuple[float, float]:
    return round(rng.uniform(-10, 10), 2), round(rng.uniform(-10, 10), 2)


def random_points(rng: random.Random, n: int | None = None) -> list[list[float]]:
    return [
        [round(rng.uniform(-2.5, 2.5), 2), round(rng.uniform(-5, 5), 2)] for _ in range(n or rng.choice((2, 3, 12, 40)))
    ]


def parts(points) -> tuple[torch.Tensor, torch.Tensor]:
    """Inputs (n, 2) with a column of ones for the bias, and targets (n,), in JavaScript's precision."""
    x, y = torch.tensor(points, dtype=torch.float64).T
    return torch.stack([x, torch.ones_like(x)], dim=1), y


def loss_of(line, points) -> float:
    x, y = parts(points)
    return mean_squared_error(x @ torch.tensor(line, dtype=torch.float64), y).item()


def least(points) -> float:
    x, y = parts(points)
    return loss_of(torch.linalg.lstsq(x, y).solution.tolist(), points)


def shown_loss(figure) -> float:
    return numbers(text(figure, "loss"))[0]


def moves(figure) -> int:
    return int(numbers(text(figure, "best"))[0])


def drawn(figure) -> tuple[int, int]:
    """How many circles and how many steps of Adam the curve shows."""
    rings, run = (figure.locator(path).get_attribute("d") or "" for path in (".nb-by-hand", ".nb-adam"))
    return rings.count("M"), run.count("L")


def press(figure, name: str) -> None:
    figure.locator(f'button[name="{name}"]').click()


@pytest.fixture
def fresh(browser, address):
    """The figure in a page of its own."""
    with watched(browser, height=1400) as seen:
        yield open_page(seen, f"{address}/{PAGE}").locator(TAG)
        assert not [line for line in seen.console if "[PST]" not in line]


@pytest.fixture
def still(browser, address):
    """The figure in a page of its own, for a reader who wants no motion: a run is over at once."""
    with watched(browser, height=1400, reduced_motion="reduce") as seen:
        yield open_page(seen, f"{address}/{PAGE}").locator(TAG)


def test_the_loss_is_the_one_of_nbcode(opened):
    figure, rng = opened(TAG), random.Random(1)
    for _ in range(STATES):
        (w, b), points = random_line(rng), random_points(rng)
        show(figure, w=w, b=b, points=points)
        assert shown_loss(figure) == pytest.approx(loss_of((w, b), points), abs=0.50001e-4), (w, b, points)
        told = figure.locator(".nb-equation").inner_text()
        assert numbers(told.replace("− ", "−"))[:2] == pytest.approx((w, b), abs=0.005)


def test_the_line_and_its_misses_are_drawn_where_they_are(opened):
    figure, rng = opened(TAG), random.Random(2)
    # In the picture: x from -2.5 to 2.5 and y from -5 to 5, in 276 by 258 units that begin at (36, 20).
    x_at, y_at = (lambda x: 36 + (x + 2.5) / 5 * 276), (lambda y: 278 - (y + 5) / 10 * 258)
    outside = 0
    for _ in range(STATES):
        (w, b), points = random_line(rng), random_points(rng)
        show(figure, w=w, b=b, points=points)
        path = numbers(figure.locator(".nb-residuals").get_attribute("d"))
        expected = [
            value for x, y in points for value in (x_at(x), y_at(y), y_at(min(5.0, max(-5.0, w * x + b))))
        ]  # M x,y V y
        assert path == pytest.approx(expected, abs=0.06)
        line = figure.locator(".nb-line line")
        if abs(b) - 2.5 * abs(w) > 5:
            outside += 1
            assert not line.is_visible()
            assert "outside the picture" in figure.locator(".nb-equation").inner_text()
            continue
        for end in "12":
            x, y = (float(line.get_attribute(f"{axis}{end}")) for axis in "xy")
            assert 35.99 < x < 312.01 and 19.99 < y < 278.01
            assert (278 - y) / 25.8 - 5 == pytest.approx(w * ((x - 36) / 55.2 - 2.5) + b, abs=1e-6)
    assert 0 < outside < STATES


# Adam heeds the size of a gradient only where it is as small as eps: there a wrong factor shows.
STARTS = [(0.01, None), (0.1, None), (1, None), (0.01, (2 + 1e-7, 1 + 1e-8))]


@pytest.mark.parametrize(("rate", "start"), STARTS)
def test_adam_steps_as_nbcode_does(opened, rate, start):
    figure, rng = opened(TAG), random.Random(3)
    points = TWO if start else random_points(rng, 12)
    start = start or (round(rng.uniform(-3, 3), 2), round(rng.uniform(-3, 3), 2))
    show(figure, w=start[0], b=start[1], points=points, rate=rate)
    w, b = (torch.tensor(value, dtype=torch.float64, requires_grad=True) for value in start)
    adam, (x, y) = Adam([w, b], lr=rate), parts(points)
    for step in range(1, 31):
        adam.zero_grad()
        mean_squared_error(w * x[:, 0] + b, y).backward()
        adam.step()
        press(figure, "step")
        assert state(figure, "w", "b") == pytest.approx([w.item(), b.item()], rel=1e-8), step
        assert text(figure, "told").startswith(f"{step} step")


def test_a_move_by_hand_makes_adam_begin_anew(opened):
    figure = opened(TAG)
    show(figure, w=-1, b=2, points=LineFit().points, rate=0.1)
    for _ in range(3):
        press(figure, "step")
    assert text(figure, "told").startswith("3 steps of Adam")
    show(figure, b=0.5)
    assert text(figure, "told") == "Adam has made no step from here."
    w, b = state(figure, "w", "b")
    press(figure, "step")
    # Without a memory, Adam's first step is as long as the rate, whatever the gradient is.
    assert [abs(now - before) for now, before in zip(state(figure, "w", "b"), (w, b), strict=True)] == pytest.approx(
        [0.1, 0.1], rel=1e-6
    )
    press(figure, "0.01")
    assert state(figure, "rate") == [0.01] and text(figure, "told") == "Adam has made no step from here."


@pytest.mark.parametrize("rate", [0.1, 1])
def test_a_run_ends_at_the_least_loss(still, rate):
    show(still, rate=rate)
    press(still, "run")
    points = state(still, "points")[0]
    assert loss_of(state(still, "w", "b"), points) == pytest.approx(least(points), rel=0.01)
    assert "no longer falls" in text(still, "told")
    steps = int(numbers(text(still, "told"))[0])
    assert 50 < steps < 500 and drawn(still) == (1, steps)
    assert numbers(text(still, "least"))[0] == pytest.approx(least(points), abs=0.50001e-4)


def test_a_run_with_small_steps_ends_at_its_limit_and_goes_on_when_asked(still):
    show(still, rate=0.01)
    press(still, "run")
    assert text(still, "told").startswith("500 steps of Adam. A run ends after 500 steps")
    press(still, "run")
    assert "no longer falls" in text(still, "told") and 500 < numbers(text(still, "told"))[0] < 1000
    points = state(still, "points")[0]
    assert loss_of(state(still, "w", "b"), points) == pytest.approx(least(points), rel=0.01)


def test_runs_on_random_points_end_near_their_least_loss(still):
    rng = random.Random(4)
    for _ in range(10):
        points = random_points(rng, 12)
        show(still, w=-1, b=2, points=points, rate=0.1)
        press(still, "run")
        assert loss_of(state(still, "w", "b"), points) == pytest.approx(least(points), rel=0.01)


def test_the_least_loss_is_hidden_until_it_is_asked_for(opened):
    figure, rng = opened(TAG), random.Random(5)
    for _ in range(STATES):
        points = random_points(rng, rng.choice((3, 12, 40)))
        show(figure, points=points)
        assert text(figure, "least") == "Least possible loss: ?"
        assert not figure.locator(".nb-least").get_attribute("d")
        press(figure, "reveal")
        loss, w, b = numbers(text(figure, "least"))
        x, y = parts(points)
        solution = torch.linalg.lstsq(x, y).solution.tolist()
        if max(map(abs, solution)) <= 10:
            assert (loss, w, b) == pytest.approx([least(points), *solution], abs=0.00501)
        assert figure.locator(".nb-least").get_attribute("d")
        press(figure, "reveal")
        assert text(figure, "least") == "Least possible loss: ?"


def test_the_least_loss_is_within_the_limits_of_the_parameters(opened):
    figure, rng, at_limit = opened(TAG), random.Random(6), 0
    for _ in range(12):
        side, x, steep = rng.choice((-1, 1)), rng.choice((0, 1.8)), rng.choice((0.2, 1))
        steps = [(0, rng.uniform(-5, -3)), (rng.uniform(0.1, 0.7), rng.uniform(3, 5)), (0.4, rng.uniform(-1, 5))]
        points = [[side * (x + right), steep * y] for right, y in steps]
        show(figure, points=points)
        press(figure, "reveal")
        loss = numbers(text(figure, "least"))[0]
        x, y = parts(points)
        line = torch.zeros(2, dtype=torch.float64)
        for _ in range(20_000):  # downhill, and back to the limits after each step
            line = (line - 0.05 * x.T @ (x @ line - y)).clamp(-10, 10)
        assert loss == pytest.approx(loss_of(line.tolist(), points), abs=1e-3)
        limited = line.abs().max().item() >= 10
        assert ("within the limits" in text(figure, "least")) == limited
        at_limit += limited
        press(figure, "reveal")
    assert 0 < at_limit < 12


def test_points_above_each_other_have_many_best_lines(still):
    points = [[0.3, 1], [0.3, 2], [0.3, 3]]
    show(still, points=points)
    press(still, "run")
    assert text(still, "least").startswith("Least possible loss: 0.6667, by many lines")
    assert shown_loss(still) == pytest.approx(2 / 3, rel=0.01)


def test_two_points_can_be_met_exactly(still):
    show(still, points=TWO)
    press(still, "run")
    assert text(still, "loss") == "Loss: 0.0000"
    assert state(still, "w", "b") == pytest.approx([2, 1], abs=0.01)


def test_the_best_by_hand_is_remembered(opened):
    figure, rng = opened(TAG), random.Random(7)
    points = random_points(rng, 12)
    show(figure, w=-1, b=2, points=points)
    assert text(figure, "best") == "Moves by hand: 0. Your best: none yet"
    lines = [(round(rng.uniform(-3, 3), 2), 0.5) for _ in range(8)]
    for w, b in lines:
        show(figure, w=w, b=b)
    best = min(loss_of(line, points) for line in lines)
    shown = numbers(text(figure, "best"))
    assert shown[0] == 8 and shown[1] == pytest.approx(best, abs=0.50001e-4)
    for _ in range(20):
        press(figure, "step")  # what Adam reaches is no hand's merit
    assert numbers(text(figure, "best")) == shown
    assert drawn(figure) == (9, 20)
    press(figure, "again")
    assert numbers(text(figure, "best")) == [0, shown[1]]


def test_start_again_brings_back_the_first_line(still):
    show(still, w=1, b=1)
    press(still, "run")
    press(still, "again")
    assert state(still, "w", "b") == [-1, 2]
    assert drawn(still) == (1, 0)
    assert text(still, "told") == "Adam has made no step from here."


def test_keys_move_sliders_and_handles(opened):
    figure = opened(TAG)
    keyboard = figure.page.keyboard
    for name, key, by in (("w", "ArrowRight", 0.05), ("b", "ArrowDown", -0.05), ("w", "ArrowLeft", -0.05)):
        show(figure, w=-1, b=2)
        figure.locator(f"input[name={name}]").focus()
        keyboard.press(key)
        assert state(figure, name)[0] == pytest.approx({"w": -1, "b": 2}[name] + by)
    for end, x in enumerate((-2.25, 2.25)):
        for key, by in (("ArrowUp", 0.1), ("ArrowDown", -0.1), ("Shift+ArrowUp", 1), ("ArrowLeft", -0.1)):
            show(figure, w=0.5, b=0.25)
            figure.locator(".nb-handle").nth(end).focus()
            keyboard.press(key)
            w, b = state(figure, "w", "b")
            assert w * x + b == pytest.approx(0.5 * x + 0.25 + by, abs=1e-3)
            assert w * -x + b == pytest.approx(0.5 * -x + 0.25, abs=1e-3)  # the other end stays


def test_handles_stay_in_the_picture_and_parameters_within_their_limits(opened):
    figure = opened(TAG)
    show(figure, w=10, b=10)
    for end in range(2):
        figure.locator(".nb-handle").nth(end).focus()
        for _ in range(12):
            figure.page.keyboard.press("Shift+ArrowUp")
    w, b = state(figure, "w", "b")
    LineFit(w=w, b=b)
    assert (w, b) == (0, 5)
    assert figure.locator(".nb-handle").nth(0).get_attribute("aria-valuenow") == "5"


def test_the_mouse_drags_a_handle_and_a_drag_is_one_move(fresh):
    fresh.scroll_into_view_if_needed()
    mouse = fresh.page.mouse
    scale = fresh.locator(".nb-plot").first.bounding_box()["width"] / 320 * 25.8  # pixels for one unit of y
    x, y = middle(fresh.locator(".nb-handle").nth(1))
    mouse.move(x, y)
    mouse.down()
    mouse.move(x, y - 2 * scale, steps=12)
    mouse.up()
    w, b = state(fresh, "w", "b")
    assert (2.25 * w + b, -2.25 * w + b) == pytest.approx((-0.25 + 2, 4.25), abs=0.03)
    assert moves(fresh) == 1 and drawn(fresh) == (2, 0)
    mouse.move(x, y)
    assert state(fresh, "w", "b") == [w, b]  # let go is let go
    box = fresh.locator("input[name=w]").bounding_box()
    mouse.move(box["x"] + 20, middle(fresh.locator("input[name=w]"))[1])
    mouse.down()
    mouse.move(box["x"] + box["width"] * 0.75, box["y"] + 5, steps=15)
    mouse.up()
    assert state(fresh, "w")[0] == pytest.approx(1.5, abs=0.2)
    assert moves(fresh) == 2
    fresh.page.keyboard.press("ArrowRight")
    fresh.page.keyboard.press("ArrowRight")
    assert moves(fresh) == 4


def test_a_finger_drags_a_handle_without_scrolling_the_page(browser, address):
    with watched(browser, width=390, height=800, has_touch=True, is_mobile=True) as seen:
        page = open_page(seen, f"{address}/{PAGE}")
        figure = page.locator(TAG)
        figure.locator(".nb-plot").first.scroll_into_view_if_needed()
        x, y = middle(figure.locator(".nb-handle").nth(1))
        scrolled = page.evaluate("scrollY")
        touch = page.context.new_cdp_session(page)
        touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
        for step in range(1, 6):
            moved = [{"x": x, "y": y - 12 * step}]
            touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": moved})
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        w, b = state(figure, "w", "b")
        assert 2.25 * w + b > 1
        assert page.evaluate("scrollY") == scrolled
        assert moves(figure) == 1
        figure.locator("button[name=step]").tap()
        assert text(figure, "told").startswith("1 step of Adam")


def test_a_run_moves_step_by_step_and_can_be_stopped(fresh):
    press(fresh, "run")
    assert fresh.locator("button[name=run]").inner_text() == "Stop"
    assert fresh.locator("output[name=loss]").get_attribute("aria-live") == "off"
    fresh.page.wait_for_timeout(300)
    press(fresh, "run")
    assert fresh.locator("button[name=run]").inner_text() == "Run Adam"
    assert fresh.locator("output[name=loss]").get_attribute("aria-live") == "polite"
    stopped = state(fresh, "w", "b")
    steps = int(numbers(text(fresh, "told"))[0])
    assert 1 < steps <= drawn(fresh)[1] and text(fresh, "least") == "Least possible loss: ?"
    fresh.page.wait_for_timeout(200)
    assert state(fresh, "w", "b") == stopped


def test_a_move_by_hand_stops_a_run(fresh):
    press(fresh, "run")
    fresh.locator("input[name=b]").focus()
    fresh.page.keyboard.press("ArrowUp")
    moved = state(fresh, "w", "b")
    assert fresh.locator("button[name=run]").inner_text() == "Run Adam"
    assert text(fresh, "told") == "Adam has made no step from here."
    fresh.page.wait_for_timeout(200)
    assert state(fresh, "w", "b") == moved


def test_taken_out_in_the_middle_of_a_run_it_lets_go(fresh):
    press(fresh, "run")
    page = fresh.page
    take_out_and_put_back(page, TAG)
    assert not math.isnan(shown_loss(page.locator(TAG)))


@pytest.mark.parametrize(
    "harmful",
    [
        {"w": HOSTILE, "b": HOSTILE, "points": [[HOSTILE, HOSTILE], [0, 1]], "rate": HOSTILE},
        {"w": 1, "b": 1, "points": HOSTILE, "rate": 0.1},
        {},
    ],
)
def test_a_hostile_state_is_shown_as_text(still, harmful):
    with hostile(still.page, TAG, harmful) as made:
        for button in made.locator("button[name=step], button[name=run]").all():
            button.click()


@pytest.mark.parametrize("dark", [False, True])
def test_on_a_telephone_nothing_sticks_out(browser, address, dark):
    with watched(browser, width=390, dark=dark, reduced_motion="reduce") as seen:
        figure = open_page(seen, f"{address}/{PAGE}").locator(TAG)
        show(figure, w=-10, b=-10)
        press(figure, "run")
        assert figure.page.evaluate("document.scrollingElement.scrollWidth - innerWidth") <= 0
        sticking_out = """el => [...el.querySelectorAll('*')].filter(part => {
            const box = part.getBoundingClientRect(), whole = el.getBoundingClientRect();
            return box.width && (box.left < whole.left - 1 || box.right > whole.right + 1);
        }).map(part => part.outerHTML.slice(0, 80))"""
        assert figure.evaluate(sticking_out) == []
