"""How long the rest of a campaign may take, from what its trials have taken so far."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple


class Work(NamedTuple):
    """An ended trial: its share of the data, the epochs it could have had and has had, and its seconds."""

    share: float
    epochs: int
    epochs_done: int
    seconds: float


@dataclass(frozen=True)
class Left:
    """Trials still to do: how many, their share of the data and the epochs of each at most."""

    trials: int
    share: float
    epochs: int


@dataclass(frozen=True)
class Forecast:
    """Seconds still to go, and one standard deviation of that."""

    seconds: float
    spread: float


class Costs:
    """What an epoch of all the data has cost in each ended trial, in seconds."""

    def __init__(self, done: Iterable[Work] = ()) -> None:
        self._costs: list[float] = []
        self._summed: tuple[float, float] | None = None
        for work in done:
            self.add(work)

    def add(self, work: Work) -> None:
        """One more ended trial; one that has trained no epoch tells nothing."""
        if work.epochs_done and work.seconds > 0:
            self._costs.append(work.seconds / (work.epochs * work.share))
            self._summed = None

    def forecast(self, left: Sequence[Left], slots: int = 1) -> Forecast | None:
        """Remaining time by the mean cost, None before any trial has ended.

        Trials that rules have ended early make the rest shorter in proportion.
        """
        if not self._costs:
            return None
        mean, deviation = self._mean_and_deviation()
        units = [(item.trials, item.share * item.epochs) for item in left]
        total = math.fsum(count * unit for count, unit in units)
        # The mean itself is uncertain, and each trial still to come differs from it.
        own = math.sqrt(math.fsum(count * unit**2 for count, unit in units))
        spread = deviation * math.hypot(total / math.sqrt(len(self._costs)), own)
        return Forecast(mean * total / slots, spread / slots)

    def _mean_and_deviation(self) -> tuple[float, float]:
        """Exact sums: the order in which trials end leaves no trace."""
        if self._summed is None:
            costs, count = self._costs, len(self._costs)
            mean = math.fsum(costs) / count
            squares = math.fsum((cost - mean) ** 2 for cost in costs)
            self._summed = mean, math.sqrt(squares / (count - 1)) if count > 1 else mean / 2
        return self._summed


def forecast(done: Iterable[Work], left: Sequence[Left], slots: int = 1) -> Forecast | None:
    """Remaining time after these trials, as Costs forecasts it."""
    return Costs(done).forecast(left, slots)
