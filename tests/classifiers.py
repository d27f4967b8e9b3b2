"""A tiny text classifier with random weights, and texts in random tokens, for tests."""

import torch

from nbcode.data.wordpiece import Encoding
from nbcode.device import choose
from nbcode.models.bert import Bert, BertConfig
from nbcode.models.text_classifier import TextClassifier
from twins import randomized

TINY = BertConfig(d_model=8, n_heads=2, d_ff=12, vocabulary=11, layers=2, max_length=16, dropout=0, attention_dropout=0)
FP32 = choose("cpu", "fp32")


def encoder(seed=0):
    """A random BERT that drops nothing; its outputs differ clearly from text to text."""
    return randomized(Bert(TINY), seed, 0.3)


def classifier(classes=3, seed=0):
    return randomized(TextClassifier(encoder(), classes, dropout=0), seed, 0.3)


def some_texts(count, seed=0, longest=9):
    """Texts of 2 to ``longest`` tokens."""
    numbers = torch.Generator().manual_seed(seed)
    lengths = torch.randint(2, longest + 1, (count,), generator=numbers).tolist()
    rows = [torch.randint(1, TINY.vocabulary, (length,), generator=numbers).tolist() for length in lengths]
    return [Encoding(row, [0] * (len(row) - 1) + [1]) for row in rows]


def some_labels(count, classes=3, seed=0):
    return torch.randint(classes, (count,), generator=torch.Generator().manual_seed(seed)).tolist()
