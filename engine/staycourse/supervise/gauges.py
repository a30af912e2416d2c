"""One attempt's meters as the supervisor reads them: what its worker tells, and the sensors meanwhile."""

from __future__ import annotations

import statistics
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from staycourse.core.canonical import decode_number
from staycourse.core.slowdowns import Epoch, Signs, Step, trend

Row = Sequence[Any]  # name, step, epoch, value

# A step is judged by the last minute of training. In an attempt's first epoch caches fill and workers start:
# its steps count only once they have taken longer than that, too. In seconds.
_RECENT_S = _LONG_EPOCH_S = 60.0
# A sensor tells a mean over up to a second: a reading so close to a change of stage mixes two of them.
_SETTLED_S = 1.0
_MOST_EPOCHS, _MOST_LOADS, _LEAST_LOADS = 64, 120, 5
TRAINING, VALIDATION = "training", "validation"


@dataclass(frozen=True)
class _Reading:
    """Some steps that took `seconds` in all, and the parts of their mean in ms by name."""

    steps: int
    seconds: float
    parts: Mapping[str, float]


class _Steps:
    """The readings of the last minute of training; `last` is the step that was told of last."""

    def __init__(self) -> None:
        self.last = 0
        self._readings: deque[_Reading] = deque()
        self._warm_s = 0.0

    def take(self, step: int, parts: Mapping[str, float], *, is_first_epoch: bool) -> None:
        count, self.last = step - self.last, step
        seconds = count * parts["step_ms"] / 1000
        self._warm_s += seconds
        if count <= 0 or (is_first_epoch and self._warm_s < _LONG_EPOCH_S):
            return
        self._readings.append(_Reading(count, seconds, parts))
        while sum(reading.seconds for reading in self._readings) - self._readings[0].seconds >= _RECENT_S:
            self._readings.popleft()

    def forget(self) -> None:
        """Begin anew with the next reading."""
        self._readings.clear()

    def mean(self) -> Step | None:
        """The mean step, where its parts are known."""
        known = [each for each in self._readings if "wait_ms" in each.parts and "compute_ms" in each.parts]
        steps = sum(reading.steps for reading in known)
        if not steps:
            return None
        wait, copy, compute = (
            sum(reading.steps * reading.parts.get(name, 0.0) for reading in known) / steps
            for name in ("wait_ms", "copy_ms", "compute_ms")
        )
        return Step(wait, copy, compute, steps, sum(reading.seconds for reading in known))


class _Loads:
    """The GPU's load in each stage. A reading counts for a stage that was told of before it and after it."""

    def __init__(self) -> None:
        self._stage, self._since = "", 0.0
        self._known = {stage: deque[float](maxlen=_MOST_LOADS) for stage in (TRAINING, VALIDATION)}
        self._unconfirmed: list[float] = []

    def enter(self, stage: str, now: float) -> None:
        if stage == self._stage:
            self._known[stage] += self._unconfirmed
        else:
            self._stage, self._since = stage, now
        self._unconfirmed = []

    def take(self, load: float, now: float) -> None:
        if self._stage and now - self._since >= _SETTLED_S:
            self._unconfirmed.append(load)

    def mean(self, stage: str) -> float | None:
        known = self._known[stage]
        return statistics.fmean(known) if len(known) >= _LEAST_LOADS else None


class Gauges:
    """What was measured of one attempt so far, within bounds. Any part may be missing for ever: a task may
    tell of its epochs only, a machine may have no GPU.

    `cpus` are those that the attempt may use. `epoch` is the last that was timed, `has_news` whether one was
    since `signs` was asked for.
    """

    def __init__(self, *, has_gpu: bool = False, cpus: int | None = None) -> None:
        self.epoch = 0
        self.has_news = False
        self._signs = Signs(has_gpu=has_gpu, cpus=cpus)
        self._steps, self._loads = _Steps(), _Loads()
        self._epochs: deque[Epoch] = deque(maxlen=_MOST_EPOCHS)
        self._batch_sizes: dict[int, float] = {}
        self._validation: dict[str, float] = {}
        self._epoch_end = 0
        self._held_bytes: float | None = None

    def begin(self, step: int, workers: int | None) -> None:
        """The attempt goes on behind that step, with so many loader workers."""
        self._steps.last = self._epoch_end = step
        self._signs = replace(self._signs, workers=workers)

    def feed(self, workers: int | None) -> None:
        """Batches come from so many loader workers now: how long steps waited before tells nothing."""
        if workers != self._signs.workers:
            self._signs = replace(self._signs, workers=workers)
            self._steps.forget()

    def take_metrics(self, rows: Iterable[Row]) -> None:
        """Metric rows, of which the batch size of each epoch is looked at."""
        for name, _, epoch, value in rows:
            if name == "batch_size":
                self._batch_sizes[epoch] = decode_number(value)

    def take_timing(self, rows: Sequence[Row]) -> list[tuple[str, int, int, float]]:
        """Timing rows as they were told; the row that follows from them: `epoch_trend`, how much longer each
        epoch takes than the one before, as a share."""
        readings: dict[tuple[int, int], dict[str, float]] = {}
        for name, step, epoch, value in rows:
            readings.setdefault((step, epoch), {})[name] = decode_number(value)
        ends = [step for (step, epoch), values in readings.items() if self._take(step, epoch, values)]
        change = trend(self._epochs) if ends else None
        return [] if change is None else [("epoch_trend", ends[-1], self.epoch, change)]

    def enter(self, stage: str, now: float) -> None:
        """It has told at monotonic time `now` that it trains, or that it validates."""
        self._loads.enter(stage, now)

    def take_sensors(self, cpu: Mapping[str, float], gpu: Mapping[str, float], now: float) -> None:
        """Readings by name, `gpu` those of its own GPU."""
        if "util_percent" in cpu:
            self._signs = replace(self._signs, cpu_load=cpu["util_percent"] / 100)
        if "util_percent" in gpu:
            self._loads.take(gpu["util_percent"] / 100, now)
        total, used = gpu.get("memory_total_bytes"), gpu.get("memory_used_bytes")
        if total and used is not None:
            # What this trial holds; where nobody tells that, what is in use.
            held = used if self._held_bytes is None else self._held_bytes
            self._signs = replace(self._signs, memory_share=held / total)

    def signs(self) -> Signs:
        """All of it, as of now."""
        self.has_news = False
        return replace(
            self._signs,
            step=self._steps.mean(),
            epochs=tuple(self._epochs),
            training_load=self._loads.mean(TRAINING),
            validation_load=self._loads.mean(VALIDATION),
        )

    def _take(self, step: int, epoch: int, values: Mapping[str, float]) -> bool:
        """What was told at one step; whether a timed epoch ends with it."""
        if "step_ms" in values:
            self._steps.take(step, values, is_first_epoch=not self._epochs)
        self._held_bytes = values.get("device_memory_bytes", self._held_bytes)
        self._validation |= {name: value for name, value in values.items() if name.startswith("validation_")}
        if "epoch_s" in values:
            self._end_epoch(step, epoch, values)
        return "epoch_s" in values

    def _end_epoch(self, step: int, epoch: int, values: Mapping[str, float]) -> None:
        size = self._batch_sizes.get(epoch)
        ended = Epoch(
            number=epoch,
            seconds=values["epoch_s"],
            steps=step - self._epoch_end,
            batch_size=size,
            host_bytes=values.get("epoch_rss_bytes"),
            device_bytes=values.get("epoch_device_memory_bytes"),
            validation_s=self._validation.get("validation_s"),
            validation_wait_s=self._validation.get("validation_wait_s"),
        )
        self._epochs.append(ended)
        self._signs = replace(self._signs, batch_size=size)
        self._batch_sizes = {later: size for later, size in self._batch_sizes.items() if later > epoch}
        self._validation, self._epoch_end = {}, step
        self.epoch, self.has_news = epoch, True
