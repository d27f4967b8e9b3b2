"""What helps a network that can learn its few examples by heart? Dropout, weight decay and early stopping on digits.

``python -m nbcode.experiments.overfitting [--seeds 20] [--out FILE]``

A network of two layers of 256 learns 200 digits in 60 epochs; once with the labels as they are, once with a fifth of
them wrong, those of the validation part too. Accuracy and loss are those on the test part, whose labels stay right. A
seed decides the split, which labels are wrong, the weights and the batches, so that treatments can be compared by seed.
"""

from __future__ import annotations

import sys
from itertools import product

import torch
from torch.utils.data import DataLoader, TensorDataset

from nbcode.data.digits import Digits, digits
from nbcode.device import choose, set_seed
from nbcode.experiments.study import Study, main, parser
from nbcode.models.mlp import MLP, MLPConfig
from nbcode.training.early_stopping import EarlyStopping
from nbcode.training.evaluation import evaluate
from nbcode.training.history import History
from nbcode.training.loop import fit
from nbcode.training.loss import cross_entropy

TREATMENTS = {  # name -> dropout, weight decay, whether it stops early
    "none": (0.0, 0.0, False),
    "dropout": (0.5, 0.0, False),
    "weight decay": (0.0, 3.0, False),
    "early stopping": (0.0, 0.0, True),
}
WRONG = (0.0, 0.2)
N_TRAIN, WIDTH, DEPTH, EPOCHS, BATCH, LR, PATIENCE = 200, 256, 2, 60, 32, 1e-3, 8


def spoiled(labels: torch.Tensor, share: float, generator: torch.Generator) -> torch.Tensor:
    """Labels (B,) from 0 to 9, of which a random share is replaced by another class, each as likely."""
    count = round(share * len(labels))
    chosen = torch.randperm(len(labels), generator=generator)[:count]
    shift = torch.randint(1, 10, (count,), generator=generator)  # never 0: a chosen label really changes
    changed = labels.clone()
    changed[chosen] = (labels[chosen] + shift) % 10
    return changed


def data(wrong: float, seed: int) -> Digits:
    """The digits of a seed, with labels of the training and the validation part spoiled."""
    parts = digits(N_TRAIN, seed)
    generator = torch.Generator().manual_seed(seed)
    train, validation = (
        part._replace(labels=spoiled(part.labels, wrong, generator)) for part in (parts.train, parts.validation)
    )
    return Digits(train, validation, parts.test)


def loss_of(model: MLP, batch: tuple) -> torch.Tensor:
    """The cross-entropy of a batch of images and labels."""
    return cross_entropy(model(batch[0]), batch[1])


def accuracy_of(model: MLP, batch: tuple) -> torch.Tensor:
    """The share of a batch whose largest logit is the right one."""
    return (model(batch[0]).argmax(dim=1) == batch[1]).double().mean()


def train(treatment: str, parts: Digits, seed: int, epochs: int = EPOCHS) -> tuple[MLP, History, EarlyStopping]:
    """One run of a treatment; the validation loss of each epoch stands in the last result's ``measured``."""
    dropout, weight_decay, early = TREATMENTS[treatment]
    set_seed(seed)
    model = MLP(MLPConfig(64, 10, WIDTH, DEPTH, dropout=dropout))
    batches = DataLoader(
        TensorDataset(*parts.train), BATCH, shuffle=True, generator=torch.Generator().manual_seed(seed)
    )
    watch = EarlyStopping(
        model, lambda: evaluate(model, [tuple(parts.validation)], loss_of), len(batches), PATIENCE if early else epochs
    )
    optimizer = torch.optim.AdamW(model.parameters(), LR, weight_decay=weight_decay)
    history = fit(model, batches, loss_of, optimizer, epochs, compute=choose("cpu", "fp32"), on_step=watch)
    if early:
        watch.restore()
    return model, history, watch


def measure(treatment: str, wrong: float, seed: int) -> dict:
    """Accuracy and loss on the test part, the loss on the training part, and the step whose weights were kept."""
    parts = data(wrong, seed)
    model, history, watch = train(treatment, parts, seed)
    test = [tuple(parts.test)]
    return {
        "accuracy": round(evaluate(model, test, accuracy_of), 4),
        "loss": round(evaluate(model, test, loss_of), 4),
        "train_loss": round(evaluate(model, [tuple(parts.train)], loss_of), 5),
        "step": watch.best_step if TREATMENTS[treatment][2] else len(history.records),
    }


STUDY = Study(
    "nbcode.experiments.overfitting",
    ("treatment", "wrong", "seed"),
    ("accuracy", "loss", "train_loss", "step"),
    measure,
)

if __name__ == "__main__":
    flags = parser(STUDY, __doc__.splitlines()[0])
    chosen = flags.parse_args()
    torch.set_num_threads(1)  # small matrices: a second thread would only wait
    grid = [dict(zip(STUDY.keys, cell, strict=True)) for cell in product(TREATMENTS, WRONG, range(chosen.seeds))]
    sys.exit(main(STUDY, grid, chosen))
