"""The probe, against scikit-learn and against the condition of its minimum; and a head that begins with its answers."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from classifiers import FP32, classifier, some_texts
from nbcode.training.probe import WEIGHT_LIMIT, probe, start_head
from nbcode.training.reading import features, probabilities
from twins import normal

LABELS = torch.tensor([0, 1, 2, 2, 1, 0, 0, 1, 2, 2])


def test_the_probe_is_where_its_penalized_loss_has_no_slope():
    """The loss: cross-entropies summed, times C, plus half the squared weights. The bias is not penalized."""
    x = normal(0, 10, 4, dtype=torch.float32)
    found = probe(x, LABELS)
    weight, bias = (
        torch.tensor(each, dtype=torch.float64, requires_grad=True) for each in (found.coef_, found.intercept_)
    )
    logits = x.double() @ weight.T + bias
    loss = WEIGHT_LIMIT * torch.nn.functional.cross_entropy(logits, LABELS, reduction="sum") + weight.square().sum() / 2
    loss.backward()
    assert weight.grad.abs().max() < 1e-2 and bias.grad.abs().max() < 1e-2
    assert weight.detach().abs().max() > 0.1


@pytest.mark.parametrize("classes", [2, 3])
def test_a_head_that_starts_from_a_probe_gives_its_probabilities(classes):
    model, texts, labels = classifier(classes), some_texts(10), LABELS.clamp(max=classes - 1)
    known = features(model.encoder, texts, FP32)
    fitted = probe(known, labels)
    start_head(model, fitted)
    new = some_texts(20, seed=1)
    wanted = fitted.predict_proba(features(model.encoder, new, FP32).numpy())
    np.testing.assert_allclose(probabilities(model, new, FP32).numpy(), wanted, atol=1e-5)
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_a_head_of_another_shape_is_refused_and_stays():
    model = classifier(4)
    before = model.head.weight.clone()
    with pytest.raises(ValueError, match=r"the probe has \(classes, features\) \(3, 8\), the head \(4, 8\)"):
        start_head(model, LogisticRegression().fit(normal(0, 10, 8).numpy(), LABELS.numpy()))
    assert torch.equal(model.head.weight, before)


@pytest.mark.parametrize(
    ("count", "labels", "told"),
    [
        (9, LABELS, r"9 features, 10 labels of the classes \[0, 1, 2\]"),
        (3, torch.tensor([0, 2, 0]), r"3 features, 3 labels of the classes \[0, 2\]; .*every class from 0 on"),
        (3, torch.tensor([0, 0, 0]), "at least two"),
    ],
)
def test_labels_that_no_head_could_have_are_refused(count, labels, told):
    with pytest.raises(ValueError, match=told):
        probe(normal(0, count, 4), labels)
