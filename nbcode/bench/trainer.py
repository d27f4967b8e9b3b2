"""``transformers.Trainer`` on the classifier that we fine-tune, built of Hugging Face's parts. A baseline to measure.

The network is ``transformers.BertModel`` below the mean and the linear layer that ours has: their own
``BertForSequenceClassification`` reads the first token instead, and two functions would have two scores.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional
from transformers import (
    AutoTokenizer,
    BertModel,
    DataCollatorWithPadding,
    PrinterCallback,
    Trainer,
    TrainingArguments,
)

from nbcode.data.wordpiece import Encoding
from nbcode.device import Compute
from nbcode.training.finetune import Recipe

Settings = dict[str, object]


class MeanClassifier(nn.Module):
    """Tokens -> loss and logits, as ``Trainer`` wants them: BERT, the mean over real tokens, dropout, a linear layer.

    Args:
        bert: without its pooler.
        classes: C.
        dropout: the share of the mean's entries dropped in training.
    """

    def __init__(self, bert: BertModel, classes: int, dropout: float) -> None:
        super().__init__()
        self.bert = bert
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(bert.config.hidden_size, classes)

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        token_type_ids: torch.Tensor,
        labels: torch.Tensor,
    ) -> dict[str, torch.Tensor]:
        """Three times (B, T), and (B,) -> a scalar, and (B, C)."""
        hidden = self.bert(input_ids, attention_mask, token_type_ids).last_hidden_state  # (B, T, D)
        real = attention_mask.unsqueeze(-1)  # (B, T, 1)
        mean = (hidden * real).sum(dim=1) / real.sum(dim=1)  # (B, D)
        logits = self.head(self.dropout(mean))  # (B, C)
        return {"loss": functional.cross_entropy(logits.float(), labels), "logits": logits}


def examples(texts: Sequence[Encoding], labels: Sequence[int]) -> list[dict[str, object]]:
    """A data set for ``Trainer``; the collator adds the attention mask."""
    return [
        {"input_ids": text.input_ids, "token_type_ids": text.token_type_ids, "labels": label}
        for text, label in zip(texts, labels, strict=True)
    ]


def collator(folder: Path) -> DataCollatorWithPadding:
    """Pads each batch to its longest text, with the tokenizer of a checkpoint."""
    return DataCollatorWithPadding(AutoTokenizer.from_pretrained(folder))


def as_it_comes(recipe: Recipe, seed: int, compute: Compute) -> Settings:
    """Our recipe; all else is as ``Trainer`` has it: float32, batches at random.

    Its schedule is one step behind ours, since it begins with a rate of 0.
    """
    return {
        "learning_rate": recipe.rate,
        "num_train_epochs": recipe.epochs,
        "per_device_train_batch_size": recipe.batch,
        "lr_scheduler_type": "linear",
        "warmup_steps": recipe.warmup,  # below 1 it is a share
        "weight_decay": recipe.weight_decay,
        "max_grad_norm": recipe.clip,
        "optim": "adamw_torch_fused",
        "seed": seed,
        "use_cpu": compute.device.type == "cpu",
    }


def tuned(recipe: Recipe, seed: int, compute: Compute) -> Settings:
    """The same in our precision, and with batches of texts of similar length (from transformers 5.2 on so named)."""
    precision = {} if compute.precision == "fp32" else {compute.precision: True}  # its flags are bf16 and fp16
    return as_it_comes(recipe, seed, compute) | precision | {"train_sampling_strategy": "group_by_length"}


def train(
    model: MeanClassifier, data: list[dict[str, object]], collate: DataCollatorWithPadding, settings: Settings
) -> None:
    """Fine-tune the model in place; nothing is saved or reported."""
    with tempfile.TemporaryDirectory() as folder:  # it wants one
        arguments = TrainingArguments(folder, save_strategy="no", report_to="none", disable_tqdm=True, **settings)
        trainer = Trainer(model, arguments, data_collator=collate, train_dataset=data)
        trainer.remove_callback(PrinterCallback)
        trainer.train()
