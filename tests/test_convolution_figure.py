"""The convolution stepped over an image: its entries are conv2d's, and it answers to every kind of hand."""

import random

import pytest
import torch
from torch.nn.functional import conv2d

from figures import CHAPTERS, HOSTILE, hostile, middle, numbers, show, state, take_out_and_put_back, text
from nbcode.data.digit_samples import DIGIT_SAMPLES
from nbcode.widgets import Convolution
from nbcode.widgets.convolution import KERNELS
from nbsite.browser import open_page, watched

TAG = "nb-convolution"
PAGE = f"book/{CHAPTERS[TAG]}.html"
STATES = 40
START = {"image": 7, "kernel": KERNELS["vertical edge"], "stride": 1, "padding": 0, "row": 0, "column": 0}


def random_state(rng: random.Random) -> dict:
    return {
        "image": rng.choice(list(DIGIT_SAMPLES)),
        "kernel": [[rng.randint(-5, 5) for _ in range(3)] for _ in range(3)],
        "stride": rng.choice((1, 2)),
        "padding": rng.choice((0, 1)),
        "row": rng.randint(0, 7),
        "column": rng.randint(0, 7),
    }


def expected(image: int, kernel, stride: int, padding: int, **_) -> torch.Tensor:
    """The output (H_out, W_out) by PyTorch, in JavaScript's precision."""
    pixels, weights = (torch.tensor(rows, dtype=torch.float64)[None, None] for rows in (DIGIT_SAMPLES[image], kernel))
    return conv2d(pixels, weights, stride=stride, padding=padding)[0, 0]


def entries(figure) -> list[str]:
    """The texts of the output, row by row."""
    return figure.locator(".nb-plane").nth(1).locator("text").all_text_contents()


def known(figure) -> dict[int, int]:
    """The entries that are not hidden, by their place in reading order."""
    return {k: int(numbers(entry)[0]) for k, entry in enumerate(entries(figure)) if entry != "?"}


def squares(figure) -> list[list[int]]:
    """The nine pixels, weights and products."""
    return [
        [int(numbers(cell)[0]) for cell in square.locator(".nb-three > *").all_inner_texts()]
        for square in figure.locator(".nb-square").all()
    ]


def cell(figure, i: float, j: float, plane: int = 0) -> tuple[float, float]:
    """The middle of a cell of the image, with its padding, or of the output, on the screen."""
    box = figure.locator(".nb-plane").nth(plane).bounding_box()
    cells = 8 + 2 * state(figure, "padding")[0]
    return box["x"] + (j + 0.5) / cells * box["width"], box["y"] + (i + 0.5) / cells * box["width"]


def press(figure, name: str) -> None:
    figure.locator(f'button[name="{name}"]').click()


@pytest.fixture
def figure(browser, address):
    """The figure in a page of its own, since it remembers which entries are shown."""
    with watched(browser, height=1400) as seen:
        shown = open_page(seen, f"{address}/{PAGE}").locator(TAG)
        shown.scroll_into_view_if_needed()
        yield shown


def test_the_output_is_the_one_of_conv2d(opened):
    figure, rng = opened(TAG), random.Random(1)
    press(figure, "all")
    for _ in range(STATES):
        given = random_state(rng)
        show(figure, **given)
        output = expected(**given)
        assert list(known(figure).values()) == output.flatten().tolist(), given
        assert f"Output, {len(output)} × {len(output)}" == figure.locator(".nb-title").nth(1).inner_text()
    press(figure, "all")


def test_the_nine_products_add_up_to_the_entry(opened):
    figure, rng = opened(TAG), random.Random(2)
    for _ in range(STATES):
        given = random_state(rng)
        show(figure, **given)
        output = expected(**given)
        row, column = (min(given[name], len(output) - 1) for name in ("row", "column"))
        pixels, weights, products = squares(figure)
        stride, padding = given["stride"], given["padding"]
        wide = torch.nn.functional.pad(torch.tensor(DIGIT_SAMPLES[given["image"]]), [padding] * 4)
        patch = wide[row * stride : row * stride + 3, column * stride : column * stride + 3]
        assert pixels == patch.flatten().tolist()
        assert weights == [weight for line in given["kernel"] for weight in line]
        assert products == [pixel * weight for pixel, weight in zip(pixels, weights, strict=True)]
        told = numbers(text(figure, "sum").replace("− ", "−"))
        assert told == [row + 1, column + 1, *products, output[row, column]]
        assert known(figure) == {row * len(output) + column: output[row, column]}  # the others can be predicted


def test_the_image_is_drawn_with_its_padding(opened):
    figure = opened(TAG)
    for image, rows in DIGIT_SAMPLES.items():
        for padding in (0, 1):
            show(figure, **START | {"image": image, "padding": padding})
            wide = torch.nn.functional.pad(torch.tensor(rows), [padding] * 4)
            drawn = figure.locator(".nb-plane").first.locator("text").all_text_contents()
            assert [int(pixel) for pixel in drawn] == wide.flatten().tolist()
            assert figure.locator(".nb-added").count() == wide.numel() - 64
            assert ("with zeros around it" in figure.locator(".nb-title").first.inner_text()) == bool(padding)


def test_negative_entries_have_stripes(opened):
    figure, rng = opened(TAG), random.Random(3)
    press(figure, "all")
    for _ in range(10):
        given = random_state(rng)
        show(figure, **given)
        output = expected(**given)
        assert figure.locator(".nb-pixel path").count() == int((output < 0).sum())
        assert figure.locator(".nb-plus").count() == int((output > 0).sum())
    press(figure, "all")


def test_the_weights_are_counted_against_a_dense_layer(opened):
    figure = opened(TAG)
    for stride, padding, n in ((1, 0, 36), (1, 1, 64), (2, 0, 9), (2, 1, 16)):
        show(figure, **START | {"stride": stride, "padding": padding})
        shared, dense = torch.nn.Conv2d(1, 1, 3), torch.nn.Linear(64, n)
        told = numbers(text(figure, "count").replace(",", ""))
        assert told == [shared.weight.numel(), 0, n, 64, n, 64, n, dense.weight.numel(), dense.bias.numel()]


def test_step_visits_every_entry_in_reading_order_and_begins_again(figure):
    press(figure, "stride 2")
    output = expected(**START | {"stride": 2}).flatten().tolist()
    assert known(figure) == {0: output[0]}
    for k in range(1, 9):
        press(figure, "step")
        assert known(figure) == dict(enumerate(output[: k + 1]))
        assert state(figure, "row", "column") == [k // 3, k % 3]
    press(figure, "step")
    assert state(figure, "row", "column") == [0, 0] and len(known(figure)) == 9


def test_all_shows_every_entry_whatever_the_kernel_until_it_is_taken_back(figure):
    press(figure, "all")
    assert figure.locator("button[name=all]").inner_text() == "Hide"
    for name in KERNELS:
        press(figure, name)
        assert state(figure, "kernel") == [KERNELS[name]]
        assert list(known(figure).values()) == expected(**START | {"kernel": KERNELS[name]}).flatten().tolist()
    press(figure, "all")
    assert list(known(figure)) == [0]


@pytest.mark.parametrize("name", ["3", "sharpen", "stride 2", "padding 1"])
def test_another_convolution_hides_what_was_visited(figure, name):
    for _ in range(3):
        press(figure, "step")
    assert len(known(figure)) == 4
    press(figure, name)
    assert len(known(figure)) == 1
    assert figure.locator(f'button[name="{name}"]').get_attribute("aria-pressed") == "true"


def test_identity_keeps_the_image_and_edges_are_found(figure):
    """What a reader is asked to predict."""
    press(figure, "all")
    press(figure, "1")
    press(figure, "vertical edge")
    rows = [list(known(figure).values())[k : k + 6] for k in range(0, 36, 6)]
    assert all(row[1] > 0 > row[4] for row in rows)  # the left side of the stroke, and its right side
    press(figure, "padding 1")
    press(figure, "identity")
    assert list(known(figure).values()) == [pixel for row in DIGIT_SAMPLES[1] for pixel in row]


def test_the_mouse_drags_the_window(figure):
    mouse, window = figure.page.mouse, figure.locator(".nb-window")
    mouse.move(*middle(window))
    mouse.down()
    mouse.move(*cell(figure, 3, 4), steps=6)
    assert state(figure, "row", "column") == [2, 3] and middle(window) == pytest.approx(cell(figure, 3, 4), abs=1)
    mouse.move(*cell(figure, 20, -5), steps=3)
    mouse.up()
    assert state(figure, "row", "column") == [5, 0]
    mouse.move(*cell(figure, 2, 2))
    assert state(figure, "row", "column") == [5, 0]  # let go is let go
    assert len(known(figure)) > 4  # all that it passed over
    assert middle(figure.locator(".nb-mark")) == pytest.approx(cell(figure, 5, 0, plane=1), abs=1)


@pytest.mark.parametrize(("stride", "padding"), [(1, 0), (1, 1), (2, 0), (2, 1)])
def test_a_click_brings_the_window_to_a_pixel_and_to_an_entry(figure, stride, padding):
    show(figure, stride=stride, padding=padding)
    size = len(expected(**START | {"stride": stride, "padding": padding}))
    for i, j in ((size - 1, 1), (0, size - 1)):
        figure.page.mouse.click(*cell(figure, stride * i + 1, stride * j + 1))
        assert state(figure, "row", "column") == [i, j]
    figure.page.mouse.click(*cell(figure, 1, 2, plane=1))
    assert state(figure, "row", "column") == [1, 2]
    pane, mark = (figure.locator(name) for name in (".nb-window", ".nb-mark"))
    assert middle(pane) == pytest.approx(cell(figure, stride + 1, 2 * stride + 1), abs=1)
    assert middle(mark) == pytest.approx(cell(figure, 1, 2, plane=1), abs=1)


def test_keys_move_the_window(figure):
    keyboard, window = figure.page.keyboard, figure.locator(".nb-window")
    window.focus()
    for key, place in (
        ("ArrowRight", [0, 1]),
        ("ArrowDown", [1, 1]),
        ("ArrowUp", [0, 1]),
        ("ArrowUp", [0, 1]),
        ("ArrowLeft", [0, 0]),
        ("Enter", [0, 1]),
    ):
        keyboard.press(key)
        assert state(figure, "row", "column") == place
    keyboard.press("Control+ArrowDown")
    assert state(figure, "row", "column") == [0, 1]
    entry = int(expected(**START)[0, 1])
    assert window.get_attribute("aria-valuetext") == f"row 1, column 2: {entry}"
    assert figure.locator(".nb-plane").nth(1).get_attribute("aria-label") == "Output, 6 × 6: 3 of 36 entries shown"


def test_keys_choose_and_change_weights(figure):
    keyboard, weights = figure.page.keyboard, figure.locator(".nb-three button")
    assert weights.nth(4).get_attribute("aria-pressed") == "true"
    weights.nth(4).focus()
    for key in ("ArrowUp", "ArrowRight", "ArrowRight", "+", "+", "-"):
        keyboard.press(key)
    assert state(figure, "kernel")[0] == [[-1, 0, 2], [-1, 0, 1], [-1, 0, 1]]
    assert weights.nth(2).get_attribute("aria-label") == "Weight in row 1, column 3: 2"
    assert figure.evaluate("el => document.activeElement === el.querySelectorAll('.nb-three button')[2]")
    for _ in range(9):
        keyboard.press("+")
    assert state(figure, "kernel")[0][0][2] == 5
    figure.locator("input[name=weight]").focus()
    keyboard.press("Home")
    assert state(figure, "kernel")[0] == [[-1, 0, -5], [-1, 0, 1], [-1, 0, 1]]
    Convolution(kernel=state(figure, "kernel")[0])  # Python takes it too
    assert figure.locator(".nb-choice[aria-label=Kernel] [aria-pressed=true]").count() == 0


def test_the_mouse_chooses_a_weight(figure):
    figure.locator(".nb-three button").nth(6).click()
    slider = figure.locator("input[name=weight]")
    assert slider.get_attribute("aria-valuetext") == "−1"
    box = slider.bounding_box()
    figure.page.mouse.click(box["x"] + box["width"] - 2, box["y"] + box["height"] / 2)
    assert state(figure, "kernel")[0][2] == [5, 0, 1]


def test_a_finger_drags_the_window_without_scrolling_and_a_swipe_moves_nothing(browser, address):
    with watched(browser, width=390, height=800, has_touch=True, is_mobile=True) as seen:
        page = open_page(seen, f"{address}/{PAGE}")
        figure = page.locator(TAG)
        figure.locator(".nb-plane").first.evaluate("el => el.scrollIntoView({block: 'center', behavior: 'instant'})")
        page.touchscreen.tap(*cell(figure, 5, 3))
        assert state(figure, "row", "column") == [4, 2]
        touch = page.context.new_cdp_session(page)

        def swipe(x: float, y: float) -> None:
            touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
            for step in range(1, 9):
                points = [{"x": x + 10 * step, "y": y - 10 * step}]
                touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": points})
            touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

        scrolled = page.evaluate("scrollY")
        swipe(*cell(figure, 5, 3))  # 80 pixels are about two cells
        assert state(figure, "row", "column") == [2, 4] and page.evaluate("scrollY") == scrolled
        swipe(*cell(figure, 7, 0))
        assert state(figure, "row", "column") == [2, 4]
        figure.locator(".nb-three button").first.tap()
        assert figure.locator("input[name=weight]").get_attribute("aria-valuetext") == "−1"


def test_taken_out_and_put_back_it_goes_on(figure):
    press(figure, "step")
    take_out_and_put_back(figure.page, TAG)
    assert state(figure, "row", "column") == [0, 1] and list(known(figure)) == [1]


@pytest.mark.parametrize(
    "trait", ["image", "kernel", "weight", "stride", "padding", "row", "images", "pixel", "kernels"]
)
def test_a_hostile_state_is_shown_as_text(figure, trait):
    harmful = START | {"images": {"7": DIGIT_SAMPLES[7], HOSTILE: []}, "kernels": {HOSTILE: [[0] * 3] * 3}}
    harmful |= {
        "weight": {"kernel": [[HOSTILE] * 3] * 3},
        "pixel": {"images": {"7": [[HOSTILE] * 8] * 8}},
        "kernels": {"kernels": {HOSTILE: HOSTILE}},
    }.get(trait, {trait: HOSTILE})
    with hostile(figure.page, TAG, harmful) as made:
        made.evaluate("el => el.querySelectorAll('button').forEach(button => button.click())")


@pytest.mark.parametrize("dark", [False, True])
def test_on_a_telephone_nothing_sticks_out(browser, address, dark):
    with watched(browser, width=390, dark=dark) as seen:
        figure = open_page(seen, f"{address}/{PAGE}").locator(TAG)
        show(figure, image=0, kernel=[[-5] * 3] * 3, padding=1, row=3, column=3)
        press(figure, "all")
        assert figure.page.evaluate("document.scrollingElement.scrollWidth - innerWidth") <= 0
        sticking_out = """el => [...el.querySelectorAll('*')].filter(part => {
            const box = part.getBoundingClientRect(), whole = el.getBoundingClientRect();
            return box.width && (box.left < whole.left - 1 || box.right > whole.right + 1);
        }).map(part => part.outerHTML.slice(0, 80))"""
        assert figure.evaluate(sticking_out) == []
        too_wide = """el => [...el.querySelectorAll('.nb-pixel')].filter(cell =>
            cell.querySelector('text').getBBox().width > cell.querySelector('rect').getBBox().width).length"""
        assert figure.evaluate(too_wide) == 0
        spills = "el => [...el.querySelectorAll('.nb-three > *')].filter(c => c.scrollWidth > c.clientWidth + 1).length"
        assert figure.evaluate(spills) == 0
