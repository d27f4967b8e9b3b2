"""A text classifier: BERT, the mean over its tokens, and one linear layer."""

from __future__ import annotations

import torch
from torch import nn

from nbcode.models.bert import Bert


class TextClassifier(nn.Module):
    """Tokens -> logits of classes.

    The mean over the tokens is what MiniLM was trained with (Reimers and Gurevych 2019, "Sentence-BERT", section 3).
    The classifier of Devlin et al. (2019), section 4.1, reads the first token instead, through one more layer.

    Args:
        encoder: the network below; shared, not copied.
        classes: C, at least 2.
        dropout: the share of the mean's entries dropped in training.

    Raises:
        ValueError: fewer than two classes, or a dropout out of range.
    """

    def __init__(self, encoder: Bert, classes: int, dropout: float = 0.1) -> None:
        super().__init__()
        if classes < 2 or not 0 <= dropout < 1:
            raise ValueError(
                f"classes={classes}, dropout={dropout}; give at least 2 classes, and a dropout from 0 up to 1"
            )
        self.encoder = encoder
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(encoder.config.d_model, classes)

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        token_type_ids: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Logits (B, C) of texts, given as :meth:`nbcode.models.bert.Bert.forward` takes them."""
        x = mean_of_tokens(self.encoder(input_ids, attention_mask, token_type_ids), attention_mask)  # (B, D)
        return self.head(self.dropout(x))  # (B, C)


def mean_of_tokens(hidden: torch.Tensor, attention_mask: torch.Tensor | None = None) -> torch.Tensor:
    """The mean over the real tokens: hidden states (B, T, D) and mask (B, T), 0 at padding -> (B, D).

    A text of padding only gives zeros.
    """
    if attention_mask is None:
        return hidden.mean(dim=1)
    real = attention_mask.to(hidden.dtype).unsqueeze(-1)  # (B, T, 1)
    return (hidden * real).sum(dim=1) / real.sum(dim=1).clamp(min=1)  # (B, D)
