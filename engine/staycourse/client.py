"""A run as views see it: read-only, by polls that leave nothing behind.

`RunClient.poll()` returns an immutable `Snapshot`. Every call here may touch the disk, so it belongs on
a thread, never on an event loop. Only one thread at a time may use a client.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from staycourse.core import events as ev
from staycourse.core.canonical import decode_number
from staycourse.core.narrative import tell
from staycourse.core.pace import Pace, PacePoint, to_the_end
from staycourse.core.roadmap import Roadmap
from staycourse.core.state import RunState, RunStatus, TrialState, TrialStatus, replay
from staycourse.core.text import sanitise
from staycourse.core.trial import rank
from staycourse.core.trial_views import TrialViews
from staycourse.core.views import (
    HardwareView,
    LiveView,
    LogLine,
    PhaseView,
    Snapshot,
    TrialView,
    nearness,
    phase_views,
    remaining,
    trial_view,
)
from staycourse.record import clock, ledger
from staycourse.record.lock import is_held
from staycourse.record.paths import RunPaths
from staycourse.record.reader import reading
from staycourse.record.sealed_roadmap import sealed_roadmap, sealed_text
from staycourse.record.summary import RunSummary

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

Point = tuple[int, int, float]
_LOG_LINES = 500
_PACE_POINTS = 1000


class RunClient:
    """Polls one run. `poll` reads only what is new since the poll before."""

    def __init__(self, folder: Path) -> None:
        """Raises sqlite3.Error or OSError if there is no readable run in the folder, DamagedRun if its
        record does not fit together; so does every read."""
        self.paths = RunPaths(folder)
        self.state = RunState()
        self._seq, self._hash = 0, ledger.GENESIS
        self._log: list[LogLine] = []
        self._trials: dict[str, TrialView] = {}
        self._curves: dict[tuple[str, str], list[Point]] = {}
        self._first_time: str | None = None
        self._last_time: str | None = None
        self.roadmap: Roadmap = self._read_roadmap()

    def poll(self) -> Snapshot:
        """The run now. Raises sqlite3.Error or OSError if it cannot be read at the moment."""
        with reading(self.paths.database) as db:
            self._read_ledger(db)
            rows = _live_rows(db)
            hardware = _hardware(db)
            live = tuple(self._live(db, trial, rows.get(trial.id, {})) for trial in self._running())
        return self._snapshot(rows, hardware, live)

    def events(self) -> tuple[LogLine, ...]:
        """The newest lines of the ledger in words, oldest first."""
        return tuple(self._log)

    def curve(self, trial: str, metric: str) -> list[Point]:
        """(step, epoch, value) of a metric, oldest first; that of a trial's parent stands before its own."""
        with reading(self.paths.database) as db:
            return self._curve(db, trial, metric)

    def curves(self, wanted: Iterable[tuple[str, str]]) -> dict[tuple[str, str], list[Point]]:
        """Many of them by (trial, metric), in one look at the database."""
        with reading(self.paths.database) as db:
            return {(trial, metric): self._curve(db, trial, metric) for trial, metric in wanted}

    def pace(self, trial: str) -> list[PacePoint]:
        """(step, seconds of training so far), the time of a trial's parent before its own; for an ended trial
        whose steps were not timed a straight line. Empty where nothing is known yet.
        core.pace.seconds_at reads it."""
        with reading(self.paths.database) as db:
            points = self._pace(db, trial)
        return points if len(points) > 1 else []

    def timing(self, trial: str) -> dict[str, float]:
        """The newest timing values of a trial by name, units in the names."""
        with reading(self.paths.database) as db:
            return _newest(db, "timing", trial)

    def report(self) -> str:
        """The run's report as Markdown, harmless; empty as long as there is none."""
        with contextlib.suppress(FileNotFoundError):
            return sanitise(self.paths.report.read_text(encoding="utf-8", errors="replace"))
        return ""

    def metric_names(self, trial: str) -> list[str]:
        """Names of the metrics that a trial has reported so far."""
        with reading(self.paths.database) as db:
            rows = db.execute("SELECT DISTINCT name FROM metric WHERE trial = ? ORDER BY name", (trial,))
            return [name for (name,) in rows]

    def history(self, device: str, name: str, seconds: int = 120) -> list[tuple[str, float]]:
        """(time, value) of a hardware figure over the last seconds, oldest first."""
        sql = "SELECT time, value FROM hardware WHERE device = ? AND name = ? ORDER BY rowid DESC LIMIT ?"
        with reading(self.paths.database) as db:
            return list(reversed(db.execute(sql, (device, name, seconds)).fetchall()))

    def trial_log(self, trial: str, size: int = 64_000) -> str:
        """The end of what a trial has printed, harmless, at most `size` bytes of it."""
        path = self.paths.trial_log(trial)
        if not path.exists():
            return ""
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - size))
            return sanitise(file.read().decode("utf-8", "replace"))

    def _read_roadmap(self) -> Roadmap:
        text = sealed_text(self.paths)
        with reading(self.paths.database) as db:
            first = next(ledger.checked(db, self.paths.name), None)
        event = ev.from_body(first.kind, json.loads(first.body)) if first else None
        sealed = event if isinstance(event, ev.RunSealed) else None
        return sealed_roadmap(self.paths, sealed, text).followed(sealed)

    def _read_ledger(self, db: sqlite3.Connection) -> None:
        kinds = [phase.kind for phase in self.roadmap.phases]
        events = []
        for entry in ledger.checked(db, self.paths.name, self._seq, self._hash):
            event = ev.from_body(entry.kind, json.loads(entry.body))
            self._seq, self._hash, self._last_time = entry.seq, entry.hash, entry.time
            self._first_time = self._first_time or entry.time
            if event is not None:
                events.append(event)
                self._log.append(LogLine(entry.seq, entry.time, tell(event, self.state, kinds)))
        if events:
            self.state = replay(events, self.state)
            del self._log[:-_LOG_LINES]

    def _running(self) -> list[TrialState]:
        return [t for t in self.state.trials.values() if t.status is TrialStatus.RUNNING]

    def _live(self, db: sqlite3.Connection, trial: TrialState, row: Mapping[str, Any]) -> LiveView:
        stop = trial.stop
        metric = stop.metric if stop and stop.metric else self.roadmap.objective.metric
        curve = [(epoch, value) for _, epoch, value in self._curve(db, trial.id, metric)]
        return LiveView(
            trial=trial.id,
            metrics=_newest(db, "metric", trial.id),
            timing=_newest(db, "timing", trial.id),
            nearness=nearness(self.roadmap, trial, curve[-1][0] if curve else row.get("epoch", 0), curve),
        )

    def _curve(self, db: sqlite3.Connection, trial: str, metric: str) -> list[Point]:
        own = self._curves.setdefault((trial, metric), [])
        after = own[-1][0] if own else -1
        rows = db.execute(
            "SELECT step, epoch, value FROM metric WHERE trial = ? AND name = ? AND step > ? ORDER BY step",
            (trial, metric, after),
        )
        own += [(step, epoch, decode_number(value)) for step, epoch, value in rows]
        known = self.state.trials.get(trial)
        parent = known.plan.parent if known else None
        return [*(self._curve(db, parent, metric) if parent else []), *own]

    def _pace(self, db: sqlite3.Connection, trial: str) -> list[PacePoint]:
        known = self.state.trials.get(trial)
        parent = known.plan.parent if known else None
        before = self._pace(db, parent) if parent else [(0, 0.0)]
        pace = Pace(_PACE_POINTS, before[-1])
        rows = db.execute(
            "SELECT step, value FROM timing WHERE trial = ? AND name = 'step_ms' ORDER BY step", (trial,)
        )
        pace.add((step, decode_number(value)) for step, value in rows)
        points = pace.points()
        if known is not None and known.end is not None:
            points = to_the_end(points, known.end.steps, known.end.seconds)
        return [*before[:-1], *points]

    def _snapshot(
        self, rows: Mapping[str, Mapping[str, Any]], hardware: HardwareView, live: tuple[LiveView, ...]
    ) -> Snapshot:
        state, roadmap = self.state, self.roadmap
        is_alive = is_held(self.paths.lock)
        status = state.status
        if status is RunStatus.RUNNING and not is_alive:
            status = RunStatus.SUSPENDED
        epochs = {trial: row["epoch"] for trial, row in rows.items()}
        return Snapshot(
            name=self.paths.name,
            roadmap=roadmap,
            seal=state.sealed.seal if state.sealed else "",
            status=status,
            is_engine_alive=is_alive,
            engine_age=_age(hardware.time, self._last_time),
            reason=state.reason,
            phases=tuple(phase_views(roadmap, state)),
            table=TrialViews(self._trial_views(rows)),
            live=live,
            hardware=hardware,
            log=tuple(self._log),
            elapsed=self._elapsed(is_alive),
            eta=remaining(roadmap, state, epochs),
            best_trial=_best_trial(state, roadmap.objective.goal),
            notes=state.notes,
        )

    def _trial_views(self, rows: Mapping[str, Mapping[str, Any]]) -> list[TrialView]:
        """An ended trial never changes again, so its view is made once."""
        for trial in self.state.trials.values():
            known = self._trials.get(trial.id)
            if known is None or known.status != "ended":
                self._trials[trial.id] = trial_view(self.roadmap, trial, rows.get(trial.id, {}))
        return list(self._trials.values())

    def _elapsed(self, is_alive: bool) -> float:
        if self._first_time is None or self._last_time is None:
            return 0.0
        until = clock.now() if is_alive else self._last_time
        return max(0.0, clock.seconds_between(self._first_time, until))


def _live_rows(db: sqlite3.Connection) -> dict[str, dict[str, Any]]:
    rows = db.execute("SELECT id, epoch, step, steps_per_epoch FROM trial WHERE status != 'ended'")
    return {
        trial: {"epoch": epoch, "step": step, "steps_per_epoch": steps} for trial, epoch, step, steps in rows
    }


def _hardware(db: sqlite3.Connection) -> HardwareView:
    """The sample that was written last: after the clock was set back, one that stands before others."""
    newest: str | None = None
    devices: dict[str, dict[str, float]] = {}
    for time, device, name, value in db.execute(
        "SELECT time, device, name, value FROM hardware ORDER BY rowid DESC"
    ):
        newest = newest or time
        if time != newest:
            break
        devices.setdefault(device, {})[name] = value
    return HardwareView(newest, dict(reversed(devices.items())))


def _newest(db: sqlite3.Connection, table: str, trial: str) -> dict[str, float]:
    # SQLite takes the other columns from the row that holds the maximum.
    rows = db.execute(f"SELECT name, max(step), value FROM {table} WHERE trial = ? GROUP BY name", (trial,))
    return {name: decode_number(value) for name, _, value in rows}


def _best_trial(state: RunState, goal: str) -> str | None:
    """The best trial of the last phase that has one; phases differ in their data, so they do not mix."""
    for phase in sorted({t.plan.phase for t in state.trials.values()}, reverse=True):
        ranked: Sequence[Any] = rank([t.trial() for t in state.trials_of(phase)], goal)
        if ranked:
            return str(ranked[0].id)
    return None


def _age(*signs: str | None) -> float | None:
    """Seconds since the latest of the signs of life; one in the future is from before the clock was set
    back."""
    times = [clock.from_text(sign) for sign in signs if sign]
    if not times:
        return None
    now = datetime.now(UTC)
    return (now - max((time for time in times if time <= now), default=now)).total_seconds()
