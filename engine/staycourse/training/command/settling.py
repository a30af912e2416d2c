"""How long a script that a rule has ended is left alone: until its checkpoint of that epoch is written.

Most scripts tell of an epoch first and save it after that.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from staycourse.training.command.course import Course
from staycourse.training.command.place import Place

_QUIET_S, _LEAST_S, _MOST_S = 0.5, 2.0, 120.0
# The kernel dates files by a clock that ticks this slowly at most.
_TICK_S = 0.02


class Settling:
    """Begun when a rule has ended the trial, and asked again and again from then on. `is_open(path)` tells
    whether the script has a file open; `ends_by_itself` that it knows where the trial ends."""

    def __init__(
        self, place: Place, course: Course, is_open: Callable[[Path], bool], *, ends_by_itself: bool
    ) -> None:
        self._place, self._course, self._ends_by_itself = place, course, ends_by_itself
        self._is_open = is_open
        self._began = 0.0
        self._since = 0.0

    def begin(self, since: float) -> None:
        """What was written after `since`, in seconds since 1970, belongs to the epoch that has just ended: it
        was told of later than that."""
        if not self._began:
            self._began, self._since = time.monotonic(), since - _TICK_S

    def is_over(self) -> bool:
        """Whether it is time for SIGTERM."""
        if self._course.is_beyond:
            return True
        if self._course.is_at_its_length and self._ends_by_itself:
            return False  # it knows that this was its last epoch
        if not self._place.has_weights or self._is_saved():
            return True
        waited = time.monotonic() - self._began
        return waited > min(_MOST_S, max(_LEAST_S, self._course.epoch_seconds))

    def _is_saved(self) -> bool:
        """A file of its own is whole when the script has closed it; of several, others may follow."""
        times = []
        for path in self._place.left():
            try:
                times.append((path.stat().st_mtime, path))
            except OSError:
                continue
        newest = max(times, default=(0.0, Path()))
        if newest[0] < self._since:
            return False
        return not self._is_open(newest[1]) if len(times) == 1 else time.time() - newest[0] > _QUIET_S
