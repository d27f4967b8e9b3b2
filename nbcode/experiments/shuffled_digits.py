"""What does it cost a network to lose the neighborhood of pixels? Digits as they are, and with all pixels shuffled.

``python -m nbcode.experiments.shuffled_digits [--seeds 10] [--workers 1] [--out FILE]``

A convolutional and a dense network with about as many parameters. A seed fixes the parts of the data, the start and
the order of the shuffled pixels, which is the same for all images of a run.
"""

from __future__ import annotations

import sys

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from nbcode.data.digits import digits
from nbcode.device import choose
from nbcode.experiments.study import Study, add_workers, main, parser
from nbcode.models.digit_cnn import DigitCNN
from nbcode.models.mlp import MLP, MLPConfig
from nbcode.training.history import History
from nbcode.training.loop import fit
from nbcode.training.loss import cross_entropy

NETWORKS = {
    "cnn": DigitCNN,
    "mlp": lambda: MLP(MLPConfig(inputs=64, outputs=10, width=50, depth=1)),
}
VIEWS = ("in order", "shuffled")
EPOCHS = 15
LR = 1e-2
BATCH = 32


def view_of(view: str, seed: int):
    """A function of images (B, 1, H, W) that leaves them alone or moves every pixel to a place drawn from the seed."""
    order = torch.randperm(64, generator=torch.Generator().manual_seed(seed))
    return (lambda images: images) if view == "in order" else lambda images: images.flatten(1)[:, order].view_as(images)


def loss_of(model: nn.Module, batch) -> torch.Tensor:
    """The cross-entropy of a batch of images and labels."""
    images, labels = batch
    return cross_entropy(model(images), labels)


def trained(network: str, view: str, seed: int, epochs: int = EPOCHS) -> tuple[nn.Module, History]:
    """A network after its training, on the CPU in fp32, and the history of that."""
    images, labels = digits(seed=seed).train
    torch.manual_seed(seed)
    model = NETWORKS[network]()
    batches = DataLoader(TensorDataset(view_of(view, seed)(images), labels), BATCH, shuffle=True)
    optimizer = torch.optim.AdamW(model.parameters(), LR)
    falling = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, epochs * len(batches))  # a quiet end
    return model, fit(model, batches, loss_of, optimizer, epochs, schedule=falling, compute=choose("cpu", "fp32"))


@torch.no_grad()
def score(model: nn.Module, view: str, seed: int) -> float:
    """The share of test images that a model gets right."""
    images, labels = digits(seed=seed).test
    return (model(view_of(view, seed)(images)).argmax(dim=1) == labels).double().mean().item()


def measure(network: str, view: str, seed: int) -> dict:
    """Train and test once."""
    model, _ = trained(network, view, seed)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    return {"parameters": parameters, "accuracy": round(score(model, view, seed), 4)}


STUDY = Study("nbcode.experiments.shuffled_digits", ("network", "view", "seed"), ("parameters", "accuracy"), measure)

if __name__ == "__main__":
    flags = parser(STUDY, __doc__.splitlines()[0], seeds=10)
    add_workers(flags)
    chosen = flags.parse_args()
    torch.set_num_threads(1)
    grid = [
        {"network": network, "view": view, "seed": seed}
        for network in NETWORKS
        for view in VIEWS
        for seed in range(chosen.seeds)
    ]
    sys.exit(main(STUDY, grid, chosen))
