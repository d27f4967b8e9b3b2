"""The ball on the loss surface: its runs are those of nbcode and PyTorch, and how they end is told in words."""

import math
import random
import re

import pytest
import torch

from figures import CHAPTERS, HOSTILE, hostile, middle, show, state, take_out_and_put_back, text
from nbcode.data.surfaces import SURFACES
from nbcode.training.optimizers import SGD, Adam, Momentum
from nbcode.training.stability import descend, largest_stable_rate
from nbsite.browser import open_page, watched

TAG = "nb-descent"
STATES = 40
RULES = {"sgd": SGD, "momentum": Momentum, "adam": Adam}
SHOWN = re.compile(r"−?\d+(?:\.\d+)?(?:e−?\d+)?")


def surface_of(name: str):
    a, b, c, q = SURFACES[name]
    return lambda w: (a * w[0] ** 2 + 2 * b * w[0] * w[1] + c * w[1] ** 2) / 2 + q * w[0] ** 4 / 4


def sharpest_of(name: str, u: float) -> float:
    """The largest eigenvalue of the Hessian at (u, 0)."""
    a, b, c, q = SURFACES[name]
    return torch.linalg.eigvalsh(torch.tensor([[a + 3 * q * u**2, b], [b, c]], dtype=torch.float64)).max().item()


def random_state(rng: random.Random) -> dict:
    return {
        "surface": rng.choice(list(SURFACES)),
        "rule": rng.choice(list(RULES)),
        "rate": float(f"{10 ** rng.uniform(-3, 0):.3g}"),
        "start": [round(rng.uniform(-3, 3), 2), round(rng.uniform(-3, 3), 2)],
    }


def run_of(surface: str, rule: str, rate: float, start: list[float], steps: int) -> torch.Tensor:
    at = torch.tensor(start, dtype=torch.float64)
    return descend(surface_of(surface), at, lambda parameters: RULES[rule](parameters, lr=rate), steps)


def exact(figure, name: str) -> dict[str, float]:
    """The numbers of an output in full."""
    return {
        key: float(value)
        for key, value in figure.locator(f"output[name={name}]").evaluate("el => ({...el.dataset})").items()
    }


def values(shown: str) -> list[float]:
    """All numbers of a text, powers of ten too."""
    return [float(found.replace("−", "-")) for found in SHOWN.findall(shown)]


@pytest.fixture
def figure(opened):
    shown = opened(TAG)
    show(shown, surface="ravine", rule="sgd", rate=0.09, start=[-2.5, 1.5], steps=0)
    return shown


@pytest.fixture(scope="module")
def still(browser, address):
    """The figure for a reader who wants no motion: runs are shown at once."""
    with watched(browser, reduced_motion="reduce") as seen:
        yield open_page(seen, f"{address}/book/{CHAPTERS[TAG]}.html").locator(TAG)


def test_loss_and_gradient_are_those_of_torch(figure):
    rng = random.Random(1)
    for _ in range(STATES):
        given = random_state(rng)
        show(figure, steps=0, **given)
        at = torch.tensor(given["start"], dtype=torch.float64, requires_grad=True)
        f = surface_of(given["surface"])(at)
        f.backward()
        shown, slope = exact(figure, "loss"), exact(figure, "gradient")
        assert shown["f"] == pytest.approx(f.item(), rel=1e-9, abs=1e-12)
        assert [slope["u"], slope["v"]] == pytest.approx(at.grad.tolist(), rel=1e-9, abs=1e-12)
        # Three digits of the loss and the gradient, three decimals of the place.
        told = values(text(figure, "loss"))
        assert told == pytest.approx([f.item(), *given["start"]], rel=0.006, abs=0.0006)
        told = values(text(figure, "gradient"))
        assert told == pytest.approx([*at.grad.tolist(), at.grad.norm().item()], rel=0.006, abs=1e-12)


def test_twenty_steps_are_those_of_the_optimizers(figure):
    rng, ended = random.Random(2), 0
    for number in range(STATES):
        given = random_state(rng) | {"rule": list(RULES)[number % 3]}
        show(figure, steps=20, **given)
        shown = exact(figure, "loss")
        ended += shown["f"] > 1e12  # has diverged
        down = math.hypot(*(exact(figure, "gradient")[name] for name in "uv")) < 1e-3
        assert shown["steps"] == 20 or shown["f"] > 1e12 or down
        place = run_of(**given, steps=int(shown["steps"]))[-1]
        assert [shown["u"], shown["v"]] == pytest.approx(place.tolist(), rel=1e-6, abs=1e-9), given
        assert shown["f"] == pytest.approx(surface_of(given["surface"])(place).item(), rel=1e-6, abs=1e-9)
    assert 0 < ended < STATES / 2


def test_steps_are_made_one_by_one_and_taken_back(figure):
    path = run_of("ravine", "sgd", 0.09, [-2.5, 1.5], 3)
    for step in (1, 2, 3):
        figure.locator("button[name=step]").click()
        assert text(figure, "told") == f"{step} step{'s' * (step > 1)} so far, not down yet."
        assert [exact(figure, "loss")[name] for name in "uv"] == pytest.approx(path[step].tolist(), rel=1e-9)
    figure.locator("button[name=back]").click()
    assert text(figure, "told") == "No step yet."
    assert state(figure, "start", "steps") == [[-2.5, 1.5], 0]


def rolled_out(figure) -> str:
    """Roll until the run has ended or may go no further; the last words."""
    for _ in range(6):
        figure.locator("button[name=roll]").click()
    return text(figure, "told")


@pytest.mark.parametrize("rule", ["sgd", "momentum"])
@pytest.mark.parametrize("surface", ["bowl", "ravine", "turned ravine"])
def test_the_limit_of_the_rate_is_where_it_begins_to_diverge(still, surface, rule):
    sharpest = sharpest_of(surface, 0)
    limit = largest_stable_rate(sharpest, 0.9 if rule == "momentum" else 0.0)
    show(still, surface=surface, rule=rule, rate=0.9 * limit, start=[-2.5, 1.5], steps=0)
    still.locator("button[name=limit]").click()
    told = values(text(still, "limit"))
    assert told[-3:] == pytest.approx([sharpest, limit, sharpest], rel=0.005)
    assert re.fullmatch(r"Down after \d+ steps\.", rolled_out(still))
    assert math.hypot(*(exact(still, "gradient")[name] for name in "uv")) < 1e-3
    assert still.locator("output[name=told]").get_attribute("data-right") == "true"
    show(still, rate=1.05 * limit, steps=0)
    assert re.fullmatch(r"It diverges: loss .* after \d+ steps\.", rolled_out(still))
    assert exact(still, "loss")["f"] > 1e12
    before = state(still, "steps")
    still.locator("button[name=step]").click()
    assert state(still, "steps") == before  # an ended run makes no more steps
    show(still, rate=limit, steps=0)
    # Momentum carries the ball out of the picture first.
    assert re.match("1000 steps, and still not down|1000 steps: left the picture", rolled_out(still))


def test_what_can_be_said_about_a_limit_is_asked_for_and_true(figure):
    assert text(figure, "limit") == ""
    figure.locator("button[name=limit]").click()
    assert "2 / 20.0 = 0.100" in text(figure, "limit")
    figure.locator("button[name=momentum]").click()
    assert text(figure, "limit") == ""  # so that it can be predicted again
    figure.locator("button[name=limit]").click()
    assert "2 · (1 + 0.9) / 20.0 = 0.190" in text(figure, "limit")
    figure.locator("button[name=adam]").click()
    figure.locator("button[name=limit]").click()
    assert "its first step moves each weight by the rate" in text(figure, "limit")
    start, after = run_of("ravine", "adam", 0.09, [-2.5, 1.5], 1).tolist()
    assert [abs(a - b) for a, b in zip(start, after, strict=True)] == pytest.approx([0.09, 0.09], rel=1e-6)
    figure.locator("button[name='two valleys']").click()
    figure.locator("button[name=sgd]").click()
    figure.locator("button[name=limit]").click()
    sharpest = sharpest_of("two valleys", 1)
    assert f"2 / {sharpest:.2f} = {2 / sharpest:.2f} near the minima" in text(figure, "limit")


def test_leaving_the_picture_is_told_and_drawn_at_its_edge(figure):
    show(figure, rate=0.11, steps=6)
    f = surface_of("ravine")(run_of("ravine", "sgd", 0.11, [-2.5, 1.5], 6)[-1]).item()
    assert re.fullmatch(r"6 steps: left the picture, loss .*\.", text(figure, "told"))
    assert values(text(figure, "told"))[-1] == pytest.approx(f, rel=0.006)
    arrow, paper = figure.locator("polygon.nb-ball"), figure.locator(".nb-plane .nb-paper").bounding_box()
    x, y = middle(arrow)
    assert arrow.is_visible() and not figure.locator(".nb-plane circle.nb-ball").is_visible()
    assert paper["x"] <= x <= paper["x"] + paper["width"] and paper["y"] <= y <= paper["y"] + paper["height"]
    show(figure, steps=0)
    assert not arrow.is_visible() and figure.locator(".nb-plane circle.nb-ball").is_visible()


def test_a_pass_is_no_minimum(still):
    show(still, surface="two valleys", rule="sgd", rate=0.5, start=[0, 2], steps=0)
    still.locator("button[name=roll]").click()
    assert re.fullmatch(r"Stopped after \d+ steps on the pass .*no minimum\.", text(still, "told"))
    show(still, start=[0, 0], steps=0)
    assert text(still, "told").startswith("The ball lies on the pass")
    show(still, start=[1, 0], steps=0)
    assert text(still, "told") == "The ball lies at the bottom already."
    show(still, start=[0.01, 2], steps=0)
    still.locator("button[name=roll]").click()
    assert text(still, "told").startswith("Down after")
    assert exact(still, "loss")["u"] == pytest.approx(1, abs=1e-3)


def on_paper(figure, u: float, v: float) -> tuple[float, float]:
    """Where a place of the surface is on the screen."""
    box = figure.locator(".nb-plane .nb-paper").bounding_box()
    return box["x"] + (u + 3) / 6 * box["width"], box["y"] + (3 - v) / 6 * box["height"]


def test_a_click_puts_the_ball_where_the_pointer_is(figure):
    show(figure, steps=30)
    figure.scroll_into_view_if_needed()
    for u, v in ((1.2, -2.1), (-2.9, 2.9), (0.4, 0.0), (2.7, 1.1)):
        figure.page.mouse.click(*on_paper(figure, u, v))
        start, steps = state(figure, "start", "steps")
        assert start == pytest.approx([u, v], abs=0.02) and steps == 0
        assert middle(figure.locator(".nb-plane circle.nb-ball")) == pytest.approx(on_paper(figure, u, v), abs=1.5)


def test_the_mouse_drags_the_start(figure):
    figure.scroll_into_view_if_needed()
    mouse = figure.page.mouse
    mouse.move(*middle(figure.locator(".nb-begin")))
    mouse.down()
    mouse.move(*on_paper(figure, 0.5, -1), steps=4)
    assert state(figure, "start")[0] == pytest.approx([0.5, -1], abs=0.02)
    mouse.move(*on_paper(figure, 4, -1), steps=2)
    mouse.up()
    assert state(figure, "start")[0] == pytest.approx([3, -1], abs=0.02)
    mouse.move(*on_paper(figure, 0, 0))
    assert state(figure, "start")[0] == pytest.approx([3, -1], abs=0.02)


def test_a_tap_puts_the_ball_there_and_a_swipe_does_not(browser, address):
    with watched(browser, width=390, height=800, has_touch=True, is_mobile=True) as seen:
        page = open_page(seen, f"{address}/book/{CHAPTERS[TAG]}.html")
        figure = page.locator(TAG)
        figure.locator(".nb-plane").scroll_into_view_if_needed()
        page.touchscreen.tap(*on_paper(figure, 1.5, 2))
        assert state(figure, "start")[0] == pytest.approx([1.5, 2], abs=0.03)
        touch, (x, y) = page.context.new_cdp_session(page), on_paper(figure, -1, -1)
        touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
        for step in range(1, 6):
            points = [{"x": x, "y": y - 20 * step}]
            touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": points})
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        assert state(figure, "start")[0] == pytest.approx([1.5, 2], abs=0.03)


def test_keys_move_start_and_rate(figure):
    keyboard = figure.page.keyboard
    figure.locator(".nb-begin").focus()
    for key, expected in (("ArrowRight", [-2.4, 1.5]), ("Shift+ArrowDown", [-2.4, 0.5]), ("ArrowUp", [-2.4, 0.6])):
        keyboard.press(key)
        assert state(figure, "start")[0] == pytest.approx(expected)
    keyboard.press("Shift+ArrowLeft")
    assert state(figure, "start")[0] == pytest.approx([-3, 0.6])
    slider = figure.locator("input[name=rate]")
    slider.focus()
    keyboard.press("ArrowUp")
    assert 0.09 < state(figure, "rate")[0] < 0.095
    keyboard.press("Home")
    assert state(figure, "rate")[0] == 0.001 and slider.get_attribute("aria-valuetext") == "0.00100"
    keyboard.press("End")
    assert state(figure, "rate")[0] == 10 and slider.get_attribute("aria-valuetext") == "10.0"


def test_a_new_rate_or_rule_keeps_the_number_of_steps_and_a_new_surface_does_not(figure):
    show(figure, steps=12)
    figure.locator("input[name=rate]").focus()
    figure.page.keyboard.press("ArrowDown")
    figure.locator("button[name=momentum]").click()
    (rate, steps), shown = state(figure, "rate", "steps"), exact(figure, "loss")
    assert steps == shown["steps"] == 12
    place = run_of("ravine", "momentum", rate, [-2.5, 1.5], 12)[-1]
    assert [shown["u"], shown["v"]] == pytest.approx(place.tolist(), rel=1e-6)
    figure.locator("button[name=bowl]").click()
    assert state(figure, "surface", "steps") == ["bowl", 0]


def test_a_run_moves_and_can_be_stopped(figure):
    roll = figure.locator("button[name=roll]")
    roll.click()
    figure.page.wait_for_function("document.querySelector('nb-descent').model.get('steps') > 5")
    assert roll.inner_text() == "Stop" and text(figure, "told").endswith("so far.")
    roll.click()
    steps = state(figure, "steps")
    assert 5 < steps[0] < 200 and roll.inner_text() == "Roll"
    figure.page.wait_for_timeout(200)
    assert state(figure, "steps") == steps


def test_a_run_ends_by_itself(figure):
    show(figure, surface="bowl", rate=0.6)
    figure.locator("button[name=roll]").click()
    figure.page.wait_for_function("document.querySelector('nb-descent button[name=roll]').textContent === 'Roll'")
    assert re.fullmatch(r"Down after \d+ steps\.", text(figure, "told"))


def test_without_motion_a_run_is_shown_at_once(still):
    show(still, surface="ravine", rule="sgd", rate=0.01, start=[-2.5, 1.5], steps=0)
    still.locator("button[name=roll]").click()
    assert text(still, "told") == "200 steps, not down yet. Roll goes on from here."


def test_taken_out_in_the_middle_of_a_run_it_stops(figure):
    page = figure.page
    figure.locator("button[name=roll]").click()
    take_out_and_put_back(page, "nb-descent")
    assert figure.locator("button[name=roll]").inner_text() == "Roll"


@pytest.mark.parametrize("surface", SURFACES)
def test_contour_lines_and_their_numbers_are_true(figure, surface):
    show(figure, surface=surface)
    f = surface_of(surface)
    losses = []
    for polygon in figure.locator(".nb-level").all():
        pairs = [tuple(map(float, pair.split(","))) for pair in polygon.get_attribute("points").split()]
        half = len(pairs) // 2  # an upper half and a lower half, which meet at both ends
        assert math.dist(pairs[0], pairs[-1]) < 0.2 and math.dist(pairs[half - 1], pairs[half]) < 0.2
        places = torch.tensor([((x - 26) / 48 - 3, (294 - y) / 48 - 3) for x, y in pairs], dtype=torch.float64)
        found = f(places.T)
        slopes = torch.func.vmap(torch.func.grad(f))(places).norm(dim=1)
        allowed = 0.002 * slopes + 0.002  # coordinates have one decimal, which is a 480th
        level = found[slopes.argmin()].item()
        assert bool(((found - level).abs() <= 2 * allowed).all())
        losses.append(level)
    assert losses == sorted(losses, reverse=True) and len(losses) >= 6
    numbers = figure.locator(".nb-height").all()
    assert len(numbers) >= 3
    for number in numbers:
        x, y = float(number.get_attribute("x")), float(number.get_attribute("y")) - 4
        at = torch.tensor([(x - 26) / 48 - 3, (294 - y) / 48 - 3], dtype=torch.float64)
        assert values(number.text_content())[0] == pytest.approx(f(at).item(), abs=1e-3)


def test_two_valleys_have_a_contour_line_around_each(figure):
    show(figure, surface="two valleys")
    sides = [
        [float(pair.split(",")[0]) > 170 for pair in polygon.get_attribute("points").split()]
        for polygon in figure.locator(".nb-level").all()
    ]
    assert sum(all(side) for side in sides) == sum(not any(side) for side in sides) == 1


@pytest.mark.parametrize("trait", ["surface", "rule", "rate", "start", "steps", "surfaces"])
def test_a_hostile_state_is_shown_as_text(figure, trait):
    page = figure.page
    harmful = {
        "surface": "bowl",
        "rule": "sgd",
        "rate": 0.1,
        "start": [1, 1],
        "steps": 3,
        "surfaces": {"bowl": [1, 0, 2, 0]},
    }
    harmful[trait] = {"surfaces": {HOSTILE: [1, 0, 2, 0], "bowl": [HOSTILE, 0, 2, 0]}, "start": [HOSTILE, 1]}.get(
        trait, HOSTILE
    )
    with hostile(page, "nb-descent", harmful):
        pass
