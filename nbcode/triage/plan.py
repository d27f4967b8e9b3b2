"""How ``fit`` trains, as far as one may want to choose."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    """What may be chosen about training.

    Attributes:
        epochs: the most passes over the rows; validation may end it sooner. With 0 only the head is trained.
        patience: epochs without progress on the validation part after which training ends.
        rate: the largest learning rate.
        batch: texts in one step.
        max_tokens: where a text is cut; the checkpoint's own limit if that is lower. Long texts cost time.
        keep_split: store the model of the training part, without training it anew on all labeled rows.
        seed: of the split, the order of batches and dropout.

    Raises:
        ValueError: a value out of its range.
    """

    epochs: int = 6
    patience: int = 2
    rate: float = 1e-4
    batch: int = 16
    max_tokens: int = 128
    keep_split: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        least = {"epochs": 0, "patience": 1, "batch": 1, "max_tokens": 8, "seed": 0}
        for name, low in least.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < low:
                raise ValueError(f"{name} is {value!r}; give a whole number from {low}")
        if isinstance(self.rate, bool) or not isinstance(self.rate, (int, float)) or not 0 < self.rate < 1:
            raise ValueError(f"rate is {self.rate!r}; give a number between 0 and 1, such as 1e-4")
        if not isinstance(self.keep_split, bool):
            raise ValueError(f"keep_split is {self.keep_split!r}; give True or False")
