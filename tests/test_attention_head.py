"""One attention head in numbers: every number is nbcode's and PyTorch's, and it answers to every kind of hand."""

import json
import math
import random

import pytest
import torch
from torch.nn import functional

from figures import CHAPTERS, HOSTILE, hostile, middle, numbers, show, state, take_out_and_put_back, text
from nbcode.models.dot_product_attention import attend, scaled_dot_product_attention
from nbcode.models.masks import attention_mask
from nbcode.widgets import AttentionHead
from nbsite.browser import open_page, watched

TAG = "nb-attention-head"
PAGE = f"book/{CHAPTERS[TAG]}.html"
STATES = 60
START = AttentionHead.defaults()
PADDED = {"none": [], "last": [3], "first": [0]}


def random_state(rng: random.Random) -> dict:
    matrix = lambda rows, columns: [[rng.randint(-2, 2) for _ in range(columns)] for _ in range(rows)]
    return {
        "x": matrix(4, 3),
        **{name: matrix(3, 2) for name in ("w_query", "w_key", "w_value")},
        "query": rng.randrange(4),
        "key": rng.randrange(4),
        "causal": rng.random() < 0.5,
        "padding": rng.choice(list(PADDED)),
        "score": rng.choice(("scaled", "plain")),
    }


def projections(given: dict) -> list[torch.Tensor]:
    """Queries, keys and values, each (T, K), in JavaScript's precision."""
    x = torch.tensor(given["x"], dtype=torch.float64)
    return [x @ torch.tensor(given[name], dtype=torch.float64) for name in ("w_query", "w_key", "w_value")]


def mask_of(given: dict) -> torch.Tensor:
    """(T, T), true where a key is hidden, by nbcode."""
    padding = torch.zeros(1, 4, dtype=torch.bool)
    padding[0, PADDED[given["padding"]]] = True
    return attention_mask((1, 4, 4), padding, given["causal"]).expand(1, 4, 4)[0]


def expected(given: dict) -> tuple[torch.Tensor, torch.Tensor]:
    """Output (T, K) and weights (T, T) by nbcode."""
    query, key, value = projections(given)
    if given["score"] == "plain":
        return attend(query @ key.mT, value, mask_of(given))
    return scaled_dot_product_attention(query, key, value, mask_of(given))


def weights(figure) -> torch.Tensor:
    """The exact weights of the map, (T, T)."""
    found = figure.locator(".nb-weights .nb-cell").evaluate_all("all => all.map(cell => cell.dataset.weight)")
    return torch.tensor([float(weight) for weight in found], dtype=torch.float64).view(4, 4)


def output(figure) -> list[float]:
    return json.loads(figure.locator("output[name=output]").get_attribute("data-output"))


def rows(figure) -> list[dict]:
    """What the table holds: exact numbers, and the texts of its cells."""
    return figure.locator("tbody tr").evaluate_all(
        "all => all.map(row => ({...row.dataset, cells: [...row.cells].map(cell => cell.innerText.trim())}))"
    )


def amount(shown: str) -> float:
    """The number of a cell, which may have an exponent."""
    return -math.inf if shown == "−∞" else float(shown.replace("−", "-"))


def cells(figure, name: str) -> list[int]:
    """The numbers of one block: x, w nb-q, or the projections q, k, v."""
    return [int(amount(shown)) for shown in figure.locator(f".nb-{name} .nb-entries > *").all_inner_texts()]


def cell(figure, query: float, key: float) -> tuple[float, float]:
    """The middle of a cell of the map on the screen."""
    return middle(figure.locator(".nb-weights .nb-cell > rect:first-child").nth(4 * query + key))


def press(figure, label: str, name: str) -> None:
    figure.get_by_role("group", name=label, exact=True).locator(f"button[name={name}]").click()


@pytest.fixture
def figure(opened):
    shown = opened(TAG)
    show(shown, **START)
    shown.scroll_into_view_if_needed()
    return shown


@pytest.fixture
def fresh(browser, address):
    """The figure as the page starts it, in a page of its own."""
    with watched(browser, height=1400) as seen:
        figure = open_page(seen, f"{address}/{PAGE}").locator(TAG)
        figure.scroll_into_view_if_needed()
        yield figure


def test_weights_and_output_are_those_of_nbcode(figure):
    rng, empty = random.Random(1), 0
    for _ in range(STATES):
        given = random_state(rng)
        show(figure, **given)
        outputs, all_weights = expected(given)
        assert weights(figure).flatten().tolist() == pytest.approx(all_weights.flatten().tolist(), rel=1e-12, abs=1e-15)
        assert output(figure) == pytest.approx(outputs[given["query"]].tolist(), rel=1e-12, abs=1e-12), given
        empty += bool(mask_of(given).all(dim=1).any())
    assert empty > 3  # some of these states have a query that may see nothing


def test_weights_and_output_are_those_of_torch(figure):
    rng = random.Random(2)
    for _ in range(STATES):
        given = random_state(rng) | {"padding": rng.choice(("none", "last"))}  # PyTorch may give NaN for an empty row
        show(figure, **given)
        scale = {"scaled": None, "plain": 1.0}[given["score"]]  # None: 1 / sqrt(K), PyTorch's own
        result = functional.scaled_dot_product_attention(*projections(given), attn_mask=~mask_of(given), scale=scale)
        assert output(figure) == pytest.approx(result[given["query"]].tolist(), rel=1e-12, abs=1e-12), given


def test_the_projections_are_matrix_products(figure):
    rng = random.Random(3)
    for _ in range(STATES):
        given = random_state(rng)
        show(figure, **given)
        assert cells(figure, "x") == torch.tensor(given["x"]).flatten().tolist()
        for letter, projected in zip("qkv", projections(given), strict=True):
            assert cells(figure, f"{letter}:not(.nb-w)") == projected.flatten().int().tolist()
        for letter, name in zip("qkv", ("w_query", "w_key", "w_value"), strict=True):
            assert cells(figure, f"w.nb-{letter}") == torch.tensor(given[name]).flatten().tolist()


def test_the_numbers_that_a_reader_sees_are_the_exact_ones_rounded(figure):
    rng = random.Random(4)
    for _ in range(STATES):
        given = random_state(rng)
        show(figure, **given)
        (query, key, value), at, hidden = projections(given), given["query"], mask_of(given)
        outputs, all_weights = expected(given)
        dots = (query @ key.mT)[at]
        scores = (dots / (math.sqrt(2) if given["score"] == "scaled" else 1)).masked_fill(hidden[at], -math.inf)
        powers = scores.exp()
        for j, row in enumerate(rows(figure)):
            name, dot, score, power, weight, *added = row["cells"]
            assert name == ("pad" if j in PADDED[given["padding"]] else START["tokens"][j])
            assert amount(dot) == dots[j] == float(row["dot"])
            assert amount(score) == pytest.approx(scores[j].item(), abs=0.00501, rel=0.0051)
            assert amount(power) == pytest.approx(powers[j].item(), rel=0.5 if powers[j] < 0.001 else 0.06)
            assert amount(weight) == pytest.approx(all_weights[at, j].item(), abs=0.000501)
            expected_terms = (all_weights[at, j] * value[j]).tolist()
            assert [amount(part) for part in added] == pytest.approx(expected_terms, abs=0.0501)
        total, of_weights, *sums = figure.locator("tfoot td").all_inner_texts()
        assert amount(total) == pytest.approx(powers.sum().item(), rel=0.5 if powers.sum() < 0.001 else 0.06)
        assert amount(of_weights) == round(all_weights[at].sum().item())
        assert [amount(part) for part in sums] == pytest.approx(outputs[at].tolist(), abs=0.0501)
        assert numbers(text(figure, "output"))[-2:] == pytest.approx(outputs[at].tolist(), abs=0.00501)
        shown = figure.locator(".nb-weights .nb-cell text").all_text_contents()
        assert [amount(weight) for weight in shown] == pytest.approx(all_weights.flatten().tolist(), abs=0.00501)


def test_the_pair_is_worked_out_line_by_line(figure):
    rng = random.Random(5)
    for _ in range(STATES):
        given = random_state(rng) | {"causal": False, "padding": "none"}
        show(figure, **given)
        (query, key, value), (_, all_weights) = projections(given), expected(given)
        q, k, v = query[given["query"]], key[given["key"]], value[given["key"]]
        asks, products, score, weight, added = text(figure, "told").split("\n")
        assert asks == f'"{START["tokens"][given["query"]]}" asks "{START["tokens"][given["key"]]}":'
        assert numbers(products) == [q[0], k[0], q[1], k[1], q @ k]
        scale = math.sqrt(2) if given["score"] == "scaled" else 1
        assert numbers(score)[-1] == pytest.approx((q @ k / scale).item(), abs=0.00501)
        share = all_weights[given["query"], given["key"]].item()
        assert numbers(weight)[-1] == pytest.approx(share, abs=0.000501)
        assert numbers(added)[:3] == pytest.approx([share, *v.tolist()], abs=0.000501)
        assert numbers(added)[3:] == pytest.approx((share * v).tolist(), abs=0.00501)


def test_a_query_that_may_see_nothing_gets_zeros(figure):
    press(figure, "Causal", "on")
    press(figure, "Padding", "first")
    show(figure, query=0)
    assert weights(figure)[0].tolist() == [0] * 4 and output(figure) == [0, 0]
    assert text(figure, "told").startswith('"pad" may see nothing. The sum of eˢ is 0')
    assert weights(figure)[1:].sum(dim=1).tolist() == pytest.approx([1, 1, 1])
    assert "NaN" not in figure.inner_text()
    assert figure.locator(".nb-cell.nb-hidden").count() == 6 + 4  # later keys, and the padding in the first column


def test_a_mask_takes_a_key_out_and_the_others_keep_their_ratios(figure):
    """What the page asks its reader to predict."""
    before = weights(figure)[1]
    assert before.argmax() == 2 and before[0] == before[1] < 0.05  # "cat" looks for "sat"
    press(figure, "Causal", "on")
    after = weights(figure)
    assert after[1].tolist() == [0.5, 0.5, 0, 0]
    assert text(figure, "told").startswith('"cat" may not see "sat", which comes later')
    assert after[0].tolist() == [1, 0, 0, 0]  # the first token sees only itself
    show(figure, query=0, w_query=[[2, -2]] * 3, w_key=[[-1, 2]] * 3)
    assert output(figure) == cells(figure, "v:not(.nb-w)")[:2]  # whatever queries and keys are


def test_values_have_no_say_in_the_weights(figure):
    before = weights(figure), output(figure)
    figure.locator(".nb-w.nb-v button").nth(3).click()
    figure.locator("input[name=entry]").focus()
    figure.page.keyboard.press("End")
    assert state(figure, "w_value")[0] == [[1, 0], [0, 2], [1, 1]]
    assert torch.equal(weights(figure), before[0]) and output(figure) != before[1]


def test_without_a_query_all_weights_are_equal(figure):
    show(figure, w_query=[[0, 0]] * 3)
    assert weights(figure).flatten().tolist() == [0.25] * 16


def test_the_scale_is_switched(figure):
    scaled = weights(figure)[1].max()
    press(figure, "Score s", "plain")
    assert state(figure, "score") == ["plain"] and weights(figure)[1].max() > scaled
    assert [row["score"] for row in rows(figure)] == [row["dot"] for row in rows(figure)]
    press(figure, "Score s", "scaled")
    assert weights(figure)[1].max() == scaled


def test_padding_is_hidden_from_all_and_its_own_row_is_not_used(figure):
    for name, place in (("last", 3), ("first", 0)):
        press(figure, "Padding", name)
        assert weights(figure)[:, place].tolist() == [0] * 4
        show(figure, key=place)
        assert 'may not see "pad", which is padding' in text(figure, "told")
        show(figure, query=place)
        assert "nobody uses it" in text(figure, "told")
    press(figure, "Padding", "none")
    assert "nobody uses it" not in text(figure, "told") and "pad" not in figure.locator("tbody").inner_text()


def test_what_the_query_uses_stands_out(figure):
    show(figure, query=1, key=0, causal=True)
    found = lambda name, mark: figure.locator(f".nb-{name}:not(.nb-w) span").evaluate_all(
        "(all, mark) => all.map((cell, at) => cell.dataset[mark] === 'true' ? Math.floor(at / 2) : null)", mark
    )
    rows_of = lambda name, mark: {row for row in found(name, mark) if row is not None}
    assert rows_of("q", "used") == {1} and rows_of("k", "used") == rows_of("v", "used") == {0, 1}
    assert rows_of("q", "now") == {1} and rows_of("k", "now") == rows_of("v", "now") == {0}
    assert [row["now"] for row in rows(figure)] == ["true", "false", "false", "false"]


def test_tokens_cells_and_the_frame_choose_the_pair(figure):
    figure.locator(".nb-tokens button").nth(3).click()
    assert state(figure, "query", "key") == [3, 2]
    figure.page.mouse.click(*cell(figure, 0, 1))
    assert state(figure, "query", "key") == [0, 1]
    mouse = figure.page.mouse
    mouse.move(*cell(figure, 0, 1))
    mouse.down()
    mouse.move(*cell(figure, 2, 3), steps=4)
    mouse.up()
    assert state(figure, "query", "key") == [2, 3]
    mouse.move(*cell(figure, 0, 0))
    assert state(figure, "query", "key") == [2, 3]  # let go is let go
    frame, row = (figure.locator(f".nb-{name}").bounding_box() for name in ("frame", "row"))
    assert middle(figure.locator(".nb-frame")) == pytest.approx(cell(figure, 2, 3), abs=1)
    assert row["y"] == pytest.approx(frame["y"], abs=1.5)
    assert row["width"] == pytest.approx(4 * frame["width"], abs=14)  # with borders


def test_arrow_keys_move_the_frame_within_the_map(figure):
    frame, keyboard = figure.locator(".nb-frame"), figure.page.keyboard
    frame.focus()
    for key, expected_pair in (("ArrowUp", [0, 2]), ("ArrowUp", [0, 2]), ("ArrowRight", [0, 3]), ("ArrowDown", [1, 3])):
        keyboard.press(key)
        assert state(figure, "query", "key") == expected_pair
    weight = weights(figure)[1, 3].item()
    assert frame.get_attribute("aria-valuetext") == f"query cat, key down: weight {weight:.3f}"
    press(figure, "Causal", "on")
    assert frame.get_attribute("aria-valuetext").endswith("weight 0.000, hidden: comes later")


def test_a_number_is_chosen_and_changed_by_keys_and_by_the_slider(figure):
    keyboard = figure.page.keyboard
    figure.locator(".nb-x button").nth(4).click()
    keyboard.press("+")
    keyboard.press("ArrowDown")
    keyboard.press("-")
    keyboard.press("-")
    keyboard.press("ArrowLeft")
    keyboard.press("ArrowLeft")  # stays in the first column
    keyboard.press("=")
    assert state(figure, "x")[0] == [[1, 0, 1], [2, 1, 0], [1, 0, 0], [0, 1, -1]]
    pressed = figure.locator(".nb-scheme .nb-entries button[aria-pressed=true]:not([data-token])")
    assert pressed.all_inner_texts() == ["1"]
    assert figure.evaluate("() => document.activeElement.getAttribute('aria-label')") == "x, row 3, column 1: 1"
    for _ in range(4):
        keyboard.press("+")
    assert state(figure, "x")[0][2] == [2, 0, 0]  # no further than 2
    figure.locator("input[name=entry]").focus()
    keyboard.press("Home")
    assert state(figure, "x")[0][2] == [-2, 0, 0]
    AttentionHead(x=state(figure, "x")[0])  # Python takes it too


def test_the_browsers_shortcuts_change_nothing(figure):
    for place in (figure.locator(".nb-x button").nth(4), figure.locator(".nb-frame")):
        place.focus()
        for keys in ("Control+ArrowUp", "Alt+ArrowLeft", "Control+-"):
            figure.page.keyboard.press(keys)
    assert state(figure, *START) == list(START.values())


def test_each_matrix_is_one_stop_of_the_tab_key(figure):
    for name in ("x", "w.nb-q", "w.nb-k", "w.nb-v"):
        buttons = figure.locator(f".nb-{name} button")
        buttons.last.click()
        assert buttons.evaluate_all("all => all.filter(node => node.tabIndex === 0).length") == 1
        assert buttons.last.get_attribute("tabindex") == "0"


def test_start_again_brings_back_the_first_state(fresh):
    assert state(fresh, *START) == list(START.values())
    press(fresh, "Causal", "on")
    fresh.locator(".nb-tokens button").first.click()
    fresh.locator(".nb-w.nb-k button").first.click()
    fresh.page.keyboard.press("-")
    assert state(fresh, *START) != list(START.values())
    fresh.locator("button[name=start]").click()
    assert state(fresh, *START) == list(START.values())


def test_other_tokens_are_shown_everywhere(figure):
    show(figure, tokens=["a", "bb", "ccc", "ddddd"], query=3, padding="first")
    assert figure.locator(".nb-tokens button").all_inner_texts() == ["pad", "bb", "ccc", "ddddd"]
    assert figure.locator(".nb-weights > g > text").all_text_contents() == [
        name for name in ("pad", "bb", "ccc", "ddddd") for _ in range(2)
    ]
    assert 'The query "ddddd", worked out' in figure.inner_text()


def test_a_finger_moves_the_frame_and_a_swipe_over_the_map_moves_nothing(browser, address):
    with watched(browser, width=390, height=800, has_touch=True, is_mobile=True) as seen:
        page = open_page(seen, f"{address}/{PAGE}")
        figure = page.locator(TAG)
        figure.locator(".nb-tokens button").first.tap()
        assert state(figure, "query") == [0]
        figure.locator(".nb-weights").scroll_into_view_if_needed()
        page.touchscreen.tap(*cell(figure, 3, 0))
        assert state(figure, "query", "key") == [3, 0]
        touch = page.context.new_cdp_session(page)

        def swipe(start: tuple[float, float], end: tuple[float, float]) -> None:
            touch.send(
                "Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": start[0], "y": start[1]}]}
            )
            for step in range(1, 6):
                x, y = (a + (b - a) * step / 5 for a, b in zip(start, end, strict=True))
                touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [{"x": x, "y": y}]})
            touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

        scrolled = page.evaluate("scrollY")
        swipe(cell(figure, 3, 0), cell(figure, 1, 2))
        assert state(figure, "query", "key") == [1, 2] and page.evaluate("scrollY") == scrolled
        swipe(cell(figure, 3, 0), cell(figure, 0, 0))
        assert state(figure, "query", "key") == [1, 2]


def test_taken_out_and_put_back_it_goes_on(figure):
    figure.locator(".nb-frame").focus()
    figure.page.keyboard.press("ArrowDown")
    take_out_and_put_back(figure.page, TAG)
    assert state(figure, "query", "key") == [2, 2]
    figure.locator(".nb-tokens button").first.click()
    assert state(figure, "query") == [0]


@pytest.mark.parametrize("trait", ["tokens", "x", "w_key", "query", "key", "causal", "padding", "score", "words"])
def test_a_hostile_state_is_shown_as_text(figure, trait):
    inside = {"tokens": [HOSTILE] * 4, "x": [[HOSTILE] * 3] * 4}
    harmful = START | ({trait: HOSTILE} if trait in START else inside)
    with hostile(figure.page, TAG, harmful) as made:
        for button in made.locator("button").all():
            button.click()


@pytest.mark.parametrize("dark", [False, True])
def test_on_a_telephone_nothing_sticks_out(browser, address, dark):
    with watched(browser, width=390, dark=dark) as seen:
        figure = open_page(seen, f"{address}/{PAGE}").locator(TAG)
        largest = {"x": [[2] * 3, [-2] * 3] * 2, **{name: [[2, 2]] * 3 for name in ("w_query", "w_key", "w_value")}}
        for score in ("scaled", "plain"):
            show(figure, **largest, score=score, query=0, key=1)
            assert figure.page.evaluate("document.scrollingElement.scrollWidth - innerWidth") <= 0
            sticking_out = """el => [...el.querySelectorAll('*')].filter(part => {
                const box = part.getBoundingClientRect(), whole = el.getBoundingClientRect();
                const cut = part.matches('td, .nb-entries > *') && part.scrollWidth > part.clientWidth + 2;
                return cut || (box.width && (box.left < whole.left - 1 || box.right > whole.right + 1));
            }).map(part => part.outerHTML.slice(0, 80))"""
            assert figure.evaluate(sticking_out) == []
