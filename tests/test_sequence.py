"""The block around the mixers: none sees ahead, each sees as far back as it should, and sizes are matched."""

import pytest
import torch
from torch import nn

from nbcode.models.sequence import MIXERS, Attention, Convolutions, SequenceModel, long_memory_gru, matched_width

VOCABULARY, CLASSES, LENGTH = 9, 8, 24


def model(mixer, width=8, length=LENGTH, seed=0):
    torch.manual_seed(seed)
    return SequenceModel(mixer, width, VOCABULARY, CLASSES, length).double()


def influence(network, seed=0):
    """(T, T): how strongly the input at the second index moves the output at the first."""
    torch.manual_seed(seed)
    x = torch.randn(1, LENGTH, network.embedding.embedding_dim, dtype=torch.float64)
    jacobian = torch.autograd.functional.jacobian(network.after_embedding, x)  # (1, T, C, 1, T, D)
    return jacobian[0, :, :, 0].abs().sum(dim=(1, 3))


@pytest.mark.parametrize("mixer", MIXERS)
def test_maps_tokens_to_logits_at_every_position(mixer):
    logits = model(mixer)(torch.randint(VOCABULARY, (3, LENGTH)))
    assert logits.shape == (3, LENGTH, CLASSES) and logits.isfinite().all()


@pytest.mark.parametrize("mixer", MIXERS)
def test_nothing_comes_from_ahead(mixer):
    assert influence(model(mixer)).triu(1).max() == 0


@pytest.mark.parametrize(
    ("mixer", "back"), [("cnn", 4), ("cnn-dilated", LENGTH), ("gru", LENGTH), ("attention", LENGTH)]
)
def test_each_sees_as_far_back_as_it_should(mixer, back):
    seen = influence(model(mixer))
    for here in range(LENGTH):
        for there in range(here + 1):
            assert (seen[here, there] > 0) == (here - there <= back)


def test_reach_is_the_sum_over_the_dilations():
    assert [Convolutions(4, dilations).reach for dilations in ((1,), (1, 1), (1, 2, 4))] == [2, 4, 14]
    assert MIXERS["cnn-dilated"](4, 9).reach == 510


def test_attention_without_positions_is_blind_to_order():
    network, tokens = model("attention-blind"), torch.randint(VOCABULARY - 1, (1, LENGTH))
    order = torch.cat([torch.randperm(LENGTH - 1), torch.tensor([LENGTH - 1])])  # the asking position stays
    torch.testing.assert_close(network(tokens)[:, -1], network(tokens[:, order])[:, -1])
    seeing = model("attention")
    assert not torch.allclose(seeing(tokens)[:, -1], seeing(tokens[:, order])[:, -1])


@pytest.mark.parametrize("seed", range(3))
def test_plain_and_fused_attention_are_equal_in_values_and_gradients(seed):
    torch.manual_seed(seed)
    plain = Attention(6, plain=True).double()
    fused = Attention(6).double()
    fused.load_state_dict(plain.state_dict())
    ones = torch.randn(2, 7, 6, dtype=torch.float64, requires_grad=True)
    others = ones.detach().clone().requires_grad_()
    for layer, x in ((plain, ones), (fused, others)):
        layer(x).square().sum().backward()
    torch.testing.assert_close(plain(ones), fused(others), rtol=0, atol=1e-12)
    torch.testing.assert_close(ones.grad, others.grad, rtol=0, atol=1e-12)


def test_a_long_memory_keeps_for_the_spans_that_it_was_set_up_for():
    torch.manual_seed(0)
    gru = long_memory_gru(200, 100)
    keep = gru.bias_ih_l0[200:400].sigmoid()  # the update gate without input
    spans = 1 / (1 - keep)  # steps until a share 1/e is left, about
    assert spans.min() > 1.5 and spans.max() < 101
    assert 40 < spans.median() < 60


@pytest.mark.parametrize("vocabulary", [8, 9, 72])
@pytest.mark.parametrize("mixer", MIXERS)
def test_sizes_are_matched_within_ten_percent(mixer, vocabulary):
    width = matched_width(mixer, 8_000, vocabulary, CLASSES)
    count = SequenceModel(mixer, width, vocabulary, CLASSES, 33).parameter_count()
    assert abs(count / 8_000 - 1) < 0.1
    assert count == sum(p.numel() for p in SequenceModel(mixer, width, vocabulary, CLASSES, 5).parameters())


def test_an_unknown_mixer_is_refused():
    with pytest.raises(ValueError, match=r"unknown mixer 'lstm'; choose one of cnn, "):
        SequenceModel("lstm", 8, VOCABULARY, CLASSES, LENGTH)


def test_recurrent_mixers_are_torchs_layers():
    for name in ("rnn", "gru", "rnn-identity", "gru-long-memory"):
        assert isinstance(MIXERS[name](4, 9).layer, nn.RNNBase)
