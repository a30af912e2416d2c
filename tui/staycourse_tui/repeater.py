"""Asks the same again and again on a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable

from textual.message import Message


class Repeater:
    """Posts what `ask` answers, then waits: for `pause` seconds, until the message was taken (`taken`) and as
    long as nobody looks (`rest`, `go_on`). The thread is a daemon: leaving never waits for it."""

    def __init__(
        self,
        name: str,
        ask: Callable[[], Message],
        post: Callable[[Message], object],
        pause: Callable[[], float],
    ) -> None:
        self._name, self._ask, self._post, self._pause = name, ask, post, pause
        self._wake = threading.Event()
        self._taken = threading.Event()
        self._going = threading.Event()
        self._going.set()
        self._stopped = False

    def start(self) -> None:
        threading.Thread(target=self._run, name=self._name, daemon=True).start()

    def stop(self) -> None:
        """Ask no more."""
        self._stopped = True
        for event in (self._wake, self._taken, self._going):
            event.set()

    def taken(self) -> None:
        """The last message has arrived."""
        self._taken.set()

    def rest(self) -> None:
        self._going.clear()

    def go_on(self) -> None:
        """Ask at once, and go on asking."""
        self._going.set()
        self._wake.set()

    def _run(self) -> None:
        while not self._stopped:
            self._wake.clear()
            self._taken.clear()
            message = self._ask()
            if self._stopped:
                return
            self._post(message)
            self._taken.wait()
            self._wake.wait(self._pause())
            self._going.wait()
