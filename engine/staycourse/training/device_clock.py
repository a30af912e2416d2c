"""How long copying and computing take on a GPU, by events on its stream that nobody waits for."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import torch

# One step in so many is marked, and each that comes so many seconds after the one marked before it. A prime,
# so that gradients summed over two, four or eight steps do not always have the same one of them marked.
STRIDE, _PAUSE_S = 7, 0.1
# Marks that the GPU has not come to yet; beyond them no step is marked until it has.
_MOST_UNDER_WAY = 32


class TimedEvent(Protocol):
    """A place in the GPU's queue, as torch.cuda.Event marks it."""

    def record(self) -> Any: ...

    def query(self) -> bool: ...

    def elapsed_time(self, end: Any) -> float: ...


class _Marks(NamedTuple):
    """Before the copy, between copy and computing, after computing."""

    begun: TimedEvent
    copied: TimedEvent
    computed: TimedEvent


class Parts(NamedTuple):
    """Mean milliseconds of a step on the device: copying its batch there, computing."""

    copy_ms: float
    compute_ms: float


class DeviceClock:
    """Marks some steps of a training loop with events and reads those that the GPU has passed.

    Nothing here waits for the GPU: `copying`, `computing` and `done` put marks into its queue, some
    microseconds on one step in seven, and `means` asks which of them it has come to.
    """

    def __init__(self, make: Callable[[], TimedEvent], now: Callable[[], float] = time.perf_counter) -> None:
        self._make, self._now = make, now
        self._marked_at = now()
        self._free: list[_Marks] = []
        self._under_way: deque[_Marks] = deque()
        self._marks: _Marks | None = None
        self._step = 0

    def copying(self) -> None:
        """A step's batch is at hand, and is copied next."""
        self._step += 1
        self._marks = None
        now = self._now()
        is_due = self._step % STRIDE == 0 or now - self._marked_at >= _PAUSE_S
        if is_due and len(self._under_way) < _MOST_UNDER_WAY:
            self._marked_at = now
            self._marks = self._free.pop() if self._free else _Marks(self._make(), self._make(), self._make())
            self._marks.begun.record()

    def computing(self) -> None:
        """The copy is under way; what comes next is computed."""
        if self._marks is not None:
            self._marks.copied.record()

    def done(self) -> None:
        """The step is under way to its end."""
        if self._marks is not None:
            self._marks.computed.record()
            self._under_way.append(self._marks)
            self._marks = None

    def means(self) -> Parts | None:
        """Means over the marked steps that the GPU has finished since the last call; None for none."""
        copied = computed = 0.0
        count = 0
        while self._under_way and self._under_way[0].computed.query():
            marks = self._under_way.popleft()
            copied += marks.begun.elapsed_time(marks.copied)
            computed += marks.copied.elapsed_time(marks.computed)
            count += 1
            self._free.append(marks)
        return Parts(copied / count, computed / count) if count else None


def device_clock(device: torch.device) -> DeviceClock | None:
    """The clock of a GPU; None for a CPU, whose work the host's clock sees."""
    if device.type != "cuda":
        return None
    return DeviceClock(lambda: torch.cuda.Event(enable_timing=True))  # type: ignore[no-untyped-call]
