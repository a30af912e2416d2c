"""All runs that are known here, kept up to date at a small cost, whatever stands against one of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from staycourse.record.errands import Errands
from staycourse.record.index import entered, folders_in, is_run, sealed_at
from staycourse.record.lock import is_held
from staycourse.record.paths import RunPaths
from staycourse.record.summary import UNREADABLE, RunSummary, SummaryReader

LIST_EVERY, LIVE_EVERY = 4.0, 1.5  # seconds, at least
_IDLE = 20  # a run is left alone for so many times as long as its last read took
_SLOW = 5  # times the patience: a long ledger takes seconds to read, a look never does
Stamp = tuple[object, ...]


@dataclass
class _Watched:
    """One folder. `looked_at` and `read_at` are what its files were like when it was looked at and read,
    `took` is how long that took."""

    folder: Path
    is_run: bool = False
    is_changed: bool = False
    sealed_at: float = 0.0
    looked_at: Stamp = ()
    read_at: Stamp = ()
    due: float = 0.0
    took: float = 0.0
    summary: RunSummary = field(init=False)
    reader: SummaryReader = field(init=False)

    def __post_init__(self) -> None:
        self.summary = RunSummary(self.folder)
        self.reader = SummaryReader(self.folder)

    def look(self) -> None:
        """See whether it is a run, and whether anything has changed; costs a few calls."""
        self.is_run = is_run(self.folder)
        if not self.is_run:
            return
        self.sealed_at = sealed_at(self.folder)
        self.looked_at = _stamp(RunPaths(self.folder))
        # What cannot be read may be readable again although none of its files has changed.
        self.is_changed = self.looked_at != self.read_at or self.summary.status == UNREADABLE

    def read(self) -> None:
        """Read it; what changes meanwhile is seen at the next look."""
        self.read_at, self.is_changed = self.looked_at, False
        began = time.monotonic()
        try:
            self.summary = self.reader.read()
        except Exception as error:  # whatever it is, the other runs are not to wait for it
            self.summary = RunSummary(self.folder, UNREADABLE, f"{type(error).__name__}: {error}")
        self.took = time.monotonic() - began


class WatchedRuns:
    """The runs in the folder of runs and those on the user's list; a file system that does not answer for
    `patience` seconds is not waited for. One thread at a time may ask."""

    def __init__(self, runs: Path, patience: float = 2.0) -> None:
        self._sources: dict[str, Callable[[], list[Path]]] = {
            "here": lambda: folders_in(runs),
            "listed": entered,
        }
        self._folder = runs
        self._found: dict[str, list[Path]] = {}
        self._runs: dict[Path, _Watched] = {}
        self._patience = patience
        self._errands = Errands(patience)
        self._list_at = 0.0

    def look(self, seconds: float = 0.4) -> tuple[RunSummary, ...]:
        """Every run as it is known now, running ones first, then the newest. Looks at what is due, for so
        many seconds; what takes longer goes on, and is there at a later call."""
        deadline = time.monotonic() + seconds
        self._list()
        self._errands.wait(seconds)
        self._take_up()
        now = time.monotonic()
        for run in self._runs.values():
            if now >= run.due:
                pause = LIVE_EVERY if run.summary.is_engine_alive else LIST_EVERY
                run.due = now + max(pause, _IDLE * run.took)
                self._errands.add((run.folder, "look"), run.folder.parent, run.look)
        self._errands.wait(deadline - now)
        for run in sorted(self._runs.values(), key=_order):
            if run.is_changed:
                self._errands.add((run.folder, "read"), run.folder.parent, run.read)
        self._errands.wait(deadline - time.monotonic())
        shown = [self._shown(run) for run in sorted(self._runs.values(), key=_order)]
        return tuple(summary for summary in (self._shown_folder(), *shown) if summary is not None)

    def _list(self) -> None:
        if time.monotonic() < self._list_at:
            return
        self._list_at = time.monotonic() + LIST_EVERY
        for name, find in self._sources.items():
            self._errands.add(name, self._folder if name == "here" else None, partial(self._find, name, find))

    def _find(self, name: str, find: Callable[[], list[Path]]) -> None:
        self._found[name] = find()

    def _take_up(self) -> None:
        """Watch what was found, and no longer what is gone."""
        found = dict.fromkeys(folder for folders in self._found.values() for folder in folders)
        self._runs = {folder: self._runs.get(folder) or _Watched(folder) for folder in found}

    def _shown(self, run: _Watched) -> RunSummary | None:
        """None for what is no run, as far as anybody can tell."""
        looking, reading = (self._errands.waiting_for((run.folder, errand)) for errand in ("look", "read"))
        waiting = max(looking, reading if reading > _SLOW * self._patience else 0.0)
        if waiting:
            return replace(run.summary, unanswered=waiting)
        return run.summary if run.is_run else None

    def _shown_folder(self) -> RunSummary | None:
        """The folder of runs stands for those in it where it does not answer itself."""
        waiting = self._errands.waiting_for("here")
        return RunSummary(self._folder, unanswered=waiting) if waiting else None


def _order(run: _Watched) -> tuple[bool, float, str]:
    return not run.summary.is_engine_alive, -run.sealed_at, run.folder.name


def _stamp(paths: RunPaths) -> Stamp:
    """What changes with a run: its files' times and sizes, and whether its engine lives."""
    log = paths.database.with_name(f"{paths.database.name}-wal")
    files = (paths.database, log, paths.head, paths.roadmap)
    return (*map(_of_file, files), is_held(paths.lock))


def _of_file(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size
