"""Attempts that do not get on: killed after `hang_after`. What a signal has stopped is continued instead."""

from __future__ import annotations

import time
from collections.abc import Iterable

import psutil

from staycourse.core.events import Noted
from staycourse.record.store import Store
from staycourse.supervise.attempt import Attempt
from staycourse.supervise.signals import continue_stopped
from staycourse.supervise.spawner import Spawner

_LEAVE_WITHIN = 60.0
_LOOK_EVERY = 1.0
_OWN_PAUSE = 3.0


class Hangs:
    """`hang_after` is in seconds. SIGSTOP to a worker, a loader worker, the fork server or this supervisor
    makes no hang: nobody ends a trial with it."""

    def __init__(self, hang_after: float, store: Store, spawner: Spawner) -> None:
        self._limit, self._store, self._spawner = hang_after, store, spawner
        self._turned_at = self._looked_at = time.monotonic()

    def look(self, running: Iterable[Attempt]) -> None:
        """Once in every turn of the loop, after the workers have been heard."""
        attempts = list(running)
        self._excuse_own_pause(attempts)
        if time.monotonic() - self._looked_at > _LOOK_EVERY:
            self.continue_stopped(attempts)
        for attempt in attempts:
            if self._is_overdue(attempt) and not self._continue_below(attempt):
                attempt.is_hung = True
                self._spawner.kill(attempt.child)

    def continue_stopped(self, running: Iterable[Attempt]) -> None:
        """Let every process go on that was forked here and has been stopped, and say so."""
        self._looked_at = time.monotonic()
        attempts = {attempt.child.pid: attempt for attempt in running if attempt.child.code is None}
        names = {child.pid: child.name for child in self._spawner.children.values() if child.code is None}
        names |= {pid: f"the worker of {attempt.trial}" for pid, attempt in attempts.items()}
        names[self._spawner.server] = "the fork server"
        for pid in continue_stopped(pid for pid in names if pid):
            waiting = attempts.values() if pid == self._spawner.server else [attempts.get(pid)]
            _excuse(attempt for attempt in waiting if attempt is not None)
            self._note(names[pid])

    def _is_overdue(self, attempt: Attempt) -> bool:
        if not attempt.child.pid:
            return False  # what a slow start of the fork server keeps waiting does not hang
        silent = time.monotonic() - attempt.moved
        return not attempt.is_hung and silent > (self._limit if attempt.last is None else _LEAVE_WITHIN)

    def _continue_below(self, attempt: Attempt) -> bool:
        """Whether a process that the worker has started was stopped; asked only of one that is overdue, for
        it takes a look at every process of the machine."""
        if not attempt.child.pid:
            return False
        try:
            family = psutil.Process(attempt.child.pid).children(recursive=True)
        except psutil.Error:
            return False
        if not continue_stopped(member.pid for member in family):
            return False
        _excuse([attempt])
        self._note(f"a process started by the worker of {attempt.trial}")
        return True

    def _excuse_own_pause(self, attempts: list[Attempt]) -> None:
        """What was stopped together with this process (a paused container) has not been silent by itself."""
        now = time.monotonic()
        pause, self._turned_at = now - self._turned_at, now
        if pause > _OWN_PAUSE:
            for attempt in attempts:
                attempt.moved = min(now, attempt.moved + pause)

    def _note(self, who: str) -> None:
        self._store.append(Noted("worker", f"{who} was stopped by a signal and goes on"))


def _excuse(attempts: Iterable[Attempt]) -> None:
    for attempt in attempts:
        attempt.moved = time.monotonic()
