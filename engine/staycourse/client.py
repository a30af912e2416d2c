"""A run as views see it: read-only, by polls that leave nothing behind.

`RunClient.poll()` returns an immutable `Snapshot`. Every call here may touch the disk, so it belongs on
a thread, never on an event loop. Only one thread at a time may use a client.
"""

from __future__ import annotations

import contextlib
import gc
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path

from staycourse.core.follower import Follower
from staycourse.core.pace import PacePoint
from staycourse.core.roadmap import Roadmap
from staycourse.core.state import RunState, RunStatus, TrialState
from staycourse.core.text import sanitise
from staycourse.core.thinning import Point
from staycourse.core.views import (
    HardwareView,
    LiveView,
    LogLine,
    PhaseView,
    Snapshot,
    TrialView,
    nearness,
)
from staycourse.record import clock, ledger, rows
from staycourse.record.curves import Curves, Paces
from staycourse.record.lock import is_held
from staycourse.record.paths import RunPaths
from staycourse.record.reader import reading
from staycourse.record.sealed_roadmap import followed_roadmap
from staycourse.record.summary import RunSummary
from staycourse.record.watched import Watched

__all__ = [
    "HardwareView",
    "LiveView",
    "LogLine",
    "PhaseView",
    "RunClient",
    "RunSummary",
    "Snapshot",
    "TrialView",
]

_MANY = 2000  # events


class RunClient:
    """Polls one run. `poll` reads only what is new since the poll before, and what a client keeps does not
    grow while a trial trains."""

    def __init__(self, folder: Path) -> None:
        """Raises sqlite3.Error or OSError if there is no readable run in the folder, DamagedRun if its
        record does not fit together; so does every read."""
        self.paths = RunPaths(folder)
        with reading(self.paths.database) as db:
            self.roadmap: Roadmap = followed_roadmap(self.paths, db)
        self._follower = Follower(self.roadmap, ledger.GENESIS)
        self._curves, self._paces = Curves(), Paces()
        self._watched: dict[str, Watched] = {}

    @property
    def state(self) -> RunState:
        """The run by its ledger, as of the last poll; without the trials' curves and their files' hashes
        (core.condensed)."""
        return self._follower.state

    def poll(self) -> Snapshot:
        """The run now. Raises sqlite3.Error or OSError if it cannot be read at the moment."""
        follower = self._follower
        with reading(self.paths.database) as db:
            self._read_ledger(db)
            follower.take_progress(rows.progress(db, follower.unread))
            hardware = rows.hardware(db)
            live = tuple(self._live(db, trial) for trial in follower.running)
        self._watched = {view.trial: self._watched[view.trial] for view in live}
        return self._snapshot(hardware, live)

    def events(self) -> tuple[LogLine, ...]:
        """The newest lines of the ledger in words, oldest first."""
        return self._follower.log

    def curve(self, trial: str, metric: str) -> list[Point]:
        """(step, epoch, value) of a metric, oldest first; that of a trial's parent stands before its own.

        Of a very long curve the points that a screen can show (core.thinning), the newest among them. The
        list is not to be changed: it is the same one as long as nothing has been added.
        """
        return self.curves([(trial, metric)])[trial, metric]

    def curves(self, wanted: Iterable[tuple[str, str]]) -> dict[tuple[str, str], list[Point]]:
        """Many of them by (trial, metric), in one look at the database."""
        trials = self.state.trials
        found = {key: self._curves.known(key, trials) for key in wanted}
        missing = [key for key, points in found.items() if points is None]
        if missing:
            with reading(self.paths.database) as db:
                found |= {key: self._curves.read(db, key, trials) for key in missing}
        return {key: points or [] for key, points in found.items()}

    def pace(self, trial: str) -> list[PacePoint]:
        """(step, seconds of training so far), the time of a trial's parent before its own; for an ended trial
        whose steps were not timed a straight line. Empty where nothing is known yet. core.pace.seconds_at
        reads it."""
        with reading(self.paths.database) as db:
            return self._paces.read(db, trial, self.state.trials)

    def timing(self, trial: str) -> dict[str, float]:
        """The newest timing values of a trial by name, units in the names."""
        with reading(self.paths.database) as db:
            return rows.newest(db, "timing", trial)

    def metric_names(self, trial: str) -> list[str]:
        """Names of the metrics that a trial has reported so far."""
        with reading(self.paths.database) as db:
            return rows.names(db, "metric", trial)

    def history(self, device: str, name: str, seconds: int = 120) -> list[tuple[str, float]]:
        """(time, value) of a hardware figure over the last seconds, oldest first."""
        with reading(self.paths.database) as db:
            return rows.hardware_history(db, device, name, seconds)

    def report(self) -> str:
        """The run's report as Markdown, harmless; empty as long as there is none."""
        with contextlib.suppress(FileNotFoundError):
            return sanitise(self.paths.report.read_text(encoding="utf-8", errors="replace"))
        return ""

    def trial_log(self, trial: str, size: int = 64_000) -> str:
        """The end of what a trial has printed, harmless, at most `size` bytes of it."""
        path = self.paths.trial_log(trial)
        if not path.exists():
            return ""
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - size))
            return sanitise(file.read().decode("utf-8", "replace"))

    def _read_ledger(self, db: sqlite3.Connection) -> None:
        seq, hash_ = self._follower.head
        newest = ledger.last_seq(db)
        if newest != seq:
            with _without_collector(newest - seq > _MANY):
                self._follower.follow(ledger.checked_blocks(db, self.paths.name, seq, hash_), newest)

    def _live(self, db: sqlite3.Connection, trial: TrialState) -> LiveView:
        watched = self._watched.get(trial.id) or Watched(self.roadmap, trial, self.state.trials)
        self._watched[trial.id] = watched
        watched.read_on(db)
        epoch = watched.curve[-1][0] if watched.curve else self._follower.progress[trial.id].epoch
        return LiveView(
            trial=trial.id,
            metrics=rows.newest(db, "metric", trial.id),
            timing=rows.newest(db, "timing", trial.id),
            nearness=nearness(watched.rules, epoch, watched.curve),
        )

    def _snapshot(self, hardware: HardwareView, live: tuple[LiveView, ...]) -> Snapshot:
        follower, state = self._follower, self.state
        is_alive = is_held(self.paths.lock)
        status = state.status
        if status is RunStatus.RUNNING and not is_alive:
            status = RunStatus.SUSPENDED
        return Snapshot(
            name=self.paths.name,
            roadmap=self.roadmap,
            seal=state.sealed.seal if state.sealed else "",
            status=status,
            is_engine_alive=is_alive,
            engine_age=_age(hardware.time, follower.last_time),
            reason=state.reason,
            phases=follower.phases,
            table=follower.table,
            live=live,
            hardware=hardware,
            log=follower.log,
            elapsed=self._elapsed(is_alive),
            eta=follower.eta,
            best_trial=follower.tally.best_trial,
            notes=state.notes,
        )

    def _elapsed(self, is_alive: bool) -> float:
        first, last = self._follower.first_time, self._follower.last_time
        if first is None or last is None:
            return 0.0
        return max(0.0, clock.seconds_between(first, clock.now() if is_alive else last))


@contextlib.contextmanager
def _without_collector(is_wanted: bool) -> Iterator[None]:
    """While very many objects are made that stay, Python's search for cycles costs a lot and finds nothing;
    afterwards it leaves them out for good."""
    if not is_wanted or not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _age(*signs: str | None) -> float | None:
    """Seconds since the latest of the signs of life; one in the future is from before the clock was set
    back."""
    times = [clock.from_text(sign) for sign in signs if sign]
    if not times:
        return None
    now = clock.from_text(clock.now())
    return (now - max((time for time in times if time <= now), default=now)).total_seconds()
