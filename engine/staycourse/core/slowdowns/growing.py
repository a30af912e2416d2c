"""Whether epochs take longer and longer, or memory grows with them, at equal work."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from itertools import combinations

from staycourse.core.slowdowns.signs import Epoch, Signs, Slowdown, rounded
from staycourse.core.trends import jitter

KIND = "growing"
ADVICE = (
    "keep `loss.item()` or `loss.detach()` instead of a loss, a prediction or a metric with its graph; empty "
    "lists and caches at the end of an epoch"
)

# The first epoch warms up: caches fill, kernels are chosen. By simulation, with the values below, of a
# hundred trainings of 60 flat epochs at most one is called growing, whether the epochs' times scatter by 1 %
# or by 20 %, with single slow ones and with a lasting step among them (three where neighbours scatter alike).
# One that grows by 7 % an epoch is seen in epoch 8 where they scatter by 3 %, in epoch 17 at 10 %.
_LEAST, _MOST = 6, 40
# Of all pairs of epochs, so many more must rise than fall, as a share (Kendall's tau).
_TAU = 0.7
# The slope against what scatter alone would give, in standard errors.
_STANDARD_ERRORS = 8.0
# Each half must rise at this share of the whole's pace: a single step up, or what levels off, does not grow.
_HALF_PACE = 0.3
# What is worth a word: of the epoch's time at the beginning; of memory, and in bytes.
_TIME_RISE, _MEMORY_RISE, _LEAST_BYTES = 0.15, 0.05, 64 * 2**20
_GIB = 2**30


def look(signs: Signs) -> Slowdown | None:
    """By the epochs of equal work up to the last one, without the first of all."""
    epochs = comparable(signs.epochs)
    if len(epochs) < _LEAST:
        return None
    times = seconds(epochs)
    time_rise = _rise(times, _TIME_RISE)
    memory = _memory(epochs)
    is_known = any(epoch.host_bytes is not None or epoch.device_bytes is not None for epoch in epochs)
    figures = {
        "first_epoch": epochs[0].number,
        "last_epoch": epochs[-1].number,
        "first_s": rounded(times[0]),
        "last_s": rounded(times[-1]),
        "rise": None if time_rise is None else rounded(time_rise),
    }
    if memory is not None:
        figures |= {"first_bytes": memory[1][0], "last_bytes": memory[1][-1]}
    if time_rise is not None:
        text = f"epochs grow: {_row([_duration(time) for time in times])}, {_with(memory, is_known)}"
        return Slowdown(KIND, text, rounded(time_rise), figures)
    if memory is None:
        return None
    name, values = memory
    text = f"{name} grows: {_sizes(values)} in {len(values)} epochs: losses kept with their graphs?"
    return Slowdown(KIND, text, rounded(values[-1] / values[0] - 1), figures)


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
    validated = [epoch.validation_s for epoch in epochs]
    if all(each is not None for each in validated):
        return [epoch.seconds for epoch in epochs]
    return [epoch.seconds - (epoch.validation_s or 0.0) for epoch in epochs]


def trend(epochs: Iterable[Epoch]) -> float | None:
    """How much longer each epoch takes than the one before, as a share of their middle; None for fewer than
    three to compare."""
    times = seconds(comparable(epochs))
    middle = statistics.median(times) if times else 0.0
    return slope(times) / middle if len(times) >= 3 and middle > 0 else None


def slope(values: Sequence[float]) -> float:
    """The median of all pairwise slopes (Sen, Estimates of the regression coefficient based on Kendall's tau,
    1968) of at least two values."""
    return statistics.median(
        (values[b] - values[a]) / (b - a) for a, b in combinations(range(len(values)), 2)
    )


def _rise(values: Sequence[float], least: float) -> float | None:
    """How far the values rise, as a share of the first ones; None if they do not do so steadily."""
    count = len(values)
    pairs = list(combinations(values, 2))
    tau = sum((after > before) - (after < before) for before, after in pairs) / len(pairs)
    pace = slope(values)
    start = statistics.median(value - pace * at for at, value in enumerate(values))
    if tau < _TAU or start <= 0 or pace * (count - 1) / start < least:
        return None
    half = math.ceil(count / 2)
    if min(slope(values[:half]), slope(values[-half:])) < _HALF_PACE * pace:
        return None
    off = statistics.median(abs(value - start - pace * at) for at, value in enumerate(values))
    error = max(jitter(values), off) * math.sqrt(12 / (count * (count**2 - 1)))
    return pace * (count - 1) / start if pace >= _STANDARD_ERRORS * error else None


def _memory(epochs: Sequence[Epoch]) -> tuple[str, list[float]] | None:
    """The memory that grows, the device's before the host's, and its course."""
    for name, values in (
        ("GPU memory", [epoch.device_bytes for epoch in epochs]),
        ("memory", [epoch.host_bytes for epoch in epochs]),
    ):
        known = [value for value in values if value is not None]
        is_all = len(known) == len(values)
        if is_all and known[-1] - known[0] >= _LEAST_BYTES and _rise(known, _MEMORY_RISE) is not None:
            return name, known
    return None


def _with(memory: tuple[str, list[float]] | None, is_known: bool) -> str:
    if memory is not None:
        return f"and {memory[0]} with them ({_sizes(memory[1])}): losses kept with their graphs?"
    if is_known:
        return "and memory does not: does a step do more and more, or does the machine slow down?"
    return "at equal work: does something grow with every step?"


def _row(words: Sequence[str]) -> str:
    """The first three and the last."""
    return f"{', '.join(words[:3])} … {words[-1]}"


def _duration(value: float) -> str:
    return f"{value:.0f} s" if value >= 9.95 else f"{value:#.2g} s"


def _sizes(values: Sequence[float]) -> str:
    unit, name = (_GIB, "GiB") if values[-1] >= _GIB else (2**20, "MiB")
    first, last = (
        f"{value / unit:.2f}" if unit == _GIB else f"{value / unit:.0f}"
        for value in values[:: len(values) - 1]
    )
    return f"{first} to {last} {name}"
