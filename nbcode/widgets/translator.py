"""The trained translator in the page: what it needs to run, and what a reader has changed."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import traitlets

from nbcode.widgets.base import BadTrait, Choice, InteractiveFigure, Number, Whole, bundle, styles

TEMPERATURES = 0.1, 10.0
SEEDS = 10_000
LONGEST = 512  # the most places that a trait may name; the model's own limit stands in its configuration
PARTS = ("encoder", "decoder", "cross")  # by the names of nbcode.models.transformer
ACTIVATIONS = ("relu", "gelu")
TRACE = ("text", "written", "logits", "maps")
FONT = Path(__file__).parents[1] / "plots" / "fonts" / "dates-regular.otf"  # many machines have no Chinese characters


def font_face() -> str:
    """The style that brings the characters of Chinese dates along."""
    data = base64.b64encode(FONT.read_bytes()).decode()
    return f'@font-face{{font-family:"nb East Asian";src:url(data:font/otf;base64,{data});unicode-range:U+4E00-9FFF}}'


def at_least(least: int) -> Callable[[object], bool]:
    """Whether a value is a whole number that is not below a limit."""
    return lambda value: type(value) is int and value >= least


def is_bool(value: object) -> bool:
    """Whether a value is True or False."""
    return isinstance(value, bool)


CONFIG = {
    "d_model": at_least(1),
    "n_heads": at_least(1),
    "d_ff": at_least(1),
    "norm_first": is_bool,
    "activation": lambda value: value in ACTIVATIONS,
    "eps": lambda value: type(value) is float and 0 < value < math.inf,
    "source_vocabulary": at_least(1),
    "target_vocabulary": at_least(1),
    "encoder_layers": at_least(0),
    "decoder_layers": at_least(0),
    "max_length": at_least(1),
    "tied": is_bool,
    "final_norm": is_bool,
}


class Config(traitlets.Dict):
    """The sizes of a transformer, as ``dataclasses.asdict`` gives them; empty as long as there is none."""

    def validate(self, obj, value):
        """What the figure needs of it, or a ``BadTrait`` that names the first thing missing or out of its range."""
        if not isinstance(value, Mapping):
            raise BadTrait(f"{self.name} is {value!r}; give dataclasses.asdict(model.config)")
        for name, fits in CONFIG.items() if value else ():
            if not fits(value.get(name)):
                raise BadTrait(f"{self.name}[{name!r}] is {value.get(name)!r}; give dataclasses.asdict(model.config)")
        if value and value["d_model"] % value["n_heads"]:
            raise BadTrait(f"d_model={value['d_model']} is not divisible by n_heads={value['n_heads']}")
        if value and value["tied"] and value["source_vocabulary"] != value["target_vocabulary"]:
            raise BadTrait("tied=True needs one vocabulary for both; its two sizes differ")
        return {name: value[name] for name in CONFIG if value}


def shapes_of(config: Mapping[str, object]) -> dict[str, list[int]]:
    """Name and shape of each parameter of a transformer with this configuration.

    Typed again here, since figures do without PyTorch, and so without ``nbcode.models.transformer``; a test compares.
    """
    d, f = config["d_model"], config["d_ff"]
    linear = lambda name, rows, columns: {f"{name}.weight": [rows, columns], f"{name}.bias": [rows]}
    norm = lambda name: {f"{name}.weight": [d], f"{name}.bias": [d]}
    shapes = {"source_embedding.weight": [config["source_vocabulary"], d]}
    if not config["tied"]:
        shapes |= {f"{name}.weight": [config["target_vocabulary"], d] for name in ("target_embedding", "output")}
    if config["final_norm"]:
        shapes |= norm("encoder_norm") | norm("decoder_norm")
    for side, crossing in (("encoder", {}), ("decoder", {"cross_attention": "cross"})):
        for at in (f"{side}.{number}" for number in range(config[f"{side}_layers"])):
            for attention, around in {"attention": "attention", **crossing}.items():
                shapes |= linear(f"{at}.{attention}.project", 3 * d, d) | linear(f"{at}.{attention}.output", d, d)
                shapes |= norm(f"{at}.around_{around}.norm")
            shapes |= linear(f"{at}.feed_forward.inner", f, d) | linear(f"{at}.feed_forward.outer", d, f)
            shapes |= norm(f"{at}.around_feed_forward.norm")
    return shapes


class Shapes(traitlets.List):
    """Name and shape of each parameter, in the order of the weights."""

    def validate(self, obj, value):
        """The pairs as lists, or a ``BadTrait``."""
        try:
            pairs = [[name, list(shape)] for name, shape in value]
        except (TypeError, ValueError):
            pairs = [[None, []]]
        right = all(isinstance(name, str) and all(map(at_least(1), shape)) for name, shape in pairs)
        if not right or len(dict(pairs)) < len(pairs):
            told = "each name once and sizes of at least 1, as nbcode.models.packing.packed gives it"
            raise BadTrait(f"{self.name} must be a list of [name, shape] with {told}")
        return pairs


class Weights(traitlets.Bytes):
    """Numbers in half precision, or None."""

    def validate(self, obj, value):
        """The bytes, or a ``BadTrait``."""
        if not isinstance(value, bytes):
            raise BadTrait(f"{self.name} is a {type(value).__name__}; give bytes, from nbcode.models.packing.packed")
        return value


class Tokens(traitlets.List):
    """The tokens of a vocabulary by their numbers."""

    def validate(self, obj, value):
        """The tokens as a list, or a ``BadTrait``."""
        if not isinstance(value, (list, tuple)) or not all(isinstance(token, str) for token in value):
            raise BadTrait(f"{self.name} must be a list of strings: vocabulary.tokens")
        return list(value)


class Places(traitlets.List):
    """Places of a source, from 0."""

    def validate(self, obj, value):
        """The places without repetitions, or a ``BadTrait``."""
        right = isinstance(value, (list, tuple)) and all(type(i) is int and 0 <= i < LONGEST for i in value)
        if not right:
            raise BadTrait(f"{self.name} is {value!r}; give a list of places from 0 to {LONGEST - 1}")
        return list(dict.fromkeys(value))


def is_head(value: object) -> bool:
    """Whether a value is [part, layer, head]."""
    right = isinstance(value, (list, tuple)) and len(value) == 3 and value[0] in PARTS
    return right and all(type(number) is int and number >= 0 for number in value[1:])


class Head(traitlets.List):
    """One attention head: [part, layer, head], where layer and head count from 0."""

    def validate(self, obj, value):
        """The head as a list, or a ``BadTrait``."""
        if not is_head(value):
            raise BadTrait(f"{self.name} is {value!r}; give [part, layer, head] with a part of {', '.join(PARTS)}")
        return list(value)


class Heads(traitlets.List):
    """Several attention heads."""

    def validate(self, obj, value):
        """The heads as a list of lists, or a ``BadTrait``."""
        if not isinstance(value, (list, tuple)) or not all(map(is_head, value)):
            raise BadTrait(f"{self.name} is {value!r}; give [part, layer, head] with a part of {', '.join(PARTS)}")
        return [list(head) for head in value]


class Trace(traitlets.Dict):
    """A stored translation, as ``nbcode.probes.traced`` gives it; empty as long as there is none."""

    def validate(self, obj, value):
        """The trace, or a ``BadTrait``."""
        if not isinstance(value, Mapping) or (value and set(value) != set(TRACE)):
            raise BadTrait(f"{self.name} must be empty or have {', '.join(TRACE)}, as nbcode.probes.traced gives it")
        return dict(value)


class Text(traitlets.Unicode):
    """A text, of any length: what is too long for the model is refused in the page, with a sentence."""

    def validate(self, obj, value):
        """The text, or a ``BadTrait``."""
        if not isinstance(value, str):
            raise BadTrait(f"{self.name} is {value!r}; give a text")
        return value


class Translator(InteractiveFigure):
    """A transformer that translates in the page, with its attention and with what a reader changes in it.

    :meth:`of` makes one from a trained model. Its weights are in half precision; the page computes in double.

    Traits of the model: ``config``, its sizes; ``weights``, bytes, or None as long as there are none; ``shapes``, name
    and shape of each parameter; ``source_tokens`` and ``target_tokens``; ``example``, a stored translation that is
    shown while there are no weights.

    Traits that a reader changes: ``text``, what is translated; ``hidden``, places of the source that the decoder
    must not look at; ``off``, heads whose output is 0; ``temperature``; ``choose``, "greedy" for the most probable
    token or "sampled" for a drawn one; ``seed``, of the drawing; ``step``, the decoding step that is looked at;
    ``place``, the row of the encoder's maps; ``head``, the one whose map is large.
    """

    tag = "translator"
    _esm = bundle("translator.js")
    _css = styles("base.css", "plane.css", "translator.css") + font_face()
    config = Config().tag(sync=True)
    shapes = Shapes().tag(sync=True)
    weights = Weights(None, allow_none=True).tag(sync=True)
    source_tokens = Tokens().tag(sync=True)
    target_tokens = Tokens().tag(sync=True)
    example = Trace().tag(sync=True)
    text = Text("Tuesday, January 23, 2029").tag(sync=True)
    hidden = Places().tag(sync=True)
    off = Heads().tag(sync=True)
    temperature = Number(1.0, min=TEMPERATURES[0], max=TEMPERATURES[1]).tag(sync=True)
    choose = Choice(["greedy", "sampled"], default_value="greedy").tag(sync=True)
    seed = Whole(0, min=0, max=SEEDS - 1).tag(sync=True)
    step = Whole(0, min=0, max=LONGEST - 1).tag(sync=True)
    place = Whole(0, min=0, max=LONGEST - 1).tag(sync=True)
    head = Head(["cross", 0, 0]).tag(sync=True)

    @classmethod
    def of(
        cls,
        config: Mapping[str, object],
        packed: tuple[bytes, Sequence],
        source_tokens: Sequence[str],
        target_tokens: Sequence[str],
        **traits,
    ) -> Translator:
        """The figure of a trained model.

        Args:
            config: ``dataclasses.asdict(model.config)``.
            packed: the weights and their shapes, from ``nbcode.models.packing.packed(model)``.
            source_tokens: the source vocabulary's ``tokens``.
            target_tokens: the target vocabulary's ``tokens``.
            traits: others, for example ``example=nbcode.probes.traced(...)`` or ``text="Jan 5, 1999"``.

        Raises:
            ValueError: a bad value, or parts that do not fit each other.
        """
        if not isinstance(packed, (list, tuple)) or len(packed) != 2 or packed[0] is None:
            raise BadTrait("packed must be bytes and shapes; give nbcode.models.packing.packed(model)")
        weights, shapes = packed
        figure = cls(
            config=config,
            weights=weights,
            shapes=shapes,
            source_tokens=source_tokens,
            target_tokens=target_tokens,
            **traits,
        )
        figure._check_sizes()
        return figure

    def _check_sizes(self) -> None:
        if not self.config:
            raise BadTrait("no config; give dataclasses.asdict(model.config)")
        came, needed = dict(self.shapes), shapes_of(self.config)
        for name in needed | came:
            if came.get(name) != needed.get(name):
                told = f"{came.get(name, 'missing')} in shapes; the config needs {needed.get(name, 'no such name')}"
                raise BadTrait(f"{name} is {told}")
        numbers = sum(map(math.prod, came.values()))
        if len(self.weights) != 2 * numbers:
            raise BadTrait(f"weights have {len(self.weights)} bytes; their shapes need {2 * numbers}, 2 a number")
        for side in ("source", "target"):
            tokens, size = len(getattr(self, f"{side}_tokens")), self.config[f"{side}_vocabulary"]
            if tokens != size:
                raise BadTrait(f"{side}_tokens has {tokens} tokens; the model's {side} vocabulary has {size}")
