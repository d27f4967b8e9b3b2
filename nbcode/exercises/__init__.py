"""The exercises of the course: ``ALL`` of them, and ``check``, which judges a reader's answers."""

from nbcode.exercises import (
    activations,
    before,
    cnn_rnn_attention,
    finetuning,
    gradients,
    neuron,
    training,
    transformer,
    translation,
)
from nbcode.exercises.frame import Check, Exercise, Mutant, Verdict

ALL: tuple[Exercise, ...] = (
    *before.EXERCISES,
    *neuron.EXERCISES,
    *training.EXERCISES,
    *gradients.EXERCISES,
    *activations.EXERCISES,
    *cnn_rnn_attention.EXERCISES,
    *transformer.EXERCISES,
    *translation.EXERCISES,
    *finetuning.EXERCISES,
)
check = Check(ALL)

__all__ = ["ALL", "Check", "Exercise", "Mutant", "Verdict", "check"]
