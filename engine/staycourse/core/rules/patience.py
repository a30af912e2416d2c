"""No improvement for so many epochs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from staycourse.core.rules import Ending, Progress


@dataclass(frozen=True)
class Patience:
    """Ends a trial whose metric has not improved by more than `min_delta` for `epochs` epochs.

    It never fires before `start` epochs are done. `goal` is "min" or "max".
    """

    epochs: int
    goal: str = "min"
    start: int = 0
    min_delta: float = 0.0
    metric: str = "val_loss"

    def verdict(self, progress: Progress) -> Ending | None:
        waited = self.waited(progress)
        if waited < self.epochs or progress.epoch < self.start:
            return None
        epoch, value = self.last_improvement(progress.curve)
        detail = f"no better {self.metric} than {value:.6g} (epoch {epoch}) for {waited} epochs"
        return Ending("patience", detail)

    def waited(self, progress: Progress) -> int:
        """Epochs from the last improvement to the last value: an epoch without one proves nothing."""
        if not progress.curve:
            return 0
        return progress.curve[-1][0] - self.last_improvement(progress.curve)[0]

    def last_improvement(self, curve: Sequence[tuple[int, float]]) -> tuple[int, float]:
        """(epoch, value) at which the metric last improved by more than `min_delta`."""
        sign = 1.0 if self.goal == "min" else -1.0
        best_epoch, best = curve[0]
        for epoch, value in curve[1:]:
            better = sign * (best - value) > self.min_delta
            if better or (math.isnan(best) and not math.isnan(value)):
                best_epoch, best = epoch, value
        return best_epoch, best

    def decisive(self, curve: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
        """The last improvement and the last point: with them alone, and with whatever comes behind them, the
        rule says what it says of the whole curve."""
        if not curve:
            return []
        improved = self.last_improvement(curve)
        return [curve[-1]] if improved[0] == curve[-1][0] else [improved, curve[-1]]

    def describe(self) -> str:
        parts = [f"no better {self.metric} for {self.epochs} epochs"]
        if self.min_delta:
            parts.append(f"by more than {self.min_delta:g}")
        if self.start:
            parts.append(f"not before epoch {self.start}")
        return ", ".join(parts)

    def nearness(self, progress: Progress) -> str:
        return f"patience {min(self.waited(progress), self.epochs)}/{self.epochs}"
