"""Where a worker's time goes: throughput, waiting for data, memory; and when it is time to say so."""

from __future__ import annotations

import time

import psutil
import torch

from staycourse.training.messages import Events

TICK_S = 0.05
_PROGRESS_S = 0.5
_TIMING_S = 1.0


class Pace:
    """Counts steps, samples and waits between two timing rows, and sends progress on the way."""

    def __init__(self, events: Events, device: torch.device) -> None:
        self._events = events
        self._device = device
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
        values = {
            "samples_per_s": self._samples / seconds,
            "step_ms": 1000 * seconds / self._steps,
            "wait_ms": 1000 * self._waited / self._steps,
            "copy_ms": 1000 * self._copied / self._steps,
            "compute_ms": max(0.0, 1000 * (seconds - self._waited - self._copied) / self._steps),
            "wait_share": min(1.0, self._waited / seconds),
            "rss_bytes": float(self._process.memory_info().rss),
        }
        if self._device.type == "cuda":
            values["device_memory_bytes"] = float(torch.cuda.memory_reserved(self._device))
        for name, value in values.items():
            self._events.timing(name, step, epoch, value)
        self._timing_from = now
        self._steps, self._samples, self._waited, self._copied = 0, 0, 0.0, 0.0
