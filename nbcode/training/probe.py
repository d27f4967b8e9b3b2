"""A linear probe: logistic regression on features of a network that stays as it is, and a head that starts from it.

Fine-tuning from a random head may drag the features about to please the head. Kumar et al. (2022), "Fine-Tuning can
Distort Pretrained Features and Underperform Out-of-Distribution": fit the head first, then train everything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from nbcode.models.text_classifier import TextClassifier

if TYPE_CHECKING:
    from sklearn.linear_model import LogisticRegression

# scikit-learn's C, the inverse of the penalty's strength. On MiniLM's features of the simulated requirements (seeds 0
# to 2) it has the lowest loss, or one within .03 of it, from 5 labels a class to all; 10 learns wrong labels by heart.
WEIGHT_LIMIT = 1.0


def probe(features: torch.Tensor, labels: torch.Tensor) -> LogisticRegression:
    """Logistic regression, penalized.

    Args:
        features: (n, D).
        labels: (n,), class numbers; each class of 0 ... C - 1 at least once.

    Raises:
        ValueError: different numbers of both, or a class is missing.
    """
    from sklearn.linear_model import LogisticRegression

    classes = sorted(set(labels.tolist()))
    if len(features) != len(labels) or classes != list(range(len(classes))) or len(classes) < 2:
        raise ValueError(
            f"{len(features)} features, {len(labels)} labels of the classes {classes}; give as many of both, and "
            "every class from 0 on at least once, at least two"
        )
    return LogisticRegression(C=WEIGHT_LIMIT, max_iter=5000).fit(features.numpy(), labels.numpy())


def start_head(model: TextClassifier, fitted: LogisticRegression) -> None:
    """Give the classifier's head the weights of a probe of its features, so that it begins with the probe's answers.

    Args:
        model: changed in place.
        fitted: what :func:`probe` returned for features of the model's encoder.

    Raises:
        ValueError: other features or classes.
    """
    weight, bias = torch.as_tensor(fitted.coef_), torch.as_tensor(fitted.intercept_)  # (C, D), (C,)
    if len(weight) == 1:  # two classes: scikit-learn keeps the difference of their logits
        weight, bias = torch.cat([-weight / 2, weight / 2]), torch.cat([-bias / 2, bias / 2])
    if weight.shape != model.head.weight.shape:
        raise ValueError(
            f"the probe has (classes, features) {tuple(weight.shape)}, the head {tuple(model.head.weight.shape)}"
        )
    with torch.no_grad():
        model.head.weight.copy_(weight)
        model.head.bias.copy_(bias)
