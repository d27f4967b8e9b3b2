"""The exercises of the chapter on the transformer."""

from __future__ import annotations

import math
import random

import torch
from torch.nn import functional

from nbcode.exercises.frame import Exercise, Mutant, normal

# --- positions, for any width


def positional_encoding(length, width):
    place = torch.arange(length)[:, None]  # (T, 1)
    even = torch.arange(0, width, 2)  # (ceil(D / 2),): the numbers 2 i
    angle = place / 10_000 ** (even / width)  # (T, ceil(D / 2))
    table = torch.zeros(length, width)
    table[:, 0::2] = angle.sin()
    table[:, 1::2] = angle.cos()[:, : width // 2]  # an odd width: one cosine less
    return table


def _encoded(length, width, first=0, power=1.0, up=False, turned=False, base=10_000):
    """The table with a switch for each typical mistake."""
    place = torch.arange(first, length + first)[:, None]
    angle = place / base ** (power * torch.arange(0, width, 2) / (width + width % 2 * up))
    pairs = [angle.cos(), angle.sin()] if turned else [angle.sin(), angle.cos()]
    return torch.stack(pairs, dim=-1).flatten(1)[:, :width]


def _fails_if_odd(length, width):
    table, angle = torch.zeros(length, width), torch.zeros(length, -(-width // 2))
    table[:, 1::2] = angle
    return positional_encoding(length, width)


def _halves(length, width):
    table = positional_encoding(length, width)
    return torch.cat([table[:, 0::2], table[:, 1::2]], dim=1)


POSITIONAL_ENCODING = Exercise(
    name="positional_encoding",
    chapter="transformer",
    difficulty=1,
    minutes=15,
    task="Return the table of positions, of shape (length, width): for place t, entry 2 i is "
    "sin(t / 10000^(2 i / width)) and entry 2 i + 1 the cosine of the same angle. Places count from 0. It must work "
    "for odd widths, which the article's version does not: there the last entry is a sine without its cosine.",
    hint="`table[:, 0::2]` are the sines and `table[:, 1::2]` the cosines. How many columns has each, at a width of 7?",
    solution=positional_encoding,
    mutants=(
        Mutant(
            _fails_if_odd,
            "it fails at odd widths, as the article's does: there is one cosine less than there are angles",
        ),
        Mutant(
            _halves,
            "all sines come first, then all cosines; here they take turns: sine, cosine, sine, cosine",
        ),
        Mutant(
            lambda length, width: _encoded(length, width, turned=True),
            "sine and cosine are exchanged: even entries are sines",
        ),
        Mutant(
            lambda length, width: _encoded(length, width, power=2.0),
            "the exponent is too large by a factor of 2: torch.arange(0, width, 2) already is 2 i",
        ),
        Mutant(
            lambda length, width: _encoded(length, width, power=0.5),
            "the exponent is i / width; it should be 2 i / width",
        ),
        Mutant(
            lambda length, width: _encoded(length, width, first=1),
            "the first place is 1; places count from 0",
        ),
        Mutant(
            lambda length, width: _encoded(length, width, up=True),
            "at odd widths the angles are those of a width that is larger by one; divide by width itself",
        ),
        Mutant(
            lambda length, width: _encoded(length, width, base=1_000),
            "the base is 1,000; it should be 10,000",
        ),
    ),
    arguments=lambda rng: (rng.randint(2, 4), rng.randint(3, 6)),
    edge_cases=((3, 4), (3, 5), (2, 7)),
)

# --- heads


def split_heads(x, n_heads):
    batch, length, width = x.shape
    heads = x.reshape(batch, length, n_heads, width // n_heads)  # (B, T, N, K)
    return heads.transpose(1, 2)  # (B, N, T, K)


def _sequences(rng: random.Random) -> tuple[torch.Tensor, int]:
    n_heads = rng.randint(2, 3)
    # Lengths that the heads divide too: a wrong split must not be told by its shape alone.
    return normal(rng, rng.randint(1, 2), n_heads * rng.randint(1, 2), 2 * n_heads), n_heads


SPLIT_HEADS = Exercise(
    name="split_heads",
    chapter="transformer",
    difficulty=1,
    minutes=10,
    task="Split queries `x`, of shape (B, T, D), into heads: return (B, N, T, K), where N = `n_heads` and K = D / N. "
    "The first head has the first K columns at every place, the second head the next K, and so on.",
    hint="`reshape` never moves a number past another. It can cut the last dimension into two; which dimensions must "
    "then change places?",
    solution=split_heads,
    mutants=(
        Mutant(
            lambda x, n_heads: x.reshape(len(x), n_heads, x.shape[1], -1),
            "reshaped straight to (B, N, T, K): a head then has all columns of some places, where it should have some "
            "columns of all places; cut the columns first, then exchange two dimensions",
        ),
        Mutant(
            lambda x, n_heads: split_heads(x, n_heads).transpose(1, 2),
            "the shape is (B, T, N, K): bring the heads in front, so that each head's places stand together",
        ),
        Mutant(
            lambda x, n_heads: x.unflatten(-1, (-1, n_heads)).permute(0, 3, 1, 2),
            "the heads take turns: head 0 has the columns 0, N, 2 N and so on; it should have the first K",
        ),
        Mutant(
            lambda x, n_heads: split_heads(x, n_heads).transpose(0, 1),
            "the shape is (N, B, T, K): the batch comes first",
        ),
        Mutant(
            lambda x, n_heads: split_heads(x, n_heads).mT,
            "the shape is (B, N, K, T): that is how keys are turned for the scores; here places come before columns",
        ),
    ),
    arguments=_sequences,
    edge_cases=((torch.arange(24.0).view(1, 4, 6), 2), (torch.arange(12.0).view(2, 2, 3), 3)),
)

# --- attention in several heads


def multi_head(query, key, value, n_heads, hidden):
    def split(x):
        # (B, T, D) -> (B, N, T, K)
        return x.unflatten(-1, (n_heads, -1)).transpose(1, 2)

    q, k, v = split(query), split(key), split(value)
    scores = q @ k.mT / math.sqrt(q.shape[-1])  # (B, N, T, S)
    scores = scores.masked_fill(hidden[:, None], -math.inf)  # (B, 1, T, S)
    found = torch.softmax(scores, dim=-1) @ v  # (B, N, T, K)
    return found.transpose(1, 2).flatten(2)  # (B, T, N, K) -> (B, T, D)


def _heads(query, key, value, n_heads, hidden, whole=False, dim=-1, late=False, merge="right", split="right"):
    """Attention in heads with a switch for each typical mistake."""

    def cut(x):
        right = split_heads(x, n_heads)
        return right if split == "right" else x.reshape(right.shape)

    q, k, v = cut(query), cut(key), cut(value)
    scores = q @ k.mT / math.sqrt(query.shape[-1] if whole else q.shape[-1])
    scores = scores if late else scores.masked_fill(hidden[:, None], -math.inf)
    weights = torch.softmax(scores, dim=dim).nan_to_num()
    weights = weights.masked_fill(hidden[:, None], 0.0) if late else weights
    found = weights @ v
    return (found.transpose(1, 2) if merge == "right" else found).reshape(query.shape)


def _looks(rng: random.Random) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, int, torch.Tensor]:
    n_heads, batch, length, source = 2, rng.randint(1, 2), 2, rng.randint(1, 2) * 2
    hidden = torch.tensor([[[rng.random() < 0.4 for _ in range(source)] for _ in range(length)] for _ in range(batch)])
    hidden[..., rng.randrange(source)] = False  # each query sees a key
    shapes = (length, source, source)
    return *(2 * normal(rng, batch, each, 4) for each in shapes), n_heads, hidden


MULTI_HEAD = Exercise(
    name="multi_head",
    chapter="transformer",
    difficulty=2,
    minutes=20,
    task="Attention in several heads, without the matrices around it: from `query` (B, T, D), `key` and `value` "
    "(B, S, D), return (B, T, D). Head n looks with the n-th K = D / `n_heads` columns of all three, and writes the "
    "n-th K columns of the result. `hidden`, of shape (B, T, S), is true where a query must not see a key; each query "
    "sees at least one. `torch.softmax` is allowed.",
    hint="Split all three, (B, N, T, K). The mask needs one more dimension, for the heads. At the end, put the heads' "
    "columns side by side again: undo what splitting did, in the opposite order.",
    solution=multi_head,
    mutants=(
        Mutant(
            lambda *given: _heads(*given, split="wrong"),
            "split by a reshape straight to (B, N, T, K): this mixes places and heads; cut the columns, then transpose",
        ),
        Mutant(
            lambda *given: _heads(*given, merge="wrong"),
            "merged without the transpose: bring (B, N, T, K) back to (B, T, N, K) before the reshape to (B, T, D)",
        ),
        Mutant(
            lambda *given: _heads(*given, whole=True),
            "the scores are divided by the root of D; a head's query has K entries, so divide by the root of K",
        ),
        Mutant(
            lambda query, key, value, n_heads, hidden: multi_head(query, key, value, 1, hidden),
            "this is one head of width D: each head must look with its own columns",
        ),
        Mutant(
            lambda query, key, value, n_heads, hidden: multi_head(
                query, key, value, n_heads, torch.zeros_like(hidden)
            ),
            "the mask is not used: hidden keys can be seen",
        ),
        Mutant(
            lambda query, key, value, n_heads, hidden: _heads(query, key, value, n_heads, ~hidden),
            "the mask is turned round: true hides a key",
        ),
        Mutant(
            lambda *given: _heads(*given, late=True),
            "hidden weights are set to 0 behind the softmax, so the others no longer add up to 1; hide the scores",
        ),
        Mutant(
            lambda *given: _heads(*given, dim=-2),
            "the softmax runs over the queries: for each query, the weights of the keys must add up to 1",
        ),
    ),
    arguments=_looks,
    edge_cases=(
        (
            torch.tensor([[[1.0, 2.0, 0.0, 1.0], [3.0, 0.0, 1.0, 1.0]]]),
            torch.tensor([[[2.0, 0.0, 1.0, 3.0], [0.0, 1.0, 2.0, 0.0]]]),
            torch.tensor([[[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]]]),
            2,
            torch.tensor([[[False, True], [False, False]]]),
        ),
    ),
)  # fmt: skip

# --- the layer that writes


def decoder_layer(y, memory, attention, cross_attention, network, norm):
    h = norm(y)
    y = y + attention(h, h, h, causal=True)
    y = y + cross_attention(norm(y), memory, memory)
    return y + network(norm(y))


def _decoder(given, parts="xyz", causal=True, order="acn", keys="memory", norm_keys=False, norm=None, post=False):
    """The layer with a switch for each typical mistake. ``parts`` are those with a residual around them."""
    y, memory, attention, cross_attention, network, given_norm = given
    norm = norm or given_norm
    inner = (lambda x: x) if post else norm

    def changed(y, part):
        h = inner(y)
        source = {"memory": norm(memory) if norm_keys else memory, "y": h}[keys]
        return {
            "a": lambda: attention(h, h, h, causal=causal),
            "c": lambda: cross_attention(h, source, source),
            "n": lambda: network(h),
        }[part]()

    for part, residual in zip(order, "xyz", strict=True):
        y = y + changed(y, part) if residual in parts else changed(y, part)
        y = norm(y) if post else y
    return y


def _look(rng: random.Random, width: int):
    """Attention with random matrices; a function, so that nothing of it can be changed."""
    w_q, w_k, w_v = (normal(rng, width, width) for _ in range(3))

    def attend(query, key, value, causal=False):
        scores = query @ w_q @ (key @ w_k).mT  # (B, T, S)
        if causal:
            scores = scores.masked_fill(torch.ones(scores.shape[-2:]).triu(1).bool(), -math.inf)
        return torch.softmax(scores, dim=-1) @ value @ w_v

    return attend


def _layer(rng: random.Random) -> tuple:
    width, length = 3, rng.randint(2, 3)
    inner, outer = normal(rng, width, 4), normal(rng, 4, width)
    y, memory = normal(rng, 1, length, width), normal(rng, 1, length + 1, width)
    attention, cross_attention = _look(rng, width), _look(rng, width)
    return y, memory, attention, cross_attention, lambda x: (x @ inner).relu() @ outer, _norm


def _norm(x):
    return functional.layer_norm(x, x.shape[-1:])


DECODER_LAYER = Exercise(
    name="decoder_layer",
    chapter="transformer",
    difficulty=3,
    minutes=25,
    task="Write the forward pass of a decoder layer in pre-norm: causal self-attention, then cross-attention to "
    "`memory`, then the network, each as y + part(norm(y)). `y` is (B, T, D), `memory` (B, S, D). Given are functions: "
    "`attention` and `cross_attention`, both called as `(query, key, value, causal=False)`, `network` and `norm`. The "
    "encoder has normalized `memory` already.",
    hint="Who asks in cross-attention? The target asks, the source is looked at. And how often is `y` normalized?",
    solution=decoder_layer,
    mutants=(
        Mutant(
            lambda *given: _decoder(given, keys="y"),
            "cross-attention reads its keys and values from y: it must look at the memory, or the source is never seen",
        ),
        Mutant(
            lambda *given: _decoder(given, causal=False),
            "self-attention is not causal: in training each place would see the token that it must predict",
        ),
        Mutant(
            lambda *given: _decoder(given, parts="yz"),
            "around self-attention the residual is missing: add what came in to what the part made of it",
        ),
        Mutant(
            lambda *given: _decoder(given, parts="xz"),
            "around cross-attention the residual is missing: what the target has said so far is lost",
        ),
        Mutant(
            lambda *given: _decoder(given, parts="xy"),
            "around the network the residual is missing: add what came in to what the part made of it",
        ),
        Mutant(
            lambda *given: _decoder(given, post=True),
            "this is post-norm, norm(y + part(y)); here each part reads norm(y), and its change is added to y",
        ),
        Mutant(
            lambda *given: _decoder(given, norm=lambda x: x),
            "nothing is normalized: each part reads norm(y)",
        ),
        Mutant(
            lambda *given: _decoder(given, norm_keys=True),
            "the memory is normalized once more; the encoder's last step was a normalization",
        ),
        Mutant(
            lambda *given: _decoder(given, order="can"),
            "cross-attention comes first; the target looks at itself, then at the memory",
        ),
        Mutant(
            lambda y, memory, attention, cross_attention, network, norm: decoder_layer(
                y, memory, cross_attention, attention, network, norm
            ),
            "attention and cross_attention are exchanged: each has weights of its own",
        ),
    ),
    arguments=_layer,
)

# --- parameters


def count_parameters(d_model, d_ff, layers, vocabulary):
    attention = 4 * (d_model * d_model + d_model)
    network = d_model * d_ff + d_ff + d_ff * d_model + d_model
    norm = 2 * d_model
    encoder = attention + network + 2 * norm
    decoder = 2 * attention + network + 3 * norm
    return layers * (encoder + decoder) + vocabulary * d_model


def _counted(d, f, layers, vocabulary, matrices=4, biases=1, norms=5, attentions=3, networks=2, tables=1):
    """The count with a switch for each typical mistake."""
    attention = matrices * (d * d + biases * d)
    network = 2 * d * f + biases * (f + d)
    return layers * (attentions * attention + networks * network + norms * 2 * d) + tables * vocabulary * d


def _as_text(result, arguments):
    """Whole numbers must be equal, not merely close."""
    try:
        return f"{float(result):,.10g}"
    except (TypeError, ValueError, OverflowError, RuntimeError):
        return result


COUNT_PARAMETERS = Exercise(
    name="count_parameters",
    chapter="transformer",
    difficulty=2,
    minutes=15,
    task="How many parameters has the transformer of the paper? `layers` encoder layers and as many decoder layers, of "
    "width D = `d_model`, with F = `d_ff` inside the network; all linear layers in them have biases. Each part of a "
    "layer has a normalization (scale and shift), and none follows the last layer. One table of `vocabulary` rows "
    "serves as both embeddings and as output layer, which has no bias. Positions are not learned.",
    hint="An attention has four matrices D x D: query, key, value, output. An encoder layer has one attention, a "
    "decoder layer two. The number of heads does not matter. Try it on base: 512, 2048, 6, 37000.",
    solution=count_parameters,
    mutants=(
        Mutant(
            lambda d_model, d_ff, layers, vocabulary: _counted(d_model, d_ff, layers, vocabulary, biases=0),
            "the biases are missing: each linear layer has one number more per output",
        ),
        Mutant(
            lambda d_model, d_ff, layers, vocabulary: _counted(d_model, d_ff, layers, vocabulary, attentions=2),
            "a decoder layer has two attentions: one to itself, one to the memory",
        ),
        Mutant(
            lambda d_model, d_ff, layers, vocabulary: _counted(d_model, d_ff, layers, vocabulary, tables=3),
            "the table is counted three times; it is shared, so it counts once",
        ),
        Mutant(
            lambda d_model, d_ff, layers, vocabulary: _counted(d_model, d_ff, layers, vocabulary, tables=0),
            "the table of embeddings is missing",
        ),
        Mutant(
            lambda d_model, d_ff, layers, vocabulary: _counted(d_model, d_ff, layers, vocabulary, matrices=3),
            "an attention has four matrices: behind the heads comes one that mixes what they found",
        ),
        Mutant(
            lambda d_model, d_ff, layers, vocabulary: _counted(d_model, d_ff, layers, vocabulary, norms=0),
            "the normalizations are missing: each has a scale and a shift of width D",
        ),
        Mutant(
            lambda d_model, d_ff, layers, vocabulary: _counted(d_model, d_ff, layers, vocabulary, norms=4),
            "a decoder layer has three parts, and so three normalizations",
        ),
        Mutant(
            lambda d_model, d_ff, layers, vocabulary: _counted(d_model, d_ff, layers, vocabulary, norms=2.5),
            "a normalization has a scale and a shift, so 2 D numbers",
        ),
        Mutant(
            lambda d_model, d_ff, layers, vocabulary: _counted(d_model, d_ff, 1, vocabulary),
            "this is one layer of each kind; there are as many as layers says",
        ),
        Mutant(
            lambda d_model, d_ff, layers, vocabulary: _counted(d_model, d_ff, layers, vocabulary, networks=1),
            "encoder and decoder layers have a network each",
        ),
    ),
    arguments=lambda rng: (rng.randint(2, 64), rng.randint(2, 256), rng.randint(2, 8), rng.randint(2, 999)),
    view=_as_text,
    edge_cases=((512, 2048, 6, 37_000), (2, 3, 1, 5)),
)

EXERCISES = (POSITIONAL_ENCODING, SPLIT_HEADS, MULTI_HEAD, DECODER_LAYER, COUNT_PARAMETERS)
