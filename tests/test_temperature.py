"""Temperature: what it takes back, and what it leaves."""

import pytest
import torch
from torch.nn import functional

from nbcode.training.temperature import soften, temperature
from twins import normal


def drawn(seed=0, n=4000, classes=5):
    """Logits, and labels drawn with just the probabilities that they tell."""
    logits = 2 * normal(seed, n, classes)
    return logits, torch.multinomial(logits.softmax(dim=1), 1, generator=torch.Generator().manual_seed(seed + 99))[:, 0]


@pytest.mark.parametrize("factor", [0.7, 1.0, 3.0, 8.0])
def test_exaggerated_logits_are_taken_back(factor):
    logits, labels = drawn()
    found, loss = temperature(factor * logits, labels)
    assert found == pytest.approx(factor, rel=0.08)
    assert loss <= functional.cross_entropy(logits, labels).item() * 1.0001


def test_no_other_temperature_of_the_grid_is_better():
    logits, labels = drawn(1, 50)
    found, loss = temperature(logits, labels)
    assert loss == pytest.approx(functional.cross_entropy(logits / found, labels).item())
    assert all(functional.cross_entropy(logits / (found * factor), labels) > loss for factor in (0.9, 1.1))


def test_logarithms_of_probabilities_will_do():
    logits, labels = drawn(2, 300)
    assert temperature(logits.log_softmax(dim=1), labels) == pytest.approx(temperature(logits, labels))


def test_a_softened_head_says_the_same_less_loudly():
    head, x = torch.nn.Linear(4, 3, dtype=torch.float64), normal(0, 10, 4)
    before = head(x)
    soften(head, 2.5)
    torch.testing.assert_close(head(x), before / 2.5)
    with pytest.raises(ValueError, match="positive"):
        soften(head, 0.0)


@pytest.mark.parametrize(("shape", "labels"), [((0, 3), (0,)), ((4,), (4,)), ((4, 3), (5,))])
def test_shapes_that_do_not_fit_are_told(shape, labels):
    with pytest.raises(ValueError, match=r"give \(n, C\)"):
        temperature(torch.zeros(shape), torch.zeros(labels, dtype=torch.int64))


@pytest.mark.parametrize("labels", [[0, 1, 3, 2], [0, -1, 1, 2]])
def test_a_label_that_is_no_class_is_told(labels):
    with pytest.raises(ValueError, match="give numbers from 0 to 2"):
        temperature(torch.zeros(4, 3), torch.tensor(labels))
