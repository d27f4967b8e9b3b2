"""The diagram of the transformer: its shapes and parameters are nbcode's, and a walk goes through all parts."""

import random
import re
from collections import defaultdict
from dataclasses import replace

import pytest
import torch

from figures import CHAPTERS, HOSTILE, hostile, middle, show, state, take_out_and_put_back, text
from nbcode.data import dates
from nbcode.models import attention
from nbcode.models.parameter_count import parameter_counts
from nbcode.models.transformer import PRESETS, Transformer, TransformerConfig
from nbcode.models.transformer_layers import Residual
from nbcode.widgets import Architecture
from nbcode.widgets.architecture import MOST, PARTS
from nbcode.widgets.architecture import PRESETS as SIZES
from nbsite.browser import open_page, watched

TAG = "nb-architecture"
PAGE = f"book/{CHAPTERS[TAG]}.html"
STATES = 40
CROSS = [f"decoder cross-attention{around}" for around in ("", " add", " norm")]
FINAL = ["encoder norm", "decoder norm"]
# Which parts belong to which group of nbcode.models.parameter_count.
GROUPS = {
    "embeddings": r"(source|target) .*",
    "encoder": r"encoder (attention|network).*",
    "decoder": r"decoder (attention|cross-attention|network).*",
    "final norms": r"(encoder|decoder) norm",
    "output layer": r"output layer|softmax",
}
# All that the figure shows of its active part, in one go.
READ = """el => ({
    name: el.querySelector('.nb-active').closest('.nb-part').dataset.part,
    step: el.querySelector('.nb-cursor').getAttribute('aria-valuenow'),
    code: el.querySelector('code').textContent,
    sentence: el.querySelector('output[name=sentence]').textContent,
    inside: [...el.querySelectorAll('tbody tr')].map(row => [...row.cells].map(cell => cell.textContent)),
    shapes: [...el.querySelectorAll('tbody tr')].map(row => row.dataset.shape.split(',').map(Number)),
    ...Object.fromEntries(Object.entries(el.querySelector('output[name=total]').dataset).map(([k, v]) => [k, +v])),
})"""
ARROWS = """el => [...el.querySelectorAll('.nb-size')].map(arrow => (
    {...arrow.dataset, shape: arrow.dataset.shape.split(',').map(Number), said: arrow.textContent,
     now: arrow.classList.contains('nb-now')}))"""


@pytest.fixture
def figure(opened):
    shown = opened(TAG)
    show(shown, **Architecture.defaults())
    shown.scroll_into_view_if_needed()
    return shown


def walk(figure) -> dict[str, dict]:
    """What the figure shows at each part, in the order of the walk."""
    shown = figure.evaluate(
        f"(el, parts) => parts.map(part => {{ el.model.set({{part}}); return ({READ})(el); }})", PARTS
    )
    return dict(sorted(((each["name"], each) for each in shown), key=lambda entry: int(entry[1]["step"])))


def here(figure) -> list[str]:
    return figure.locator('.nb-part[data-here="true"]').evaluate_all("all => all.map(part => part.dataset.part)")


def random_config(rng: random.Random) -> TransformerConfig:
    n_heads, tied, pre = rng.randint(1, 4), rng.random() < 0.5, rng.random() < 0.5
    source = rng.randint(5, 40)
    return TransformerConfig(
        d_model=n_heads * rng.randint(2, 9),
        n_heads=n_heads,
        d_ff=rng.randint(1, 50),
        norm_first=pre,
        final_norm=pre,
        source_vocabulary=source,
        target_vocabulary=source if tied else rng.randint(5, 40),
        encoder_layers=rng.randint(1, 3),
        decoder_layers=rng.randint(1, 3),
        tied=tied,
    )


def show_config(figure, config: TransformerConfig, **others) -> None:
    """Show a network that is none of the presets, under the name of one."""
    sizes = {name: getattr(config, name) for name in SIZES["base"]}
    show(figure, presets={"base": sizes}, preset="base", norm="pre" if config.norm_first else "post", **others)


def submodule(model: Transformer, code: str):
    return model.get_submodule(code.replace("[0]", ".0"))


class Watch:
    """Runs a transformer and notes the shapes of what came and went: by module, one list for each call."""

    def __init__(self, monkeypatch, config: TransformerConfig) -> None:
        self.model = Transformer(config).eval()
        self.calls, self.heads = defaultdict(list), []
        for module in self.model.modules():
            module.register_forward_hook(self.note)
        leave, attend = Residual.leave, attention.scaled_dot_product_attention

        def leaving(residual, x, change):
            left = leave(residual, x, change)
            self.note(residual, (x, change), left)
            return left

        def attending(query, key, value, *rest):
            mixed, weights = attend(query, key, value, *rest)
            assert key.shape == value.shape
            self.heads.append([tuple(each.shape) for each in (query, key, weights, weights, mixed)])
            return mixed, weights

        monkeypatch.setattr(Residual, "leave", leaving)
        monkeypatch.setattr(attention, "scaled_dot_product_attention", attending)

    def note(self, module, given, made) -> None:
        made = made[0] if isinstance(made, tuple) else made
        self.calls[module].append([tuple(each.shape) for each in (*given, made) if isinstance(each, torch.Tensor)])

    def run(self, batch: int, source: int, target: int) -> torch.Tensor:
        ids = [torch.randint(1, 5, (batch, length)) for length in (source, target)]
        with torch.no_grad():
            return self.model(*ids, need_weights=True)[0]

    def inside(self, name: str, code: str) -> list[tuple]:
        """What happened inside of a part, as the rows of the figure tell it."""
        if name == "softmax":
            return [self.calls[self.model.output][0][-1]] * 2
        if name.endswith("positions"):
            embedded = self.inside("", name.replace(" positions", "_embedding"))[-1]
            return [embedded, tuple(self.model.positions[: embedded[1]].shape), embedded]
        module = submodule(self.model, code)
        # A tied table is read twice, the second time for the target.
        shapes = self.calls[module][-1 if code == "target_embedding" else 0]
        if name.endswith("attention"):
            depth = self.model.config.encoder_layers
            heads = self.heads[{"encoder attention": 0, "decoder attention": depth}.get(name, depth + 1)]
            read = shapes[:2] if "cross" in name else shapes[:1]
            return [*read, *heads, self.calls[module.output][0][0], shapes[-1]]
        if name.endswith("network"):
            return [shape for layer in (module.inner, module.outer) for shape in self.calls[layer][0]]
        if name.endswith("add"):
            return shapes
        return [shapes[0], tuple(module.weight.shape), shapes[-1]]


def test_the_presets_are_those_of_the_package():
    examples = dates.pairs(dates.split(0).train, 2_000, seed=0)
    source, target = dates.vocabularies(examples)
    assert list(SIZES) == list(PRESETS)
    for name, sizes in SIZES.items():
        config = PRESETS[name]
        if name == "date":
            config = replace(config, source_vocabulary=len(source), target_vocabulary=len(target))
        assert {key: getattr(config, key) for key in sizes} == sizes
        assert config.final_norm == config.norm_first  # what the figure takes for granted
        assert config.max_length >= MOST
        assert Architecture(preset=name).norm == ("pre" if config.norm_first else "post")


def test_every_shape_is_that_of_a_network_which_runs(figure, monkeypatch):
    rng = random.Random(1)
    for _ in range(STATES):
        config = random_config(rng)
        lengths = dict(zip(("batch", "source", "target"), rng.sample(range(1, 30), 3), strict=True))
        show_config(figure, config, **lengths)
        seen, arrows = walk(figure), figure.evaluate(ARROWS)
        with monkeypatch.context() as patch:
            watch = Watch(patch, config)
            logits = watch.run(**lengths)
        assert len(seen) == len(PARTS) - 2 * (not config.norm_first)
        for name, shown in seen.items():
            expected = watch.inside(name, shown["code"])
            assert [tuple(shape) for shape in shown["shapes"]] == expected, (name, config)
            entering = [tuple(arrow["shape"]) for arrow in arrows if arrow["into"] == name]
            leaving = [tuple(arrow["shape"]) for arrow in arrows if arrow["from"] == name]
            reads = (
                expected[1::-1] if name == "decoder cross-attention" else expected[:1]
            )  # the memory's arrow comes first
            assert entering == reads and leaving == [expected[-1]], (name, config)
        assert tuple(seen["softmax"]["shapes"][-1]) == tuple(logits.shape)


def test_the_numbers_at_arrows_and_in_the_table_are_the_shapes(figure):
    rng = random.Random(2)
    for _ in range(STATES):
        show(
            figure, preset=rng.choice(list(SIZES)), part=rng.choice(PARTS), kind=rng.choice(["both", "both", "encoder"])
        )
        show(figure, **{name: rng.randint(1, MOST) for name in ("batch", "source", "target")})
        for arrow in figure.evaluate(ARROWS):
            assert arrow["said"] == str(tuple(arrow["shape"]))
        shown = figure.evaluate(READ)
        letters = known_letters(figure)
        for (_, in_letters, in_numbers), shape in zip(shown["inside"], shown["shapes"], strict=True):
            assert in_numbers == str(tuple(shape))
            assert [letters[letter] for letter in re.findall(r"\w+", in_letters)] == shape


def known_letters(figure) -> dict[str, int]:
    """B, S, T, ... as the figure lists them beside the diagram."""
    lines = figure.locator(".nb-key-line").all_text_contents()
    size = lambda line: int(re.search(r"([\d,]+)(?: \([\w ]+\))?$", line)[1].replace(",", ""))
    return {line.split()[0]: size(line) for line in lines}


@pytest.mark.parametrize("preset", SIZES)
@pytest.mark.parametrize("norm", ["post", "pre"])
def test_parameters_are_those_of_the_formulas_and_of_the_modules(figure, preset, norm):
    config = TransformerConfig(
        **{name: size for name, size in SIZES[preset].items() if name != "norm_first"},
        norm_first=norm == "pre",
        final_norm=norm == "pre",
    )
    show(figure, preset=preset, norm=norm)
    seen = walk(figure)
    formula = parameter_counts(config)
    for group, names in GROUPS.items():
        assert sum(shown["own"] for name, shown in seen.items() if re.fullmatch(names, name)) == formula[group]
    assert {shown["all"] for shown in seen.values()} == {sum(formula.values())}
    so_far = 0
    for shown in seen.values():
        so_far += shown["own"]
        assert shown["done"] == so_far
    assert so_far == sum(formula.values())
    with torch.device("meta"):  # the big one has no place in a test
        model = Transformer(config)
    assert model.parameter_count() == so_far
    for name, shown in seen.items():
        if name.endswith(("add", "positions")) or name == "softmax":
            assert shown["own"] == 0
        elif config.tied and name in ("target embedding", "output layer"):
            assert shown["own"] == 0
            assert submodule(model, shown["code"]).weight is model.source_embedding.weight
        else:
            times = {"encoder": config.encoder_layers, "decoder": config.decoder_layers}.get(
                shown["code"].split("[")[0], 1
            )
            each = sum(parameter.numel() for parameter in submodule(model, shown["code"]).parameters())
            assert shown["own"] == each * times


def test_what_a_part_costs_is_told(figure):
    for part, cost, total in (
        (
            "encoder attention",
            "Parameters: 4·D² + 4·D = 1,050,624 in each of 6 layers, together 6,303,744.",
            25_247_744,
        ),
        ("encoder attention add", "No parameters.", 25_247_744),
        (
            "decoder network",
            "Parameters: 2·D·F + F + D = 2,099,712 in each of 6 layers, together 12,598,272.",
            63_076_352,
        ),
        ("output layer", "No parameters of its own: the table of the embedding serves again.", 63_082_496),
    ):
        show(figure, part=part)
        assert text(figure, "cost") == cost
        assert text(figure, "total") == f"So far: {total:,} of 63,082,496."
    show(figure, preset="date", norm="pre")
    assert text(figure, "cost") == "Parameters: Vt·D = 1,600."
    assert text(figure, "total") == "So far: 240,448 of 240,448."


def test_the_bar_shows_the_share_of_the_active_part(figure):
    for part in ("source embedding", "decoder network", "softmax"):
        show(figure, part=part)
        shown = figure.evaluate(READ)
        whole = figure.locator(".nb-total").evaluate("bar => bar.clientWidth")
        before, own = figure.locator(".nb-total span").evaluate_all("all => all.map(each => each.offsetWidth)")
        assert own == pytest.approx(whole * shown["own"] / shown["all"], abs=1.5)
        assert before == pytest.approx(whole * (shown["done"] - shown["own"]) / shown["all"], abs=1.5)


def test_lengths_change_shapes_and_no_parameter(figure):
    """What the page asks its reader to predict."""
    show(figure, part="encoder attention")
    before = walk(figure)
    show(figure, source=14)
    after = walk(figure)
    assert [shown["own"] for shown in before.values()] == [shown["own"] for shown in after.values()]
    doubled = {"encoder attention": 2, "decoder cross-attention": 1, "decoder attention": 0}
    for name, times in doubled.items():
        # Row by row the count of numbers grows by a power of two; the weights by the square, where S stands twice.
        weights = [row[0] for row in before[name]["inside"]].index("weights: softmax")
        sizes = [torch.Size(each[name]["shapes"][weights]).numel() for each in (before, after)]
        assert sizes[1] == sizes[0] * 2**times
    assert before["decoder network"]["shapes"] == after["decoder network"]["shapes"]


@pytest.mark.parametrize("kind", ["both", "encoder", "decoder"])
@pytest.mark.parametrize("norm", ["post", "pre"])
def test_a_kind_has_its_own_parts_and_the_rest_is_gray(figure, kind, norm):
    show(figure, kind=kind, norm=norm)
    mine = {
        "both": list(PARTS),
        "encoder": list(PARTS[: PARTS.index("target embedding")]),
        "decoder": [part for part in PARTS[PARTS.index("target embedding") :] if part not in CROSS],
    }[kind]
    mine = [part for part in mine if norm == "pre" or part not in FINAL]
    assert sorted(here(figure)) == sorted(mine)
    assert sorted(walk(figure)) == sorted(mine)
    opacity = """all => all.map(part => {
        let seen = 1;
        for (let node = part; node.tagName !== 'svg'; node = node.parentNode) seen *= getComputedStyle(node).opacity;
        return [part.dataset.part, seen];
    })"""
    for part, seen in figure.locator(".nb-part").evaluate_all(opacity):
        assert (seen == 1) == (part in mine) and seen > 0.2
    ends = [(arrow["from"], arrow["into"]) for arrow in figure.evaluate(ARROWS)]
    assert all(end in ("", *mine) for pair in ends for end in pair)
    assert len(ends) == len(mine) + (2 if kind == "both" else 1)


def test_bert_and_gpt_have_the_parameters_of_their_halves(figure):
    for preset, sizes in SIZES.items():
        for norm in ("post", "pre"):
            show(figure, preset=preset, norm=norm, kind="encoder")
            whole = TransformerConfig(
                **{name: size for name, size in sizes.items() if name not in ("norm_first", "tied")},
                norm_first=norm == "pre",
                final_norm=norm == "pre",
                tied=False,
            )
            counts = parameter_counts(whole)
            final = counts["final norms"] // 2
            read = whole.source_vocabulary * whole.d_model
            assert figure.evaluate(READ)["all"] == read + counts["encoder"] + final
            show(figure, kind="decoder")
            # Without cross-attention, a layer of the decoder is one of the encoder with a mask.
            layers = parameter_counts(replace(whole, encoder_layers=whole.decoder_layers))["encoder"]
            tables = (1 if sizes["tied"] else 2) * whole.target_vocabulary * whole.d_model
            assert figure.evaluate(READ)["all"] == tables + layers + final


@pytest.mark.parametrize(("norm", "order"), [("post", ["", " add", " norm"]), ("pre", [" norm", "", " add"])])
def test_the_norm_is_drawn_where_it_is(figure, norm, order):
    figure.locator(f"button[name={norm}]").click()
    height = lambda part: middle(figure.locator(f'.nb-part[data-part="{part}"] rect'))[1]
    for part in (
        "encoder attention",
        "encoder network",
        "decoder attention",
        "decoder cross-attention",
        "decoder network",
    ):
        places = [height(part + around) for around in order]
        assert places == sorted(places, reverse=True)  # from below
        steps = [f"{part}{around}" for around in order]
        names = list(walk(figure))
        assert [name for name in names if name in steps] == steps


@pytest.mark.parametrize("norm", ["post", "pre"])
def test_a_line_goes_around_each_part_to_its_sum(figure, norm):
    """It leaves below all that the sum adds to, so in pre-norm below the norm too, and ends at the sum."""
    show(figure, norm=norm)
    rect = "el => ['x', 'y', 'width', 'height'].map(name => Number(el.getAttribute(name)))"
    drawn = (
        "all => all.map(line => line.getAttribute('d').slice(1).split('L').map(point => point.split(',').map(Number)))"
    )
    for part in ("encoder attention", "decoder cross-attention", "decoder network"):
        show(figure, part=f"{part} add")
        box, add, behind = (
            figure.locator(f'.nb-part[data-part="{part}{around}"] rect').evaluate(rect)
            for around in ("", " add", " norm")
        )
        stem, aside, up, end = max(figure.locator("path.nb-now:not(.nb-tip)").evaluate_all(drawn), key=len)
        assert stem[0] == box[0] + box[2] / 2 and stem[1] == aside[1] and aside[0] == up[0] and up[1] == end[1]
        assert not box[0] <= aside[0] <= box[0] + box[2]
        assert end[1] == add[1] + add[3] / 2 and end[0] in (add[0], add[0] + add[2])
        lowest = behind if norm == "pre" else box
        assert lowest[1] + lowest[3] < stem[1] < lowest[1] + 2 * lowest[3]


def test_buttons_walk_through_all_parts_and_stop_at_the_ends(figure):
    for kind, norm in (("both", "post"), ("decoder", "pre")):
        show(figure, kind=kind, norm=norm)
        expected = list(walk(figure))
        figure.locator("button[name=start]").click()
        assert state(figure, "part") == [expected[0]]
        figure.locator("button[name=back]").click()
        gone = [figure.evaluate(READ)["name"]]
        figure.locator("button[name=next]").focus()
        for _ in expected[1:]:
            figure.page.keyboard.press("Enter")
            gone.append(figure.evaluate(READ)["name"])
        assert gone == expected
        figure.locator("button[name=next]").click()
        assert state(figure, "part") == [expected[-1]]
        assert f"{len(expected)} of {len(expected)}" in figure.locator(".nb-said").inner_text()
        figure.locator("button[name=back]").click()
        assert state(figure, "part") == [expected[-2]]


def test_keys_walk_too(figure):
    names, keyboard = list(walk(figure)), figure.page.keyboard
    show(figure, part=names[0])
    cursor = figure.locator(".nb-cursor")
    cursor.focus()
    presses = (("ArrowUp", 1), ("ArrowRight", 2), ("Enter", 3), (" ", 4), ("ArrowDown", 3), ("ArrowLeft", 2))
    for key, expected in (*presses, ("Shift+ArrowUp", 12), ("Shift+ArrowUp", 20), ("Shift+ArrowDown", 10)):
        keyboard.press(key)
        assert state(figure, "part") == [names[expected]]
        assert cursor.get_attribute("aria-valuenow") == str(expected + 1)
    assert cursor.get_attribute("aria-valuemax") == "21"
    assert cursor.get_attribute("aria-valuetext") == "Masked attention (decoder, × 6), step 11 of 21"
    assert figure.page.evaluate("document.activeElement.classList.contains('nb-cursor')")


def test_a_click_on_a_part_goes_there_and_one_on_a_missing_part_to_a_neighbor(figure):
    mouse = figure.page.mouse
    show(figure, norm="pre")
    for part in here(figure):
        mouse.click(*middle(figure.locator(f'.nb-part[data-part="{part}"] rect')))
        assert state(figure, "part") == [part]
        assert figure.evaluate(READ)["name"] == part
    show(figure, kind="decoder")
    mouse.click(*middle(figure.locator('.nb-part[data-part="decoder cross-attention"] rect')))
    assert figure.evaluate(READ)["name"] in ("decoder attention add", "decoder network norm")


def test_the_mouse_drags_the_cursor_along(figure):
    mouse, cursor = figure.page.mouse, figure.locator(".nb-cursor")
    mouse.move(*middle(cursor))
    mouse.down()
    mouse.move(*middle(figure.locator('.nb-part[data-part="encoder network"] rect')), steps=5)
    mouse.up()
    assert state(figure, "part") == ["encoder network"]
    mouse.move(*middle(figure.locator('.nb-part[data-part="softmax"] rect')))
    assert state(figure, "part") == ["encoder network"]


def test_a_tap_goes_to_a_part_and_a_swipe_scrolls(browser, address):
    with watched(browser, width=390, height=800, has_touch=True, is_mobile=True) as seen:
        page = open_page(seen, f"{address}/{PAGE}")
        figure = page.locator(TAG)
        target = figure.locator('.nb-part[data-part="decoder cross-attention"] rect')
        target.scroll_into_view_if_needed()
        page.touchscreen.tap(*middle(target))
        assert state(figure, "part") == ["decoder cross-attention"]
        touch = page.context.new_cdp_session(page)
        x, y = middle(figure.locator('.nb-part[data-part="encoder attention"] rect'))
        touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
        for step in range(1, 6):
            touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [{"x": x, "y": y - 12 * step}]})
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        assert state(figure, "part") == ["decoder cross-attention"]


def test_a_part_that_goes_missing_hands_over_to_the_next(figure):
    for given, stands in (
        ({"kind": "decoder", "part": "encoder network"}, "target embedding"),
        ({"kind": "encoder", "part": "decoder network"}, "encoder network norm"),
        ({"kind": "decoder", "part": "decoder cross-attention"}, "decoder network"),
        ({"norm": "post", "part": "encoder norm"}, "target embedding"),
        ({"norm": "post", "part": "decoder norm"}, "output layer"),
    ):
        show(figure, **{**Architecture.defaults(), **given})
        assert figure.evaluate(READ)["name"] == stands
        figure.locator("button[name=next]").click()
        figure.locator("button[name=back]").click()
        assert state(figure, "part") != [given["part"]] and figure.evaluate(READ)["name"] == state(figure, "part")[0]


def test_the_active_part_and_the_arrows_at_it_stand_out(figure):
    for part in ("source positions", "encoder attention add", "decoder norm", "softmax"):
        show(figure, part=part)
        active = figure.evaluate(READ)["name"]
        now = [(arrow["from"], arrow["into"]) for arrow in figure.evaluate(ARROWS) if arrow["now"]]
        assert len(now) == 2 and now[0][1] == now[1][0] == active
        marks = "all => all.map(each => ['x', 'y', 'width', 'height'].map(name => each.getAttribute(name)))"
        active, cursor = figure.locator(".nb-active, .nb-cursor").evaluate_all(marks)
        assert active == cursor
    show(figure, part="decoder cross-attention")
    now = [(arrow["from"], arrow["into"]) for arrow in figure.evaluate(ARROWS) if arrow["now"]]
    assert now == [
        ("encoder network norm", "decoder cross-attention"),
        ("decoder attention norm", "decoder cross-attention"),
        ("decoder cross-attention", "decoder cross-attention add"),
    ]


def test_shapes_ahead_hide_until_the_walk_has_been_there(figure):
    figure.locator("button[name=ahead]").click()
    names = list(walk(figure))
    for number, part in enumerate(names):
        show(figure, part=part)
        for arrow in figure.evaluate(ARROWS):
            known = not arrow["from"] or names.index(arrow["from"]) <= number
            assert (arrow["said"] == "?") == (not known), (part, arrow)
    figure.locator("button[name=letters]").click()
    said = {arrow["into"]: arrow["said"] for arrow in figure.evaluate(ARROWS)}
    assert (
        said["encoder network"] == "(B, S, D)"
        and said["softmax"] == "(B, T, V)"
        and said["target embedding"] == "(B, T)"
    )
    show(figure, preset="date")
    assert {arrow["into"]: arrow["said"] for arrow in figure.evaluate(ARROWS)}["softmax"] == "(B, T, Vt)"
    figure.locator("button[name=numbers]").click()
    assert not any("?" in arrow["said"] for arrow in figure.evaluate(ARROWS))


def test_a_preset_brings_its_own_norm(figure):
    for name, norm in (("date", "pre"), ("big", "post"), ("date", "pre"), ("base", "post")):
        figure.locator(f"button[name={name}]").click()
        assert state(figure, "preset", "norm") == [name, norm]
        assert figure.locator(f"button[name={norm}]").get_attribute("aria-pressed") == "true"
        sizes, letters = SIZES[name], known_letters(figure)
        assert [letters[letter] for letter in "DNF"] == [sizes[key] for key in ("d_model", "n_heads", "d_ff")]
        assert letters["K"] * letters["N"] == letters["D"]
        assert letters.get("V", letters.get("Vs")) == sizes["source_vocabulary"]


@pytest.mark.parametrize(
    ("kind", "norm", "preset"),
    [("both", "post", "base"), ("both", "pre", "date"), ("encoder", "pre", "big"), ("decoder", "post", "date")],
)
def test_every_part_has_a_sentence(figure, kind, norm, preset):
    show(figure, kind=kind, norm=norm, preset=preset, batch=1, source=1, target=1)
    sentences = [shown["sentence"] for shown in walk(figure).values()]
    for sentence in sentences:
        assert 40 < len(sentence) < 200 and sentence.endswith(".")
        assert not re.search(r"undefined|NaN|\b1 (heads|places|vectors|\w+ tokens)", sentence)
        if kind == "decoder":
            assert "encoder" not in sentence and "source" not in sentence and "memory" not in sentence
    assert sum("What comes out" in sentence for sentence in sentences) == (kind != "decoder")


def test_keys_move_the_sliders_within_what_python_takes(figure):
    keyboard = figure.page.keyboard
    for name in ("batch", "source", "target"):
        slider = figure.locator(f"input[name={name}]")
        slider.focus()
        for key, expected in (("End", MOST), ("Home", 1), ("ArrowRight", 2)):
            keyboard.press(key)
            assert state(figure, name) == [expected] and slider.get_attribute("aria-valuetext") == str(expected)
            Architecture(**{name: expected})


def overlap(one: dict, other: dict) -> bool:
    return all(
        one[at] + 0.5 < other[at] + other[size] and other[at] + 0.5 < one[at] + one[size]
        for at, size in (("x", "width"), ("y", "height"))
    )


def rectangles(figure, selector: str) -> list[dict]:
    return figure.locator(selector).evaluate_all("all => all.map(each => each.getBoundingClientRect().toJSON())")


@pytest.mark.parametrize("width", [390, 700, 1000, 1400])
def test_the_diagram_is_readable_at_every_width_and_stays_where_it_is(browser, address, width):
    with watched(browser, width=width, height=1400) as seen:
        figure = open_page(seen, f"{address}/{PAGE}").locator(TAG)
        for norm in ("post", "pre"):
            show(figure, preset="big", norm=norm, batch=MOST, source=MOST, target=MOST)
            (around,) = rectangles(figure, ".nb-plan")
            scale = around["width"] / float(figure.locator(".nb-plan").get_attribute("viewBox").split()[2])
            sizes = figure.locator(".nb-plan text").evaluate_all(
                "all => all.map(t => parseFloat(getComputedStyle(t).fontSize))"
            )
            assert min(sizes) * scale >= 11.9
            boxes, labels = rectangles(figure, ".nb-part rect"), rectangles(figure, ".nb-size")
            for label in labels:
                assert around["left"] - 1 <= label["left"] and label["right"] <= around["right"] + 1
                inner = {**label, "y": label["y"] + 3, "height": label["height"] - 6}  # letters fill no more of a line
                assert not any(overlap(inner, box) for box in boxes)
                assert sum(overlap(inner, other) for other in labels) == 1  # with itself
            tops = """(el, parts) => parts.map(part => {
                el.model.set({part});
                return el.querySelector('.nb-plan').getBoundingClientRect().top;
            })"""
            assert len(set(figure.evaluate(tops, PARTS))) == 1


@pytest.mark.parametrize("dark", [False, True])
def test_on_a_telephone_nothing_sticks_out(browser, address, dark):
    with watched(browser, width=390, dark=dark) as seen:
        figure = open_page(seen, f"{address}/{PAGE}").locator(TAG)
        sticking_out = """el => [...el.querySelectorAll('*')].filter(part => {
            const box = part.getBoundingClientRect(), whole = el.getBoundingClientRect();
            return box.width && (box.left < whole.left - 1 || box.right > whole.right + 1);
        }).map(part => part.outerHTML.slice(0, 80))"""
        for part in ("decoder cross-attention", "output layer", "decoder attention"):
            show(figure, preset="big", batch=MOST, source=MOST, target=MOST, part=part)
            assert figure.page.evaluate("document.scrollingElement.scrollWidth - innerWidth") <= 0
            assert figure.evaluate(sticking_out) == []


def test_taken_out_it_lets_go_of_everything(figure):
    show(figure, part="decoder network", kind="decoder")
    take_out_and_put_back(figure.page, TAG)
    assert state(figure, "part", "kind") == ["decoder network", "decoder"]
    assert figure.evaluate(READ)["name"] == "decoder network"


@pytest.mark.parametrize("trait", Architecture.defaults())
def test_a_hostile_state_is_shown_as_text(figure, trait):
    harmful = {**Architecture.defaults(), trait: HOSTILE}
    if trait == "presets":
        harmful["presets"] = {"base": dict.fromkeys(SIZES["base"], HOSTILE), HOSTILE: {}}
    with hostile(figure.page, TAG, harmful):
        pass
