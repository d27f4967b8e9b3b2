"""Which deep networks learn? Activation, initialization, layer normalization and residual connections, by depth.

``python -m nbcode.experiments.activations [--seeds 5] [--out FILE]``

Each cell is one network of width 64 on the digits. Its gradient is measured before training: at the output of the
first hidden layer, as a part of that at the last. Then it gets 100 steps of plain momentum at one rate, the same for
all. A seed decides the split of the data, the weights and the batches.
"""

from __future__ import annotations

import math
import sys
from itertools import product

import torch

from nbcode.data.digits import Part, digits
from nbcode.device import set_seed
from nbcode.experiments.study import Study, main, parser
from nbcode.models.mlp import MLP, MLPConfig
from nbcode.training.evaluation import evaluating
from nbcode.training.loss import cross_entropy

DEPTHS = (2, 8, 30)
ACTIVATIONS = ("sigmoid", "tanh", "relu", "gelu")
INITIALIZATIONS = ("small normal", "xavier", "kaiming")
WIRINGS = {  # name -> normalize, residual
    "plain": (False, False),
    "layer norm": (True, False),
    "residual": (False, True),
    "both": (True, True),
}
WIDTH, STEPS, BATCH, LR, MOMENTUM = 64, 100, 64, 0.02, 0.9


def network(depth: int, activation: str, initialization: str, wiring: str) -> MLP:
    """The network of a cell, with weights from PyTorch's global generator."""
    normalize, residual = WIRINGS[wiring]
    return MLP(MLPConfig(64, 10, WIDTH, depth, activation, initialization, normalize, residual))


def gradient_ratio(model: MLP, part: Part) -> float:
    """The size of the loss's gradient at the first hidden layer's output, divided by that at the last's.

    In float64, since in float32 a gradient below 1e-45 is 0.
    """
    model.double()
    outputs = [part.images.double().flatten(1)]  # (B, D), then (B, width) for each layer
    for layer in model.layers:
        outputs.append(layer(outputs[-1]))
    loss = cross_entropy(model.output(model.norm(outputs[-1])), part.labels)
    first, last = torch.autograd.grad(loss, (outputs[1], outputs[-1]))
    model.float()
    return (first.norm() / last.norm()).item()


def train(model: MLP, part: Part, seed: int, steps: int = STEPS) -> list[float]:
    """Steps of momentum on random batches; returns the losses. Ends early where the loss is no longer finite."""
    optimizer = torch.optim.SGD(model.parameters(), LR, MOMENTUM, fused=True)
    generator = torch.Generator().manual_seed(seed)
    losses = []
    for _ in range(steps):
        chosen = torch.randint(len(part.labels), (BATCH,), generator=generator)
        loss = cross_entropy(model(part.images[chosen]), part.labels[chosen])
        losses.append(loss.item())
        if not math.isfinite(losses[-1]):
            break
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return losses


def accuracy(model: MLP, part: Part) -> float:
    """The share of images whose largest logit is the right one."""
    with evaluating(model):
        return (model(part.images).argmax(dim=1) == part.labels).double().mean().item()


def measure(depth: int, activation: str, initialization: str, wiring: str, seed: int) -> dict:
    """The ratio of gradients before training, the mean loss of the last ten steps, the accuracy on the test part."""
    set_seed(seed)
    data = digits(seed=seed)
    model = network(depth, activation, initialization, wiring)
    ratio = gradient_ratio(model, data.train)
    last = train(model, data.train, seed)[-10:]
    return {
        "gradient_ratio": float(f"{ratio:.4g}"),
        "loss": round(sum(last) / len(last), 4),
        "accuracy": round(accuracy(model, data.test), 4),
    }


STUDY = Study(
    "nbcode.experiments.activations",
    ("depth", "activation", "initialization", "wiring", "seed"),
    ("gradient_ratio", "loss", "accuracy"),
    measure,
)

if __name__ == "__main__":
    flags = parser(STUDY, __doc__.splitlines()[0])
    flags.set_defaults(seeds=5)
    chosen = flags.parse_args()
    torch.set_num_threads(1)  # small matrices: a second thread would only wait
    grid = [
        dict(zip(STUDY.keys, cell, strict=True))
        for cell in product(DEPTHS, ACTIVATIONS, INITIALIZATIONS, WIRINGS, range(chosen.seeds))
    ]
    sys.exit(main(STUDY, grid, chosen))
