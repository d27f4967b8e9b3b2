"""The figure that walks backward through a computation: its numbers are those of nbcode.autograd, in the same order."""

import random

import pytest

from figures import CHAPTERS, HOSTILE, hostile, show, state, text
from nbcode.autograd import Value, ordered
from nbcode.widgets.backward import EXPRESSIONS
from nbsite.browser import open_page, watched

TAG = "nb-backward"
STATES = 40
# The same expressions, written down again.
RESULTS = {
    "product": lambda a, b, c: a * b + c,
    "shared": lambda a, b: (a + b) * (b + 1),
    "neuron": lambda w, x, b, y: ((w * x + b).tanh() - y) ** 2,
}
every_expression = pytest.mark.parametrize("expression", EXPRESSIONS)


@pytest.fixture
def figure(opened):
    shown = opened(TAG)
    show(shown, expression="product", inputs={"a": 2, "b": -1.5, "c": 0.5}, done=0)
    return shown


def random_inputs(rng: random.Random, expression: str) -> dict[str, float]:
    return {name: round(rng.uniform(-2, 2), 1) for name in EXPRESSIONS[expression]["inputs"]}


def boxes(figure) -> list[dict]:
    """The nodes as they are drawn, with their exact numbers."""
    return figure.locator(".nb-box").evaluate_all(
        "all => all.map(box => ({...box.dataset, texts: [...box.querySelectorAll('text')].map(t => t.textContent)}))"
    )


def computed(expression: str, inputs: dict[str, float]) -> tuple[dict[str, Value], list[str]]:
    """The values by their names in the figure, and the names of the operations in the order of the walk back."""
    known = {name: Value(number) for name, number in inputs.items()}
    result = RESULTS[expression](**known)
    steps = [value for value in reversed(ordered(result)) if value.parents]
    names = {frozenset(parents): name for name, _, parents in EXPRESSIONS[expression]["operations"]}
    order = []
    for value in reversed(steps):  # an operation is called after the parents that have names; constants have none
        called = {id(each): name for name, each in known.items()}
        name = names[frozenset(called[id(parent)] for parent in value.parents if id(parent) in called)]
        known[name] = value
        order.append(name)
    result.backward()
    return known, order[::-1]


def shown_as(number: float) -> float:
    return float(number.replace("−", "-"))


@every_expression
def test_values_and_gradients_are_those_of_autograd(figure, expression):
    rng = random.Random(expression)
    for _ in range(STATES):
        inputs = random_inputs(rng, expression)
        show(figure, expression=expression, inputs=inputs, done=0)
        figure.locator("button[name=all]").click()
        known, order = computed(expression, inputs)
        drawn = boxes(figure)
        assert {box["name"] for box in drawn} == set(known) and state(figure, "done") == [len(order)]
        for box in drawn:
            value = known[box["name"]]
            assert float(box["value"]) == pytest.approx(value.data, rel=1e-9, abs=1e-12)
            assert float(box["gradient"]) == pytest.approx(value.grad, rel=1e-9, abs=1e-12)
            _, told, gradient = box["texts"]
            # Two decimals, or two digits where that is more.
            for words, number in ((told, value.data), (gradient, value.grad)):
                assert shown_as(words.split()[1]) == pytest.approx(
                    number, rel=0.06 if abs(number) < 0.095 else 0, abs=0.0051 if abs(number) >= 0.095 else 1e-12
                )


@every_expression
def test_each_step_sends_slope_times_gradient_and_the_rest_stays_unknown(figure, expression):
    rng = random.Random(expression)
    for _ in range(5):
        inputs = random_inputs(rng, expression)
        show(figure, expression=expression, inputs=inputs, done=0)
        known, order = computed(expression, inputs)
        names = {id(value): name for name, value in known.items()}
        uses = {name: sum(value in each.parents for each in known.values()) for name, value in known.items()}
        arrived = {order[0]: 1.0}
        for done in range(len(order) + 1):
            drawn = boxes(figure)
            now = [box["name"] for box in drawn if box["now"] == "true"]
            if done:
                assert now == [order[done - 1]]  # the reversed order of nbcode.autograd
                step = known[order[done - 1]]
                for parent, slope in zip(step.parents, step.slopes, strict=True):
                    if name := names.get(id(parent)):
                        arrived[name] = arrived.get(name, 0.0) + slope * step.grad
                        uses[name] -= 1
            for box in drawn:
                name, words = box["name"], box["texts"][2]
                if name not in arrived:
                    assert words == "grad ?" and box["gradient"] == "?"
                elif name != order[0] and uses[name]:
                    assert words.endswith(" + ?") and words != "grad ?"
                else:
                    assert "?" not in words and box["known"] == "true"
                    assert float(box["gradient"]) == pytest.approx(arrived[name], rel=1e-9, abs=1e-12)
                    assert float(box["gradient"]) == pytest.approx(known[name].grad, rel=1e-9, abs=1e-12)
            figure.locator("button[name=step]").click()
        assert state(figure, "done") == [len(order)]  # a step too many changes nothing


def test_slopes_appear_at_the_edges_with_the_step_that_uses_them(figure):
    slopes = lambda: [slope for slope in figure.locator(".nb-slope").all_text_contents() if slope]
    assert slopes() == []
    figure.locator("button[name=step]").click()
    assert slopes() == ["1.00", "1.00"]
    assert figure.locator('.nb-edge[data-now="true"]').count() == 2
    figure.locator("button[name=step]").click()
    assert sorted(slopes()) == sorted(["1.00", "1.00", "−1.50", "2.00"])
    figure.locator("button[name=again]").click()
    assert slopes() == [] and state(figure, "done") == [0]


def test_a_step_is_told_as_a_sentence(figure):
    assert text(figure, "told") == "The gradient of s along itself is 1. Which one comes next, and how large is it?"
    for sentence in (
        "s = p + c: p gets 1.00 × 1.00 = 1.00. c gets 1.00 × 1.00 = 1.00.",
        "p = a · b: a gets −1.50 × 1.00 = −1.50. b gets 2.00 × 1.00 = 2.00. All gradients are known.",
    ):
        figure.locator("button[name=step]").click()
        assert text(figure, "told") == sentence


def test_a_number_that_is_used_twice_gets_a_sum(figure):
    figure.locator("button[name=shared]").click()
    show(figure, inputs={"a": 1.5, "b": -0.5})
    gradient = lambda: next(box["texts"][2] for box in boxes(figure) if box["name"] == "b")
    told = []
    for expected in ("grad ?", "grad 0.50 + ?", "grad 1.50"):
        figure.locator("button[name=step]").click()
        told.append(text(figure, "told"))
        assert gradient() == expected
    assert told[1].endswith("b gets 1.00 × 0.50 = 0.50, and more is to come.")
    assert "b gets 1.00 × 1.00 = 1.00; the sum of its parts is 0.50 + 1.00 = 1.50." in told[2]


def test_a_small_slope_is_not_told_as_none(figure):
    show(figure, expression="neuron", inputs={"w": 2, "x": 2, "b": 1, "y": 0}, done=3)
    known, _ = computed("neuron", {"w": 2, "x": 2, "b": 1, "y": 0})
    told = next(box["texts"][2] for box in boxes(figure) if box["name"] == "z")
    assert "e−" in told and shown_as(told.split()[1]) == pytest.approx(known["z"].grad, rel=0.06)


@every_expression
def test_keys_change_an_input_and_keep_the_steps(figure, expression):
    figure.locator(f"button[name={expression}]").click()
    figure.locator("button[name=step]").click()
    first = EXPRESSIONS[expression]["inputs"]
    sliders = figure.locator("input[type=range]")
    assert sliders.count() == len(first)
    for number, name in enumerate(first):
        sliders.nth(number).focus()
        before = state(figure, "inputs")[0][name]
        figure.page.keyboard.press("ArrowDown")
        after = state(figure, "inputs")[0]
        assert after[name] == pytest.approx(before - 0.1) and state(figure, "done") == [1]
        known, _ = computed(expression, after)
        assert {box["name"]: float(box["value"]) for box in boxes(figure)} == pytest.approx(
            {name: value.data for name, value in known.items()}
        )
    sliders.first.focus()
    figure.page.keyboard.press("End")
    assert state(figure, "inputs")[0][next(iter(first))] == 2


def test_another_expression_starts_anew(figure):
    figure.locator("button[name=all]").click()
    figure.locator("button[name=neuron]").click()
    assert state(figure, "expression", "inputs", "done") == ["neuron", EXPRESSIONS["neuron"]["inputs"], 0]
    assert figure.locator("button[name=neuron]").get_attribute("aria-pressed") == "true"
    show(figure, expression="shared")  # as Python may, before the new inputs arrive
    assert [box["name"] for box in boxes(figure)] == ["a", "b", "p", "q", "s"]


def rectangles(figure, selector: str) -> list[dict]:
    return [found.bounding_box() for found in figure.locator(selector).all()]


def overlap(one: dict, other: dict) -> bool:
    return all(
        one[at] < other[at] + other[size] and other[at] < one[at] + one[size]
        for at, size in (("x", "width"), ("y", "height"))
    )


@pytest.mark.parametrize("width", [390, 700, 1000, 1400])
def test_the_graph_is_readable_at_every_width(browser, address, width):
    with watched(browser, width=width, height=1400) as seen:
        figure = open_page(seen, f"{address}/book/{CHAPTERS[TAG]}.html").locator(TAG)
        for expression in EXPRESSIONS:
            figure.locator(f"button[name={expression}]").click()
            figure.locator("button[name=all]").click()
            graph = figure.locator(".nb-graph").bounding_box()
            scale = graph["width"] / float(figure.locator(".nb-graph").get_attribute("viewBox").split()[2])
            sizes = figure.locator(".nb-graph text").evaluate_all(
                "all => all.map(t => parseFloat(getComputedStyle(t).fontSize))"
            )
            assert min(sizes) * scale >= 12
            drawn = rectangles(figure, ".nb-box rect")
            for number, box in enumerate(drawn):
                assert graph["x"] - 0.5 <= box["x"] and box["x"] + box["width"] <= graph["x"] + graph["width"] + 0.5
                assert not any(overlap(box, other) for other in drawn[number + 1 :])


def test_the_graph_turns_when_the_window_narrows_and_keeps_its_state(browser, address):
    with watched(browser) as seen:
        figure = open_page(seen, f"{address}/book/{CHAPTERS[TAG]}.html").locator(TAG)
        seen.page.evaluate("addEventListener('error', event => console.log(`script error ${event.message}`))")
        figure.locator("button[name=neuron]").click()
        figure.locator("button[name=all]").click()
        before = boxes(figure)
        wide = figure.locator(".nb-graph").bounding_box()
        assert wide["width"] > wide["height"]
        seen.page.set_viewport_size({"width": 390, "height": 900})
        seen.page.wait_for_function(
            "(box => box.height > box.width)(document.querySelector('.nb-graph').getBoundingClientRect())"
        )
        assert boxes(figure) == before
        assert not [line for line in seen.console if "ResizeObserver" in line or "script error" in line]


def test_taken_out_and_put_back_it_goes_on(figure):
    page = figure.page
    figure.locator("button[name=step]").click()
    page.evaluate("graph = document.querySelector('nb-backward'), place = graph.parentNode, next = graph.nextSibling")
    page.evaluate("graph.remove()")
    page.wait_for_function("!graph.querySelector('svg') && !graph.dataset.nb")
    assert page.evaluate("[...graph.model.handlers.values()].reduce((sum, set) => sum + set.size, 0)") == 0
    page.evaluate("place.insertBefore(graph, next)")
    page.wait_for_function("graph.querySelector('svg') && graph.dataset.nb === 'ready'")
    assert state(figure, "done") == [1] and text(figure, "told").startswith("s = p + c")


@pytest.mark.parametrize("trait", ["expression", "inputs", "done", "text", "name", "operation"])
def test_a_hostile_state_is_shown_as_text(figure, trait):
    page = figure.page
    name, operation = HOSTILE if trait == "name" else "p", HOSTILE if trait == "operation" else "+"
    given = {
        "text": HOSTILE if trait == "text" else "a + b",
        "inputs": {"a": 1, "b": 2},
        "operations": [[name, operation, ["a", "b"]]],
    }
    harmful = {"expression": "sum", "inputs": {"a": 1, "b": 1}, "done": 1, "expressions": {"sum": given}}
    if trait in harmful:
        harmful[trait] = {"a": HOSTILE, "b": 1} if trait == "inputs" else HOSTILE
    with hostile(page, "nb-backward", harmful):
        pass
