"""The deep network before training: its signals and gradients are those of PyTorch, and told in words."""

import itertools
import math
import random
import re
from functools import cache

import pytest
import torch
from torch import nn
from torch.nn import functional

from figures import CHAPTERS, HOSTILE, hostile, middle, show, state, take_out_and_put_back, text
from nbcode.data.noise import normals
from nbcode.widgets.base import bundle
from nbcode.widgets.signal import ACTIVATIONS, DEEPEST, INITIALIZATIONS
from nbsite.browser import open_page, watched

TAG = "nb-signal"
B, D = 64, 32
BINS = 25
FIRST = {
    "activation": "sigmoid",
    "initialization": "xavier",
    "depth": 8,
    "residual": False,
    "normalization": False,
    "seed": 0,
    "layer": 1,
}
FUNCTIONS = {
    "none": lambda z: z,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": functional.relu,
    "leaky_relu": lambda z: functional.leaky_relu(z, 0.01),
    "elu": functional.elu,
    "gelu": functional.gelu,
}
BOUNDS = {"sigmoid": (0, 1), "tanh": (-1, 1), "relu": (0, None)}
RAISED = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")


@cache
def numbers_of(seed: int) -> torch.Tensor:
    return torch.tensor(normals(seed, 2 * B * D + DEEPEST * D * D), dtype=torch.float64)


@cache
def gain(activation: str) -> float:
    if activation in ("relu", "leaky_relu"):
        return nn.init.calculate_gain(activation, 0.01)
    z = torch.linspace(-12, 12, 24_001, dtype=torch.float64)
    density = torch.distributions.Normal(0, 1).log_prob(z).exp()
    return torch.trapezoid(FUNCTIONS[activation](z) ** 2 * density, z).rsqrt().item()


def weight_of(initialization: str, activation: str, drawn: torch.Tensor) -> torch.Tensor:
    if initialization == "constant":
        return torch.full_like(drawn, 0.05)
    std = {"small normal": 0.01, "xavier": D**-0.5, "kaiming": gain(activation) * D**-0.5}
    return std[initialization] * drawn


def network(activation, initialization, depth, residual, normalization, seed) -> list[dict]:
    """The same network by PyTorch: z, y and h of each layer, and the gradient by h."""
    drawn = numbers_of(seed)
    h, readout = drawn[: B * D].view(B, D), drawn[B * D : 2 * B * D].view(B, D)
    weights = drawn[2 * B * D :].view(DEEPEST, D, D)
    layers = []
    h = h.clone().requires_grad_()
    for layer in range(depth):
        normal = normalization and layer > 0
        z = (functional.layer_norm(h, (D,)) if normal else h) @ weight_of(initialization, activation, weights[layer]).T
        if normal and initialization == "constant":
            assert z.abs().max() < 1e-12  # the sum of what was centered: rounding
            z = 0 * z
        y = FUNCTIONS[activation](z)
        h = h + y if residual and layer > 0 else y
        h.retain_grad()
        layers.append({"z": z.detach(), "y": y.detach(), "h": h})
    (h * readout).sum().backward()
    return [layer | {"h": layer["h"].detach(), "gradient": layer["h"].grad} for layer in layers]


def rms(values: torch.Tensor) -> float:
    return values.square().mean().sqrt().item()


def variation(h: torch.Tensor) -> float:
    return h.var(dim=0, correction=0).mean().sqrt().item()


def random_state(rng: random.Random, activation: str, initialization: str) -> dict:
    depth = rng.choice([1, 2, rng.randint(3, 12), DEEPEST, rng.randint(13, DEEPEST)])
    return {
        "activation": activation,
        "initialization": initialization,
        "depth": depth,
        "residual": rng.random() < 0.4,
        "normalization": rng.random() < 0.4,
        "seed": rng.choice([0, 9999, 17, 4711, 808]),
        "layer": rng.randint(1, depth),
    }


def states(seed: int) -> list[dict]:
    """Every activation with every initialization, twice, the rest at random."""
    rng = random.Random(seed)
    return [random_state(rng, *pair) for pair in 2 * list(itertools.product(ACTIVATIONS, INITIALIZATIONS))]


def expected(given: dict) -> list[dict]:
    return network(**{name: value for name, value in given.items() if name != "layer"})


def exact(figure, name: str) -> dict:
    return figure.locator(f"output[name={name}]").evaluate("el => ({...el.dataset})")


def rows(figure) -> dict[str, list[float]]:
    """Size, gradient and variation of all layers in full."""
    return {name: [float(each) for each in row.split()] for name, row in exact(figure, "backward").items()}


def factor_of(told: str) -> float:
    """The factor in 'shrinks 3,400 times' or 'grows 1.5 · 10⁹ times'."""
    first, power = re.search(r"(?:shrinks|grows) ([\d.,]+)(?: · 10([⁰¹²³⁴⁵⁶⁷⁸⁹]+))? times", told).groups()
    return float(first.replace(",", "")) * 10 ** int((power or "0").translate(RAISED))


@pytest.fixture
def figure(opened):
    shown = opened(TAG)
    show(shown, **FIRST)
    return shown


def test_signals_and_gradients_are_those_of_torch(figure):
    for given in states(1):
        show(figure, **given)
        shown, layers = rows(figure), expected(given)
        sizes = [rms(layer["h"]) for layer in layers]
        assert shown["sizes"] == pytest.approx(sizes, rel=1e-8, abs=1e-300), given
        last = rms(layers[-1]["gradient"])
        gradients = [rms(layer["gradient"]) / last for layer in layers]
        # Where layer normalization meets equal weights, the gradient is 0 but for rounding.
        rounding = 1e-12 if given["normalization"] and given["initialization"] == "constant" else 1e-300
        assert shown["gradients"] == pytest.approx(gradients, rel=1e-8, abs=rounding), given
        for found, layer, size in zip(shown["varies"], layers, sizes, strict=True):
            assert found == pytest.approx(variation(layer["h"]), rel=1e-8, abs=1e-12 * size), given
        at = given["layer"] - 1
        told = re.fullmatch(r"Layer (\d+): signal (\S+), gradient (\S+)\. Outputs.*", text(figure, "layer")).groups()
        assert int(told[0]) == given["layer"]
        values = [float(value.replace("−", "-")) for value in told[1:]]
        assert values == pytest.approx([sizes[at], gradients[at]], rel=0.006, abs=rounding)


def test_the_chosen_layers_outputs_are_those_of_torch(figure):
    dead, alike, flat = 0, 0, 0
    for given in states(2):
        show(figure, **given)
        layer, found = expected(given)[given["layer"] - 1], exact(figure, "units")
        z, y = layer["z"].clone().requires_grad_(), layer["y"]
        low, high = BOUNDS.get(given["activation"], (None, None))
        reach = y.abs().max().item() or 1
        low, high = -reach if low is None else low, reach if high is None else high
        counts = torch.bincount(((y - low) / (high - low) * BINS).long().clamp(max=BINS - 1).flatten(), minlength=BINS)
        assert [int(count) for count in found["counts"].split()] == counts.tolist(), given
        assert [float(found["from"]), float(found["to"])] == pytest.approx([low, high], rel=1e-9)
        (slopes,) = torch.autograd.grad(FUNCTIONS[given["activation"]](z).sum(), z)
        share = (slopes.abs() < 0.05).double().mean().item()
        assert float(found["flat"]) == pytest.approx(share, abs=1e-9), given
        units = (y == 0).all(dim=0).sum().item()
        assert int(found["dead"]) == units
        same = bool(((y - y[:, :1]).abs() <= 1e-12 * reach).all())
        assert found["alike"] == str(same).lower()
        told = text(figure, "units")
        assert ("All 32 units compute the same." in told) == same
        if given["activation"] == "relu":
            assert f"Dead, 0 for all 64 examples: {units} of 32 units." in told
        percent = re.search(r"(\d+(?:\.\d)?) %", told)
        assert bool(percent) == (given["activation"] != "none")
        assert not percent or float(percent[1]) == pytest.approx(100 * share, abs=0.51 if share >= 0.1 else 0.051)
        dead, alike, flat = dead + (units > 0), alike + same, flat + (0.05 < share < 1)
    assert dead >= 3 and alike >= 14 and flat >= 10


def test_the_words_tell_what_the_numbers_say(figure):
    seen = set()
    for given in states(3):
        show(figure, **given)
        shown, told = rows(figure), {name: text(figure, name) for name in ("forward", "backward")}
        assert not re.search("NaN|Infinity|undefined|null", figure.inner_text())
        if given["depth"] == 1:
            assert told["backward"] == "With one layer there is nothing to cross."
            assert told["forward"].startswith("The signal is ")
            continue
        gradient, sizes = shown["gradients"][0], shown["sizes"]
        for name, change in (("backward", gradient), ("forward", sizes[-1] / sizes[0])):
            if change == 0:
                word = "shrinks to 0"
            elif 1 / 1.5 < change < 1.5:
                word = "keeps its size"
            else:
                word = "shrinks" if change < 1 else "grows"
                assert factor_of(told[name]) == pytest.approx(max(change, 1 / change), rel=0.051), given
            assert word in told[name], given
            seen.add(word)
        for name, least in (("backward", gradient), ("forward", sizes[-1])):
            assert ("float32" in told[name]) == (0 < least < 2**-149)
        same = sizes[-1] > 0 and shown["varies"][-1] < 0.1 * sizes[-1]
        assert ("same for all examples" in told["forward"]) == same
    assert seen >= {"shrinks to 0", "keeps its size", "shrinks", "grows"}


def test_what_float32_cannot_hold_is_named(figure):
    show(figure, initialization="small normal", depth=30)
    gradient = rows(figure)["gradients"][0]
    assert 0 < gradient < torch.finfo(torch.float32).smallest_normal * torch.finfo(torch.float32).eps
    assert "less than float32, PyTorch's usual type, can hold: its smallest number is 1.4e−45." in text(
        figure, "backward"
    )
    assert "is the same for all examples, to 12 digits" in text(figure, "forward")


def test_the_weights_are_told(figure):
    for activation, initialization in itertools.product(ACTIVATIONS, INITIALIZATIONS):
        show(figure, activation=activation, initialization=initialization)
        if initialization == "constant":
            assert text(figure, "weights") == "All weights are 0.05."
            continue
        std = weight_of(initialization, activation, torch.ones(1, dtype=torch.float64)).item()
        told = re.fullmatch(r"Normal, mean 0, standard deviation (\S+\d)\.", text(figure, "weights"))[1]
        assert float(told) == pytest.approx(std, rel=0.006)


def test_activations_and_slopes_of_the_page_are_those_of_torch(browser):
    z = torch.linspace(-9, 9, 361, dtype=torch.float64, requires_grad=True)
    with watched(browser) as seen:
        seen.page.evaluate(
            "async text => { tools = await import(URL.createObjectURL(new Blob([text], {type: 'text/javascript'}))) }",
            bundle("activations.js"),
        )
        call = "([name, z, part]) => z.map(tools.ACTIVATIONS[name][part])"
        for name, function in FUNCTIONS.items():
            (slopes,) = torch.autograd.grad(function(z).sum(), z)
            given = z.detach().tolist()
            for part, right in (("of", function(z)), ("slope", slopes)):
                found = seen.page.evaluate(call, [name, given, part])
                assert found == pytest.approx(right.tolist(), rel=1e-12, abs=1e-14), (name, part)
            assert seen.page.evaluate(f"tools.gain(tools.ACTIVATIONS.{name})") == pytest.approx(gain(name), rel=1e-7)
        assert seen.page.evaluate("z => z.map(tools.erf)", given) == pytest.approx(z.erf().tolist(), rel=1e-14, abs=0)


@pytest.mark.parametrize("seed", range(520, 525))
def test_what_the_page_says_of_the_figure_holds_for_other_numbers(figure, seed):
    show(figure, seed=seed)
    assert rows(figure)["gradients"][0] < 1e-3  # sigmoid, Xavier, 8 layers
    show(figure, activation="relu", initialization="kaiming")
    assert all(0.2 < value < 5 for name in ("sizes", "gradients") for value in rows(figure)[name])
    show(figure, activation="tanh", initialization="xavier", depth=30)
    sizes = rows(figure)["sizes"]
    assert 0.02 < sizes[-1] < sizes[4] < sizes[0]
    show(figure, initialization="constant", depth=10)
    assert text(figure, "units").startswith("All 32 units compute the same.")
    show(figure, depth=30, residual=True, normalization=True)
    for activation in ACTIVATIONS:
        for initialization in ("small normal", "xavier", "kaiming"):
            show(figure, activation=activation, initialization=initialization)
            assert 1 < rows(figure)["gradients"][0] < 40, (activation, initialization)


def points(figure, kind: str, part: str = "nb-tips") -> list[tuple[float, float]]:
    """Where the dots of a chart are drawn."""
    path = figure.locator(f".nb-signal-{kind} .{part}").get_attribute("d")
    return [tuple(map(float, pair)) for pair in re.findall(r"M(-?[\d.]+),(-?[\d.]+)", path)]


def decades(figure, kind: str) -> dict[int, float]:
    """The powers of ten at the axis of a chart, and their heights."""
    texts = figure.locator(f".nb-signal-{kind} .nb-axes text").evaluate_all(
        "all => all.map(text => [text.textContent, Number(text.getAttribute('y')) - 4])"
    )
    return {int(label[2:].translate(RAISED)): y for label, y in texts if re.fullmatch("10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+", label)}


@pytest.mark.parametrize(
    "given", [{}, {"depth": 1}, {"depth": 30, "initialization": "small normal"}, {"depth": 30, "residual": True}]
)
def test_dots_stand_at_their_values_on_the_axis_and_above_each_other(figure, given):
    show(figure, **given)
    shown = rows(figure)
    for kind, values in (("forward", shown["sizes"]), ("backward", shown["gradients"])):
        ticks, dots = decades(figure, kind), points(figure, kind)
        assert 2 <= len(ticks) <= 7 and 0 in ticks
        (low, bottom), (high, top) = min(ticks.items()), max(ticks.items())
        heights = [bottom + (math.log10(value) - low) / (high - low) * (top - bottom) for value in values]
        assert [y for _, y in dots] == pytest.approx(heights, abs=0.11)
    assert [x for x, _ in points(figure, "forward")] == [x for x, _ in points(figure, "backward")]
    legend = figure.locator(".nb-left .nb-legend")
    assert "exactly 0" not in legend.inner_text()


def test_what_is_exactly_0_is_a_ring_at_the_lower_edge(figure):
    show(figure, activation="tanh", initialization="constant", normalization=True)
    assert len(points(figure, "forward", "nb-zeros")) == len(points(figure, "backward", "nb-zeros")) == 7
    assert len(points(figure, "forward")) == len(points(figure, "backward")) == 1
    (_, lowest) = max(points(figure, "backward", "nb-zeros"), key=lambda at: at[1])
    assert lowest == pytest.approx(max(decades(figure, "backward").values()), abs=0.11)
    assert "exactly 0" in figure.locator(".nb-left .nb-legend").inner_text()
    assert text(figure, "backward") == "From the last layer to the first the gradient shrinks to 0."


def test_a_deeper_network_begins_like_the_shallower_one(figure):
    before = rows(figure)["sizes"]
    show(figure, depth=30)
    assert rows(figure)["sizes"][:8] == before


def test_buttons_choose_and_say_what_is_chosen(figure):
    for name, options in (("activation", ACTIVATIONS), ("initialization", INITIALIZATIONS)):
        for option in options:
            chosen = figure.locator(f"button[name='{option}']")
            chosen.click()
            assert state(figure, name) == [option]
            assert chosen.get_attribute("aria-pressed") == "true"
        group = chosen.locator("xpath=..")
        assert group.locator("button").evaluate_all("all => all.map(each => each.name)") == list(options)
        assert group.locator("button[aria-pressed=true]").count() == 1


def test_cures_are_switched_on_and_off(figure):
    for name in ("residual", "normalization"):
        cure, before = figure.locator(f"button[name={name}]"), rows(figure)
        for pressed in (True, False):
            cure.click()
            assert state(figure, name) == [pressed]
            assert cure.get_attribute("aria-pressed") == str(pressed).lower()
            assert (rows(figure) != before) == pressed


def test_other_numbers_are_the_next_seeds(figure):
    before = rows(figure)
    figure.locator("button[name=seed]").click()
    assert state(figure, "seed") == [1] and rows(figure) != before
    show(figure, seed=9999)
    figure.locator("button[name=seed]").click()
    assert state(figure, "seed") == [0] and rows(figure) == before


def on_chart(figure, layer: float, kind: str = "backward") -> tuple[float, float]:
    """Where a layer is on the screen."""
    (depth,), box = state(figure, "depth"), figure.locator(f".nb-signal-{kind} .nb-paper").bounding_box()
    return box["x"] + (layer - 0.4) / (depth + 0.2) * box["width"], box["y"] + box["height"] / 2


def shown_layer(figure) -> int:
    handle = figure.locator(".nb-layer")
    assert text(figure, "layer").startswith(f"Layer {handle.text_content()}:")
    assert handle.get_attribute("aria-valuenow") == handle.text_content()
    return int(handle.text_content())


def test_a_click_on_either_chart_chooses_the_layer_under_the_pointer(figure):
    show(figure, depth=12)
    figure.scroll_into_view_if_needed()
    for kind, layer in itertools.product(("forward", "backward"), (7, 1, 12, 3)):
        figure.page.mouse.click(*on_chart(figure, layer + 0.3, kind))
        assert state(figure, "layer") == [layer] == [shown_layer(figure)]
        column = middle(figure.locator(f".nb-signal-{kind} .nb-column"))
        assert column[0] == pytest.approx(on_chart(figure, layer)[0], abs=1)


def test_the_mouse_drags_the_chosen_layer(figure):
    figure.scroll_into_view_if_needed()
    mouse = figure.page.mouse
    mouse.move(*middle(figure.locator(".nb-layer")))
    mouse.down()
    mouse.move(*on_chart(figure, 5), steps=4)
    assert shown_layer(figure) == 5
    mouse.move(*on_chart(figure, 30), steps=3)
    assert shown_layer(figure) == 8
    mouse.up()
    mouse.move(*on_chart(figure, 2))
    assert shown_layer(figure) == 8


def test_a_finger_drags_taps_and_swipes(browser, address):
    with watched(browser, width=390, height=800, has_touch=True, is_mobile=True) as seen:
        page = open_page(seen, f"{address}/book/{CHAPTERS[TAG]}.html")
        figure = page.locator(TAG)
        figure.locator(".nb-signal-forward").scroll_into_view_if_needed()
        page.touchscreen.tap(*on_chart(figure, 6, "forward"))
        assert shown_layer(figure) == 6
        touch, scrolled = page.context.new_cdp_session(page), page.evaluate("scrollY")

        def stroke(x, y, across, up):
            touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
            for step in range(1, 6):
                at = [{"x": x + across * step / 5, "y": y - up * step / 5}]
                touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": at})
            touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

        x, y = middle(figure.locator(".nb-layer"))
        stroke(x, y, on_chart(figure, 3)[0] - x, 40)
        assert shown_layer(figure) == 3 and page.evaluate("scrollY") == scrolled
        stroke(*on_chart(figure, 7), 0, 100)  # scrolls the page
        assert shown_layer(figure) == 3


def test_keys_move_the_chosen_layer_and_the_depth(figure):
    keyboard = figure.page.keyboard
    figure.locator(".nb-layer").focus()
    for key, layer in (("ArrowRight", 2), ("ArrowUp", 3), ("ArrowLeft", 2), ("Shift+ArrowRight", 8), ("ArrowDown", 7)):
        keyboard.press(key)
        assert shown_layer(figure) == layer
    slider = figure.locator("input[name=depth]")
    slider.focus()
    for key, depth in (("ArrowRight", 9), ("End", 30), ("Home", 1), ("ArrowUp", 2)):
        keyboard.press(key)
        assert state(figure, "depth") == [depth] and slider.get_attribute("aria-valuetext") == str(depth)
        assert len(rows(figure)["sizes"]) == depth


def test_where_there_are_fewer_layers_the_last_one_is_shown(figure):
    show(figure, depth=3, layer=9)
    assert shown_layer(figure) == 3
    show(figure, depth=20)
    assert shown_layer(figure) == 9


def test_taken_out_in_the_middle_of_a_drag_it_lets_go(figure):
    figure.scroll_into_view_if_needed()
    mouse = figure.page.mouse
    mouse.move(*middle(figure.locator(".nb-layer")))
    mouse.down()
    mouse.move(*on_chart(figure, 4), steps=3)
    take_out_and_put_back(figure.page, TAG)
    mouse.move(*on_chart(figure, 7), steps=3)
    assert shown_layer(figure) == 4
    mouse.up()


@pytest.mark.parametrize("trait", FIRST)
def test_a_hostile_state_is_shown_as_text(figure, trait):
    with hostile(figure.page, TAG, FIRST | {trait: HOSTILE}):
        pass
