"""What the tests of the translator share: its modules in an empty page, small networks, and what PyTorch says."""

import base64
import copy
import random
from dataclasses import asdict, replace

import torch

from nbcode.data.vocabulary import START
from nbcode.decoding import greedy
from nbcode.models.packing import packed, unpack_into
from nbcode.models.transformer import PRESETS, Transformer, TransformerConfig
from nbcode.widgets.base import bundle

LONGEST = 64
SIZES = {"source_vocabulary": 55, "target_vocabulary": 25}
CONFIGS = {
    "pre-norm": replace(PRESETS["date"], **SIZES),
    "post-norm, tied": replace(
        PRESETS["date"], source_vocabulary=40, target_vocabulary=40, tied=True, norm_first=False, final_norm=False
    ),
    "gelu, one head, odd numbers": replace(
        PRESETS["date"], **SIZES, d_model=30, n_heads=1, d_ff=7, activation="gelu", decoder_layers=3, eps=1e-3
    ),
    "no encoder layer": replace(PRESETS["date"], **SIZES, encoder_layers=0),
}
LOAD = """async texts => {
    for (const [name, text] of Object.entries(texts))
        window[name] = await import(URL.createObjectURL(new Blob([text], {type: "text/javascript"})));
}"""
BUILD = """([config, shapes, data]) => {
    const bytes = Uint8Array.from(atob(data), letter => letter.charCodeAt(0));
    window.network = new arithmetic.Network(config, shapes, arithmetic.fromHalves(new DataView(bytes.buffer)));
}"""
# The tokens that are written are given: what a network would choose after each of them is then compared.
FORCED = """([source, written, settings]) => {
    let t = 0;
    const trace = run.translate(network, source, {...settings, choose: () => written[t++], longest: written.length});
    return {logits: trace.logits.map(row => [...row]), maps: JSON.parse(JSON.stringify(trace.maps, (_, value) =>
        value instanceof Float64Array ? [...value] : value))};
}"""
WRITTEN = "sources => sources.map(([source, settings]) => run.translate(network, source, settings).written)"


def load(page) -> None:
    """The modules of the figure in an empty page: what they compute needs no figure."""
    page.goto("about:blank")
    names = {"arithmetic": "translator_arithmetic.js", "run": "translator_run.js", "tokens": "translator_tokens.js"}
    page.evaluate(LOAD, {key: bundle(name) for key, name in names.items()})


def made(config: TransformerConfig, seed: int = 0) -> Transformer:
    """A network with random weights, large enough that no attention is flat, rounded to half precision."""
    torch.manual_seed(seed)
    model = Transformer(config).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "norm" in name or parameter.ndim == 1:
                parameter += 0.3 * torch.randn_like(parameter)  # else scales are 1 and shifts are 0
            elif "project" in name:
                parameter *= 1.5
    unpack_into(model, *packed(model))
    return model


def build(page, model: Transformer) -> None:
    data, shapes = packed(model)
    page.evaluate(BUILD, [asdict(model.config), shapes, base64.b64encode(data).decode()])


def random_rows(config: TransformerConfig, n: int, seed: int) -> list[tuple[list[int], list[int]]]:
    """Sources and targets of every length."""
    rng = random.Random(seed)
    row = lambda vocabulary: [rng.randrange(3, vocabulary) for _ in range(rng.randint(1, 20))]
    return [(row(config.source_vocabulary), row(config.target_vocabulary)) for _ in range(n)]


def without_heads(model: Transformer, off: list[tuple[str, int, int]]) -> Transformer:
    """A copy in which what these heads put out is multiplied by zero."""
    changed = copy.deepcopy(model)
    for part, layer, head in off:
        block = (changed.encoder if part == "encoder" else changed.decoder)[layer]
        attention = block.cross_attention if part == "cross" else block.attention
        width = attention.output.in_features // attention.n_heads
        with torch.no_grad():
            attention.output.weight[:, head * width : (head + 1) * width] = 0
    return changed


def heads_of(config: TransformerConfig) -> list[tuple[str, int, int]]:
    layers = {"encoder": config.encoder_layers, "decoder": config.decoder_layers, "cross": config.decoder_layers}
    return [(part, at, h) for part, count in layers.items() for at in range(count) for h in range(config.n_heads)]


def expected(model: Transformer, source: list[int], written: list[int]):
    with torch.no_grad():
        return model(torch.tensor([source]), torch.tensor([[START, *written[:-1]]]), need_weights=True)


def decoded(model: Transformer, source: list[int], longest: int = LONGEST, hidden: list[int] = ()) -> list[int]:
    ids = torch.tensor([source])
    mask = torch.zeros_like(ids, dtype=torch.bool)
    mask[0, list(hidden)] = True
    return greedy(model, ids, longest, mask)[0].tolist()


def check(page, model: Transformer, rows, off=()) -> None:
    """Logits and maps of the page equal PyTorch's."""
    build(page, model)
    twin = without_heads(model, off)
    for source, written in rows:
        found = page.evaluate(FORCED, [source, written, {"off": [" ".join(map(str, head)) for head in off]}])
        logits, maps = expected(twin, source, written)
        torch.testing.assert_close(torch.tensor(found["logits"], dtype=torch.float32), logits[0], rtol=0, atol=1e-3)
        for part, layers in maps.items():
            assert len(found["maps"][part]) == len(layers)
            for mine, theirs in zip(found["maps"][part], layers, strict=True):
                full = [[[*row, *[0.0] * (theirs.shape[-1] - len(row))] for row in head] for head in mine]
                torch.testing.assert_close(torch.tensor(full, dtype=torch.float32), theirs[0], rtol=0, atol=1e-4)
