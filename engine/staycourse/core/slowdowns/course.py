"""The course of an attempt's epochs: which of them can be compared, and what rises steadily among them."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from itertools import combinations

from staycourse.core.slowdowns.signs import Epoch
from staycourse.core.trends import jitter

# The first epoch warms up: caches fill, kernels are chosen. By simulation, with the values below, of a
# hundred trainings of 60 flat epochs at most one is called growing, whether the epochs' times scatter by 1 %
# or by 20 %, with single slow ones and with a lasting step among them (three where neighbours scatter alike).
# One that grows by 7 % an epoch is seen in epoch 8 where they scatter by 3 %, in epoch 17 at 10 %.
LEAST = 6
_MOST = 40
# Of all pairs of epochs, so many more must rise than fall, as a share (Kendall's tau).
_TAU = 0.7
# The slope against what scatter alone would give, in standard errors.
_STANDARD_ERRORS = 8.0
# Each half must rise at this share of the whole's pace: a single step up, or what levels off, does not grow.
_HALF_PACE = 0.5
# What is worth a word of memory: as a share of the first, and in bytes.
_MEMORY_RISE, _LEAST_BYTES = 0.05, 64 * 2**20
_GIB, _MIB = 2**30, 2**20


def comparable(epochs: Iterable[Epoch]) -> Sequence[Epoch]:
    """The last epochs of as many steps and of the same batch size as the newest, at most forty; the first
    of the attempt is never among them."""
    found: list[Epoch] = []
    for epoch in reversed(list(epochs)[1:][-_MOST:]):
        if found and (epoch.steps, epoch.batch_size) != (found[0].steps, found[0].batch_size):
            break
        found.append(epoch)
    return found[::-1]


def seconds(epochs: Sequence[Epoch]) -> list[float]:
    """What to compare of each: its time, without validation where not all of them have validated."""
    if all(epoch.validation_s is not None for epoch in epochs):
        return [epoch.seconds for epoch in epochs]
    return [epoch.seconds - (epoch.validation_s or 0.0) for epoch in epochs]


def trend(epochs: Iterable[Epoch]) -> float | None:
    """How much longer each epoch takes than the one before, as a share of their middle; None for fewer than
    three to compare."""
    times = seconds(comparable(epochs))
    middle = statistics.median(times) if times else 0.0
    return _slope(times) / middle if len(times) >= 3 and middle > 0 else None


def rise(values: Sequence[float], least: float) -> float | None:
    """How far at least six values rise, as a share of the first ones; None if they do not do so steadily, or
    by less than `least`."""
    count = len(values)
    pairs = list(combinations(values, 2))
    tau = sum((after > before) - (after < before) for before, after in pairs) / len(pairs)
    pace = _slope(values)
    start = statistics.median(value - pace * at for at, value in enumerate(values))
    if tau < _TAU or start <= 0 or pace * (count - 1) / start < least:
        return None
    half = math.ceil(count / 2)
    if min(_slope(values[:half]), _slope(values[-half:])) < _HALF_PACE * pace:
        return None
    off = statistics.median(abs(value - start - pace * at) for at, value in enumerate(values))
    error = max(jitter(values), off) * math.sqrt(12 / (count * (count**2 - 1)))
    return pace * (count - 1) / start if pace >= _STANDARD_ERRORS * error else None


def memory(epochs: Sequence[Epoch]) -> tuple[str, list[float]] | None:
    """The memory that grows, the device's before the host's, and its course."""
    for name, values in (
        ("GPU memory", [epoch.device_bytes for epoch in epochs]),
        ("memory", [epoch.host_bytes for epoch in epochs]),
    ):
        known = [value for value in values if value is not None]
        if len(known) < len(values) or known[-1] - known[0] < _LEAST_BYTES:
            continue
        if rise(known, _MEMORY_RISE) is not None:
            return name, known
    return None


def sizes(values: Sequence[float]) -> str:
    """The first and the last in a unit that fits the last: `2.25 to 3.50 GiB`."""
    first, last = values[0], values[-1]
    if last >= _GIB:
        return f"{first / _GIB:.2f} to {last / _GIB:.2f} GiB"
    return f"{first / _MIB:.0f} to {last / _MIB:.0f} MiB"


def _slope(values: Sequence[float]) -> float:
    """The median of all pairwise slopes (Sen, Estimates of the regression coefficient based on Kendall's tau,
    1968) of at least two values."""
    return statistics.median(
        (values[b] - values[a]) / (b - a) for a, b in combinations(range(len(values)), 2)
    )
