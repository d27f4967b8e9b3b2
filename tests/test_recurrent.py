"""RNN, GRU and embedding against PyTorch's, in values and gradients; padding against packed sequences."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

from nbcode.models.embedding import Embedding
from nbcode.models.masks import padding_mask
from nbcode.models.recurrent import GRU, RNN

repeatable = settings(derandomize=True, deadline=None, max_examples=50)
CLOSE = {"atol": 1e-9, "rtol": 1e-9}
PAIRS = {"RNN": (RNN, nn.RNN), "GRU": (GRU, nn.GRU)}
each_kind = pytest.mark.parametrize(("own", "twin"), PAIRS.values(), ids=PAIRS)


def normal(seed, *shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def torchs(twin, inputs, hidden, seed=0, **options):
    module = twin(inputs, hidden, batch_first=True, dtype=torch.float64, **options)
    for number, parameter in enumerate(module.parameters()):
        nn.init.normal_(parameter, generator=torch.Generator().manual_seed(seed + number))
    return module


def assert_same_gradients(ours, theirs):
    for name, parameter in ours.named_parameters():
        twin = getattr(theirs, f"{name}_l0", None)
        if twin is not None:
            torch.testing.assert_close(parameter.grad, twin.grad, **CLOSE)


@each_kind
@repeatable
@given(
    batch=st.integers(1, 3),
    length=st.integers(1, 7),
    inputs=st.integers(1, 4),
    hidden=st.integers(1, 5),
    start=st.booleans(),
    bias=st.booleans(),
    seed=st.integers(0, 2**16),
)
def test_values_and_gradients_equal_pytorchs(own, twin, batch, length, inputs, hidden, start, bias, seed):
    theirs = torchs(twin, inputs, hidden, seed, bias=bias)
    ours = own.from_torch(theirs)
    x, x_theirs = (normal(seed, batch, length, inputs).requires_grad_() for _ in range(2))
    state, state_theirs = (normal(seed + 1, batch, hidden).requires_grad_() for _ in range(2))
    states, last = ours(x, state) if start else ours(x)
    states_theirs, last_theirs = theirs(x_theirs, state_theirs[None]) if start else theirs(x_theirs)
    torch.testing.assert_close(states, states_theirs, **CLOSE)
    torch.testing.assert_close(last, last_theirs[0], **CLOSE)
    on_states, on_last = normal(seed + 2, *states.shape), normal(seed + 3, *last.shape)
    ((states * on_states).sum() + (last * on_last).sum()).backward()
    ((states_theirs * on_states).sum() + (last_theirs[0] * on_last).sum()).backward()
    torch.testing.assert_close(x.grad, x_theirs.grad, **CLOSE)
    if start:
        torch.testing.assert_close(state.grad, state_theirs.grad, **CLOSE)
    assert_same_gradients(ours, theirs)


@each_kind
@repeatable
@given(lengths=st.lists(st.integers(1, 6), min_size=1, max_size=4), more=st.integers(0, 2), seed=st.integers(0, 2**16))
def test_at_padding_the_state_stands_still_as_in_packed_sequences(own, twin, lengths, more, seed):
    theirs = torchs(twin, 3, 4, seed)
    ours = own.from_torch(theirs)
    lengths = torch.tensor(lengths)
    length = int(lengths.max()) + more
    x, x_theirs = (normal(seed, len(lengths), length, 3).requires_grad_() for _ in range(2))
    mask = padding_mask(lengths, length)
    states, last = ours(x, padding_mask=mask)
    packed = pack_padded_sequence(x_theirs, lengths, batch_first=True, enforce_sorted=False)
    _, last_theirs = theirs(packed)
    torch.testing.assert_close(last, last_theirs[0], **CLOSE)
    assert torch.equal(states[:, -1], last)
    upstream = normal(seed + 1, *last.shape)
    last.backward(upstream)
    last_theirs[0].backward(upstream)
    torch.testing.assert_close(x.grad, x_theirs.grad, **CLOSE)
    assert not x.grad[mask].any()
    assert_same_gradients(ours, theirs)


@each_kind
def test_padding_in_front_and_in_between_is_skipped_too(own, twin):
    ours = own.from_torch(torchs(twin, 2, 3))
    x = normal(0, 1, 5, 2)
    mask = torch.tensor([[True, False, True, True, False]])
    states, last = ours(x, padding_mask=mask)
    kept, last_kept = ours(x[:, [1, 4]])
    torch.testing.assert_close(last, last_kept, **CLOSE)
    torch.testing.assert_close(states[:, [1, 4]], kept, **CLOSE)
    assert not states[:, 0].any() and torch.equal(states[:, 3], states[:, 1])


@each_kind
def test_a_sequence_read_in_two_parts_ends_in_the_same_state(own, twin):
    ours = own.from_torch(torchs(twin, 2, 3))
    x = normal(0, 2, 6, 2)
    states, last = ours(x)
    _, middle = ours(x[:, :4])
    rest, last_again = ours(x[:, 4:], middle)
    torch.testing.assert_close(rest, states[:, 4:], **CLOSE)
    torch.testing.assert_close(last_again, last, **CLOSE)


@each_kind
@pytest.mark.parametrize(("batch", "length"), [(2, 0), (0, 3), (0, 0)])
def test_nothing_to_read_leaves_the_state_as_it_is(own, twin, batch, length):
    ours = own(2, 3).double()
    start = normal(0, batch, 3)
    states, last = ours(torch.zeros(batch, length, 2, dtype=torch.float64), start)
    assert states.shape == (batch, length, 3) and states.dtype is last.dtype is torch.float64
    if length == 0:
        assert torch.equal(last, start)


def test_an_open_update_gate_keeps_the_state_and_a_closed_one_replaces_it():
    gru = GRU(2, 3)
    x, start = torch.randn(4, 6, 2), torch.rand(4, 3)
    with torch.no_grad():
        gru.bias_ih[3:6] = 1000.0  # the rows of z
        assert torch.equal(gru(x, start)[1], start)
        gru.bias_ih[3:6] = -1000.0
        gru.bias_ih[:3] = -1000.0  # r = 0: the candidate does not see the state
        torch.testing.assert_close(gru(x, start)[1], gru(x[:, -1:], torch.zeros(4, 3))[1])


def test_the_reset_gate_meets_the_state_after_the_product_as_in_pytorch_and_not_before():
    gru = GRU(1, 2).double()
    with torch.no_grad():
        for parameter in gru.parameters():
            parameter.zero_()
        gru.bias_ih[0] = 40.0  # r = 1 for the first unit, 0 for the second
        gru.bias_ih[1] = -40.0
        gru.bias_ih[2:4] = -40.0  # z = 0: the candidate becomes the state
        gru.weight_hh[4] = torch.tensor([0.0, 1.0])  # the first candidate reads the second unit
        state = torch.tensor([[0.0, 0.5]], dtype=torch.float64)
        after = gru(torch.zeros(1, 1, 1, dtype=torch.float64), state)[1]
    # In Cho et al. the second unit would be reset before the first can read it, and this would be tanh(0).
    assert after[0, 0].item() == pytest.approx(math.tanh(0.5), abs=1e-6)


@each_kind
def test_the_parameters_start_as_pytorchs_do(own, twin):
    torch.manual_seed(0)
    ours, theirs = own(5, 16), twin(5, 16)
    assert [(name, p.shape) for name, p in theirs.named_parameters()] == [
        (f"{name}_l0", p.shape) for name, p in ours.named_parameters()
    ]
    for parameter in (*ours.parameters(), *theirs.parameters()):
        assert 0.8 / 4 < parameter.abs().max() <= 1 / 4


@each_kind
def test_weights_that_were_taken_over_are_a_copy_with_their_dtype(own, twin):
    theirs = twin(2, 3, batch_first=True, bias=False, dtype=torch.bfloat16)
    ours = own.from_torch(theirs)
    was = theirs.weight_hh_l0.tolist()
    with torch.no_grad():
        ours.weight_hh += 5
    assert theirs.weight_hh_l0.tolist() == was
    assert {parameter.dtype for parameter in ours.parameters()} == {torch.bfloat16}


@pytest.mark.parametrize(
    ("own", "theirs", "told"),
    [
        (RNN, nn.RNN(1, 1), "batch_first=False"),
        (RNN, nn.RNN(1, 1, nonlinearity="relu", batch_first=True), "nonlinearity='relu'"),
        (GRU, nn.GRU(1, 1, num_layers=2, batch_first=True), "num_layers=2"),
        (GRU, nn.GRU(1, 1, bidirectional=True, batch_first=True), "bidirectional=True"),
        (GRU, nn.RNN(1, 1, batch_first=True), "type RNN; give an nn.GRU"),
        (RNN, nn.LSTM(1, 1, batch_first=True), "type LSTM; give an nn.RNN"),
    ],
)
def test_what_does_not_exist_here_is_refused(own, theirs, told):
    with pytest.raises(ValueError, match=told):
        own.from_torch(theirs)


@each_kind
def test_shapes_that_do_not_fit_are_refused(own, twin):
    ours, x = own(2, 3), torch.zeros(4, 5, 2)
    for bad in [(4, 5, 3), (5, 2), (2,)]:
        with pytest.raises(ValueError, match=r"x has shape .*; give \(B, T, 2\)"):
            ours(torch.zeros(bad))
    for bad in [(1, 4, 3), (4, 2), (1, 3)]:
        with pytest.raises(ValueError, match=r"state has shape .*; give \(4, 3\)"):
            ours(x, torch.zeros(bad))
    for bad in [torch.zeros(4, 5), torch.zeros(5, 4, dtype=torch.bool)]:
        with pytest.raises(ValueError, match=r"padding_mask has shape .* and dtype .*; give \(4, 5\) of dtype bool"):
            ours(x, padding_mask=bad)
    with pytest.raises(ValueError, match="input_size=0, hidden_size=3"):
        own(0, 3)


# --- embedding


@repeatable
@given(
    vocabulary=st.integers(1, 6),
    width=st.integers(1, 4),
    shape=st.lists(st.integers(0, 4), max_size=3),
    seed=st.integers(0, 2**16),
)
def test_an_embedding_equals_pytorchs_and_a_product_with_one_hot_vectors(vocabulary, width, shape, seed):
    theirs = nn.Embedding(vocabulary, width, dtype=torch.float64)
    ours = Embedding.from_torch(theirs)
    ids = torch.randint(vocabulary, shape, generator=torch.Generator().manual_seed(seed))
    table = theirs.weight.detach().clone().requires_grad_()
    one_hot = nn.functional.one_hot(ids, vocabulary).double()  # (..., V)
    upstream = normal(seed, *shape, width)
    for out in (ours(ids), theirs(ids), one_hot @ table):
        torch.testing.assert_close(out, theirs(ids), **CLOSE)
        out.backward(upstream)
    torch.testing.assert_close(ours.weight.grad, theirs.weight.grad, **CLOSE)
    torch.testing.assert_close(ours.weight.grad, table.grad, **CLOSE)


def test_a_repeated_token_adds_up_its_gradients_and_an_absent_one_gets_none():
    embedding = Embedding(4, 2)
    embedding(torch.tensor([[1, 3], [1, 1]])).sum().backward()
    assert embedding.weight.grad.tolist() == [[0, 0], [3, 3], [0, 0], [1, 1]]


def test_an_embedding_starts_normal_and_is_a_copy_of_what_it_took_over():
    torch.manual_seed(0)
    start = Embedding(200, 50).weight
    assert abs(start.mean()) < 0.03 and abs(start.std() - 1) < 0.03 and start.requires_grad
    theirs = nn.Embedding(2, 2)
    ours = Embedding.from_torch(theirs)
    was = theirs.weight.tolist()
    with torch.no_grad():
        ours.weight += 1
    assert theirs.weight.tolist() == was
    assert Embedding(3, 2)(torch.tensor([2], dtype=torch.int32)).shape == (1, 2)


def test_tokens_that_are_not_in_the_vocabulary_are_refused():
    embedding = Embedding(3, 2)
    for ids in ([0, 3], [-1, 0]):
        with pytest.raises(ValueError, match=f"from {min(ids)} to {max(ids)}; this vocabulary has the tokens 0 to 2"):
            embedding(torch.tensor(ids))
    with pytest.raises(ValueError, match=r"dtype torch.float32"):
        embedding(torch.tensor([0.0]))
    with pytest.raises(ValueError, match="vocabulary=0, width=2"):
        Embedding(0, 2)
    for setting in ({"padding_idx": 0}, {"max_norm": 1.0}, {"scale_grad_by_freq": True}):
        theirs = nn.Embedding(3, 2, **setting)
        with pytest.raises(ValueError, match=r"give an nn.Embedding without them"):
            Embedding.from_torch(theirs)
