"""How long a script that a rule has ended is left alone: until its checkpoint of that epoch is written.

Most scripts tell of an epoch first and save it after that.
"""

from __future__ import annotations

import time

from staycourse.training.command.course import Course
from staycourse.training.command.place import Place

_QUIET_S, _LEAST_S, _MOST_S = 0.5, 2.0, 120.0


class Settling:
    """Asked again and again once `course.ended` is set."""

    def __init__(self, place: Place, course: Course, ends_by_itself: bool) -> None:
        self._place, self._course, self._ends_by_itself = place, course, ends_by_itself
        self._began = self._changed = 0.0
        self._seen: tuple[tuple[str, int, int], ...] = ()
        self._has_saved = False

    def is_over(self) -> bool:
        """Whether it is time for SIGTERM."""
        now = time.monotonic()
        if not self._began:
            self._began, self._seen = now, self._look()
        if self._course.is_beyond:
            return True
        if self._course.is_at_its_length and self._ends_by_itself:
            return False  # it knows that this was its last epoch
        if not self._seen and not self._place.has_weights:
            return True
        self._notice(now)
        if self._has_saved and now - self._changed > _QUIET_S:
            return True
        return now - self._began > min(_MOST_S, max(_LEAST_S, self._course.epoch_seconds))

    def _notice(self, now: float) -> None:
        seen = self._look()
        if seen != self._seen:
            self._seen, self._changed, self._has_saved = seen, now, True

    def _look(self) -> tuple[tuple[str, int, int], ...]:
        found = []
        for path in self._place.left():
            try:
                status = path.stat()
            except OSError:
                continue
            found.append((str(path), status.st_size, status.st_mtime_ns))
        return tuple(found)
