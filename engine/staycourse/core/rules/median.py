"""Worse than what most other trials had by then."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from staycourse.core.rules import Ending, Progress
from staycourse.core.trial import Curve

Points = Sequence[tuple[int, float]]


@dataclass(frozen=True)
class MedianStopping:
    """Ends a trial whose best value so far is worse than the median of the running means that other trials
    had up to that epoch, not before `start` epochs are done.

    `reference` holds those medians, (epoch, value) in the order of epochs; a trial is judged at these epochs
    and behind the last of them by the last one. (Golovin et al.: Google Vizier, A Service for Black-Box
    Optimization, KDD 2017, section 3.2.2.) Running means lag behind, so that it is slow to judge.
    """

    reference: Curve
    start: int = 0
    goal: str = "min"
    metric: str = "val_loss"

    def verdict(self, progress: Progress) -> Ending | None:
        best, median = self._best(progress.curve), self._median(progress.epoch)
        if best is None or median is None or progress.epoch < self.start or not self._is_worse(best, median):
            return None
        said = f"best {self.metric} {best:.6g} after {progress.epoch} epochs"
        return Ending("median", f"{said}; others had {median:.6g} in the median")

    def describe(self) -> str:
        late = f", not before epoch {self.start}" if self.start else ""
        return f"a best {self.metric} worse than the median of the trials before{late}"

    def nearness(self, progress: Progress) -> str:
        best, median = self._best(progress.curve), self._median(progress.epoch)
        if best is None or median is None:
            return "median -"
        return f"median {'behind' if self._is_worse(best, median) else 'ahead'}"

    def _best(self, curve: Points) -> float | None:
        values = [value for _, value in curve if math.isfinite(value)]
        return (min(values) if self.goal == "min" else max(values)) if values else None

    def _median(self, epoch: int) -> float | None:
        """What others had up to this epoch; None before any had anything."""
        return next((value for at, value in reversed(self.reference) if at <= epoch), None)

    def _is_worse(self, value: float, than: float) -> bool:
        return value > than if self.goal == "min" else value < than


@lru_cache(maxsize=4096)  # a phase asks again after each of its trials
def medians(curves: tuple[Curve, ...]) -> Curve:
    """At each epoch at which any of the curves has a value, the median of their running means up to it.

    A curve that ended before counts with the mean that it had; one that has not begun does not count.
    """
    running = [_running_means(curve) for curve in curves]
    reached: dict[int, float] = {}
    found = []
    for epoch in sorted(set().union(*running)):
        reached |= {at: means[epoch] for at, means in enumerate(running) if epoch in means}
        found.append((epoch, statistics.median(reached.values())))
    return tuple(found)


def _running_means(curve: Curve) -> dict[int, float]:
    means, total, count = {}, 0.0, 0
    for epoch, value in curve:
        if math.isfinite(value):
            total, count = total + value, count + 1
            means[epoch] = total / count
    return means
