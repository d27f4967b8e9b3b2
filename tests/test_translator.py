"""The arithmetic of the translator, in a browser: logits, maps, decoding, tokens and drawing are those of nbcode."""

import base64
import math
import random
from dataclasses import asdict

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nbcode.data import noise
from nbcode.data.vocabulary import Vocabulary, tokenize
from nbcode.models.packing import packed
from nbcode.probes import traced
from nbcode.widgets import Translator
from nbcode.widgets.translator import shapes_of
from nbsite.browser import watched
from translators import (
    BUILD,
    CONFIGS,
    SIZES,
    WRITTEN,
    build,
    check,
    decoded,
    expected,
    heads_of,
    load,
    made,
    random_rows,
)

STATES = 40
PIECES = ["<fr>", "<start>", "<pad>", "Tuesday", "É", "ñ", "ß", "年", "🗓", "×", "\n", " ", "23", "<", ">"]
SLOW_WORK = """async () => {
    function* work() {
        for (let i = 0; i < 20; i++) {
            const end = performance.now() + 10;
            while (performance.now() < end);
            yield;
        }
        return "done";
    }
    let turns = 0, stopped = "never";
    const ticking = setInterval(() => turns++), stop = new AbortController();
    run.inSlices(work(), value => { stopped = value; }, stop.signal);
    stop.abort();
    const result = await new Promise(done => run.inSlices(work(), done, new AbortController().signal));
    clearInterval(ticking);
    return [result, turns, stopped];
}"""


@pytest.fixture(scope="module")
def scripts(browser):
    with watched(browser) as seen:
        load(seen.page)
        yield seen.page


def test_all_half_precision_numbers_are_read(scripts):
    bits = np.arange(65_536, dtype="<u2")
    finite = bits[np.isfinite(bits.view("<f2"))]
    read = scripts.evaluate(
        "data => [...arithmetic.fromHalves(new DataView(Uint8Array.from(atob(data), c => c.charCodeAt(0)).buffer))]",
        base64.b64encode(finite.tobytes()).decode(),
    )
    assert np.array_equal(np.array(read), finite.view("<f2").astype(float))


@pytest.mark.parametrize("name", CONFIGS)
def test_logits_and_maps_are_those_of_torch(scripts, name):
    config = CONFIGS[name]
    check(scripts, made(config), random_rows(config, 15, seed=1))


@pytest.mark.parametrize("name", CONFIGS)
def test_a_head_that_is_switched_off_adds_nothing(scripts, name):
    config, rng = CONFIGS[name], random.Random(2)
    heads = heads_of(config)
    for off in ([heads[-1]], heads, *(rng.sample(heads, rng.randint(1, len(heads))) for _ in range(4))):
        check(scripts, made(config), random_rows(config, 2, seed=len(off)), off)


@pytest.mark.parametrize("name", CONFIGS)
def test_greedy_decoding_is_that_of_nbcode_whatever_is_hidden(scripts, name):
    config, rng = CONFIGS[name], random.Random(3)
    model = made(config, seed=4)
    build(scripts, model)
    sources = [source for source, _ in random_rows(config, 20, seed=5)]
    hidden = [rng.sample(range(len(s)), rng.randint(0, len(s))) for s in sources[:-1]] + [[*range(len(sources[-1]))]]
    given = [[s, {"hidden": h, "longest": 16}] for s, h in zip(sources, hidden, strict=True)]
    assert scripts.evaluate(WRITTEN, given) == [decoded(model, s, 16, h) for s, h in zip(sources, hidden, strict=True)]


def test_weights_that_do_not_fit_are_refused_by_name(scripts):
    model = made(CONFIGS["pre-norm"])
    (data, shapes), config = packed(model), asdict(model.config)
    for wrong, message in (
        ([{**config, "d_ff": 100}, shapes, data], "encoder.0.feed_forward.inner.weight has 16384 numbers"),
        ([{**config, "encoder_layers": 3}, shapes, data], "encoder.2.feed_forward.inner.weight has no numbers"),
        ([config, shapes, data[:-2]], "the weights are 240447 numbers, and their shapes say 240448"),
    ):
        wrong[2] = base64.b64encode(wrong[2]).decode()
        trying = f"given => {{ try {{ ({BUILD})(given); }} catch (error) {{ return error.message; }} }}"
        told = scripts.evaluate(trying, wrong)
        assert message in told


@settings(derandomize=True, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(written=st.one_of(st.text(max_size=30), st.lists(st.sampled_from(PIECES), max_size=12).map("".join)))
def test_a_text_has_the_tokens_that_nbcode_gives_it(scripts, written):
    words = tokenize(written)
    vocabulary = Vocabulary([*words[::2], "Tuesday", "é"])
    found = scripts.evaluate(
        "([text, all]) => { const words = tokens.tokenize(text); return [words, tokens.encode(words, all)]; }",
        [written, list(vocabulary.tokens)],
    )
    assert found == [words, vocabulary.encode(written)]


def test_a_drawn_token_is_drawn_with_its_probability(scripts):
    rng = random.Random(6)
    for seed in range(STATES):
        logits = [rng.gauss(0, 3) for _ in range(rng.randint(1, 25))]
        temperature = round(10 ** rng.uniform(-1, 1), 3)
        found = scripts.evaluate(
            """([logits, temperature, seed]) => {
                const draw = run.sampler(temperature, seed);
                return [[...run.probabilities(logits, temperature)], Array.from({length: 20}, () => draw(logits))];
            }""",
            [logits, temperature, seed],
        )
        shares = torch.softmax(torch.tensor(logits, dtype=torch.float64) / temperature, dim=0)
        assert found[0] == pytest.approx(shares.tolist(), abs=1e-12)
        uniforms = noise.uniforms(seed)
        drawn = [int(torch.searchsorted(shares.cumsum(0), next(uniforms), right=True)) for _ in range(20)]
        assert found[1] == drawn


def test_a_long_run_lets_the_page_do_other_things(scripts):
    """Work of 200 ms in pieces of 10: something else has its turn in between, and a stopped run never ends."""
    ended = scripts.evaluate(SLOW_WORK)
    assert ended[0] == "done" and ended[1] >= 3 and ended[2] == "never"


def test_a_traced_translation_is_what_greedy_decoding_does():
    model = made(CONFIGS["pre-norm"], seed=8)
    source, target = (Vocabulary(chr(65 + i) for i in range(size - 4)) for size in SIZES.values())
    trace = traced(model, "CABD", source, target, digits=6)
    written = decoded(model, source.encode("CABD"))
    logits, maps = expected(model, source.encode("CABD"), written)
    assert (trace["text"], trace["written"]) == ("CABD", written)
    torch.testing.assert_close(torch.tensor(trace["logits"]), logits[0], rtol=0, atol=1e-5)
    for part in maps:
        for mine, theirs in zip(trace["maps"][part], maps[part], strict=True):
            torch.testing.assert_close(torch.tensor(mine), theirs[0], rtol=0, atol=1e-5)
    assert Translator(example=trace).example == trace


def parts_of(name):
    """What ``Translator.of`` takes."""
    model = made(CONFIGS[name])
    sizes = (model.config.source_vocabulary, model.config.target_vocabulary)
    return [asdict(model.config), packed(model), *([f"{i}" for i in range(size)] for size in sizes)]


@pytest.mark.parametrize("name", CONFIGS)
def test_a_figure_takes_the_parts_of_every_model(name):
    good = parts_of(name)
    figure = Translator.of(*good)
    assert figure.weights == good[1][0] and dict(figure.shapes) == dict(good[1][1]) == shapes_of(figure.config)
    assert figure.source_tokens == good[2] and figure.target_tokens == good[3]
    assert Translator.of(good[0], good[1], tuple(good[2]), tuple(good[3])).config == figure.config


ASDICT = r"give dataclasses.asdict\(model.config\)"
OTHER_CONFIGS = [
    ({}, "no config; give"),
    (None, "config is None; give"),
    *(({"n_heads": value}, rf"config\['n_heads'\] is {value}; {ASDICT}") for value in (0, -1, 4.0, None, True)),
    *(({name: 0}, rf"config\['{name}'\] is 0; ") for name in ("d_model", "d_ff", "max_length", "source_vocabulary")),
    *(({"eps": value}, rf"config\['eps'\] is {value}; ") for value in (0.0, math.nan, math.inf, None)),
    ({"decoder_layers": -1}, r"config\['decoder_layers'\] is -1; "),
    ({"activation": "tanh"}, r"config\['activation'\] is 'tanh'; "),
    ({"norm_first": 1}, r"config\['norm_first'\] is 1; "),
    ({"n_heads": 5}, "d_model=64 is not divisible by n_heads=5"),
    ({"tied": True}, "tied=True needs one vocabulary"),
    ({"source_vocabulary": 54}, r"source_embedding.weight is \[55, 64\] in shapes; the config needs \[54, 64\]"),
    ({"d_ff": 99}, r"encoder.0.feed_forward.inner.weight is \[256, 64\] in shapes; the config needs \[99, 64\]"),
    ({"d_model": 32}, r"source_embedding.weight is \[55, 64\] in shapes; the config needs \[55, 32\]"),
    ({"encoder_layers": 3}, r"encoder.2.attention.project.weight is missing in shapes; the config needs \[192, 64\]"),
    ({"decoder_layers": 1}, r"decoder.1.\S+ is \[192, 64\] in shapes; the config needs no such name"),
    ({"final_norm": False}, r"encoder_norm.weight is \[64\] in shapes; the config needs no such name"),
    ({"tied": True, "source_vocabulary": 25}, r"source_embedding.weight is \[55, 64\]"),
]


@pytest.mark.parametrize(("change", "message"), OTHER_CONFIGS, ids=str)
def test_a_config_that_is_none_or_of_another_model_is_refused(change, message):
    config, *others = parts_of("pre-norm")
    with pytest.raises(ValueError, match=message):
        Translator.of({**config, **change} if change else change, *others)


def test_a_config_tied_unlike_its_model_is_refused():
    config, *others = parts_of("post-norm, tied")
    with pytest.raises(ValueError, match=r"target_embedding.weight is missing in shapes; the config needs \[40, 64\]"):
        Translator.of({**config, "tied": False}, *others)
    config, (data, shapes), _, tokens = parts_of("pre-norm")
    shapes = [("source_embedding.weight", (25, 64)), *shapes[1:]]
    with pytest.raises(ValueError, match=r"target_embedding.weight is \[25, 64\] in shapes; the config needs no"):
        Translator.of({**config, "tied": True, "source_vocabulary": 25}, (data, shapes), tokens, tokens)


PACKED = r"give nbcode.models.packing.packed\(model\)"
OTHER_PACKED = [
    (lambda data, shapes: (data[:-1], shapes), "weights have 480895 bytes; their shapes need 480896, 2 a number"),
    (lambda data, shapes: (data + data, shapes), "weights have 961792 bytes"),
    (lambda data, shapes: (None, shapes), PACKED),
    (lambda data, shapes: None, PACKED),
    (lambda data, shapes: data, PACKED),
    (lambda data, shapes: (data, shapes, 0), PACKED),
    (lambda data, shapes: ("text", shapes), "weights is a str; give bytes"),
    (lambda data, shapes: (data, None), r"shapes must be a list of \[name, shape\]"),
    (lambda data, shapes: (data, shapes + shapes[:1]), "each name once"),
    (lambda data, shapes: (data, [("output.weight", [0, 64])]), "sizes of at least 1"),
    (lambda data, shapes: (data, shapes[1:]), "source_embedding.weight is missing in shapes"),
    (lambda data, shapes: (data, []), "source_embedding.weight is missing in shapes"),
]


@pytest.mark.parametrize(("change", "message"), OTHER_PACKED)
def test_weights_and_shapes_that_do_not_fit_are_refused(change, message):
    config, given, *tokens = parts_of("pre-norm")
    with pytest.raises(ValueError, match=message):
        Translator.of(config, change(*given), *tokens)


def test_tokens_that_do_not_fit_are_refused():
    config, given, source, target = parts_of("pre-norm")
    for tokens, message in (
        ((source[1:], target), "source_tokens has 54 tokens; the model's source vocabulary has 55"),
        ((source, ["a"]), "target_tokens has 1 tokens; the model's target vocabulary has 25"),
        ((None, target), "source_tokens must be a list of strings"),
        ((source, {"t": 25}), "target_tokens must be a list of strings"),
    ):
        with pytest.raises(ValueError, match=message):
            Translator.of(config, given, *tokens)
