"""Nevergrad's background threads: libraries without ask and tell, held at their next question.

Nevergrad runs such a library in a thread and trades messages with it. It goes on by itself after a tell,
and would draw from the global generators while they are being seeded for something else; and it never
answers an ask before it has heard the result of its last one.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from nevergrad.optimization.recaster import _MessagingThread

_PAUSE_S = 0.0005


class Background:
    """The threads that one optimizer started."""

    def __init__(self) -> None:
        self._threads: list[Any] = []

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Around every call of the optimizer: notes its threads, and leaves when all of them wait."""
        before = set(threading.enumerate())
        try:
            yield
        finally:
            started = [
                t for t in threading.enumerate() if isinstance(t, _MessagingThread) and t not in before
            ]
            self._threads = [t for t in (*self._threads, *started) if t.is_alive()]
            while any(map(_working, self._threads)):
                time.sleep(_PAUSE_S)

    @property
    def starving(self) -> bool:
        """Whether a thread has nothing to propose until it is told a result."""
        return any(t.is_alive() and t.messages_ask.empty() for t in self._threads)

    def stop(self) -> None:
        """Ends the threads; they would otherwise keep the process from exiting."""
        for thread in self._threads:
            thread.stop()
        self._threads = []


def _working(thread: Any) -> bool:
    """Whether it has got all its answers and has not put its next question (or its end) yet."""
    asked, answered = thread.messages_ask.unfinished_tasks, thread.messages_tell.unfinished_tasks
    return bool(thread.is_alive() and asked <= answered)
