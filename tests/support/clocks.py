"""The time that a run is written and read by: moved, passing, or standing still."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from staycourse.record import clock

MOMENT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@contextlib.contextmanager
def standing_clock(moment: datetime = MOMENT) -> Iterator[None]:
    """Write and read as if it were that moment; the clocks below count from it."""
    with _clock(lambda: moment):
        yield


@contextlib.contextmanager
def moved_clock(seconds: float) -> Iterator[None]:
    """Write as if it were so many seconds later."""
    now = clock.now
    with _clock(lambda: clock.from_text(now()) + timedelta(seconds=seconds)):
        yield


@contextlib.contextmanager
def passing_clock(seconds: float, events: int = 260) -> Iterator[None]:
    """Write as if the last so many seconds passed now, evenly over some `events` looks at the clock."""
    now, looks = clock.now, iter(range(10**9))

    def moment() -> datetime:
        ago = max(1.0, seconds * (1 - next(looks) / events))
        return clock.from_text(now()) - timedelta(seconds=ago)

    with _clock(moment):
        yield


@contextlib.contextmanager
def _clock(moment: Callable[[], datetime]) -> Iterator[None]:
    original = clock.now
    clock.now = lambda: clock.to_text(moment())
    try:
        yield
    finally:
        clock.now = original
