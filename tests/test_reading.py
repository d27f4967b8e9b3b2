"""Reading many texts: each gets what it gets alone, in the order in which they were given."""

import pytest
import torch

from classifiers import FP32, classifier, encoder, some_texts
from nbcode.data.wordpiece import padded
from nbcode.device import choose
from nbcode.training import reading
from nbcode.training.reading import features, probabilities

CLOSE = {"atol": 1e-6, "rtol": 1e-5}


@pytest.mark.parametrize("batch", [1, 4, 64])
def test_each_text_gets_what_it_gets_alone(batch, monkeypatch):
    monkeypatch.setattr(reading, "BATCH", batch)
    model, texts = classifier().eval(), some_texts(11)
    alone = torch.cat([model(**padded([text], 0)) for text in texts])
    torch.testing.assert_close(probabilities(model, texts, FP32), alone.softmax(dim=-1).detach(), **CLOSE)
    means = torch.cat([model.encoder(**padded([text], 0)).mean(dim=1) for text in texts])
    torch.testing.assert_close(features(model.encoder, texts, FP32), means.detach(), **CLOSE)


def test_no_batch_is_padded_more_than_its_length_asks(monkeypatch):
    """Sorted, eleven texts in batches of four need less padding than as they came."""
    monkeypatch.setattr(reading, "BATCH", 4)
    model, texts, read = encoder(), some_texts(11, longest=16), []
    model.register_forward_pre_hook(
        lambda module, given, named: read.append(named["input_ids"].shape), with_kwargs=True
    )
    features(model, texts, FP32)
    lengths = sorted(map(len, texts))
    assert read == [(4, lengths[3]), (4, lengths[7]), (3, lengths[10])]


@pytest.mark.parametrize("training", [True, False])
def test_the_model_is_afterwards_what_it_was(training):
    model = classifier().train(training)
    model.dropout.p = 0.5
    before = {name: weights.clone() for name, weights in model.state_dict().items()}
    found = probabilities(model, some_texts(3), FP32)
    assert torch.equal(found, probabilities(model, some_texts(3), FP32))  # nothing is dropped
    assert model.training is training and not found.requires_grad
    assert all(torch.equal(weights, before[name]) for name, weights in model.state_dict().items())


def test_in_half_precision_the_results_are_float32_and_near():
    model, texts = classifier(), some_texts(6)
    half = choose("cpu", "bf16")
    for read, network in ((probabilities, model), (features, model.encoder)):
        found = read(network, texts, half)
        assert found.dtype is torch.float32
        torch.testing.assert_close(found, read(network, texts, FP32), atol=0.05, rtol=0.05)


@pytest.mark.parametrize("read", [probabilities, features])
def test_no_text_is_refused(read):
    with pytest.raises(ValueError, match="no text to read; give at least one"):
        read(classifier() if read is probabilities else encoder(), [], FP32)
