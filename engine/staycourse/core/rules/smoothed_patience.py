"""No improvement for so many epochs, seen through a running mean: for curves that jitter."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from staycourse.core.rules import Ending, Progress
from staycourse.core.rules.patience import Patience

Points = Sequence[tuple[int, float]]


@dataclass(frozen=True)
class SmoothedPatience:
    """Patience on the mean of the last `smooth` values, of those that there are at a curve's beginning.

    A single lucky value makes plain patience wait for what never comes again, an unlucky stretch ends it too
    soon; Prechelt judges by the means of training strips for the same reason (Early Stopping - But When?, in
    Neural Networks: Tricks of the Trade, 1998).
    """

    patience: Patience
    smooth: int

    def verdict(self, progress: Progress) -> Ending | None:
        ending = self.patience.verdict(self._smoothed(progress))
        if ending is None:
            return None
        return Ending("patience", f"{ending.detail} (mean of {self.smooth} values)")

    def describe(self) -> str:
        return f"{self.patience.describe()}, by the mean of the last {self.smooth} values"

    def nearness(self, progress: Progress) -> str:
        return self.patience.nearness(self._smoothed(progress))

    def _smoothed(self, progress: Progress) -> Progress:
        return Progress(progress.epoch, running_means(progress.curve, self.smooth), progress.seconds)


def running_means(curve: Points, count: int) -> list[tuple[int, float]]:
    """At each point the mean of the last `count` values up to it."""
    values = [value for _, value in curve]
    means = []
    for at, (epoch, _) in enumerate(curve):
        window = values[max(0, at + 1 - count) : at + 1]
        is_finite = all(map(math.isfinite, window))
        means.append((epoch, math.fsum(window) / len(window) if is_finite else math.nan))
    return means
