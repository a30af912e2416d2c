"""How busy the machine was: means over time, highest values and energy of every device."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

# Samples older than an hour are kept every ten seconds; a longer silence was not measured and counts for
# nothing. In seconds.
_LONGEST_GAP = 30.0
POWER = "power_watts"
_JOULES_PER_KWH = 3.6e6


@dataclass(frozen=True)
class Reading:
    """A sensor over the run: its mean over time and its highest value, in the unit of its name."""

    mean: float
    highest: float


@dataclass(frozen=True)
class Load:
    """A device's readings by name over `seconds` of measured time."""

    device: str
    seconds: float
    readings: dict[str, Reading]

    @property
    def energy_kwh(self) -> float | None:
        """Mean power over the measured time; None where the power is not known."""
        power = self.readings.get(POWER)
        return power.mean * self.seconds / _JOULES_PER_KWH if power else None


@dataclass
class _Sum:
    """A sensor's sum over time: each sample stands until the next one."""

    total: float = 0.0
    seconds: float = 0.0
    highest: float = float("-inf")
    last: float = 0.0
    last_at: float | None = None

    def add(self, at: float, value: float) -> None:
        if self.last_at is not None and 0 <= at - self.last_at <= _LONGEST_GAP:
            self.total += self.last * (at - self.last_at)
            self.seconds += at - self.last_at
        self.last, self.last_at, self.highest = value, at, max(self.highest, value)

    @property
    def mean(self) -> float:
        return self.total / self.seconds if self.seconds else self.last


def read_load(db: sqlite3.Connection) -> tuple[Load, ...]:
    """The load of every device, GPUs first."""
    sums: dict[str, dict[str, _Sum]] = {}
    rows: Iterable[tuple[str, str, str, float]] = db.execute(
        "SELECT time, device, name, value FROM hardware WHERE value IS NOT NULL ORDER BY rowid"
    )
    known, at = "", 0.0
    for time, device, name, value in rows:
        if time != known:
            known, at = time, datetime.fromisoformat(time).timestamp()
        sums.setdefault(device, {}).setdefault(name, _Sum()).add(at, value)
    return tuple(_load(device, sums[device]) for device in sorted(sums, key=_order))


def _load(device: str, sums: dict[str, _Sum]) -> Load:
    readings = {name: Reading(total.mean, total.highest) for name, total in sums.items()}
    return Load(device, max(total.seconds for total in sums.values()), readings)


def _order(device: str) -> tuple[bool, int, str]:
    digits = "".join(filter(str.isdigit, device))
    return device == "cpu", int(digits or 0), device
