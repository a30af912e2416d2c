"""One call, repeated in a thread of its own, so that its caller need not wait when it hangs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Background(Generic[T]):
    """Runs `work` each time a result is asked for; one that hangs is waited for once, then only looked at."""

    def __init__(self, work: Callable[[], T], name: str = "gpu-sensors") -> None:
        self._work, self._name = work, name
        self._asked = threading.Event()
        self._done = threading.Event()
        self._result: T | None = None
        self._error: Exception | None = None
        self._thread: threading.Thread | None = None
        self._outstanding = False

    def result(self, patience: float) -> T | None:
        """The result of a fresh call, or of one that was under way; None if it takes over `patience` seconds.

        Raises what `work` raised.
        """
        if self._thread is None:
            # A daemon: a driver that hangs for good must not keep the process from ending.
            self._thread = threading.Thread(target=self._serve, name=self._name, daemon=True)
            self._thread.start()
        wait = 0.0 if self._outstanding else patience
        if not self._outstanding:
            self._done.clear()
            self._asked.set()
        self._outstanding = not self._done.wait(wait)
        if self._outstanding:
            return None
        if self._error is not None:
            raise self._error
        return self._result

    def _serve(self) -> None:
        while True:
            self._asked.wait()
            self._asked.clear()
            self._result, self._error = None, None
            try:
                self._result = self._work()
            except Exception as error:  # handed to whoever asked
                self._error = error
            self._done.set()
