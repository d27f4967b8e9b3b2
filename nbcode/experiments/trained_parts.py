"""What of a checkpoint is trained: how good it gets, how long it takes, what it keeps in memory.

``python -m nbcode.experiments.trained_parts [--seeds 10 11 12] [--device cpu] [--workers 1] [--out FILE]``

20 labels a class, disjoint situations; each begins with a head that starts from the probe, and has the recipe of
fine-tuning, except that LoRA has a rate of its own. LoRA (Hu et al. 2022) leaves every matrix as it is and learns a
product of two narrow ones beside it; here it is a closed box, the package ``peft``, which has to be installed for it:
``pip install peft``.

Time is of the training alone: on the CPU the computing time of the process, on a GPU the time of the wall. Memory is
counted, not measured, in fp32: gradients and AdamW's two moments of what is trained, and what autograd keeps between
forward and backward of one batch of the longest texts. The weights themselves, 87 MiB, come on top of it.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.util import find_spec

import torch

from nbcode.experiments.finetuning import HEADLINE
from nbcode.experiments.finetuning_run import ENGLISH, LONGEST, SCORES, Source, command, draw
from nbcode.experiments.sequence_run import clock
from nbcode.experiments.step_cost import kept_bytes
from nbcode.experiments.study import Study
from nbcode.models.text_classifier import TextClassifier
from nbcode.training.finetune import FROM_PROBE, Recipe, finetune

LABELS = 20
LORA_RATE, LORA_RANK, LORA_SCALE = 3e-4, 8, 16
LORA_BESIDE = ["attention.project", "attention.output", "feed_forward.inner", "feed_forward.outer"]
NO_PEFT = "LoRA comes from the package peft; install it: pip install peft"
MIB = 2**20


def head(model: TextClassifier) -> Recipe:
    """Only the linear layer on top."""
    model.encoder.requires_grad_(False)
    return FROM_PROBE


def last_layer(model: TextClassifier) -> Recipe:
    """The head and the uppermost of the encoder's layers."""
    model.encoder.requires_grad_(False)
    model.encoder.layers[-1].requires_grad_(True)
    return FROM_PROBE


def all_but_embeddings(model: TextClassifier) -> Recipe:
    """The head and all layers, but no table of tokens, which is half of all weights."""
    for table in (model.encoder.tokens, model.encoder.positions, model.encoder.token_types):
        table.requires_grad_(False)
    return FROM_PROBE


def everything(model: TextClassifier) -> Recipe:
    """Every weight."""
    return FROM_PROBE


def lora(model: TextClassifier) -> Recipe:
    """The head, and narrow matrices beside those of all layers.

    Raises:
        ValueError: ``peft`` is not installed.
    """
    if find_spec("peft") is None:
        raise ValueError(NO_PEFT)
    from peft import LoraConfig, inject_adapter_in_model

    # In place; afterwards nothing but its own matrices asks for a gradient.
    inject_adapter_in_model(LoraConfig(r=LORA_RANK, lora_alpha=LORA_SCALE, target_modules=LORA_BESIDE), model)
    model.head.requires_grad_(True)
    return dataclasses.replace(FROM_PROBE, rate=LORA_RATE)


PARTS: dict[str, Callable[[TextClassifier], Recipe]] = {
    "head": head,
    "last layer": last_layer,
    "all but embeddings": all_but_embeddings,
    "all": everything,
    "LoRA": lora,
}


def measure(part: str, seed: int, device: str = "cpu", source: Source = ENGLISH) -> dict[str, float]:
    """Train that part: how many weights that are, seconds, MiB, and scores on the test."""
    drawn = draw(seed, HEADLINE, LABELS, device, source)
    train, model = drawn.train, drawn.probed()
    recipe = PARTS[part](model)
    trained = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
    kept = kept_bytes(model.train(), torch.zeros(recipe.batch, LONGEST, dtype=torch.int64))
    begun = clock(drawn.compute.device)
    finetune(model, train.tokens, train.labels.tolist(), recipe, seed=seed, compute=drawn.compute)
    return {
        "trained": trained,
        "seconds": round(clock(drawn.compute.device) - begun, 2),
        "optimizer_mib": round(3 * 4 * trained / MIB, 2),
        "activations_mib": round(kept / MIB, 2),
        **drawn.score(model),
    }


def cells(seeds: Sequence[int]) -> Iterator[Mapping]:
    """Every part with every seed."""
    return ({"part": part, "seed": seed} for seed in seeds for part in PARTS)


STUDY = Study(
    "nbcode.experiments.trained_parts",
    ("part", "seed"),
    ("trained", "seconds", "optimizer_mib", "activations_mib", *SCORES),
    measure,
)


if __name__ == "__main__":
    if find_spec("peft") is None:
        sys.exit(NO_PEFT)
    sys.exit(command(STUDY, __doc__, cells))
