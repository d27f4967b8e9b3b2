"""Decoding against a plain loop without batches, and a beam against all targets that there are."""

import dataclasses
import itertools
import math

import pytest
import torch
from torch import nn

from nbcode.data.vocabulary import END, PADDING, START, Vocabulary
from nbcode.decoding import beam, greedy, translate
from nbcode.models.transformer import PRESETS, Transformer

V = 5  # padding, start, end, unknown and one more
SMALL = dataclasses.replace(
    PRESETS["date"],
    d_model=8,
    n_heads=2,
    d_ff=12,
    source_vocabulary=9,
    target_vocabulary=V,
    encoder_layers=1,
    decoder_layers=1,
    max_length=12,
)
READ, WRITE = Vocabulary("12345"), Vocabulary("wxyz")  # 9 and 8 tokens
TEXTS = ["1", "214", "41452553", "?", "1?2", "312", "55 55"]  # of several lengths, some with unknown tokens
SEEDS = range(16)
seeds = pytest.mark.parametrize("seed", SEEDS)


def built(seed, vocabulary=V):
    """A transformer with loud random weights, so that it writes different tokens for different sources."""
    torch.manual_seed(seed)
    model = Transformer(dataclasses.replace(SMALL, target_vocabulary=vocabulary)).double()
    for parameter in model.parameters():
        if parameter.ndim > 1:
            nn.init.normal_(parameter)
    nn.init.normal_(model.target_embedding.weight, std=0.3)
    return model


def sources(seed, batch=4, length=6):
    """Rows of different lengths, padded."""
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(1, 9, (batch, length), generator=generator)
    lengths = torch.randint(1, length + 1, (batch, 1), generator=generator)
    return ids.masked_fill(torch.arange(length) >= lengths, PADDING)


def log_probabilities(model, source, written, hidden=None):
    """Of each token that may follow, from one source without padding; shape (V,)."""
    hidden = torch.zeros_like(source, dtype=torch.bool) if hidden is None else hidden
    logits = model.decode(torch.tensor([[START, *written]]), model.encode(source), hidden)
    return logits[0, -1].log_softmax(dim=-1)


def one_by_one(model, source, max_length, hidden=None):
    written = []
    while len(written) < max_length and END not in written:
        written.append(int(log_probabilities(model, source, written, hidden).argmax()))
    return written


def unpadded(row):
    """A source without padding, (1, S)."""
    return row[row != PADDING][None]


@seeds
@pytest.mark.parametrize("max_length", [1, 5, 12])
def test_greedy_writes_what_a_plain_loop_writes_row_by_row(seed, max_length):
    model, source = built(seed).eval(), sources(seed)
    written = greedy(model, source, max_length)
    expected = [one_by_one(model, unpadded(row), max_length) for row in source]
    longest = max(map(len, expected))
    assert written.tolist() == [[*row, *[PADDING] * (longest - len(row))] for row in expected]


def test_the_models_of_these_tests_write_targets_of_several_lengths():
    written = [row for seed in SEEDS for row in greedy(built(seed), sources(seed), 12).tolist()]
    ends = {row.index(END) + 1 if END in row else None for row in written}
    assert None in ends and 1 in ends and len(ends) >= 4 and len(set(map(tuple, written))) > 16


class Script(nn.Module):
    """In place of a transformer: writes given rows, whatever it reads."""

    config = SMALL

    def __init__(self, rows):
        super().__init__()
        self.positions = torch.zeros(1)  # whose device is the model's
        self.rows, self.steps = torch.tensor(rows), 0

    def encode(self, source_ids):
        return source_ids[..., None].double()

    def decode(self, written, memory, padding):
        self.steps += 1
        return nn.functional.one_hot(self.rows[:, : written.shape[1]], len(WRITE)).double()


def test_behind_an_end_stands_padding_and_all_ends_end_the_work():
    script = Script([[4, END, 4, 4, 4], [3, 3, 4, END, 3], [END, 4, 4, 4, 4]])
    written = greedy(script, torch.ones(3, 2, dtype=torch.int64), 12)
    assert written.tolist() == [[4, END, 0, 0], [3, 3, 4, END], [END, 0, 0, 0]]
    assert script.steps == 4


def test_a_row_without_an_end_is_cut_off():
    written = greedy(Script([[4, 4, 4, 4], [END, 3, 3, 3]]), torch.ones(2, 2, dtype=torch.int64), 3)
    assert written.tolist() == [[4, 4, 4], [END, 0, 0]]


@seeds
def test_hidden_places_are_not_looked_at_by_the_decoder_but_read_by_the_encoder(seed):
    model, source = built(seed).eval(), torch.randint(1, 9, (1, 6), generator=torch.Generator().manual_seed(seed))
    hidden = torch.tensor([[True, False, True, False, False, True]])
    assert greedy(model, source, 8, hidden).tolist() == [one_by_one(model, source, 8, hidden)]
    assert torch.equal(greedy(model, source, 8, torch.zeros_like(hidden)), greedy(model, source, 8))


def test_hiding_changes_what_is_written_and_padding_stays_hidden():
    changed = 0
    for seed in range(8):
        model, source = built(seed), sources(seed)
        hidden = torch.zeros_like(source, dtype=torch.bool)
        hidden[:, 0] = True
        written = greedy(model, source, 8, hidden)
        changed += not torch.equal(written, greedy(model, source, 8))
        for row, out in zip(source, written, strict=True):
            alone = greedy(model, unpadded(row), 8, (torch.arange(int((row != PADDING).sum())) == 0)[None])
            assert out[: alone.shape[1]].tolist() == alone[0].tolist()
    assert changed > 2


@seeds
def test_a_beam_as_wide_as_all_targets_finds_all_of_them_with_their_probabilities(seed):
    model, source = built(seed).eval(), unpadded(sources(seed)[0])
    scores = {}
    for length in (1, 2, 3):
        for target in itertools.product(range(V), repeat=length):
            if END not in target[:-1] and (target[-1] == END or length == 3):
                steps = [log_probabilities(model, source, target[:i])[token] for i, token in enumerate(target)]
                scores[target] = sum(steps).item()
    found = beam(model, source, 3, width=V**3)
    assert {tuple(target) for _, target in found} == set(scores) and len(found) == len(scores)
    assert all(score == pytest.approx(scores[tuple(target)], abs=1e-4) for score, target in found)
    assert math.fsum(math.exp(score) for score, _ in found) == pytest.approx(1, abs=1e-5)
    assert [score for score, _ in found] == pytest.approx(sorted(scores.values(), reverse=True), abs=1e-4)


@seeds
@pytest.mark.parametrize("width", [2, 3, 6])
def test_a_narrow_beam_gives_true_scores_in_order(seed, width):
    model, source = built(seed).eval(), unpadded(sources(seed)[0])
    found = beam(model, source, 6, width)
    assert len(found) == width and len({tuple(target) for _, target in found}) == width
    assert [score for score, _ in found] == sorted((score for score, _ in found), reverse=True)
    for score, target in found:
        steps = [log_probabilities(model, source, target[:i])[token] for i, token in enumerate(target)]
        assert score == pytest.approx(sum(steps).item(), abs=1e-4)
        assert END not in target[:-1] and (target[-1] == END or len(target) == 6)


@seeds
def test_a_beam_of_width_one_is_greedy(seed):
    model, source = built(seed), unpadded(sources(seed)[0])
    ((_, target),) = beam(model, source, 12, width=1)
    assert target == greedy(model, source, 12)[0].tolist()


def test_a_wider_beam_often_finds_a_likelier_target():
    gains = []
    for seed in range(20):
        model, source = built(seed, vocabulary=8), unpadded(sources(seed)[0])
        gains.append(beam(model, source, 6, width=8)[0][0] - beam(model, source, 6, width=1)[0][0])
    assert sum(gain > 0.01 for gain in gains) >= 5


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(
    "decode", [lambda *given: greedy(*given), lambda *given: beam(*given, 2)], ids=["greedy", "beam"]
)
def test_the_mode_of_the_model_is_what_it_was(decode, training):
    model = built(0)
    model.dropout.p = 0.9
    model.train(training)
    first, second = (decode(model, sources(0)[:1], 5) for _ in range(2))
    assert torch.equal(first, second) if isinstance(first, torch.Tensor) else first == second
    assert {module.training for module in model.modules()} == {training}
    with pytest.raises(ValueError, match="source_ids go from 99 to 99"):
        decode(model, torch.tensor([[99]]), 5)
    assert {module.training for module in model.modules()} == {training} and torch.is_grad_enabled()


def test_tokens_have_the_dtype_of_the_source_and_batches_may_be_empty():
    model = built(0)
    assert greedy(model, sources(0).int(), 3).dtype is torch.int32
    assert greedy(model, sources(0)[:0], 3).shape[0] == 0
    nothing = torch.zeros(2, 0, dtype=torch.int64)  # a text without tokens
    assert len(greedy(model, nothing, 3)) == 2 and len(beam(model, nothing[:1], 3, 2)) == 2


@pytest.mark.parametrize("max_length", [0, -1, 13])
def test_a_length_that_the_model_cannot_write_is_refused(max_length):
    for decode in (greedy, lambda *given: beam(*given, 2)):
        with pytest.raises(ValueError, match=f"max_length is {max_length}; give 1 to 12, the model's own"):
            decode(built(0), sources(0)[:1], max_length)


def test_what_does_not_fit_is_refused():
    model = built(0)
    with pytest.raises(ValueError, match="2 sources and width 3; give one source"):
        beam(model, sources(0)[:2], 3, 3)
    with pytest.raises(ValueError, match=r"1 sources and width 0; .* at least width 1"):
        beam(model, sources(0)[:1], 3, 0)
    for hidden in (torch.zeros(4, 5).bool(), torch.zeros(1, 6).bool(), torch.zeros(4, 6)):
        with pytest.raises(ValueError, match=r"hidden has shape .*; give \(B, S\) = \(4, 6\) of dtype bool"):
            greedy(model, sources(0), 3, hidden)
    with pytest.raises(ValueError, match=r"source_ids have shape \(6,\)"):
        greedy(model, sources(0)[0], 3)


# --- texts


@seeds
@pytest.mark.parametrize("max_length", [1, 5, 12])
def test_texts_are_translated_as_by_a_plain_loop_each_alone(seed, max_length):
    model = built(seed, vocabulary=len(WRITE)).eval()
    expected = [WRITE.decode(one_by_one(model, torch.tensor([READ.encode(text)]), max_length)) for text in TEXTS]
    assert translate(model, TEXTS, READ, WRITE, max_length) == expected
    assert [translate(model, [text], READ, WRITE, max_length)[0] for text in TEXTS] == expected


def test_the_models_of_these_tests_write_several_texts():
    models = [built(seed, vocabulary=len(WRITE)) for seed in SEEDS]
    found = [text for model in models for text in translate(model, TEXTS, READ, WRITE)]
    assert len(set(found)) > 30 and len(set(map(len, found))) > 5


def test_an_unknown_token_is_read_as_one_and_written_as_a_sign_of_its_own():
    model = built(3, vocabulary=len(WRITE))
    assert len(set(translate(model, ["1?2", "1!2", "1é2", "1<pad>2", "1six2"], READ, WRITE))) == 1
    script = Script([[4, 3, 5, END]])
    assert translate(script, ["1"], READ, WRITE) == ["w\ufffdx"]


@pytest.mark.parametrize(("longest", "written"), [(12, 12), (31, 31), (32, 32), (33, 32), (64, 32)])
def test_without_a_length_it_writes_up_to_32_tokens_or_as_many_as_the_model_can(longest, written):
    script = Script([[4] * 65])
    script.config = dataclasses.replace(SMALL, max_length=longest)
    assert translate(script, ["1"], READ, WRITE) == ["w" * written]
    assert translate(script, ["1"], READ, WRITE, max_length=longest) == ["w" * longest]


@pytest.mark.parametrize("training", [True, False])
def test_translating_leaves_the_model_in_its_mode(training):
    model = built(0, vocabulary=len(WRITE))
    model.dropout.p = 0.9
    model.train(training)
    assert translate(model, TEXTS, READ, WRITE) == translate(model, tuple(TEXTS), READ, WRITE)
    assert {module.training for module in model.modules()} == {training}


@pytest.mark.parametrize(
    ("texts", "max_length", "told"),
    [
        ("123", 5, "texts is '123'; give a list with at least one text"),
        ("", 5, "texts is ''; give a list"),
        ([], 5, r"texts is \[\]; give a list with at least one text"),
        ([""], 5, "text 0 is empty; there is nothing to translate in it"),
        (["1", "123", ""], None, "text 2 is empty"),
        (["1", "1234512345123"], None, "the source has 13 tokens; this model takes up to max_length=12"),
        (["1"], 13, "max_length is 13; give 1 to 12, the model's own"),
        (["1"], 0, "max_length is 0"),
    ],
    ids=str,
)
def test_texts_and_lengths_that_do_not_fit_are_refused(texts, max_length, told):
    model = built(0, vocabulary=len(WRITE))
    with pytest.raises(ValueError, match=told):
        translate(model, texts, READ, WRITE, max_length)
    assert model.training


def test_a_model_whose_padding_is_a_token_here_is_refused():
    model = Transformer(dataclasses.replace(SMALL, padding=4, target_vocabulary=len(WRITE)))
    ids = torch.tensor([[5, 6]])
    for decode in (
        lambda: greedy(model, ids, 5),
        lambda: beam(model, ids, 5, 2),
        lambda: translate(model, ["1"], READ, WRITE),
    ):
        with pytest.raises(ValueError, match="the model's padding is token 4; give one that has 0"):
            decode()
