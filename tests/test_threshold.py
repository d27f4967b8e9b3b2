"""The threshold: its numbers are those of nbcode, and texts of strangers stay texts."""

import random

import pytest
import torch

from figures import CHAPTERS, HOSTILE, hostile, middle, numbers, show, state, take_out_and_put_back, text
from nbcode.training.metrics import coverage
from nbcode.widgets import Threshold
from nbsite.browser import open_page, watched

TAG = "nb-threshold"
PAGE = f"book/{CHAPTERS[TAG]}.html"
STATES = 40
NAMES = ["Li Na", "Chen Wei", "Sun Hao"]


def random_predictions(rng: random.Random, n: int | None = None) -> list[list]:
    """Some of them with the same confidence."""
    confidence = lambda: rng.choice((0.0, 0.25, 0.5, 1.0, *(rng.random() for _ in range(8))))
    n = n or rng.randint(1, 40)
    return [[confidence(), rng.random() < 0.6, rng.choice(NAMES), rng.choice(NAMES), f"request {k}"] for k in range(n)]


def exact(figure, name: str) -> dict[str, float]:
    """The numbers of an output in full, without those that there are none of."""
    found = figure.locator(f"output[name={name}]").evaluate("el => ({...el.dataset})")
    return {key: float(value) for key, value in found.items() if value != ""}


def listed(figure) -> list[list[dict]]:
    """The requests above and below the threshold."""
    read = """list => [...list.children].map(item => ({
        text: item.querySelector('.nb-text')?.textContent, said: item.querySelector('.nb-said')?.innerText,
        right: item.dataset.right,
    })).filter(each => each.said)"""
    return [figure.locator("ol").nth(k).evaluate(read) for k in range(2)]


def price(predictions: list[list], threshold: float, cost: float) -> float:
    """In decisions by a person."""
    sure = [each for each in predictions if each[0] >= threshold]
    return len(predictions) - len(sure) + cost * sum(not each[1] for each in sure)


def on_paper(figure, plot: int, across: float, up: float) -> tuple[float, float]:
    """A place of one of the two plots, both from 0 to 1, on the screen."""
    box = figure.locator(".nb-plot .nb-paper").nth(plot).bounding_box()
    return box["x"] + across * box["width"], box["y"] + (1 - up) * box["height"]


@pytest.fixture
def figure(opened):
    shown = opened(TAG)
    show(shown, predictions=random_predictions(random.Random(0), 40), threshold=0.5, cost=5)
    shown.scroll_into_view_if_needed()
    return shown


def test_each_threshold_gives_the_coverage_and_accuracy_of_nbcode(figure):
    rng = random.Random(1)
    for _ in range(STATES):
        predictions = random_predictions(rng)
        confidence = torch.tensor([each[0] for each in predictions], dtype=torch.float64)
        right = torch.tensor([each[1] for each in predictions])
        covered = coverage(confidence, right)
        show(figure, predictions=predictions)
        for k in sorted(rng.sample(range(len(predictions)), min(8, len(predictions)))):
            show(figure, threshold=covered.threshold[k].item())
            shown = exact(figure, "told")
            assert shown["share"] == pytest.approx(covered.share[k].item(), rel=1e-7)  # of float32
            assert shown["accuracy"] == pytest.approx(covered.accuracy[k].item(), rel=1e-12)
            told = numbers(text(figure, "told").replace(",", ""))
            expected = [shown["count"], len(predictions), 100 * shown["share"], 100 * shown["accuracy"]]
            assert told == pytest.approx([*expected, shown["count"] - shown["right"]], abs=0.0501)


def test_the_curve_and_its_point_are_where_nbcode_says(figure):
    rng = random.Random(2)
    for _ in range(STATES):
        predictions = random_predictions(rng)
        confidence, right, *_ = zip(*predictions, strict=True)
        covered = coverage(torch.tensor(confidence, dtype=torch.float64), torch.tensor(right))
        k = rng.randrange(len(predictions))
        show(figure, predictions=predictions, threshold=covered.threshold[k].item())
        last = [
            k for k, each in enumerate(covered.threshold) if each not in covered.threshold[k + 1 :]
        ]  # of equal ones
        at = lambda share, accuracy: [36 + 276 * share, 208 - 188 * accuracy]
        expected = [part for k in last for part in at(covered.share[k].item(), covered.accuracy[k].item())]
        assert numbers(figure.locator(".nb-coverage").get_attribute("d")) == pytest.approx(expected, abs=0.06)
        point = numbers(figure.locator(".nb-now").get_attribute("transform"))
        assert point == pytest.approx(at(covered.share[k].item(), covered.accuracy[k].item()), abs=0.06)


def test_between_two_confidences_the_surer_ones_count_and_above_all_none(figure):
    show(figure, predictions=[[0.4, True, "a", "a", "x"], [0.8, False, "a", "b", "y"]])
    for threshold, count in ((0, 2), (0.4, 2), (0.41, 1), (0.8, 1), (0.81, 0), (1, 0)):
        show(figure, threshold=threshold)
        assert exact(figure, "told")["count"] == count
    assert text(figure, "told") == "No request is so sure: all 2 go to a person."
    assert "accuracy" not in exact(figure, "told")  # of nothing, no share is right
    assert text(figure, "rest").replace("\xa0", " ") == "Without a threshold, 50.0 % would be right."
    assert figure.locator(".nb-now").get_attribute("aria-valuetext") == "nothing is assigned"


def test_what_goes_to_a_person_is_said_with_what_the_model_had_right(figure):
    rng = random.Random(3)
    for _ in range(STATES):
        predictions, threshold = random_predictions(rng), round(rng.random(), 2)
        show(figure, predictions=predictions, threshold=threshold)
        below = [each for each in predictions if each[0] < threshold]
        if len(below) == len(predictions):
            continue
        told = numbers(text(figure, "rest"))
        missed = [sum(each[1] for each in below)] if below else []
        assert told == pytest.approx([len(below), 100 * len(below) / len(predictions), *missed], abs=0.0501)


def test_the_requests_nearest_to_the_threshold_are_listed(figure):
    rng = random.Random(4)
    for _ in range(STATES):
        predictions, threshold = random_predictions(rng), round(rng.random(), 2)
        show(figure, predictions=predictions, threshold=threshold)
        ranked = sorted(predictions, key=lambda each: -each[0])  # stable
        above, below = ([e for e in ranked if e[0] >= threshold], [e for e in ranked if e[0] < threshold])
        for expected, found in zip((above[-3:], below[:3]), listed(figure), strict=True):
            assert [each["text"] for each in found] == [each[4] for each in expected]
            for (confidence, right, truth, predicted, _), each in zip(expected, found, strict=True):
                assert numbers(each["said"])[0] == pytest.approx(confidence, abs=0.000501)
                assert predicted in each["said"] and each["right"] == str(right).lower()
                assert right or each["said"].endswith(truth)


def test_the_price_is_counted_and_the_cheapest_threshold_is_the_best_of_all(figure):
    rng, nothing = random.Random(5), 0
    for _ in range(STATES):
        predictions, threshold, cost = random_predictions(rng), round(rng.random(), 2), float(rng.randint(1, 50))
        show(figure, predictions=predictions, threshold=threshold, cost=cost)
        shown = exact(figure, "price")
        assert shown["price"] == pytest.approx(price(predictions, threshold, cost))
        candidates = [*sorted({each[0] for each in predictions}), 2.0]
        least = min(price(predictions, each, cost) for each in candidates)
        best = next(each for each in candidates if price(predictions, each, cost) == pytest.approx(least))
        assert shown["least"] == pytest.approx(least)
        assert shown.get("at", 2.0) == best
        nothing += best == 2.0
    assert 0 < nothing < STATES


def test_the_cheapest_threshold_is_hidden_until_it_is_asked_for(figure):
    predictions = [[k / 10, k > 6, "a", "a" if k > 6 else "b", "x"] for k in range(1, 10)]
    show(figure, predictions=predictions, threshold=0.1, cost=5)
    assert text(figure, "best") == "" and not figure.locator(".nb-best").is_visible()
    figure.locator("button[name=cheapest]").click()
    assert text(figure, "best") == "Cheapest here: 6 decisions, at threshold 0.70."
    place = middle(figure.locator(".nb-best"))
    assert place == pytest.approx(on_paper(figure, 1, 3 / 9, 1), abs=2)
    show(figure, cost=1)  # wrong for free: everything is assigned
    assert text(figure, "best") == "Cheapest here: 6 decisions, at threshold 0.10."
    figure.locator("button[name=cheapest]").click()
    assert text(figure, "best") == ""
    show(figure, predictions=[[0.9, False, "a", "b", "x"]], cost=5)
    figure.locator("button[name=cheapest]").click()
    assert text(figure, "best") == "Cheapest here: 1 decisions, if nothing is assigned."


def test_the_bars_hold_all_predictions(figure):
    rng = random.Random(6)
    for _ in range(10):
        predictions = random_predictions(rng, 200)
        show(figure, predictions=predictions)
        counts = [[0, 0] for _ in range(20)]
        for confidence, right, *_ in predictions:
            counts[min(19, int(confidence * 20))][not right] += 1
        high = max(map(sum, counts))
        for kind, name in enumerate((".nb-right-ones", ".nb-wrong-ones")):
            parts = figure.locator(name).get_attribute("d").split("z")[:-1]
            heights = [(found[1] - found[2]) / 148 * high for found in map(numbers, parts)]
            assert heights == pytest.approx([each[kind] for each in counts if each[kind]], abs=0.2)


def test_mouse_and_keys_move_line_slider_and_point(figure):
    mouse, keyboard = figure.page.mouse, figure.page.keyboard
    mouse.move(*middle(figure.locator(".nb-cut line")))
    mouse.down()
    mouse.move(*on_paper(figure, 0, 0.8, 0.5), steps=4)
    mouse.up()
    assert state(figure, "threshold")[0] == pytest.approx(0.8, abs=0.01)
    mouse.move(*on_paper(figure, 0, 0.1, 0.5))
    assert state(figure, "threshold")[0] == pytest.approx(0.8, abs=0.01)  # let go is let go
    mouse.click(*on_paper(figure, 0, 0.3, 0.5))
    assert state(figure, "threshold")[0] == pytest.approx(0.3, abs=0.01)
    for name, key, by in (("input[name=threshold]", "ArrowRight", 0.01), (".nb-cut", "Shift+ArrowLeft", -0.1)):
        show(figure, threshold=0.5)
        figure.locator(name).focus()
        keyboard.press(key)
        assert state(figure, "threshold")[0] == pytest.approx(0.5 + by)
    figure.locator("input[name=cost]").focus()
    keyboard.press("ArrowRight")
    assert state(figure, "cost") == [6]
    Threshold(threshold=state(figure, "threshold")[0], cost=6)  # Python takes it too


def test_the_point_goes_from_confidence_to_confidence(figure):
    values = [0.9, 0.7, 0.7, 0.3]
    show(figure, predictions=[[value, True, "a", "a", "x"] for value in values], threshold=0.95)
    point, keyboard = figure.locator(".nb-now"), figure.page.keyboard
    point.focus()
    for key, threshold in (
        *(("ArrowRight", value) for value in (0.9, 0.7, 0.3, 0.3)),
        *(("ArrowUp", value) for value in (0.7, 0.9, 1, 1)),
        *(("Shift+ArrowDown", value) for value in (0.3,)),
    ):
        keyboard.press(key)
        assert state(figure, "threshold") == [threshold]
    mouse = figure.page.mouse
    mouse.move(*middle(point))
    mouse.down()
    mouse.move(*on_paper(figure, 1, 0.7, 0.2), steps=4)
    mouse.up()
    assert state(figure, "threshold") == [0.7] and exact(figure, "told")["share"] == 0.75
    mouse.click(*on_paper(figure, 1, 0.2, 0.5))
    assert state(figure, "threshold") == [0.9]


def test_a_finger_drags_the_line_without_scrolling_and_a_swipe_moves_nothing(browser, address):
    with watched(browser, width=390, height=800, has_touch=True, is_mobile=True) as seen:
        page = open_page(seen, f"{address}/{PAGE}")
        figure = page.locator(TAG)
        show(figure, predictions=random_predictions(random.Random(7), 40), threshold=0.5)
        figure.locator(".nb-plot").first.scroll_into_view_if_needed()
        touch = page.context.new_cdp_session(page)

        def swipe(x: float, y: float) -> None:
            touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
            for step in range(1, 6):
                points = [{"x": x + 10 * step, "y": y - 5 * step}]
                touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": points})
            touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

        scrolled = page.evaluate("scrollY")
        swipe(*middle(figure.locator(".nb-cut line")))
        moved = state(figure, "threshold")[0]
        assert moved > 0.6 and page.evaluate("scrollY") == scrolled
        swipe(*on_paper(figure, 0, 0.1, 0.5))
        assert state(figure, "threshold") == [moved]
        page.touchscreen.tap(*on_paper(figure, 0, 0.25, 0.5))
        assert state(figure, "threshold")[0] == pytest.approx(0.25, abs=0.02)


def test_without_predictions_there_is_a_sentence(figure):
    show(figure, predictions=[])
    assert text(figure, "nothing").startswith("No predictions are here yet.")
    assert not figure.locator(".nb-body").is_visible()
    show(figure, predictions=random_predictions(random.Random(8)))
    assert figure.locator(".nb-body").is_visible() and not figure.locator("output[name=nothing]").is_visible()


def test_five_thousand_predictions_are_shown(figure):
    show(figure, predictions=random_predictions(random.Random(9), 5000), threshold=0.5)
    assert numbers(text(figure, "told").replace(",", ""))[1] == 5000
    assert [len(each) for each in listed(figure)] == [3, 3]


STRANGE = {
    "html": HOSTILE,
    "script": "</SCRIPT><script>window.harmed = true</script><!--<script>",
    "control": "\x00\x07\x1b[31m a\nb\r\n\u2028c",
    "backward": "\u202egnirts a \u2066",
    "emoji": "👩‍👩‍👧‍👦" * 80,
    "half": "\ud800 half of a pair",
    "towers": "Z" + "\u0351" * 5000,
    "empty": "",
}


@pytest.mark.parametrize("name", STRANGE)
def test_a_strange_text_is_shown_as_text_and_in_a_line_or_two(figure, name):
    strange = STRANGE[name]
    for given, label in ((strange, "Li Na"), ("plain", strange)):
        predictions = [[value, False, label, label, given] for value in (0.4, 0.6)]
        harmful = {"predictions": predictions, "threshold": 0.5, "cost": 5}
        with hostile(figure.page, TAG, harmful) as made:
            shown = made.locator(".nb-text").first.evaluate("el => el.textContent")
            assert len(shown) <= 480 and not any(letter in shown for letter in "\x00\x07\x1b\n\r\u2028")
            assert shown or name != "empty"
            assert all(box["height"] < 160 for box in (item.bounding_box() for item in made.locator("li").all()))
            assert made.locator("script").count() == 0


def test_a_megabyte_is_cut(figure):
    show(figure, predictions=[[0.6, True, "a", "a", "x" * 10**6]])
    assert listed(figure)[0][0]["text"] == "x" * 119 + "…"
    show(figure, predictions=[[0.6, True, "a", "a", "😀" * 10**5]])
    assert listed(figure)[0][0]["text"] == "😀" * 119 + "…"  # no half of a pair


@pytest.mark.parametrize("trait", ["predictions", "prediction", "threshold", "cost"])
def test_a_hostile_state_is_shown_as_text(figure, trait):
    harmful = {"predictions": [[0.5, True, "a", "a", "x"]], "threshold": 0.5, "cost": 5}
    if trait == "prediction":
        harmful["predictions"] = [[HOSTILE] * 5, HOSTILE, [0.5, HOSTILE, None, 3, {}]]
    else:
        harmful[trait] = HOSTILE
    with hostile(figure.page, TAG, harmful) as made:
        for button in made.locator("button").all():
            button.click()


def test_taken_out_and_put_back_it_goes_on(figure):
    figure.locator(".nb-cut").focus()
    figure.page.keyboard.press("ArrowRight")
    take_out_and_put_back(figure.page, TAG)
    assert state(figure, "threshold") == [0.51] and listed(figure)[0]


@pytest.mark.parametrize("dark", [False, True])
def test_on_a_telephone_nothing_sticks_out(browser, address, dark):
    with watched(browser, width=390, dark=dark) as seen:
        figure = open_page(seen, f"{address}/{PAGE}").locator(TAG)
        for word in ("plain words ", "m" * 200):
            predictions = [[k / 100, k % 3 > 0, word * 20, word * 20, word * 20] for k in range(100)]
            show(figure, predictions=predictions, threshold=1)
            show(figure, threshold=0.5)
            assert figure.page.evaluate("document.scrollingElement.scrollWidth - innerWidth") <= 0
            sticking_out = """el => [...el.querySelectorAll('*')].filter(part => {
                const box = part.getBoundingClientRect(), whole = el.getBoundingClientRect();
                return box.width && (box.left < whole.left - 1 || box.right > whole.right + 1);
            }).map(part => part.outerHTML.slice(0, 80))"""
            assert figure.evaluate(sticking_out) == []
