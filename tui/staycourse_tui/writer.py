"""Writing to a terminal that may not read, on a thread of its own: whoever writes never waits."""

from __future__ import annotations

import os
import select
import threading
from collections.abc import Callable

MOST_WAITING = 4096  # bytes behind the text that is being written


class Writer:
    """Text in the order in which it came, to a file descriptor.

    `behind` is called as soon as more than MOST_WAITING bytes wait, `caught_up` when none do after that;
    either on any thread, and neither may block. What is given in between is kept: that it stays little is
    up to whoever is told. A terminal that is gone takes everything and shows nothing.
    """

    def __init__(self, fileno: int, behind: Callable[[], object], caught_up: Callable[[], object]) -> None:
        self._fileno = fileno
        self._tell_behind, self._tell_caught_up = behind, caught_up
        self._waiting: list[bytes] = []
        self._size = 0
        self._is_writing = self._is_behind = self._is_stopped = False
        self._changed = threading.Condition()
        threading.Thread(target=self._run, name="terminal-output", daemon=True).start()

    @property
    def is_idle(self) -> bool:
        """Whether all is written."""
        return not (self._waiting or self._is_writing)

    def write(self, text: str) -> None:
        """Have the text written."""
        data = text.encode("utf-8", "replace")
        with self._changed:
            self._waiting.append(data)
            self._size += len(data)
            is_new = self._size > MOST_WAITING and self._is_writing and not self._is_behind
            self._is_behind = self._is_behind or is_new
            self._changed.notify_all()
            if is_new:
                self._tell_behind()

    def drain(self, is_hurried: Callable[[], bool], patience: float = 1.0) -> bool:
        """Wait until all is written; with `is_hurried` for so many seconds at most. Whether it was."""
        with self._changed:
            while not self.is_idle:
                if is_hurried():
                    return self._changed.wait_for(lambda: self.is_idle, patience)
                self._changed.wait(0.1)
        return True

    def stop(self) -> None:
        """End the thread; what still waits is not written."""
        with self._changed:
            self._is_stopped = True
            self._waiting.clear()
            self._changed.notify_all()

    def _run(self) -> None:
        while (data := self._next()) is not None:
            self._put(data)
            with self._changed:
                self._is_writing = False
                is_over = self._is_behind and not self._waiting
                self._is_behind = self._is_behind and not is_over
                self._changed.notify_all()
                if is_over:
                    self._tell_caught_up()

    def _next(self) -> bytes | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._is_stopped)
            if self._is_stopped:
                return None
            data = b"".join(self._waiting)
            self._waiting.clear()
            self._size, self._is_writing = 0, True
            return data

    def _put(self, data: bytes) -> None:
        """Write all of it, however long the terminal takes to read."""
        while data:
            try:
                data = data[os.write(self._fileno, data) :]
            except BlockingIOError:  # somebody who shares this terminal has set it so
                select.select([], [self._fileno], [], 1.0)
            except OSError:
                return
