"""The text classifier: the mean over real tokens, dropout and a linear layer, against plain Python and PyTorch."""

import pytest
import torch
from torch import nn

from classifiers import classifier, encoder, some_texts
from nbcode.data.wordpiece import padded
from nbcode.models.text_classifier import TextClassifier, mean_of_tokens
from twins import normal

CLOSE = {"atol": 1e-6, "rtol": 1e-5}


def test_the_mean_is_of_real_tokens_alone():
    hidden, lengths = normal(0, 3, 5, 4), [5, 2, 1]
    mask = torch.tensor([[1] * length + [0] * (5 - length) for length in lengths])
    found = mean_of_tokens(hidden, mask)
    for row, length, mean in zip(hidden, lengths, found, strict=True):
        torch.testing.assert_close(mean, row[:length].mean(dim=0))
    torch.testing.assert_close(mean_of_tokens(hidden), hidden.mean(dim=1))
    torch.testing.assert_close(mean_of_tokens(hidden, torch.ones(3, 5)), hidden.mean(dim=1))


def test_what_stands_at_padding_does_not_matter():
    mask = torch.tensor([[1, 1, 0], [0, 1, 1]])  # wherever it stands
    hidden = normal(1, 2, 3, 4)
    changed = hidden.masked_fill(mask.unsqueeze(-1) == 0, 1e6)
    assert torch.equal(mean_of_tokens(hidden, mask), mean_of_tokens(changed, mask))


def test_a_text_of_padding_only_gives_zeros():
    assert not mean_of_tokens(normal(2, 2, 3, 4), torch.zeros(2, 3, dtype=torch.int64)).any()


def test_the_logits_are_a_linear_layer_on_the_mean():
    model, batch = classifier().eval(), padded(some_texts(5), 0)
    hidden = model.encoder(**batch)
    for row, mask, logits in zip(hidden, batch["attention_mask"], model(**batch), strict=True):
        mean = row[mask == 1].mean(dim=0)
        torch.testing.assert_close(logits, model.head.weight @ mean + model.head.bias, **CLOSE)


@pytest.mark.parametrize("more", [1, 6])
def test_more_padding_changes_no_logit(more):
    model, batch = classifier().eval(), padded(some_texts(5), 0)
    longer = {name: nn.functional.pad(rows, (0, more)) for name, rows in batch.items()}
    torch.testing.assert_close(model(**longer), model(**batch), **CLOSE)


def test_mask_and_types_may_be_missing():
    model, ids = classifier().eval(), torch.tensor([[1, 2, 3], [4, 5, 6]])
    torch.testing.assert_close(model(ids), model(ids, torch.ones_like(ids), torch.zeros_like(ids)), **CLOSE)


def test_the_encoder_is_shared_and_every_weight_gets_a_gradient():
    own = encoder()
    model = TextClassifier(own, 2, dropout=0)
    assert model.encoder is own
    model(**padded(some_texts(4, longest=16), 0)).square().sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_dropout_is_of_the_mean_and_in_training_only():
    model = TextClassifier(encoder(), 2, dropout=0.5)
    batch = padded(some_texts(4), 0)
    assert torch.equal(model.eval()(**batch), model(**batch))
    model.train()
    assert not torch.equal(model(**batch), model(**batch))


@pytest.mark.parametrize(("classes", "dropout"), [(1, 0.1), (0, 0.1), (3, 1.0), (3, -0.1), (3, float("nan"))])
def test_what_cannot_be_is_refused(classes, dropout):
    with pytest.raises(ValueError, match=rf"classes={classes}, dropout={dropout}; give at least 2 classes"):
        TextClassifier(encoder(), classes, dropout)
