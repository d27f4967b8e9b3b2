"""The article's first program over many seeds: how far is its bias from the truth after 100 epochs, and why?

``python -m nbcode.experiments.article_run [--seeds 100] [--out FILE]``

Four variants, which differ in one thing each:

- ``article``: the program as it stands;
- ``centered``: each input column shifted to mean 0, so that the weights cannot stand in for the bias;
- ``short memory``: Adam's second beta 0.9 instead of 0.999;
- ``both``: the two together.
"""

from __future__ import annotations

import sys
from itertools import pairwise

import torch
from torch import nn

from nbcode.data.regression import BIAS, article_points
from nbcode.experiments.study import Study, main, parser

VARIANTS = ("article", "centered", "short memory", "both")
EPOCHS = 100
LR = 0.1
CLOSE = 0.01  # the bias counts as found when it stays this near
STAYS = 100  # epochs; not forever, since with a short memory Adam makes tiny late jumps
MOST_EPOCHS = 1_000


def trajectory(variant: str, seed: int, epochs: int) -> dict:
    """Run one variant. In the order of the article: model, data, loop.

    Returns:
        The inputs ``x`` (10, 2), ``bias`` and ``weight`` (two numbers each) from before the first epoch on, and the
        ``loss`` of each epoch, before its update.
    """
    torch.manual_seed(seed)
    model = nn.Linear(2, 1)
    betas = (0.9, 0.9 if variant in ("short memory", "both") else 0.999)
    optimizer = torch.optim.Adam(model.parameters(), lr=LR, betas=betas)
    x, target = article_points()
    if variant in ("centered", "both"):
        x = x - x.mean(dim=0)
        target = x.sum(dim=1, keepdim=True) + BIAS
    seen = {"x": x, "bias": [model.bias.item()], "weight": [model.weight[0].tolist()], "loss": []}
    for _ in range(epochs):
        loss = nn.functional.mse_loss(model(x), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        seen["bias"].append(model.bias.item())
        seen["weight"].append(model.weight[0].tolist())
        seen["loss"].append(loss.item())
    return seen


def stand_in(x: torch.Tensor) -> float:
    """How well weights can replace a bias on these inputs: the share of a constant that x w can express, 0 to 1.

    Args:
        x: (B, D).
    """
    ones = torch.ones(len(x), 1, dtype=torch.float64)
    weight = torch.linalg.lstsq(x.double(), ones).solution  # (D, 1)
    return 1 - (x.double() @ weight - ones).square().mean().item()


def measure(variant: str, seed: int) -> dict:
    """The bias and the loss at epoch 100, the bias's longest and mean step until then, and when it is found.

    ``epochs`` is the first epoch from which on the bias stays within 0.01 of the truth for 100 epochs, at most 900.
    ``stand_in`` is that of the inputs.
    """
    seen = trajectory(variant, seed, MOST_EPOCHS)
    bias = seen["bias"]
    steps = [abs(after - before) for before, after in pairwise(bias[: EPOCHS + 1])]
    near = [abs(value - BIAS) <= CLOSE for value in bias]
    settled = (epoch for epoch in range(MOST_EPOCHS - STAYS) if all(near[epoch : epoch + STAYS + 1]))
    return {
        "bias": round(bias[EPOCHS], 5),
        "loss": round(seen["loss"][EPOCHS - 1], 6),
        "longest_step": round(max(steps), 5),
        "mean_step": round(sum(steps) / EPOCHS, 5),
        "epochs": next(settled, MOST_EPOCHS - STAYS),
        "stand_in": round(stand_in(seen["x"]), 5),
    }


STUDY = Study(
    "nbcode.experiments.article_run",
    ("variant", "seed"),
    ("bias", "loss", "longest_step", "mean_step", "epochs", "stand_in"),
    measure,
)

if __name__ == "__main__":
    flags = parser(STUDY, __doc__.splitlines()[0])
    flags.set_defaults(seeds=100)
    chosen = flags.parse_args()
    torch.set_num_threads(1)  # ten rows: a second thread would only wait
    grid = [{"variant": variant, "seed": seed} for variant in VARIANTS for seed in range(chosen.seeds)]
    sys.exit(main(STUDY, grid, chosen))
