"""What a training run leaves behind: one record per step."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Record:
    """One step.

    Attributes:
        step: counted from 1, over all epochs.
        steps: how many are planned.
        epoch: counted from 1.
        loss: on the step's batch, before the update.
        lr: the learning rate of the update (of the optimizer's first group of parameters).
        grad_norm: the length of the gradient of all parameters together, before clipping.
    """

    step: int
    steps: int
    epoch: int
    loss: float
    lr: float
    grad_norm: float


@dataclass
class History:
    """The records of a run, and how it ended: "finished", "interrupted", or the reason that a hook gave."""

    records: list[Record] = field(default_factory=list)
    stopped: str = "finished"

    def column(self, name: str) -> list[float]:
        """One attribute of every record, for example ``column("loss")``.

        Raises:
            ValueError: a record has no such attribute.
        """
        if name not in Record.__dataclass_fields__:
            raise ValueError(f"a record has no {name!r}; it has {', '.join(Record.__dataclass_fields__)}")
        return [getattr(record, name) for record in self.records]
