"""The newest rows of a run's tables, found without a walk over those before them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator

from staycourse.core.canonical import decode_number
from staycourse.core.thinning import Point
from staycourse.core.views import HardwareView, TrialProgress

# One step down the key for each name, where DISTINCT and GROUP BY would walk over every row of the trial.
_NAMES = """
WITH RECURSIVE known(name) AS (
    SELECT min(name) FROM {table} WHERE trial = :trial
    UNION ALL
    SELECT (SELECT min(name) FROM {table} WHERE trial = :trial AND name > known.name)
    FROM known WHERE known.name IS NOT NULL
)"""
_NEWEST = """
SELECT name, (SELECT value FROM {table} WHERE trial = :trial AND name = known.name ORDER BY step DESC LIMIT 1)
FROM known WHERE name IS NOT NULL"""
_PER_SECOND = 1000  # hardware figures at most, of all devices


def names(db: sqlite3.Connection, table: str, trial: str) -> list[str]:
    """The names of a trial's rows in `metric` or `timing`."""
    sql = _NAMES.format(table=table) + "SELECT name FROM known WHERE name IS NOT NULL"
    return [name for (name,) in db.execute(sql, {"trial": trial})]


def newest(db: sqlite3.Connection, table: str, trial: str) -> dict[str, float]:
    """The newest value of each of them."""
    sql = (_NAMES + _NEWEST).format(table=table)
    return {name: decode_number(value) for name, value in db.execute(sql, {"trial": trial})}


def metric_after(db: sqlite3.Connection, trial: str, name: str, step: int) -> Iterator[Point]:
    """(step, epoch, value) of a metric behind a step."""
    rows = db.execute(
        "SELECT step, epoch, value FROM metric WHERE trial = ? AND name = ? AND step > ? ORDER BY step",
        (trial, name, step),
    )
    return ((step, epoch, decode_number(value)) for step, epoch, value in rows)


def step_times_after(db: sqlite3.Connection, trial: str, step: int) -> Iterator[tuple[int, float]]:
    """(step, step_ms) of a trial behind a step."""
    rows = db.execute(
        "SELECT step, value FROM timing WHERE trial = ? AND name = 'step_ms' AND step > ? ORDER BY step",
        (trial, step),
    )
    return ((step, decode_number(value)) for step, value in rows)


def progress(db: sqlite3.Connection, trials: Iterable[str]) -> dict[str, TrialProgress]:
    """How far each of these trials has come."""
    sql = "SELECT epoch, step, steps_per_epoch FROM trial WHERE id = ?"
    found = ((trial, db.execute(sql, (trial,)).fetchone()) for trial in trials)
    return {trial: TrialProgress(*row) for trial, row in found if row is not None}


def hardware(db: sqlite3.Connection) -> HardwareView:
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


def hardware_history(db: sqlite3.Connection, device: str, name: str, seconds: int) -> list[tuple[str, float]]:
    """(time, value) of a hardware figure over the last seconds, oldest first."""
    sql = """SELECT time, value FROM hardware WHERE device = ? AND name = ?
             AND rowid > (SELECT max(rowid) FROM hardware) - ? ORDER BY rowid DESC LIMIT ?"""
    rows = db.execute(sql, (device, name, seconds * _PER_SECOND, seconds)).fetchall()
    return list(reversed(rows))
