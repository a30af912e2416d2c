"""Schedules: what a hyperparameter is multiplied by as the epochs go by.

Three forms, which may stand beside one another: steps (at epoch N multiply), a warm-up of the learning rate,
and a scheduler of `torch.optim.lr_scheduler` by name, which `training.scheduling` follows.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

CONSTANT = "constant"
# Of a set-up that names none.
DEFAULT_BATCH_SIZE = 32
WARMUP, TORCH = "warmup", "torch"
LR, BATCH_SIZE = "lr", "batch_size"

# The setting of torch's that says how many epochs a scheduler is laid out for; not given, it is the horizon.
LENGTHS: Mapping[str, str] = {
    "CosineAnnealingLR": "T_max",
    "LinearLR": "total_iters",
    "OneCycleLR": "total_steps",
    "PolynomialLR": "total_iters",
}

# The setting of torch's from which a scheduler takes its learning rates, whatever the optimizer has.
OWN_LR: Mapping[str, str] = {"CyclicLR": "base_lr", "OneCycleLR": "max_lr"}


@dataclass(frozen=True)
class Schedule:
    """`steps` holds, by hyperparameter, the factor that joins in once so many epochs are done; `warmup` is
    the number of epochs in which the learning rate rises to its value, 0 for none; `torch` the name of
    torch's scheduler, with the `settings` that the roadmap gives it."""

    steps: Mapping[str, Mapping[int, float]] = field(default_factory=dict)
    warmup: float = 0.0
    torch: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def start(self) -> int:
        """Epochs that are done when torch's scheduler begins: those that the warm-up touches."""
        return math.ceil(self.warmup)

    @property
    def is_laid_out(self) -> bool:
        """Whether it takes its length from the horizon, so that its end is the end of the training."""
        return self.torch is not None and self.torch in LENGTHS and LENGTHS[self.torch] not in self.settings

    @property
    def own_lr(self) -> str | None:
        """The setting that stands in place of the set-up's learning rate, if there is one."""
        setting = OWN_LR.get(self.torch or "")
        return setting if setting in self.settings else None

    def factor(self, name: str, epochs_done: int) -> float:
        """What the steps multiply `name` by after `epochs_done` epochs (as torch's MultiStepLR counts)."""
        steps = self.steps.get(name, {})
        return math.prod(times for epoch, times in sorted(steps.items()) if epoch <= epochs_done)

    def batch_size(self, base: int, epochs_done: int) -> int:
        """The batch size after `epochs_done` epochs, at least 1."""
        return max(1, round(base * self.factor(BATCH_SIZE, epochs_done)))

    def is_warming(self, epochs_done: int) -> bool:
        """Whether the warm-up lasts into the epoch after `epochs_done`."""
        return epochs_done < self.warmup

    def warmth(self, epochs_done: float) -> float:
        """What the warm-up multiplies the learning rate by; `epochs_done` counts shares of an epoch too."""
        return min(1.0, epochs_done / self.warmup) if self.warmup else 1.0

    def milestones(self) -> list[int]:
        """Every epoch at which something is declared to change, the warm-up's end among them, in order."""
        found = {epoch for steps in self.steps.values() for epoch in steps}
        if self.warmup:
            found.add(self.start)
        if self.torch == "MultiStepLR":
            given = self.settings.get("milestones")
            listed = given if isinstance(given, list) else []
            found |= {self.start + epoch for epoch in listed if isinstance(epoch, int)}
        return sorted(found)

    def to_json(self) -> dict[str, Any]:
        """As JSON values, in the form that the roadmap has; `from_json` is its inverse."""
        steps = {
            name: {str(epoch): times for epoch, times in steps.items()} for name, steps in self.steps.items()
        }
        warmup = {WARMUP: self.warmup} if self.warmup else {}
        return {**steps, **warmup, **({TORCH: self.torch, **self.settings} if self.torch else {})}

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Schedule:
        """The schedule that `to_json` described: what is a table there are steps."""
        tables = {name: value for name, value in body.items() if isinstance(value, Mapping)}
        plain = {name: value for name, value in body.items() if name not in tables}
        steps = {
            name: {int(epoch): times for epoch, times in table.items()} for name, table in tables.items()
        }
        return cls(steps, plain.pop(WARMUP, 0.0), plain.pop(TORCH, None), plain)


def to_json(schedules: Mapping[str, Schedule]) -> dict[str, Any]:
    """Schedules by name as JSON values; `from_json` is its inverse."""
    return {name: schedule.to_json() for name, schedule in schedules.items()}


def from_json(body: Mapping[str, Any]) -> dict[str, Schedule]:
    """The schedules that `to_json` described."""
    return {name: Schedule.from_json(schedule) for name, schedule in body.items()}
