"""The translator in the page with the weights of the lab: it answers to whatever a reader types or presses."""

import base64
import random
from dataclasses import asdict, replace

import pytest
import torch

from figures import CHAPTERS, HOSTILE, hostile, middle, numbers, show, state, take_out_and_put_back, text
from nbcode.data import dates
from nbcode.data.vocabulary import END, Vocabulary, tokenize
from nbcode.models.packing import packed, unpack_into
from nbcode.models.transformer import Transformer, TransformerConfig
from nbcode.widgets import Translator
from nbsite.browser import open_page, watched
from translators import CONFIGS, WRITTEN, build, check, decoded, expected, heads_of, load, made, without_heads

TAG = "nb-translator"
PAGE = f"book/{CHAPTERS[TAG]}.html"
BYTES = "**/figures/fig-translator.bytes.js*"
STATES = 40
CHANGED = ("text", "hidden", "off", "temperature", "choose", "seed", "step", "place", "head")  # by a reader
OF_THE_MODEL = ("config", "shapes", "source_tokens", "target_tokens", "example")
WEIGHTS = """el => {
    const view = el.model.get("weights"), bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
    return btoa(Array.from(bytes, byte => String.fromCharCode(byte)).join(""));
}"""


@pytest.fixture(scope="module")
def scripts(browser):
    with watched(browser) as seen:
        load(seen.page)
        yield seen.page


@pytest.fixture(scope="module")
def translator(opened):
    shown = opened(TAG)
    shown.page.wait_for_function(f"document.querySelector('{TAG}').model.get('weights')")
    return shown


@pytest.fixture
def figure(translator):
    show(translator, **{name: value for name, value in Translator.defaults().items() if name in CHANGED})
    settled(translator)
    translator.scroll_into_view_if_needed()
    return translator


def settled(figure) -> None:
    """Wait until what was asked for is shown."""
    figure.page.wait_for_function(f"document.querySelector('{TAG} .nb-root').dataset.busy === 'false'")


def ask(figure, **changes) -> str:
    show(figure, **changes)
    settled(figure)
    return text(figure, "written")


def type_in(figure, typed: str) -> None:
    figure.locator("input[name=text]").fill(typed)
    figure.page.wait_for_function(f"typed => document.querySelector('{TAG}').model.get('text') === typed", arg=typed)
    settled(figure)


@pytest.fixture(scope="module")
def lab(translator):
    """The model of the page, and its vocabularies."""
    names = ("config", "shapes", "source_tokens", "target_tokens")
    config, shapes, source, target = state(translator, *names)
    data = translator.evaluate(WEIGHTS)
    model = Transformer(TransformerConfig(**config)).eval()
    unpack_into(model, base64.b64decode(data), shapes)
    return model, Vocabulary(source), Vocabulary(target)


def labels(figure, selector: str) -> list[str]:
    return figure.locator(selector).evaluate_all("all => all.map(one => one.getAttribute('aria-label'))")


def random_dates(n: int, seed: int) -> list[str]:
    return [pair.source for pair in dates.pairs(dates.split(seed).test, n, seed)]


def translated(lab, source: str, **changes) -> str:
    model, read, write = lab
    return write.decode(decoded(model, read.encode(source), **changes))


def test_the_labs_weights_give_the_logits_of_torch(scripts, lab):
    model, read, write = lab
    pairs = dates.pairs(dates.split(21).test, 50, 21)
    check(scripts, model, [(read.encode(pair.source), [*write.encode(pair.target), END]) for pair in pairs])


def test_the_labs_weights_translate_as_torch_does_and_rightly(scripts, lab):
    model, read, write = lab
    build(scripts, model)
    pairs = dates.pairs(dates.split(22).test, 200, 22)
    found = scripts.evaluate(WRITTEN, [[read.encode(pair.source), {}] for pair in pairs])
    assert sum(row == decoded(model, read.encode(pair.source)) for row, pair in zip(found, pairs, strict=True)) >= 198
    assert sum(write.decode(row) == pair.target for row, pair in zip(found, pairs, strict=True)) >= 190


def test_what_is_typed_is_translated(figure, lab):
    for typed in (*random_dates(5, seed=23), "31 February 2029", "Monday, 1 Jan 1999"):
        type_in(figure, typed)
        assert text(figure, "written") == translated(lab, typed)
        shown = figure.locator(".nb-source .nb-token").all_inner_texts()
        assert shown == [token.replace(" ", "␣") for token in tokenize(typed)]
        written = "".join(figure.locator(".nb-target .nb-token").all_inner_texts())
        assert written == text(figure, "written") + "end"


def test_typing_letter_by_letter_ends_with_the_whole_text(figure, lab):
    box = figure.locator("input[name=text]")
    box.fill("")
    box.press_sequentially("4 May 2033", delay=5)
    assert box.input_value() == "4 May 2033"
    figure.page.wait_for_function(f"document.querySelector('{TAG}').model.get('text') === '4 May 2033'")
    settled(figure)
    assert text(figure, "written") == translated(lab, "4 May 2033") and box.input_value() == "4 May 2033"


@pytest.mark.parametrize("typed", ["", "   "])
def test_an_empty_box_gets_a_sentence(figure, typed):
    type_in(figure, typed)
    assert text(figure, "told") == "The box is empty. Type a date in English, or take one of the examples."
    assert not figure.locator("output[name=written]").is_visible() and not figure.locator(".nb-body").is_visible()
    figure.locator(".nb-example").first.click()
    settled(figure)
    assert figure.locator(".nb-body").is_visible() and text(figure, "written")


@pytest.mark.parametrize(("typed", "tokens"), [("1" * 10_000, "10,000"), ("x " * 33, "66"), ("年" * 65, "65")])
def test_a_text_that_is_too_long_is_refused_with_both_lengths(figure, typed, tokens):
    type_in(figure, typed)
    assert text(figure, "told").startswith(f"This text has {tokens} tokens, and this transformer reads 64 at most.")
    assert not figure.locator(".nb-body").is_visible()


def test_the_longest_text_is_read(figure, lab):
    type_in(figure, "2" * 64)
    assert figure.locator(".nb-source button").count() == 64
    assert text(figure, "written") == (translated(lab, "2" * 64) or "(nothing)")


@pytest.mark.parametrize(
    "typed",
    ["<script>window.harmed = true</script>", HOSTILE, "¿qué día es hoy?", "🗓️年", "<start><end><pad>", "\\u0000%s${1}"],
)
def test_garbage_does_no_harm_and_unknown_tokens_are_named(figure, lab, typed):
    type_in(figure, typed)
    _, read, _ = lab
    numbers_of = read.encode(typed)
    strange = list(dict.fromkeys(word for word, i in zip(tokenize(typed), numbers_of, strict=True) if i == 3))
    told = text(figure, "told")
    assert all(f"“{word}”" in told for word in strange[:4]) and "never came in training" in told
    assert ("more never came" in told) == (len(strange) > 4)
    assert text(figure, "written") == (translated(lab, typed) or "(nothing)")
    assert figure.locator(".nb-strange").count() == numbers_of.count(3)
    assert figure.locator("script, img").count() == 1 and not figure.page.evaluate("window.harmed")  # the still picture


def test_the_table_shows_the_probabilities_of_torch(figure, lab):
    model, read, write = lab
    rng = random.Random(24)
    for source in random_dates(STATES, seed=25):
        ids = read.encode(source)
        written = decoded(model, ids)
        step, temperature = rng.randrange(len(written)), round(10 ** rng.uniform(-1, 1), 3)
        ask(figure, text=source, step=step, temperature=temperature)
        shares = torch.softmax(expected(model, ids, written)[0][0, step].double() / temperature, dim=0)
        rows = figure.locator(".nb-chances tbody tr").evaluate_all("all => all.map(row => ({...row.dataset}))")
        assert int(rows[0]["token"]) == written[step] and rows[0]["taken"] == "true" and len(rows) == 5
        for row in rows:
            assert float(row["share"]) == pytest.approx(shares[int(row["token"])].item(), abs=2e-3)
        assert [float(row["share"]) for row in rows] == sorted((float(row["share"]) for row in rows), reverse=True)
        assert rows[0]["share"] and text(figure, "written") == write.decode(written)


def test_a_small_probability_is_never_shown_as_none(figure):
    ask(figure, temperature=1)
    shown = figure.locator(".nb-share").all_inner_texts()
    assert len(shown) == 5 and "0 %" not in shown and "0.00 %" not in shown


def test_a_press_on_a_token_hides_it_from_the_decoder(figure, lab):
    source = "Tuesday, January 23, 2029"
    hidden: list[int] = []
    for place in (9, 10, 11, 12, 3):
        figure.locator(".nb-source button").nth(place).click()
        settled(figure)
        hidden.append(place)
        assert state(figure, "hidden") == [hidden]
        assert text(figure, "written") == translated(lab, source, hidden=hidden)
        assert figure.locator('.nb-source [aria-pressed="true"]').count() == len(hidden)
    plain = translated(lab, source)
    everything = list(range(13))  # of this, nothing can be guessed
    assert ask(figure, hidden=everything) == (translated(lab, source, hidden=everything) or "(nothing)") != plain
    assert f"Without your changes: {plain}." in text(figure, "told")
    assert figure.locator(".nb-other").count() >= 1
    figure.locator("button[name=undo]").click()
    settled(figure)
    assert text(figure, "written") == plain and "changes" not in text(figure, "told")


def test_switches_turn_heads_off_and_on(figure, lab):
    model, read, write = lab
    source = "Tuesday, January 23, 2029"
    switch = lambda part, layer, head: figure.get_by_role(
        "button", name=f"{part}, layer {layer + 1}, head {head + 1}, on", exact=True
    )
    off = []
    for part, title in (("cross", "Cross-attention"), ("encoder", "Encoder"), ("decoder", "Decoder, masked")):
        switch(title, 1, 2).click()
        settled(figure)
        off.append((part, 1, 2))
        changed = without_heads(model, off)
        assert text(figure, "written") == write.decode(decoded(changed, read.encode(source)))
    assert state(figure, "off") == [[list(head) for head in off]]
    assert figure.locator('.nb-switch[aria-pressed="false"]').count() == 3
    for name in ("encoder", "decoder", "cross"):
        figure.locator(f"button[name=all-{name}]").click()
        settled(figure)
    everything = without_heads(model, heads_of(model.config))
    assert text(figure, "written") == (write.decode(decoded(everything, read.encode(source))) or "(nothing)")
    assert len(state(figure, "off")[0]) == len(heads_of(model.config))
    figure.locator("button[name=all-cross]").click()
    settled(figure)
    assert all(head[0] != "cross" for head in state(figure, "off")[0])


def test_with_no_way_to_the_source_all_dates_become_one(figure):
    """What the page asks its reader to predict."""
    cross = [["cross", layer, head] for layer in range(2) for head in range(4)]
    written = {ask(figure, text=source, off=cross) for source in ("2044-02-29", "1 Nov 1907", "31 February 2029")}
    assert len(written) == 1


def test_temperature_changes_how_sure_and_not_what_is_most_probable(figure):
    sure = []
    for temperature in (0.2, 1, 3, 10):
        written = ask(figure, temperature=temperature, step=5)
        assert written == "2029年1月23日星期二"
        row = figure.locator(".nb-chances tbody tr").first
        sure.append(float(row.get_attribute("data-share")))
    assert sure == sorted(sure, reverse=True) and sure[-1] < 0.6


def test_drawing_by_lot_is_repeatable_and_draws_again(figure):
    figure.locator("button[name=sampled]").click()
    settled(figure)
    first = ask(figure, temperature=5, seed=0)
    figure.locator("button[name=again]").click()
    settled(figure)
    assert state(figure, "seed") == [1] and text(figure, "written") != first
    assert ask(figure, seed=0) == first
    assert "Without your changes" in text(figure, "told")
    assert figure.locator('.nb-target [aria-pressed="true"]').count() == 1


def test_every_head_has_a_map_with_a_text_that_tells_what_it_shows(figure, lab):
    model, read, write = lab
    source, step, place = random_dates(1, seed=26)[0], 4, 2
    ask(figure, text=source, step=step, place=place)
    ids = read.encode(source)
    written = decoded(model, ids)
    _, maps = expected(model, ids, written)
    shown = [token.replace(" ", "␣") for token in tokenize(source)]
    out = [{"<end>": "end"}.get(write.tokens[i], write.tokens[i]) for i in written]
    columns = {"encoder": shown, "decoder": ["start", *out[:-1]], "cross": shown}
    rows = {"encoder": (place, shown), "decoder": (step, out), "cross": (step, out)}
    told = labels(figure, ".nb-small-map")
    assert len(told) == len(heads_of(model.config)) >= 24
    for (part, layer, head), label in zip(heads_of(model.config), told, strict=True):
        row, names = rows[part]
        weights = maps[part][layer][0, head, row]
        best = int(weights.argmax())
        assert f"layer {layer + 1}, head {head + 1}" in label
        assert f"“{names[row]}” looks most at “{columns[part][best]}”" in label
        assert numbers(label)[-1] == pytest.approx(weights[best].item(), abs=0.0051)


def test_the_large_map_is_that_of_the_chosen_head_and_row(figure, lab):
    model, read, _ = lab
    source = "Tuesday, January 23, 2029"
    ids = read.encode(source)
    _, maps = expected(model, ids, decoded(model, ids))
    for index, (part, layer, head) in enumerate(heads_of(model.config)):
        figure.locator(".nb-small-map").nth(index).click()
        assert state(figure, "head") == [[part, layer, head]]
        weights = maps[part][layer][0, head]
        assert figure.locator(".nb-cell").count() == pytest.approx(int((weights > 0.002).sum()), abs=2)
        cells = figure.locator(".nb-cell").evaluate_all("all => all.map(cell => Number(cell.style.fillOpacity))")
        assert sum(cells) == pytest.approx(weights[weights > 0.002].sum().item(), abs=0.02)
    box = figure.locator(".nb-large-map .nb-paper").bounding_box()
    figure.page.mouse.click(box["x"] + 20, box["y"] + box["height"] * 7.5 / 14)
    assert state(figure, "step") == [7]
    assert text(figure, "look").startswith("“2” (row 8) looks at “")


def test_the_row_of_the_large_map_is_dragged_and_moved_by_keys(figure):
    show(figure, head=["encoder", 0, 1], place=0)
    mark, mouse = figure.locator(".nb-mark"), figure.page.mouse
    mark.scroll_into_view_if_needed()
    x, y = middle(mark)
    height = mark.bounding_box()["height"]
    mouse.move(x, y)
    mouse.down()
    mouse.move(x, y + 3 * height, steps=3)
    mouse.up()
    (place,) = state(figure, "place")
    assert 2 <= place <= 4
    mark.focus()
    figure.page.keyboard.press("ArrowDown")
    assert state(figure, "place") == [place + 1]
    for _ in range(20):
        figure.page.keyboard.press("ArrowUp")
    assert state(figure, "place") == [0] and mark.get_attribute("aria-valuetext").startswith("Tuesday, most at ")


def test_arrow_keys_lead_through_the_steps_and_tab_passes_them_in_one(figure):
    keyboard, focused = figure.page.keyboard, "document.activeElement.getAttribute('aria-label')"
    first = figure.locator(".nb-target button").first
    first.focus()
    keyboard.press("ArrowRight")
    keyboard.press("ArrowRight")
    assert state(figure, "step") == [2] and figure.page.evaluate(focused).startswith("Step 3: 2,")
    keyboard.press("End")
    assert state(figure, "step") == [13] and figure.page.evaluate(focused).startswith("Step 14: end")
    keyboard.press("ArrowRight")
    assert state(figure, "step") == [13]
    keyboard.press("Tab")
    assert figure.page.evaluate("document.activeElement.name") == "temperature"
    figure.locator(".nb-source button").first.focus()
    keyboard.press("ArrowRight")
    assert state(figure, "hidden") == [[]]
    keyboard.press("Enter")
    settled(figure)
    assert state(figure, "hidden") == [[1]] and figure.page.evaluate(focused).startswith("Hide ,, token 2")
    keyboard.press("Control+ArrowRight")
    assert figure.page.evaluate(focused).startswith("Hide ,, token 2")


def test_the_page_and_its_figure_with_weights_are_small(html, figure):
    size = lambda path: (html / path).stat().st_size
    scripts = size("_static/figures/translator.js") + size("_static/figures/fig-translator.bytes.js")
    given = figure.evaluate("el => el.dataset.lab.length + el.dataset.state.length")
    assert scripts + given < 1_000_000
    first = (html / "_static/figures/fig-translator.bytes.js").read_text(encoding="utf-8")[60:160]
    assert first not in (html / PAGE).read_text(encoding="utf-8")
    assert (html / PAGE.replace("book/", "notebooks/")).read_text(encoding="utf-8").count(first) == 1


def test_a_stored_example_shows_until_the_weights_are_here(browser, address, lab):
    with watched(browser) as seen:
        waiting = []
        seen.page.route(BYTES, lambda route: waiting.append(route))
        seen.page.goto(f"{address}/{PAGE}", wait_until="domcontentloaded")
        figure = seen.page.locator(TAG)
        seen.page.wait_for_function(f"document.querySelector('{TAG}').dataset.nb === 'ready'")
        example = state(figure, "example")[0]
        assert text(figure, "written") == translated(lab, example["text"])
        assert "A stored example" in text(figure, "told")
        assert not figure.locator("input[name=text]").is_editable()
        assert figure.locator(".nb-small-map").count() == 24 and not figure.locator(".nb-switch").first.is_enabled()
        figure.locator(".nb-target button").nth(5).click()
        assert state(figure, "step") == [5] and figure.locator(".nb-chances tbody tr").count() == 5
        stored = labels(figure, ".nb-small-map")
        waiting[0].continue_()
        seen.page.wait_for_function(f"document.querySelector('{TAG}').model.get('weights')")
        settled(figure)
        assert "A stored example" not in text(figure, "told") and figure.locator("input[name=text]").is_editable()
        live = labels(figure, ".nb-small-map")
        assert live == stored
        type_in(figure, "1 Nov 1907")
        assert text(figure, "written") == translated(lab, "1 Nov 1907")


def test_without_weights_the_example_stays(browser, address):
    with watched(browser) as seen:
        seen.page.route(BYTES, lambda route: route.abort())
        figure = open_page(seen, f"{address}/{PAGE}").locator(TAG)
        assert "A stored example" in text(figure, "told") and text(figure, "written")
        show(figure, example={})
        assert text(figure, "told").startswith("No weights and no example are here yet.")


def test_a_figure_from_python_shows_what_its_model_computes(figure, browser, address):
    """As in a notebook: other sizes, and bytes that begin anywhere in a buffer."""
    config = replace(CONFIGS["gelu, one head, odd numbers"], source_vocabulary=11, target_vocabulary=9)
    model = made(config, seed=7)
    source, target = Vocabulary("abcdefg"), Vocabulary("vwxyz")
    shown = Translator.of(asdict(config), packed(model), source.tokens, target.tokens, text="fade")
    with watched(browser) as seen:
        page = open_page(seen, f"{address}/{PAGE}")
        found = page.locator(TAG)
        names = ("config", "shapes", "source_tokens", "target_tokens", "text", "head")
        given = {name: getattr(shown, name) for name in names}
        found.evaluate(
            "(el, [state, data]) => { const bytes = Uint8Array.from(atob('AAAA' + data), c => c.charCodeAt(0));"
            "el.model.set({...state, weights: new DataView(bytes.buffer, 3)}); }",
            [given, base64.b64encode(shown.weights).decode()],
        )
        settled(found)
        assert text(found, "written") == (target.decode(decoded(model, source.encode("fade"))) or "(nothing)")
        assert found.locator(".nb-small-map").count() == len(heads_of(config))
        show(found, config={**given["config"], "d_ff": 8})
        told = "These weights cannot be used: encoder.0.feed_forward.inner.weight has 210"
        assert text(found, "told").startswith(told)


def test_taken_out_and_put_back_it_goes_on(figure):
    ask(figure, text="1 Nov 1907", step=3, hidden=[0])
    before = text(figure, "written")
    take_out_and_put_back(figure.page, TAG)
    settled(figure)
    assert text(figure, "written") == before and state(figure, "step") == [3]


@pytest.mark.parametrize("trait", [*CHANGED, *OF_THE_MODEL, "weights", "names"])
def test_a_hostile_state_is_shown_as_text(figure, trait):
    harmful = {**Translator.defaults(), **dict(zip(OF_THE_MODEL, state(figure, *OF_THE_MODEL), strict=True))}
    if trait == "names":
        harmful["source_tokens"] = harmful["target_tokens"] = [HOSTILE] * 55
    else:
        harmful[trait] = {"hidden": [HOSTILE], "off": [[HOSTILE] * 3], "head": [HOSTILE, 0, 0]}.get(trait, HOSTILE)
    with hostile(figure.page, TAG, harmful) as made_up:
        for button in made_up.locator("button:visible:enabled").all()[:12]:
            button.click()


@pytest.mark.parametrize("dark", [False, True])
def test_on_a_telephone_nothing_sticks_out(browser, address, dark):
    with watched(browser, width=390, dark=dark, has_touch=True, is_mobile=True) as seen:
        figure = open_page(seen, f"{address}/{PAGE}").locator(TAG)
        seen.page.wait_for_function(f"document.querySelector('{TAG}').model.get('weights')")
        for source in ("Wednesday, November 30, 2022", "Donaudampfschifffahrtsgesellschaft " * 5, "2" * 64):
            ask(figure, text=source, hidden=[1], head=["encoder", 0, 0])
            assert figure.page.evaluate("document.scrollingElement.scrollWidth - innerWidth") <= 0
            sticking_out = """el => [...el.querySelectorAll('*')].filter(part => {
                const box = part.getBoundingClientRect(), whole = el.getBoundingClientRect();
                return box.width && (box.left < whole.left - 1 || box.right > whole.right + 1);
            }).map(part => part.outerHTML.slice(0, 80))"""
            assert figure.evaluate(sticking_out) == []
        figure.locator(".nb-target button").first.tap()
        assert state(figure, "step") == [0]
        figure.locator(".nb-source button").nth(2).tap()
        settled(figure)
        assert state(figure, "hidden") == [[1, 2]]


def test_threads_lead_from_the_chosen_step_to_what_it_looks_at(figure, lab):
    model, read, _ = lab
    source = "Tuesday, January 23, 2029"
    ids = read.encode(source)
    _, maps = expected(model, ids, decoded(model, ids))
    for step in (0, 5, 13):
        show(figure, step=step)
        looks = torch.cat(maps["cross"], dim=1)[0, :, step].mean(dim=0)
        shown = figure.locator(".nb-source button").evaluate_all(
            "all => all.map(one => one.getAttribute('aria-label'))"
        )
        assert [numbers(label)[-1] for label in shown] == pytest.approx(looks.tolist(), abs=0.0051)
        assert figure.locator(".nb-threads path").count() == int((looks >= 0.01).sum())
        widths = figure.locator(".nb-threads path").evaluate_all(
            "all => all.map(one => parseFloat(one.style.strokeWidth))"
        )
        assert widths == pytest.approx([1 + 9 * look for look in looks.tolist() if look >= 0.01], abs=0.02)


def test_only_words_stand_on_their_end_above_the_map(figure):
    """Turned, the sign for a space looks like another one."""
    names = figure.locator(".nb-large-map text").evaluate_all(
        "all => all.map(one => [one.textContent, one.getAttribute('transform').includes('rotate')])"
    )[:13]
    assert names[0] == ["Tuesday", True] and names[2] == ["␣", False]
    assert all(turned == (len(word) > 1) for word, turned in names)
