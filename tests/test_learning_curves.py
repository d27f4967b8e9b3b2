"""The learning curves: means and gaps are those of the rows, and a curve is drawn before it is seen, by any hand."""

import random
import statistics

import numpy as np
import pytest

from figures import CHAPTERS, HOSTILE, hostile, middle, numbers, show, state, take_out_and_put_back, text
from nbcode.widgets import LearningCurves
from nbsite.browser import open_page, watched

TAG = "nb-learning-curves"
PAGE = f"book/{CHAPTERS[TAG]}.html"
STATES = 40
METHODS = ["bag of words", "random weights", "frozen features", "fine-tuned"]
SIZES = [5, 10, 20, 50, "all"]
MEANS = {
    "bag of words": [0.15, 0.2, 0.3, 0.45, 0.55],
    "random weights": [0.1, 0.12, 0.15, 0.2, 0.3],
    "frozen features": [0.35, 0.4, 0.45, 0.5, 0.5],
    "fine-tuned": [0.3, 0.45, 0.5, 0.6, 0.7],
}
ROWS = [
    [method, size, seed, round(mean + off, 3)]
    for method, means in MEANS.items()
    for size, mean in zip(SIZES, means, strict=True)
    for seed, off in enumerate((-0.02, 0, 0.04))
]
START = {
    "rows": ROWS,
    "pretrained": METHODS[2:],
    "method": "fine-tuned",
    "labels": 10,
    "shown": METHODS[:2],
    "guesses": {},
}


def random_state(rng: random.Random) -> dict:
    """Rows of which some are missing, in any order, with a few of the methods shown."""
    methods = rng.sample([*METHODS, "majority", "probe's head"], rng.randint(2, 6))
    sizes = [*sorted(rng.sample(range(1, 200), rng.randint(1, 7))), "all"]
    rows = [
        [method, size, seed, rng.choice((0.0, 0.5, 1.0, rng.random()))]
        for method in methods
        for size in sizes
        for seed in range(rng.randint(1, 6))
        if rng.random() < 0.9
    ]
    rng.shuffle(rows)
    left = list(dict.fromkeys(row[0] for row in rows))
    shown = [method for method in left if rng.random() < 0.8]
    pretrained = [method for method in left if rng.random() < 0.5]
    method, labels = rng.choice(left), rng.choice(rows)[1]
    return {"rows": rows, "pretrained": pretrained, "method": method, "labels": labels, "shown": shown, "guesses": {}}


def runs_of(rows, method: str, labels) -> dict[int, float]:
    return {seed: score for name, size, seed, score in rows if (name, size) == (method, labels)}


def sizes_of(rows) -> list:
    found = {row[1] for row in rows}
    return sorted(found - {"all"}) + ["all"] * ("all" in found)


def table(figure) -> list[dict]:
    """The rows of the table: exact numbers, and the texts of the cells."""
    return figure.locator("tbody tr").evaluate_all(
        "all => all.map(row => ({...row.dataset, cells: [...row.cells].map(cell => cell.innerText.trim())}))"
    )


def on_paper(figure, column: float, share: float) -> tuple[float, float]:
    """Where a place of the chart is on the screen."""
    box, n = figure.locator(".nb-plot .nb-paper").bounding_box(), len(sizes_of(state(figure, "rows")[0]))
    return box["x"] + (column + 0.5) / n * box["width"], box["y"] + (1 - share) * box["height"]


def guess(figure, method: str = "fine-tuned") -> list:
    return state(figure, "guesses")[0].get(method)


@pytest.fixture
def figure(opened):
    shown = opened(TAG)
    show(shown, **START)
    shown.scroll_into_view_if_needed()
    return shown


def test_the_table_holds_means_gaps_and_wins_of_the_rows(figure):
    rng, compared = random.Random(1), 0
    for _ in range(STATES):
        given = random_state(rng)
        show(figure, **given)
        methods = list(dict.fromkeys(row[0] for row in given["rows"]))
        own = runs_of(given["rows"], given["method"], given["labels"])
        for method, row in zip(methods, table(figure), strict=True):
            runs = runs_of(given["rows"], method, given["labels"])
            assert row["cells"][0] == method
            if method not in given["shown"] or not runs:
                assert row["cells"][1:] == ["–" if method in given["shown"] else "?", ""] and "mean" not in row
                continue
            mean = statistics.fmean(runs.values())
            exact = [float(row[name]) for name in ("mean", "low", "high")]
            assert exact == pytest.approx([mean, min(runs.values()), max(runs.values())], rel=1e-12)
            assert numbers(row["cells"][1])[0] == pytest.approx(100 * mean, abs=0.0501)
            if method == given["method"] or given["method"] not in given["shown"] or not own:
                assert row["cells"][2] == ""
                continue
            compared += 1
            assert float(row["gap"]) == pytest.approx(statistics.fmean(own.values()) - mean, abs=1e-12)
            both = own.keys() & runs.keys()
            assert int(row["runs"]) == len(both) and int(row["ahead"]) == sum(own[run] > runs[run] for run in both)
            shown = [100 * float(row["gap"]), *([int(row["ahead"]), len(both)] if both else [])]
            assert numbers(row["cells"][2]) == pytest.approx(shown, abs=0.0501)
    assert compared > STATES


def test_means_and_runs_are_drawn_where_they_are(figure):
    rng = random.Random(2)
    for _ in range(STATES):
        given = random_state(rng)
        show(figure, **given)
        rows, sizes = given["rows"], sizes_of(given["rows"])
        wide = 276 / len(sizes)
        at = lambda k, share, wide=wide: [36 + (k + 0.5) * wide, 268 - 248 * share]
        shown = [method for method in dict.fromkeys(row[0] for row in rows) if method in given["shown"]]
        curves = figure.locator(".nb-plot .nb-curve-of")
        assert curves.count() == len(shown)
        for method, curve in zip(shown, curves.all(), strict=True):
            cells = [(k, list(runs_of(rows, method, size).values())) for k, size in enumerate(sizes)]
            known = [(k, scores) for k, scores in cells if scores]
            expected = [part for k, scores in known for part in at(k, statistics.fmean(scores))]
            line = numbers(curve.locator(".nb-mean").get_attribute("d"))
            assert line == pytest.approx(expected, abs=0.06)
            heights = numbers(curve.locator(".nb-runs").get_attribute("d").replace("h0", ""))[1::2]
            assert heights == pytest.approx([at(0, score)[1] for _, scores in known for score in scores], abs=0.06)
            assert ("nb-pretrained" in curve.get_attribute("class")) == (method in given["pretrained"])


def test_a_drawn_curve_is_straight_between_what_was_drawn_and_compared_with_the_means(figure):
    rng = random.Random(3)
    for _ in range(STATES):
        given = random_state(rng)
        sizes, method = sizes_of(given["rows"]), given["method"]
        drawn = [rng.choice((None, round(rng.random(), 2))) for _ in sizes]
        drawn[rng.randrange(len(sizes))] = 0.4
        given |= {"guesses": {method: drawn}, "shown": [*given["shown"], method]}
        show(figure, **given)
        known = [k for k, value in enumerate(drawn) if value is not None]
        filled = np.interp(range(len(sizes)), known, [drawn[k] for k in known])
        line = numbers(figure.locator(".nb-guess").get_attribute("d"))[1::2]
        assert line == pytest.approx(268 - 248 * filled, abs=0.06)
        cells = [runs_of(given["rows"], method, size) for size in sizes]
        off = [abs(value - statistics.fmean(runs.values())) for value, runs in zip(filled, cells, strict=True) if runs]
        assert numbers(text(figure, "more"))[0] == pytest.approx(100 * statistics.mean(off), abs=0.0501)
        chosen = 100 * filled[sizes.index(given["labels"])]
        if cells[sizes.index(given["labels"])]:
            assert numbers(text(figure, "told"))[-1] == pytest.approx(chosen, abs=0.501)


def test_the_curve_is_hidden_until_it_is_asked_for(figure):
    assert text(figure, "told") == "What do you expect of fine-tuned? Draw its curve."
    assert figure.locator(".nb-plot .nb-curve-of").count() == 2 and table(figure)[3]["cells"][1] == "?"
    show(figure, guesses={"fine-tuned": [0.2, None, None, None, 0.6]})
    assert numbers(text(figure, "told")) == [10, 30] and figure.locator(".nb-plot .nb-curve-of").count() == 2
    figure.locator("button[name=show]").click()
    assert state(figure, "shown")[0] == [*METHODS[:2], "fine-tuned"]
    assert text(figure, "told").replace("\xa0", " ") == "Fine-tuned with 10 labels a class: 45.7 %. Your guess: 30 %."
    assert not figure.locator(".nb-ring").first.is_visible() and figure.locator(".nb-guess").get_attribute("d")
    figure.locator("button[name=again]").click()
    assert state(figure, "shown", "guesses") == [METHODS[:2], {}] and figure.locator(".nb-ring").first.is_visible()
    figure.locator("button[name=show]").click()  # without a guess it can be seen, too
    assert text(figure, "told").replace("\xa0", " ") == "Fine-tuned with 10 labels a class: 45.7 %."
    assert "points off" not in text(figure, "more")


def test_how_many_labels_pre_training_is_worth(figure):
    """What the page asks its reader to predict."""
    show(figure, shown=METHODS)
    told = {5: "20 labels", 10: "50 labels", 20: "all labels", 50: None, "all": None}
    for labels, needed in told.items():
        show(figure, labels=labels)
        words = f"needs {needed}" if needed else "gets as far with no number of labels that was measured"
        assert f"Bag of words {words}" in text(figure, "more")
        assert ("Random weights needs all labels" in text(figure, "more")) == (labels == 5)
        assert "Frozen" not in text(figure, "more")  # it is pre-trained itself
    show(figure, method="bag of words")
    assert text(figure, "more") == "" and numbers(table(figure)[3]["cells"][2])[0] == -15


def test_methods_are_chosen_shown_and_hidden(figure):
    figure.locator("button[name='frozen features']").click()
    assert state(figure, "method") == ["frozen features"] and "expect of frozen features" in text(figure, "told")
    toggle = figure.locator(".nb-method")
    toggle.nth(3).click()
    toggle.nth(0).click()
    assert state(figure, "shown")[0] == ["random weights", "fine-tuned"]
    pressed = [node.get_attribute("aria-pressed") for node in toggle.all()]
    assert pressed == ["false", "true", "false", "true"]


def test_each_method_keeps_its_own_guess(figure):
    show(figure, guesses={"fine-tuned": [0.5] * 5})
    figure.locator("button[name='frozen features']").click()
    assert text(figure, "told").startswith("What do you expect")
    figure.page.mouse.click(*on_paper(figure, 1, 0.25))
    assert guess(figure) == [0.5] * 5 and guess(figure, "frozen features") == [None, 0.25, None, None, None]
    figure.locator("button[name='fine-tuned']").click()
    assert numbers(text(figure, "told")) == [10, 50]


def test_the_mouse_draws_a_curve_from_anywhere(figure):
    mouse = figure.page.mouse
    mouse.move(*on_paper(figure, 0, 0.2))
    mouse.down()
    mouse.move(*on_paper(figure, 4, 0.8), steps=12)
    mouse.up()
    assert guess(figure) == pytest.approx([0.2, 0.35, 0.5, 0.65, 0.8], abs=0.09)
    drawn = guess(figure)
    mouse.move(*on_paper(figure, 2, 0.1))
    assert guess(figure) == drawn  # let go is let go
    mouse.move(*on_paper(figure, 4, 0.9))
    mouse.down()
    mouse.move(*on_paper(figure, 0, 0.5))  # so fast that the columns between are skipped
    mouse.up()
    assert guess(figure) == pytest.approx([0.5, 0.6, 0.7, 0.8, 0.9], abs=0.02)
    assert state(figure, "labels") == [10]


def test_the_mouse_drags_a_ring_and_a_curve_stays_in_the_picture(figure):
    mouse, ring = figure.page.mouse, figure.locator(".nb-rings .nb-handle").nth(2)
    mouse.move(*middle(ring))
    mouse.down()
    mouse.move(*on_paper(figure, 2, 1.3), steps=4)
    mouse.up()
    assert guess(figure) == [None, None, 1, None, None]
    LearningCurves(guesses=state(figure, "guesses")[0])  # Python takes it too


def test_after_it_is_shown_a_click_chooses_the_number_of_labels(figure):
    show(figure, shown=METHODS)
    figure.page.mouse.click(*on_paper(figure, 4, 0.5))
    assert state(figure, "labels", "guesses") == ["all", {}]
    assert figure.locator("caption").inner_text() == "With all labels"


def test_the_disk_is_dragged_and_keyed_to_the_number_of_labels(figure):
    disk, mouse = figure.locator(".nb-size.nb-handle"), figure.page.mouse
    mouse.move(*middle(disk))
    mouse.down()
    mouse.move(on_paper(figure, 3, 0)[0], middle(disk)[1], steps=5)
    mouse.up()
    assert state(figure, "labels", "guesses") == [50, {}]
    disk.focus()
    for key, labels in (("ArrowRight", "all"), ("ArrowRight", "all"), ("ArrowLeft", 50), ("Shift+ArrowDown", 20)):
        figure.page.keyboard.press(key)
        assert state(figure, "labels") == [labels]
    assert disk.get_attribute("aria-valuetext") == "20 labels a class"


def test_keys_draw_a_curve_and_rings_say_where_they_stand(figure):
    rings = figure.locator(".nb-rings .nb-handle")
    assert rings.nth(3).get_attribute("aria-valuetext") == "nothing yet"
    rings.nth(3).focus()
    for key in ("Shift+ArrowUp", "ArrowUp", "ArrowRight"):
        figure.page.keyboard.press(key)
    assert guess(figure) == [None, None, None, 0.62, None] and state(figure, "labels") == [50]
    assert rings.nth(3).get_attribute("aria-label") == "Your guess for fine-tuned with 50 labels a class"
    assert rings.nth(3).get_attribute("aria-valuetext") == "62 %"
    assert rings.nth(0).get_attribute("aria-valuetext") == "62 %"
    rings.nth(0).focus()
    figure.page.keyboard.press("Shift+ArrowDown")
    assert guess(figure) == [0.52, None, None, 0.62, None]


def test_a_finger_draws_from_a_ring_and_a_swipe_beside_it_draws_nothing(browser, address):
    with watched(browser, width=390, height=800, has_touch=True, is_mobile=True) as seen:
        page = open_page(seen, f"{address}/{PAGE}")
        figure = page.locator(TAG)
        show(figure, **START)
        figure.locator(".nb-plot").scroll_into_view_if_needed()
        touch = page.context.new_cdp_session(page)

        def swipe(start: tuple[float, float], dx: float, dy: float) -> None:
            points = [[{"x": start[0] + dx * k / 6, "y": start[1] + dy * k / 6}] for k in range(7)]
            touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": points[0]})
            for each in points[1:]:
                touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": each})
            touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

        scrolled = page.evaluate("scrollY")
        start, end = on_paper(figure, 0, 0.5), on_paper(figure, 4, 0.9)
        swipe(middle(figure.locator(".nb-ring").first), end[0] - start[0], end[1] - start[1])
        drawn = guess(figure)
        assert drawn == pytest.approx([0.5, 0.6, 0.7, 0.8, 0.9], abs=0.11) and page.evaluate("scrollY") == scrolled
        page.touchscreen.tap(*on_paper(figure, 2, 0.2))
        assert guess(figure)[2] == pytest.approx(0.2, abs=0.02)
        drawn = guess(figure)
        swipe(on_paper(figure, 1.5, 0.95), 20, -60)
        assert guess(figure) == drawn


def test_other_rows_bring_their_own_methods_and_columns(figure):
    show(figure, guesses={"fine-tuned": [0.5] * 5})
    rows = [["one", 7, 0, 0.5], ["two", 1, 0, 0.25]]
    show(figure, rows=rows)  # the names in the other traits are none of these
    assert [row["cells"][0] for row in table(figure)] == ["one", "two"]
    assert text(figure, "told") == "What do you expect of two? Draw its curve."
    show(figure, shown=["one", "two"], labels=1)
    assert table(figure)[0]["cells"][1] == "–"
    assert text(figure, "told").replace("\xa0", " ") == "Two with 1 label a class: 25.0 %."
    show(figure, labels=5)  # between two numbers
    assert text(figure, "told") == "Two was not measured with 7 labels a class."


def test_without_rows_there_is_a_sentence(figure):
    show(figure, rows=[])
    assert text(figure, "nothing").startswith("No results are here yet.")
    assert not figure.locator(".nb-body").is_visible()
    show(figure, rows=ROWS)
    assert figure.locator(".nb-body").is_visible() and not figure.locator("output[name=nothing]").is_visible()


def test_taken_out_and_put_back_it_goes_on(figure):
    figure.page.mouse.click(*on_paper(figure, 1, 0.25))
    take_out_and_put_back(figure.page, TAG)
    assert numbers(text(figure, "told")) == [10, 25]
    figure.page.mouse.click(*on_paper(figure, 1, 0.75))
    assert guess(figure)[1] == pytest.approx(0.75, abs=0.01)


@pytest.mark.parametrize("trait", [*START, "name"])
def test_a_hostile_state_is_shown_as_text(figure, trait):
    harmful = {**START, trait: HOSTILE}
    if trait == "name":
        rows = [[HOSTILE, size, 0, HOSTILE] for size in (HOSTILE, 5)]
        harmful |= {"rows": rows, "method": HOSTILE, "shown": [HOSTILE], "guesses": {HOSTILE: [HOSTILE, 0.5]}}
    with hostile(figure.page, TAG, harmful) as made:
        for button in made.locator("button:enabled").all():
            button.click()


@pytest.mark.parametrize("dark", [False, True])
def test_on_a_telephone_nothing_sticks_out(browser, address, dark):
    with watched(browser, width=390, dark=dark) as seen:
        figure = open_page(seen, f"{address}/{PAGE}").locator(TAG)
        long = [[name[:1] + "m" * 39, *row] for name, *row in ROWS]
        for rows, shown in ((ROWS, METHODS), (long, [row[0] for row in long])):
            show(figure, rows=rows, shown=shown, guesses={"fine-tuned": [1, 0, 1, 0, 1]})
            assert figure.page.evaluate("document.scrollingElement.scrollWidth - innerWidth") <= 0
            sticking_out = """el => [...el.querySelectorAll('*')].filter(part => {
                const box = part.getBoundingClientRect(), whole = el.getBoundingClientRect();
                return box.width && (box.left < whole.left - 1 || box.right > whole.right + 1);
            }).map(part => part.outerHTML.slice(0, 80))"""
            assert figure.evaluate(sticking_out) == []
