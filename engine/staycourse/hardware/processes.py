"""The load of a run's own processes: the given ones and all their descendants."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import psutil

_PROC = Path("/proc")

# Where the kernel does not list a process's children, all processes have to be read to find them. That takes
# milliseconds on a busy server, so a tree is taken to stand for so long. In seconds.
_RESCAN_EVERY = 5.0


class ProcessMeter:
    """Memory and CPU time of process trees; call `read` about once a second.

    `scan`: find children by reading all processes of the machine, by default only where the kernel does not
    list them. A scan that finds a tree is taken to stand for some seconds.
    """

    def __init__(self, scan: bool | None = None) -> None:
        self._scan = not _children_are_listed() if scan is None else scan
        self._known: dict[int, psutil.Process] = {}
        self._cpu_seconds: dict[int, float] = {}
        self._read_at: float | None = None  # monotonic
        self._read_at_epoch = time.time()
        self._roots: frozenset[int] = frozenset()
        self._tree: set[int] = set()
        self._scanned_at = float("-inf")

    def read(self, pids: Sequence[int]) -> tuple[int, float | None] | None:
        """Resident bytes and CPU percent (100 is one CPU kept busy) of the trees; None if none is alive.

        Resident bytes are summed, so memory that several processes share counts several times. CPU percent is
        over the time since the last call, and None in the first.
        """
        now = time.monotonic()
        resident, spent, cpu_seconds = 0, 0.0, {}
        known = {pid: process for pid in self._descendants(pids, now) if (process := self._process(pid))}
        for pid, process in known.items():
            try:
                with process.oneshot():
                    if process.status() == psutil.STATUS_ZOMBIE:
                        continue  # ended, and not yet waited for by its parent
                    resident += process.memory_info().rss
                    cpu_seconds[pid] = process.cpu_times().user + process.cpu_times().system
                    spent += max(0.0, cpu_seconds[pid] - self._spent_before(process, cpu_seconds[pid]))
            except (psutil.Error, OSError):
                continue  # it has just ended
        elapsed = None if self._read_at is None else now - self._read_at
        self._known, self._cpu_seconds = known, cpu_seconds
        self._read_at, self._read_at_epoch = now, time.time()
        if not cpu_seconds:
            return None
        return resident, 100.0 * spent / elapsed if elapsed else None

    def _process(self, pid: int) -> psutil.Process | None:
        if pid in self._known:
            return self._known[pid]
        try:
            return psutil.Process(pid)
        except (psutil.Error, OSError, ValueError, OverflowError):
            return None

    def _spent_before(self, process: psutil.Process, seconds: float) -> float:
        """CPU time that belongs to earlier calls: all of it for an old process that is seen first now."""
        if process.pid in self._cpu_seconds:
            return self._cpu_seconds[process.pid]
        return 0.0 if process.create_time() >= self._read_at_epoch else seconds

    def _descendants(self, pids: Sequence[int], now: float) -> set[int]:
        roots = frozenset(pid for pid in pids if pid > 0)  # the children of 0 would be the whole machine
        if not self._scan:
            return _walk(roots, _listed_children)
        if roots != self._roots or now - self._scanned_at > _RESCAN_EVERY:
            by_parent = _children_by_parent() if roots else {}
            self._tree = _walk(roots, lambda pid: by_parent.get(pid, ()))
            self._roots, self._scanned_at = roots, now
        return self._tree


def _walk(roots: Iterable[int], children: Callable[[int], Iterable[int]]) -> set[int]:
    found: set[int] = set()
    waiting = list(roots)
    while waiting:
        pid = waiting.pop()
        if pid not in found:
            found.add(pid)
            waiting.extend(children(pid))
    return found


def _children_are_listed() -> bool:
    """Whether this kernel was built to list children (CONFIG_PROC_CHILDREN)."""
    return (_PROC / "self" / "task" / str(os.getpid()) / "children").exists()


def _listed_children(pid: int) -> list[int]:
    found: list[int] = []
    for file in _PROC.glob(f"{pid}/task/*/children"):
        try:
            found.extend(int(word) for word in file.read_text().split())
        except (OSError, ValueError):
            continue  # the thread has just ended
    return found


def _children_by_parent() -> dict[int, list[int]]:
    """All processes of the machine by their parents, in one pass."""
    found: dict[int, list[int]] = defaultdict(list)
    for folder in _PROC.iterdir():
        if folder.name.isdigit():
            try:
                stat = (folder / "stat").read_bytes()
                # pid (command) state parent: the command may contain anything, brackets included
                found[int(stat.rpartition(b")")[2].split()[1])].append(int(folder.name))
            except (OSError, IndexError, ValueError):
                continue
    return found
