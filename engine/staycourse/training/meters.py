"""Losses on their way to metric rows: held on the device, summed once a window, weighted by sample count.

Sums run sample-weighted in float64 in the order of the steps, so that where a trial was interrupted and
resumed inside a window cannot be told from the numbers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import torch

from staycourse.core.rules.divergence import first_non_finite


def window_length(steps_per_epoch: int) -> int:
    """Steps of a `train_loss_step` row: some twenty rows an epoch, at most 50 steps each."""
    return max(1, min(50, math.ceil(steps_per_epoch / 20)))


@dataclass
class Mean:
    """A mean weighted by sample count."""

    total: float = 0.0
    samples: int = 0

    def add(self, value: float, samples: int) -> None:
        self.total += value * samples
        self.samples += samples

    @property
    def value(self) -> float:
        return self.total / self.samples if self.samples else math.nan

    def state(self) -> list[float]:
        return [self.total, self.samples]

    @classmethod
    def of(cls, state: list[float]) -> Mean:
        return cls(float(state[0]), int(state[1]))


@dataclass(frozen=True)
class NonFinite:
    """The first loss that is no number: steps before the newest one, its value."""

    steps_ago: int
    value: float


@dataclass
class LossMeter:
    """Training losses of the epoch and of the window in progress; `pending` still lies on the device."""

    epoch: Mean = field(default_factory=Mean)
    window: Mean = field(default_factory=Mean)
    pending: list[torch.Tensor] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    last: float | None = None

    def collect(self) -> NonFinite | None:
        """Bring the pending losses to the CPU (one transfer); sum them up to the first that is no number."""
        if not self.pending:
            return None
        values: list[float] = torch.stack(self.pending).flatten().tolist()
        sizes = list(self.sizes)
        self.pending.clear()
        self.sizes.clear()
        bad = first_non_finite(values)
        for value, size in zip(values[:bad], sizes[:bad], strict=True):
            self.window.add(value, size)
            self.epoch.add(value, size)
            self.last = value
        if bad is None:
            return None
        return NonFinite(len(values) - 1 - bad, values[bad])

    def end_window(self) -> float:
        """Mean of the window; the next one begins."""
        value = self.window.value
        self.window = Mean()
        return value

    def end_epoch(self) -> float:
        """Mean of the epoch; the next one begins."""
        value = self.epoch.value
        self.epoch = Mean()
        return value

    def state(self) -> dict[str, Any]:
        """For the checkpoint; nothing may be pending."""
        assert not self.pending
        return {"epoch": self.epoch.state(), "window": self.window.state(), "last": self.last}

    @classmethod
    def of(cls, state: dict[str, Any]) -> LossMeter:
        return cls(Mean.of(state["epoch"]), Mean.of(state["window"]), last=state["last"])


class MetricMeter:
    """Named scalars of many batches, on the device until they are read."""

    def __init__(self) -> None:
        self._values: dict[str, list[torch.Tensor]] = {}
        self._sizes: dict[str, list[int]] = {}

    def add(self, name: str, value: Any, samples: int) -> None:
        """Take a scalar; raises ValueError for what is none."""
        scalar = value.detach() if isinstance(value, torch.Tensor) else torch.tensor(float(value))
        if scalar.numel() != 1:
            raise ValueError(f"metric '{name}' has the shape {tuple(scalar.shape)}, and one number is needed")
        self._values.setdefault(name, []).append(scalar.reshape(()).to(torch.float64))
        self._sizes.setdefault(name, []).append(samples)

    def replace(self, name: str, value: Any, samples: int) -> None:
        """Take a scalar in place of the newest one of that name."""
        if self._values.get(name):
            self._values[name].pop()
            self._sizes[name].pop()
        self.add(name, value, samples)

    def means(self) -> dict[str, float]:
        """Means weighted by sample count, in the order in which the names came up."""
        result = {}
        for name, scalars in self._values.items():
            mean = Mean()
            for value, size in zip(torch.stack(scalars).tolist(), self._sizes[name], strict=True):
                mean.add(value, size)
            result[name] = mean.value
        return result
