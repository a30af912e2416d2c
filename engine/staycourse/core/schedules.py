"""Schedules by epoch: at epoch N, once N epochs are done, a hyperparameter is multiplied."""

from __future__ import annotations

import math
from collections.abc import Mapping

Schedule = Mapping[str, Mapping[int, float]]
CONSTANT = "constant"
# Of a set-up that names none.
DEFAULT_BATCH_SIZE = 32


def factor(schedule: Schedule, name: str, epochs_done: int) -> float:
    """What `name` is multiplied by after `epochs_done` whole epochs (as torch's MultiStepLR counts)."""
    steps = schedule.get(name, {})
    return math.prod(times for epoch, times in sorted(steps.items()) if epoch <= epochs_done)


def batch_size_at(schedule: Schedule, base: int, epochs_done: int) -> int:
    """The batch size after `epochs_done` epochs, at least 1."""
    return max(1, round(base * factor(schedule, "batch_size", epochs_done)))


def milestones(schedule: Schedule) -> list[int]:
    """Every epoch at which something changes, in order."""
    return sorted({epoch for steps in schedule.values() for epoch in steps})
