"""Small jobs on threads, one after another, of which one that hangs holds up no other for long: a file system
that is gone answers no call, and no call can be taken back."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass


@dataclass
class _Errand:
    run: Callable[[], object]
    group: Hashable
    begun: float = 0.0


class Errands:
    """Errands with a key each; one that hangs for `patience` seconds is left to its thread, and another
    thread goes on with the rest. Those of a group in which one hangs come last, and once `most` errands hang
    they wait until one comes back. The threads are daemons: leaving never waits for them.
    """

    def __init__(self, patience: float = 2.0, most: int = 8) -> None:
        self._patience, self._most = patience, most
        self._changed = threading.Condition()
        self._queue: dict[Hashable, _Errand] = {}
        self._in_hand: dict[Hashable, _Errand] = {}
        self._worker: threading.Thread | None = None

    def add(self, key: Hashable, group: Hashable, run: Callable[[], object]) -> None:
        """Have it done, unless one of that key is waiting or in hand. What it raises is lost."""
        with self._changed:
            if key not in self._queue and key not in self._in_hand:
                self._queue[key] = _Errand(run, group)

    def wait(self, seconds: float) -> bool:
        """Wait until all are done that can be, so many seconds at most; whether they are."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while True:
                self._keep_going()
                if self._worker is None or not (self._queue or self._in_hand):
                    return not self._queue and not self._in_hand
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                self._changed.wait(min(left, 0.1))

    def waiting_for(self, key: Hashable) -> float:
        """For how many seconds the errand has hung; 0 if it does not."""
        with self._changed:
            errand = self._in_hand.get(key)
        since = time.monotonic() - errand.begun if errand else 0.0
        return since if since > self._patience else 0.0

    def _keep_going(self) -> None:
        """A thread for what waits, where there is none or the last one hangs."""
        begun = max((errand.begun for errand in self._in_hand.values()), default=0.0)
        is_stuck = bool(self._in_hand) and time.monotonic() - begun > self._patience
        if (self._worker is None or is_stuck) and self._next() is not None:
            self._worker = threading.Thread(target=self._work, name="errands", daemon=True)
            self._worker.start()

    def _next(self) -> Hashable | None:
        """The key of the next errand; a group in which one is in hand has to wait."""
        busy = {errand.group for errand in self._in_hand.values()}
        free = next((key for key, errand in self._queue.items() if errand.group not in busy), None)
        if free is not None or len(self._in_hand) >= self._most:
            return free
        return next(iter(self._queue), None)

    def _work(self) -> None:
        while True:
            with self._changed:
                is_replaced = self._worker is not threading.current_thread()
                key = None if is_replaced else self._next()
                if key is None:
                    self._worker = self._worker if is_replaced else None
                    self._changed.notify_all()
                    return
                errand = self._in_hand[key] = self._queue.pop(key)
                errand.begun = time.monotonic()
            with contextlib.suppress(Exception):  # the other errands are not to go with it
                errand.run()
            with self._changed:
                self._in_hand.pop(key, None)
                self._changed.notify_all()
