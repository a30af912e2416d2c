"""A view without a screen: Rich progress on a terminal, a line an event without one."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Protocol

from staycourse.cli.output import say
from staycourse.client import RunClient, Snapshot
from staycourse.core.state import RunStatus
from staycourse.record.lock import holder_of, is_held
from staycourse.record.paths import RunPaths
from staycourse.supervise.disk import missing_bytes
from staycourse.supervise.launch import OutOfReach, request_stop
from staycourse.supervise.linux import is_running

_POLL, _MOST_FAILURES = 0.5, 10
_REPORT_WITHIN = 60.0
_ROOM_FOR_A_WORD = 1024 * 1024
_EXIT = {RunStatus.FINISHED: 0, RunStatus.FAILED: 3, RunStatus.ABANDONED: 0}
_SUSPENDED, _LEFT = 75, 130
# What is to be followed: given whether SIGTERM has come, it starts a run's engine and answers with the run.
Start = Callable[[Callable[[], bool]], RunPaths]


class View(Protocol):
    """Shows snapshots one after the other."""

    def show(self, snapshot: Snapshot) -> None:
        """Bring what is shown up to date."""


def start_and_follow(start: Start) -> int:
    """Start a run and follow it until its engine has ended; the exit code of design §7.

    Ctrl-C leaves the view and not the run. SIGTERM is passed on to the engine, for in a container this
    process may be the only one that is told of a shutdown.
    """
    with _terminated() as is_terminated:
        paths = start(is_terminated)
        return _follow(paths, is_terminated)


def _follow(paths: RunPaths, is_terminated: Callable[[], bool]) -> int:
    client = RunClient(paths.root)
    with _view() as view:
        try:
            snapshot = _until_over(client, paths, view, is_terminated)
        except (KeyboardInterrupt, OutOfReach):
            snapshot = None
    if snapshot is None:
        say(f"the run goes on; `staycourse attach {paths.name}` shows it again")
        return _LEFT
    return _close(snapshot, paths, is_terminated)


class _FullDisk:
    """Says that the run waits for room where its own record has none to say it in."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._is_said = folder, False

    def look(self) -> None:
        is_full = missing_bytes(self._folder, _ROOM_FOR_A_WORD) > 0
        if is_full and not self._is_said:
            missing = missing_bytes(self._folder) / 1e6
            say(f"the disk is full: {missing:.0f} MB are missing in {self._folder}; the run waits for them")
        self._is_said = is_full


def _until_over(
    client: RunClient, paths: RunPaths, view: View, is_terminated: Callable[[], bool]
) -> Snapshot:
    passed_on, failures, disk = False, 0, _FullDisk(paths.root)
    while True:
        try:
            snapshot = client.poll()
        except sqlite3.OperationalError:
            # The database is changing its mode, or is being copied; without an engine it is neither.
            failures += 1
            if failures > _MOST_FAILURES and not is_held(paths.lock):
                raise
            time.sleep(_POLL)
            continue
        failures = 0
        view.show(snapshot)
        disk.look()
        if is_terminated() and not passed_on:
            passed_on = request_stop(paths)
        if not snapshot.is_engine_alive:
            last = client.poll()
            view.show(last)
            return last
        time.sleep(_POLL)


def _close(snapshot: Snapshot, paths: RunPaths, is_terminated: Callable[[], bool]) -> int:
    code = _EXIT.get(snapshot.status, _SUSPENDED)
    if code == _SUSPENDED:
        reason = snapshot.reason or _unsaid(paths)
        why = f" ({reason})" if reason else ""
        say(f"{paths.name} is suspended{why}; `staycourse resume {paths.name}` goes on")
        return code
    if snapshot.status is RunStatus.FINISHED and paths.weights.exists():
        say(f"weights: {paths.weights}")
    if _report_comes(paths, is_terminated):
        say(f"report: {paths.report}")
    else:
        say(f"there is no report yet; `staycourse report {paths.name}` writes it")
    return code


def _unsaid(paths: RunPaths) -> str:
    """Why an engine may have left without a word in the ledger."""
    if not os.access(paths.root, os.W_OK):
        return "its folder cannot be written"
    if missing := missing_bytes(paths.root):
        return f"{missing / 1e6:.0f} MB of disk are missing"
    return f"its engine left without a word in the ledger; {paths.log} may have one"


def _report_comes(paths: RunPaths, is_terminated: Callable[[], bool]) -> bool:
    """The engine writes the report as its last act, after it has let go of the run: whether there is one, as
    soon as it is there or nobody is left to write it. After a SIGTERM there is no time to wait for that."""
    deadline = time.monotonic() + _REPORT_WITHIN
    while not paths.report.exists():
        holder = holder_of(paths.lock)
        is_gone = holder is None or (holder.is_here and not is_running(holder.pid))
        if is_gone or is_terminated() or time.monotonic() > deadline:
            return paths.report.exists()
        time.sleep(0.1)
    return True


@contextlib.contextmanager
def _terminated() -> Iterator[Callable[[], bool]]:
    """Whether SIGTERM has come."""
    seen: list[bool] = []
    before = signal.signal(signal.SIGTERM, lambda *_: seen.append(True))
    try:
        yield lambda: bool(seen)
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def _view() -> Iterator[View]:
    if not sys.stdout.isatty():
        yield _Lines()
        return
    from staycourse.cli.progress import progress_view

    with progress_view() as view:
        yield view


class _Lines:
    """One line an event, in local time with its zone."""

    def __init__(self) -> None:
        self._seq = 0

    def show(self, snapshot: Snapshot) -> None:
        for line in snapshot.log:
            if line.seq > self._seq:
                self._seq = line.seq
                at = datetime.fromisoformat(line.time).astimezone().isoformat(timespec="seconds")
                say(f"{at} {line.text}")
