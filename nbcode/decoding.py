"""Writing the target one token after another: greedy, and with a beam.

Each step runs the decoder over all that is written so far. Left out: a cache of keys and values, to spare that.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from nbcode.data.vocabulary import END, PADDING, START, Vocabulary, padded
from nbcode.models.transformer import Transformer
from nbcode.training.evaluation import evaluating

LONGEST = 32  # tokens; no date of the course has more


def greedy(
    model: Transformer,
    source_ids: torch.Tensor,
    max_length: int,
    hidden: torch.Tensor | None = None,
) -> torch.Tensor:
    """At each step, take the most probable token.

    Args:
        model: in any mode; it decodes in evaluation mode.
        source_ids: (B, S), on the model's device.
        max_length: the most tokens to write, the end token included.
        hidden: (B, S), true at source places that the decoder must not look at, beside the padding.

    Returns:
        (B, T), T at most ``max_length``, without the start token; behind an end token stands padding. A row without an
        end token was cut off.

    Raises:
        ValueError: ``max_length`` is not from 1 to the model's own, a shape does not fit, or the model's padding is
            not the vocabularies'.
    """
    check_length(model, max_length)
    unseen = source_ids == model.config.padding  # (B, S)
    if hidden is not None:
        check_hidden(hidden, source_ids)
        unseen = unseen | hidden
    with evaluating(model):
        memory = model.encode(source_ids)  # (B, S, D)
        written = source_ids.new_full((len(source_ids), 1), START)
        ended = torch.zeros_like(written, dtype=torch.bool)
        for _ in range(max_length):
            logits = model.decode(written, memory, unseen)[:, -1]  # (B, Vt)
            token = logits.argmax(dim=-1, keepdim=True).to(written.dtype)  # (B, 1)
            token = token.masked_fill(ended, PADDING)
            written = torch.cat([written, token], dim=1)
            ended |= token == END
            if ended.all():  # on a GPU this waits for the result
                break
    return written[:, 1:]


def translate(
    model: Transformer,
    texts: Sequence[str],
    source: Vocabulary,
    target: Vocabulary,
    max_length: int | None = None,
) -> list[str]:
    """The greedy translations of some texts, all in one batch.

    Args:
        model: on any device.
        texts: as many as memory allows.
        source: the vocabulary of the texts; a token that it lacks is read as unknown.
        target: that of the translations.
        max_length: the most tokens to write; ``None``: 32, or the model's own if that is less.

    Raises:
        ValueError: no list of texts, no text, an empty one, one that is longer than the model's ``max_length``, or as
            :func:`greedy`.
    """
    if isinstance(texts, str) or not texts:
        raise ValueError(f"texts is {texts!r}; give a list with at least one text")
    if not all(texts):
        raise ValueError(f"text {list(texts).index('')} is empty; there is nothing to translate in it")
    max_length = min(LONGEST, model.config.max_length) if max_length is None else max_length
    device = model.positions.device
    written = greedy(model, padded([source.encode(text) for text in texts]).to(device), max_length)
    return [target.decode(row) for row in written.tolist()]


def beam(model: Transformer, source_ids: torch.Tensor, max_length: int, width: int) -> list[tuple[float, list[int]]]:
    """Keep the ``width`` best beginnings at each step, of one source.

    Args:
        model: in any mode; it decodes in evaluation mode.
        source_ids: (1, S).
        max_length: the most tokens to write, the end token included.
        width: how many beginnings to keep; with 1 this is greedy decoding.

    Returns:
        Up to ``width`` targets, the best first: the sum of the logarithms of its tokens' probabilities, and its tokens,
        with the end token unless it was cut off. Longer targets have lower sums; here nothing makes up for that.

    Raises:
        ValueError: more than one source, a size out of range, or as :func:`greedy`.
    """
    check_length(model, max_length)
    if len(source_ids) != 1 or width < 1:
        raise ValueError(f"{len(source_ids)} sources and width {width}; give one source, (1, S), and at least width 1")
    finished: list[tuple[float, list[int]]] = []
    with evaluating(model):
        memory, padding = model.encode(source_ids), source_ids == model.config.padding
        written = source_ids.new_full((1, 1), START)  # (W, T), one row for each beginning
        scores = torch.zeros(1, device=source_ids.device)  # (W,)
        for step in range(max_length):
            rows = len(written)
            logits = model.decode(written, memory.expand(rows, -1, -1), padding.expand(rows, -1))[:, -1]  # (W, Vt)
            totals = scores[:, None] + logits.float().log_softmax(dim=-1)  # (W, Vt)
            scores, places = totals.flatten().topk(min(width - len(finished), totals.numel()))
            row, token = places // totals.shape[1], places % totals.shape[1]
            written = torch.cat([written[row], token[:, None].to(written.dtype)], dim=1)
            ends = (token == END) | (step == max_length - 1)
            kept = zip(scores[ends].tolist(), written[ends, 1:].tolist(), strict=True)
            finished += kept
            scores, written = scores[~ends], written[~ends]
            if not len(written):
                break
    return sorted(finished, key=lambda pair: -pair[0])


def check_hidden(hidden: torch.Tensor, source_ids: torch.Tensor) -> None:
    """Refuse what does not say of each place of the sources whether it is hidden."""
    if hidden.shape != source_ids.shape or hidden.dtype != torch.bool:
        came = f"shape {tuple(hidden.shape)} and dtype {hidden.dtype}"
        raise ValueError(f"hidden has {came}; give (B, S) = {tuple(source_ids.shape)} of dtype bool")


def check_length(model: Transformer, max_length: int) -> None:
    """Refuse a length that the model cannot write, and a model that takes the padding written here for a token."""
    if model.config.padding != PADDING:
        raise ValueError(f"the model's padding is token {model.config.padding}; give one that has {PADDING}")
    if not 1 <= max_length <= model.config.max_length:
        raise ValueError(f"max_length is {max_length}; give 1 to {model.config.max_length}, the model's own")
