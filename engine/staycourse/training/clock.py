"""Where a worker's time goes: throughput, waiting for data, epochs, memory; and when it is time to say so."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

import psutil
import torch

from staycourse.training.device_clock import device_clock
from staycourse.training.messages import Events

TICK_S = 0.05
_PROGRESS_S = 0.5
_TIMING_S = 1.0

_T = TypeVar("_T")


class WaitClock:
    """Adds up the `seconds` that an iteration waits for what comes next."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def over(self, batches: Iterable[_T]) -> Iterator[_T]:
        """The same batches; the time until each of them comes is counted."""
        began = time.perf_counter()
        for batch in batches:
            self.seconds += time.perf_counter() - began
            yield batch
            began = time.perf_counter()


class Pace:
    """Counts steps, samples and waits between two timing rows, and sends progress on the way.

    `device_clock` measures copying and computing where they are the GPU's, None on a CPU.
    """

    def __init__(self, events: Events, device: torch.device) -> None:
        self._events = events
        self._device = device
        self.device_clock = device_clock(device)
        self._process = psutil.Process()
        now = time.perf_counter()
        self._progress_at = now
        self._timing_from = now
        self._steps = 0
        self._samples = 0
        self._waited = 0.0
        self._copied = 0.0

    def exclude(self, seconds: float) -> None:
        """Leave out time that was not spent on steps: validation, a checkpoint."""
        self._timing_from += seconds

    def count(self, steps: int, samples: int, waited: float, copied: float) -> None:
        """Count finished steps, their samples, the seconds that they waited for data, and those in which it
        was copied to the device, as the host saw them."""
        self._steps += steps
        self._samples += samples
        self._waited += waited
        self._copied += copied

    def progress(self, now: float, step: int, epoch: int, steps_per_epoch: int, **more: int) -> None:
        """Send where the trial is, at most every half second; rows go along."""
        if now - self._progress_at >= _PROGRESS_S:
            self._progress_at = now
            self._events.send("progress", step=step, epoch=epoch, steps_per_epoch=steps_per_epoch, **more)

    def timing(self, now: float, step: int, epoch: int) -> None:
        """Add timing rows about once a second of training."""
        seconds = now - self._timing_from
        if not self._steps or seconds < _TIMING_S:
            return
        step_ms = 1000 * seconds / self._steps
        wait_ms, copy_ms, compute_ms = self._parts(step_ms)
        values = {
            "samples_per_s": self._samples / seconds,
            "step_ms": step_ms,
            "wait_ms": wait_ms,
            "copy_ms": copy_ms,
            "compute_ms": compute_ms,
            "wait_share": min(1.0, wait_ms / step_ms),
            "rss_bytes": self._resident(),
        }
        if self._device.type == "cuda":
            values["device_memory_bytes"] = float(torch.cuda.memory_reserved(self._device))
        for name, value in values.items():
            self._events.timing(name, step, epoch, value)
        self._timing_from = now
        self._steps, self._samples, self._waited, self._copied = 0, 0, 0.0, 0.0

    def validated(self, step: int, epoch: int, seconds: float, waited: float) -> None:
        """Add the rows of a validation that took so long, `waited` of it for data; it is no step's time."""
        self.exclude(seconds)
        self._events.timing("validation_s", step, epoch, seconds)
        self._events.timing("validation_wait_s", step, epoch, waited)
        self._events.timing("validation_wait_share", step, epoch, waited / seconds)

    def end_epoch(self, step: int, epoch: int, began: float | None) -> None:
        """Add the rows of an epoch that ends: its time, unless it began in an earlier attempt, and the memory
        that is in use now (on a GPU what living tensors take, so that what piles up is seen)."""
        if began is not None:
            self._events.timing("epoch_s", step, epoch, time.perf_counter() - began)
        self._events.timing("epoch_rss_bytes", step, epoch, self._resident())
        if self._device.type == "cuda":
            alive = float(torch.cuda.memory_allocated(self._device))
            self._events.timing("epoch_device_memory_bytes", step, epoch, alive)

    def _parts(self, step_ms: float) -> tuple[float, float, float]:
        """Milliseconds of waiting, copying and computing of a mean step of `step_ms`.

        A GPU computes while the host waits for the next batch: of the host's waiting only that part counts
        which the GPU's work does not cover.
        """
        wait_ms, copy_ms = 1000 * self._waited / self._steps, 1000 * self._copied / self._steps
        parts = self.device_clock.means() if self.device_clock else None
        if parts is None:
            return wait_ms, copy_ms, max(0.0, step_ms - wait_ms - copy_ms)
        return max(0.0, min(wait_ms, step_ms - parts.copy_ms - parts.compute_ms)), *parts

    def _resident(self) -> float:
        return float(self._process.memory_info().rss)
