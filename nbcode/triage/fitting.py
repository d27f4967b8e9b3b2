"""What ``fit`` computes: baselines, a model of the training part and its scores, then a model of all labeled rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from nbcode.training.finetune import Recipe
from nbcode.training.reading import probabilities
from nbcode.training.temperature import soften
from nbcode.triage.baselines import baseline_scores
from nbcode.triage.checkpoint import Checkpoint, open_checkpoint, unknown_share, warn_of_unknown
from nbcode.triage.labeled_rows import LabeledRows
from nbcode.triage.learning import Learned, Material, Watch, learn
from nbcode.triage.plan import Plan
from nbcode.triage.scores import Scores, scores
from nbcode.triage.seen import fingerprint
from nbcode.triage.splits import Split
from nbcode.triage.text_model import TextModel, tokens_of

FROZEN, OWN = "the checkpoint as it is, with a linear head", "this model"


@dataclass(frozen=True)
class Fitted:
    """A model, and how it came to be.

    Attributes:
        model: to be stored.
        scores: of each method on the test part, this tool's own among them; there it is the model of the training part.
        learned: that model.
        checkpoint: what it began as.
        unknown: the share of words that the checkpoint's vocabulary cannot spell.
        plan: as it was carried out.
    """

    model: TextModel
    scores: dict[str, Scores]
    learned: Learned
    checkpoint: Checkpoint
    unknown: float
    plan: Plan


@torch.random.fork_rng(devices=[])  # layers draw their first weights from the caller's stream, dropout too
def fitted(rows: LabeledRows, split: Split, checkpoint: str | Path, plan: Plan, progress: bool) -> Fitted:
    """Train and measure; see ``fit``."""
    start = open_checkpoint(checkpoint)
    unknown = unknown_share(start.tokenizer, rows.texts)
    warn_of_unknown(unknown, start.name)
    plan = replace(plan, max_tokens=min(plan.max_tokens, start.encoder.config.max_length))
    tokens = tokens_of(rows.texts, start.tokenizer, plan.max_tokens)
    material = Material.read(start.encoder, tokens, rows.labels, progress)
    found = baseline_scores(rows.texts, rows.labels, split)
    learned = learn(
        material,
        split.train,
        _recipe(plan, plan.epochs),
        Watch(split.validation, plan.patience),
        seed=plan.seed,
        progress=progress,
    )
    found[FROZEN] = _frozen(material, split)
    soften(learned.network.head, learned.temperature)
    found[OWN] = _scores(learned, material, split.test)
    final = learned if plan.keep_split else _on_all(material, learned, plan, progress)
    test = set(split.test) if plan.keep_split else ()
    seen = frozenset(fingerprint(text) for place, text in enumerate(rows.texts) if place not in test)
    model = TextModel(final.network.eval(), start.tokenizer, final.classes, plan.max_tokens, seen=seen)
    return Fitted(model, found, learned, start, unknown, plan)


def _recipe(plan: Plan, epochs: int) -> Recipe | None:
    """``None`` where only the probe is to be fitted."""
    return Recipe(rate=plan.rate, epochs=epochs, batch=plan.batch) if epochs else None


def _frozen(material: Material, split: Split) -> Scores:
    """How good the probe is: what fine-tuning began with."""
    learned = learn(material, split.train, None, Watch(split.validation, 1), seed=0, progress=False)
    soften(learned.network.head, learned.temperature)
    return _scores(learned, material, split.test)


def _on_all(material: Material, learned: Learned, plan: Plan, progress: bool) -> Learned:
    """The same again on all rows. The temperature is that of the training part's model: no row is left to find one."""
    everything = range(len(material.labels))
    final = learn(material, everything, _recipe(plan, learned.epochs), seed=plan.seed, progress=progress)
    soften(final.network.head, learned.temperature)
    return final


def _scores(learned: Learned, material: Material, places: Sequence[int]) -> Scores:
    found: torch.Tensor = probabilities(learned.network, [material.tokens[place] for place in places])  # (n, C)
    confidence, best = found.max(dim=1)
    guesses = [learned.classes[number] for number in best.tolist()]
    return scores([material.labels[place] for place in places], guesses, confidence.clamp(max=1).tolist())
