"""How long the rest of a campaign may take, from what its trials have taken so far."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Work:
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


def forecast(done: Iterable[Work], left: Sequence[Left], slots: int = 1) -> Forecast | None:
    """Remaining time by the mean cost of an epoch of all the data, None before any trial has ended.

    Trials that rules have ended early make the rest shorter in proportion.
    """
    ended = [work for work in done if work.epochs_done and work.seconds > 0]
    if not ended:
        return None
    costs = [work.seconds / (work.epochs * work.share) for work in ended]
    mean = statistics.fmean(costs)
    deviation = statistics.stdev(costs) if len(costs) > 1 else mean / 2
    units = [(item.trials, item.share * item.epochs) for item in left]
    total = sum(count * unit for count, unit in units)
    # The mean itself is uncertain, and each trial still to come differs from it.
    spread = deviation * math.hypot(
        total / math.sqrt(len(costs)), math.sqrt(sum(n * unit**2 for n, unit in units))
    )
    return Forecast(mean * total / slots, spread / slots)
