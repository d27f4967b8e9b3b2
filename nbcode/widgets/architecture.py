"""The transformer as a diagram: one part after another, with the shape at every arrow."""

from __future__ import annotations

import traitlets

from nbcode.widgets.base import Choice, InteractiveFigure, Whole, bundle, styles

MOST = 64  # of sequences and of tokens: as many as the smallest preset takes
# The sizes of nbcode.models.transformer.PRESETS, and of the vocabularies of the dates; a test compares them.
PRESETS = {
    "date": {
        "d_model": 64,
        "n_heads": 4,
        "d_ff": 256,
        "encoder_layers": 2,
        "decoder_layers": 2,
        "source_vocabulary": 55,
        "target_vocabulary": 25,
        "tied": False,
        "norm_first": True,
    },
    "base": {
        "d_model": 512,
        "n_heads": 8,
        "d_ff": 2048,
        "encoder_layers": 6,
        "decoder_layers": 6,
        "source_vocabulary": 37_000,
        "target_vocabulary": 37_000,
        "tied": True,
        "norm_first": False,
    },
    "big": {
        "d_model": 1024,
        "n_heads": 16,
        "d_ff": 4096,
        "encoder_layers": 6,
        "decoder_layers": 6,
        "source_vocabulary": 37_000,
        "target_vocabulary": 37_000,
        "tied": True,
        "norm_first": False,
    },
}
# By the names of static/architecture_arithmetic.js: what a token meets, with the norms behind what they follow.
AROUND = ("", " add", " norm")
PARTS = (
    *("source embedding", "source positions"),
    *(f"encoder {part}{around}" for part in ("attention", "network") for around in AROUND),
    *("encoder norm", "target embedding", "target positions"),
    *(f"decoder {part}{around}" for part in ("attention", "cross-attention", "network") for around in AROUND),
    *("decoder norm", "output layer", "softmax"),
)


class Architecture(InteractiveFigure):
    """Encoder and decoder, drawn as in figure 1 of Vaswani et al. (2017), with the inside and cost of an active part.

    Traits: ``preset``, the sizes; ``norm``, "post" or "pre", which starts as the preset has it; ``kind``, "both" or
    the "encoder" or "decoder" alone; ``shapes``, as "numbers", as "letters", or as numbers only where the walk has
    been, "ahead"; ``batch``, ``source`` and ``target``, sequences and tokens in each; ``part``, the active one, where
    one that is missing means the next.
    """

    tag = "architecture"
    _esm = bundle("architecture.js")
    _css = styles("base.css", "plane.css", "architecture.css")
    preset = Choice(list(PRESETS), default_value="base").tag(sync=True)
    norm = Choice(["post", "pre"], default_value="post").tag(sync=True)
    kind = Choice(["both", "encoder", "decoder"], default_value="both").tag(sync=True)
    shapes = Choice(["numbers", "letters", "ahead"], default_value="numbers").tag(sync=True)
    batch = Whole(2, min=1, max=MOST).tag(sync=True)
    source = Whole(7, min=1, max=MOST).tag(sync=True)
    target = Whole(5, min=1, max=MOST).tag(sync=True)
    part = Choice(list(PARTS), default_value=PARTS[0]).tag(sync=True)
    presets = traitlets.Dict(PRESETS, read_only=True).tag(sync=True)

    @traitlets.default("norm")
    def _norm_of_the_preset(self):
        return "pre" if PRESETS[self.preset]["norm_first"] else "post"
