"""The figures in the built pages: their numbers equal nbcode's, and they answer to mouse, touch and keys."""

import random

import pytest
import torch

from figures import CHAPTERS, HOSTILE, hostile, middle, numbers, show, state, take_out_and_put_back, text
from nbcode.data.gates import CORNERS, GATES
from nbcode.models.neuron import Neurons, ThresholdNetwork
from nbcode.training.perceptron import correct
from nbcode.widgets import Hidden
from nbsite.browser import open_page, watched

STATES = 40


def random_neuron(rng: random.Random) -> tuple[float, float, float]:
    return tuple(round(rng.uniform(-3, 3), 2) for _ in range(3))


def random_points(rng: random.Random) -> list[list[float]]:
    """Points of the shown square; some lie exactly on lines that random neurons often have."""
    coordinate = lambda: rng.choice((0.0, 0.5, 1.0, round(rng.uniform(-0.75, 1.75), 2)))
    return [[coordinate(), coordinate(), rng.randint(0, 1)] for _ in range(rng.randint(2, 12))]


def answers(neuron, points) -> list[int]:
    w1, w2, b = neuron
    model = Neurons.of(torch.tensor([[w1, w2]], dtype=torch.float64), torch.tensor([b], dtype=torch.float64)).double()
    return model.fire(torch.tensor([point[:2] for point in points], dtype=torch.float64)).squeeze(1).int().tolist()


@pytest.fixture(autouse=True, scope="module")
def double_precision():
    """JavaScript's numbers are float64, so the comparison is."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


def test_neuron_counts_the_misses_that_nbcode_counts(opened):
    figure, rng = opened("nb-neuron"), random.Random(1)
    for _ in range(STATES):
        (w1, w2, b), points = random_neuron(rng), random_points(rng)
        show(figure, w1=w1, w2=w2, b=b, points=points)
        right = [point[2] for point in points]
        misses = sum(a != y for a, y in zip(answers((w1, w2, b), points), right, strict=True))
        assert text(figure, "misses") == f"{misses} of {len(points)} missed", (w1, w2, b, points)
        assert figure.locator('.nb-point[data-missed="true"]').count() == misses


def test_neuron_shows_the_weighted_sum_that_nbcode_computes(opened):
    figure, rng = opened("nb-neuron"), random.Random(2)
    for _ in range(STATES):
        (w1, w2, b), points = random_neuron(rng), random_points(rng)
        show(figure, w1=w1, w2=w2, b=b, points=points)
        chosen = rng.randrange(len(points))
        figure.locator(".nb-point").nth(chosen).focus()
        shown = text(figure, "selected")
        sums = Neurons.of([[w1, w2]], [b])(torch.tensor(points[chosen][:2]))
        number, x1, x2, label, z = numbers(shown)
        assert number == chosen + 1 and label == points[chosen][2]
        assert (x1, x2) == pytest.approx(points[chosen][:2], abs=0.005)
        assert z == pytest.approx(sums.item(), abs=0.00501)
        assert ("fires" in shown) == bool(sums.item() > 0)
        equation = numbers(
            figure.locator(".nb-equation").inner_text().replace("− ", "−").replace("x₁", "").replace("x₂", "")
        )
        assert equation[:3] == pytest.approx((w1, w2, b), abs=0.005)


def test_neuron_corrects_itself_as_the_perceptron_rule_does(opened):
    figure, rng = opened("nb-neuron"), random.Random(3)
    for _ in range(STATES):
        start, points = random_neuron(rng), random_points(rng)
        show(figure, w1=start[0], w2=start[1], b=start[2], points=points)
        figure.locator("button[name=zero]").click()
        ours = Neurons.of([[0.0, 0.0]], [0.0])
        position = 0
        for _ in range(6):
            misses = [i for i, (a, p) in enumerate(zip(answers_of(ours, points), points, strict=True)) if a != p[2]]
            if not misses:
                break
            # The figure goes through the points in turn and corrects at the next one that is missed.
            example = min(misses, key=lambda i: (i - position) % len(points))
            correct(ours, torch.tensor(points[example][:2]), torch.tensor(float(points[example][2])))
            position = example + 1
            figure.locator("button[name=correct]").click()
            expected = [*ours.weight[0].tolist(), ours.bias.item()]
            assert state(figure, "w1", "w2", "b") == pytest.approx(expected, abs=1e-5)


def answers_of(neurons: Neurons, points) -> list[int]:
    return neurons.fire(torch.tensor([point[:2] for point in points])).squeeze(1).int().tolist()


def test_neuron_learns_or_and_never_finishes_xor(opened, browser, address):
    with watched(browser, reduced_motion="reduce") as seen:
        figure = open_page(seen, f"{address}/book/01_neuron.html").locator("nb-neuron")
        for preset, done in (("or", True), ("clouds", True), ("xor", False)):
            figure.locator(f"button[name={preset}]").click()
            figure.locator("button[name=zero]").click()
            figure.locator("button[name=run]").click()
            assert ("no miss is left" in text(figure, "corrections")) == done
            assert ("still not done" in text(figure, "corrections")) == (not done)


def test_hidden_shows_the_network_of_nbcode(opened):
    figure, rng = opened("nb-hidden"), random.Random(4)
    for _ in range(STATES):
        first, second, output = (list(random_neuron(rng)) for _ in range(3))
        gate = rng.choice(list(GATES))
        show(figure, first=first, second=second, output=output, gate=gate)
        hidden = Neurons.of([first[:2], second[:2]], [first[2], second[2]])
        network = ThresholdNetwork(hidden, Neurons.of([output[:2]], [output[2]]))
        x = torch.tensor(CORNERS)
        inner, outer = hidden.fire(x).int().tolist(), network(x).squeeze(1).int().tolist()
        rows = [[int(cell) for cell in row.locator("td").all_inner_texts()] for row in figure.locator("tbody tr").all()]
        expected = [
            [*map(int, corner), *h, o, y] for corner, h, o, y in zip(CORNERS, inner, outer, GATES[gate], strict=True)
        ]
        assert rows == expected
        misses = sum(o != y for o, y in zip(outer, GATES[gate], strict=True))
        assert text(figure, "misses") == f"{misses} of 4 missed"


def test_hidden_solves_xor_on_request(opened):
    figure = opened("nb-hidden")
    figure.locator("button[name=xor]").click()
    figure.locator("button[name=solve]").click()
    assert text(figure, "misses") == "0 of 4 missed"
    figure.locator("button[name=start]").click()
    assert text(figure, "misses") != "0 of 4 missed"


def test_matrix_product_equals_torch(opened):
    figure, rng = opened("nb-matrix-product"), random.Random(5)
    for _ in range(STATES):
        n, m, p = (rng.randint(1, 4) for _ in range(3))
        left = [[rng.randint(-99, 99) for _ in range(m)] for _ in range(n)]
        right = [[rng.randint(-99, 99) for _ in range(p)] for _ in range(m)]
        row, column = rng.randrange(n), rng.randrange(p)
        show(figure, left=left, right=right, row=row, column=column)
        product = torch.tensor(left) @ torch.tensor(right)
        hidden = figure.locator(".nb-product button").all_inner_texts()
        assert hidden.count("?") == n * p - 1  # only the chosen entry shows, so that the others can be predicted
        figure.locator("button[name=all]").click()
        shown = [int(numbers(entry)[0]) for entry in figure.locator(".nb-product button").all_inner_texts()]
        assert shown == product.flatten().tolist()
        told = numbers(text(figure, "sum"))
        assert told[:2] == [row + 1, column + 1] and told[-1] == product[row, column]
        pairs = [value for k in range(m) for value in (left[row][k], right[k][column])]
        assert told[2:-1] == pairs


@pytest.mark.parametrize("tag", CHAPTERS)
def test_keys_move_every_handle(browser, address, tag):
    with watched(browser) as seen:
        move_every_handle(open_page(seen, f"{address}/book/{CHAPTERS[tag]}.html").locator(tag))


def move_every_handle(figure) -> None:
    """Press an arrow key on each handle, first one way, then the other: it may stand at an end."""
    handles = figure.locator("input[type=range], .nb-handle, .nb-product button[tabindex='0']")
    assert handles.count() >= 1
    for i in range(handles.count()):
        handles.nth(i).focus()
        before = figure.evaluate("el => JSON.stringify(el.model.state)")
        states = set()
        for key in ("ArrowDown", "ArrowUp"):
            figure.page.keyboard.press(key)
            states.add(figure.evaluate("el => JSON.stringify(el.model.state)"))
        assert states - {before}, f"handle {i}"


def test_enter_flips_the_label_of_a_point(opened):
    figure = opened("nb-neuron")
    show(figure, points=[[0, 0, 0], [1, 1, 1]])
    figure.locator(".nb-point").nth(1).focus()
    figure.page.keyboard.press("Enter")
    assert state(figure, "points")[0] == [[0, 0, 0], [1, 1, 0]]
    figure.locator("button[name=flip]").click()
    assert state(figure, "points")[0] == [[0, 0, 0], [1, 1, 1]]


def test_the_mouse_drags_points_and_lines(opened):
    figure = opened("nb-neuron")
    figure.scroll_into_view_if_needed()
    show(figure, w1=1, w2=1, b=-0.4, points=[[0, 0, 0], [1, 1, 1]])
    mouse = figure.page.mouse
    for handle, names in (
        (figure.locator(".nb-point").first, ["points"]),
        (figure.locator(".nb-line rect"), ["b"]),
        (figure.locator(".nb-line polygon"), ["w1", "w2"]),
    ):
        before = state(figure, *names)
        x, y = middle(handle)
        mouse.move(x, y)
        mouse.down()
        mouse.move(x + 30, y - 45, steps=4)
        mouse.up()
        after = state(figure, *names)
        assert after != before
        mouse.move(x - 80, y + 10)
        assert state(figure, *names) == after  # let go is let go
    # A dragged point lands under the pointer: 30 pixels right and 45 up, in the units of the plane.
    (x1, x2, _), _ = state(figure, "points")[0]
    scale = figure.locator(".nb-plane").bounding_box()["width"] / 320 * (320 - 26 - 6) / 2.5
    assert (x1, x2) == pytest.approx((30 / scale, 45 / scale), abs=0.02)


def test_a_finger_drags_without_scrolling_the_page(browser, address):
    with watched(browser, width=390, height=800, has_touch=True, is_mobile=True) as seen:
        page = open_page(seen, f"{address}/book/01_neuron.html")
        figure = page.locator("nb-neuron")
        figure.locator(".nb-plane").scroll_into_view_if_needed()
        x, y = middle(figure.locator(".nb-point").first)
        scrolled = page.evaluate("scrollY")
        touch = page.context.new_cdp_session(page)
        touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
        for step in range(1, 6):
            touch.send(
                "Input.dispatchTouchEvent",
                {"type": "touchMove", "touchPoints": [{"x": x + 8 * step, "y": y - 12 * step}]},
            )
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        x1, x2, _ = figure.evaluate("el => el.model.get('points')[0]")
        assert x1 > 0.1 and x2 > 0.2
        assert page.evaluate("scrollY") == scrolled


def test_a_tap_chooses_an_entry(browser, address):
    with watched(browser, width=390, has_touch=True, is_mobile=True) as seen:
        figure = open_page(seen, f"{address}/book/00_before.html").locator("nb-matrix-product")
        figure.locator(".nb-product button").last.tap()
        assert text(figure, "sum").startswith("Row 2 of A times column 2 of B")


def test_a_figure_cleans_up_and_comes_back(opened):
    """Taken out in the middle of a run it lets go of everything; put back it goes on from where it was."""
    figure = opened("nb-neuron")
    figure.locator("button[name=xor]").click()
    figure.locator("button[name=run]").click()
    page = figure.page
    take_out_and_put_back(page, "nb-neuron")


def test_a_figure_that_is_taken_out_and_put_back_at_once_runs(opened):
    page = opened("nb-neuron").page
    page.evaluate(
        "figure = document.querySelector('nb-neuron').cloneNode(true), place = document.querySelector('.bd-article'),"
        "figure.querySelector('.nb-root')?.remove(), place.append(figure), figure.remove(), place.append(figure)"
    )
    page.wait_for_function("figure.querySelectorAll('.nb-root').length === 1 && figure.dataset.nb === 'ready'")
    page.evaluate("figure.remove()")


def test_a_hostile_state_is_shown_as_text(opened):
    page = opened("nb-neuron").page
    for tag, harmful in {
        "nb-neuron": {"w1": 1, "w2": 1, "b": HOSTILE, "points": [[0, 0, HOSTILE]], "presets": {HOSTILE: [[0, 0, 1]]}},
        "nb-hidden": {
            "first": [1, 1, 0],
            "second": [1, 1, 0],
            "output": [1, 1, 0],
            "gate": HOSTILE,
            "gates": {HOSTILE: []},
        },
    }.items():
        with hostile(page, tag, harmful):
            pass


def test_a_right_click_and_the_browsers_shortcuts_move_nothing(opened):
    figure = opened("nb-neuron")
    show(figure, w1=1, w2=1, b=-0.4, points=[[0, 0, 0], [1, 1, 1]])
    figure.scroll_into_view_if_needed()
    before = figure.evaluate("el => JSON.stringify(el.model.state)")
    x, y = middle(figure.locator(".nb-point").first)
    mouse = figure.page.mouse
    mouse.move(x, y)
    mouse.down(button="right")
    mouse.move(x + 40, y - 40)
    mouse.up(button="right")
    figure.locator(".nb-point").first.focus()
    figure.page.keyboard.press("Control+ArrowUp")
    assert figure.evaluate("el => JSON.stringify(el.model.state)") == before


def test_turning_keeps_the_parameters_within_their_limits(opened):
    figure = opened("nb-hidden")
    show(figure, first=[10, 10, -10])
    figure.locator(".nb-line polygon").first.focus()
    for _ in range(9):
        figure.page.keyboard.press("ArrowUp")
    first = state(figure, "first")[0]
    assert first != [10, 10, -10] and max(map(abs, first)) <= 10
    Hidden(first=first)  # Python takes it too


def test_matrices_are_exchanged_where_their_shapes_allow(opened):
    figure = opened("nb-matrix-product")
    show(figure, left=[[1, 2, 3, 4]], right=[[5], [6], [7], [8]], row=0, column=0)
    figure.locator("button[name=exchange]").click()
    assert figure.locator(".nb-product button").count() == 16
    show(figure, left=[[1, 2], [3, 4], [5, 6]], right=[[1], [2]], row=0, column=0)
    figure.locator("button[name=exchange]").click()
    assert text(figure, "sum") == "B times A does not exist: B has 1 column and A has 3 rows."
    assert state(figure, "left")[0] == [[1, 2], [3, 4], [5, 6]]


def test_a_line_is_drawn_where_the_neuron_changes_its_mind_or_not_at_all(opened):
    """Both ends of the drawn line have a weighted sum of 0; a line that passes the picture by is not drawn."""
    figure, rng = opened("nb-neuron"), random.Random(6)
    outside = 0
    for _ in range(STATES):
        w1, w2, b = random_neuron(rng)
        show(figure, w1=w1, w2=w2, b=b)
        corners = [w1 * x + w2 * y + b for x in (-0.75, 1.75) for y in (-0.75, 1.75)]
        line = figure.locator(".nb-line line").first
        if min(corners) > 0 or max(corners) < 0:
            outside += 1
            assert not line.is_visible()
            assert "outside the picture" in figure.locator(".nb-equation").inner_text()
            continue
        for end in ("1", "2"):
            x, y = (float(line.get_attribute(name + end)) for name in "xy")
            x, y = (x - 26) / (288 / 2.5) - 0.75, (320 - 26 - y) / (288 / 2.5) - 0.75
            assert w1 * x + w2 * y + b == pytest.approx(0, abs=1e-6)
            assert -0.7501 <= x <= 1.7501 and -0.7501 <= y <= 1.7501
    assert 0 < outside < STATES


@pytest.mark.parametrize("neuron", [(1, 0.5, -0.5), (-1, -0.5, 0.5), (-1, 0.5, 0.2), (0.5, -1, 0.2)])
@pytest.mark.parametrize(
    ("key", "axis", "sign"), [("ArrowRight", 0, 1), ("ArrowLeft", 0, -1), ("ArrowUp", 1, 1), ("ArrowDown", 1, -1)]
)
def test_an_arrow_key_moves_the_line_the_way_it_points(opened, neuron, key, axis, sign):
    figure = opened("nb-neuron")
    show(figure, w1=neuron[0], w2=neuron[1], b=neuron[2], points=[[0, 0, 0]])
    figure.locator(".nb-line rect").focus()
    figure.page.keyboard.press(key)
    # Where the line crosses the axis of the key: -b / w.
    before, after = (-b / neuron[axis] for b in (neuron[2], state(figure, "b")[0]))
    assert (after - before) * sign > 0


def test_a_line_moved_by_hand_stays_in_the_picture(opened):
    figure = opened("nb-hidden")
    show(figure, first=[1, 1, 0.5])
    handle = figure.locator(".nb-line rect").first
    handle.focus()
    for _ in range(60):
        figure.page.keyboard.press("Shift+ArrowLeft")
        figure.page.keyboard.press("ArrowLeft")
    assert handle.is_visible() and state(figure, "first")[0] != [1, 1, 0.5]
