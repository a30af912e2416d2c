"""A trial as the phases see it: its set-up, its end and its curve."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from staycourse.core.outcome import Outcome
from staycourse.core.space import Value

Curve = tuple[tuple[int, float], ...]


@dataclass(frozen=True)
class Trial:
    """One training of one set-up with one seed.

    `key` names it within its phase. `curve` holds (epoch, value) of the objective's metric, whole from
    the first epoch on, also where the trial goes on from a parent. `steps` counts parameter updates.
    `outcome` is None until it has ended.
    """

    id: str
    phase: int
    key: str
    setup: Mapping[str, Value]
    repetition: int = 0
    name: str = ""
    parent: str | None = None
    outcome: Outcome | None = None
    curve: Curve = ()
    epochs_done: int = 0
    steps: int = 0
    horizon: int = 0

    def best(self, goal: str) -> tuple[int, float] | None:
        """(epoch, value) of the best value of a completed trial, the earliest among equals."""
        if self.outcome is None or not self.outcome.is_ranked:
            return None
        return best_point(self.curve, goal)

    def score(self, goal: str) -> float | None:
        """The best value, None if the trial has none."""
        best = self.best(goal)
        return best[1] if best else None


def best_point(curve: Iterable[tuple[int, float]], goal: str) -> tuple[int, float] | None:
    """(epoch, value) of the best finite value, the earliest among equals; None if there is none."""
    points = [point for point in curve if math.isfinite(point[1])]
    if not points:
        return None
    sign = 1.0 if goal == "min" else -1.0
    return min(points, key=lambda point: (sign * point[1], point[0]))


def rank(trials: Iterable[Trial], goal: str) -> list[Trial]:
    """Trials that have a score, best first; equals in the order in which they came."""
    scored = [(trial.score(goal), trial) for trial in trials]
    sign = 1.0 if goal == "min" else -1.0
    with_score = [(score, trial) for score, trial in scored if score is not None]
    return [trial for score, trial in sorted(with_score, key=lambda pair: sign * pair[0])]
