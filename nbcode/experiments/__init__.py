"""Studies too long for a notebook: several seeds, run by a command, with their results committed as CSV.

Each study is a module with a ``STUDY``; ``python -m nbcode.experiments.<name>`` runs it again.
"""

NAMES = (
    "perceptron",
    "article_run",
    "ravine",
    "activations",
    "overfitting",
    "shuffled_digits",
    "recall_rates",
    "recall",
    "attention_rates",
    "step_cost",
    "translation",
    "finetuning",
    "starts",
    "trained_parts",
    "finetuning_rates",
    "wrong_labels",
)
