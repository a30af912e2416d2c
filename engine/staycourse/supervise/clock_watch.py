"""Notices that the clock was set: the times in the record are not in the order of its events then."""

from __future__ import annotations

import time

_LEAST = 2.0


class ClockWatch:
    """Holds the time of day against a clock that nobody can set."""

    def __init__(self) -> None:
        self._ahead = time.time() - time.monotonic()

    def jump(self) -> str | None:
        """How the clock has moved since the last look, in a sentence; None for what keeping time takes."""
        ahead = time.time() - time.monotonic()
        seconds, self._ahead = ahead - self._ahead, ahead
        if seconds <= -_LEAST:
            return f"the clock was set back by {-seconds:.0f} s; what follows comes after what stands before"
        if seconds >= _LEAST:
            return f"the clock went forward by {seconds:.0f} s: it was set, or the machine slept"
        return None
