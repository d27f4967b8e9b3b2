"""The study of the article's first run: it is the article's program, and its measures mean what they say."""

from itertools import pairwise

import pytest
import torch
from torch import nn

from nbcode.data.regression import BIAS, article_points
from nbcode.experiments.article_run import CLOSE, EPOCHS, measure, stand_in, trajectory


def test_the_first_variant_is_the_articles_program():
    torch.manual_seed(3)
    model = nn.Linear(2, 1)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-1)
    x = torch.randn(10, 2) * 10
    target = torch.add(x.sum(dim=1, keepdim=True), 6.6260693)
    for _ in range(100):
        loss = nn.MSELoss()(model(x), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    seen = trajectory("article", 3, EPOCHS)
    assert seen["bias"][-1] == pytest.approx(model.bias.item(), rel=1e-5)
    assert seen["weight"][-1] == pytest.approx(model.weight[0].tolist(), rel=1e-5)
    assert seen["loss"][-1] == pytest.approx(loss.item(), rel=1e-4)
    assert len(seen["bias"]) == EPOCHS + 1 and len(seen["loss"]) == EPOCHS


def test_variants_change_only_what_they_say():
    article, centered, short = (trajectory(name, 3, 5) for name in ("article", "centered", "short memory"))
    assert article["bias"][0] == centered["bias"][0] == short["bias"][0]
    assert torch.equal(article["x"], short["x"])
    assert centered["x"].mean(dim=0).abs().max() < 1e-5
    torch.testing.assert_close(centered["x"], article["x"] - article["x"].mean(dim=0))


def test_weights_stand_in_for_a_bias_fully_or_not_at_all():
    torch.manual_seed(0)
    x, _ = article_points()
    assert stand_in(torch.cat([x, torch.ones(10, 1)], dim=1)) == pytest.approx(1)
    assert stand_in(x - x.mean(dim=0)) == pytest.approx(0, abs=1e-9)
    assert 0 < stand_in(x) < 1


def test_the_epoch_is_the_first_from_which_on_the_bias_stays_near():
    found = measure("article", 0)
    bias = trajectory("article", 0, 400)["bias"]
    assert all(abs(value - BIAS) <= CLOSE for value in bias[found["epochs"] : found["epochs"] + 101])
    assert abs(bias[found["epochs"] - 1] - BIAS) > CLOSE
    steps = [abs(b - a) for a, b in pairwise(bias[: EPOCHS + 1])]
    assert found["longest_step"] == pytest.approx(max(steps), abs=1e-5)
    assert found["bias"] == pytest.approx(bias[EPOCHS], abs=1e-5)
