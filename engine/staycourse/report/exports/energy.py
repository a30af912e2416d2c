"""What each trial has used in energy: the recorded power of its GPU over the time that it ran."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from staycourse.record import clock

_POWER = "power_watts"
_READINGS = """SELECT time, value FROM hardware
               WHERE device = ? AND name = ? AND time BETWEEN ? AND ? ORDER BY rowid"""
# Where a sensor was silent for longer (a suspended run, a lost driver), nothing is known of the time between.
_MOST_GAP_S = 60.0


def energies(db: sqlite3.Connection) -> dict[str, float]:
    """Joules by trial, of those whose device told of its power; a trial on CPUs has none."""
    trials = db.execute("SELECT id, slot, started, ended FROM trial WHERE started IS NOT NULL").fetchall()
    found = {}
    for trial, slot, started, ended in trials:
        if not str(slot).startswith("gpu"):
            continue
        readings = db.execute(_READINGS, (slot, _POWER, started, ended or clock.now())).fetchall()
        if len(readings) > 1:
            found[trial] = joules([(clock.from_text(time).timestamp(), value) for time, value in readings])
    return found


def joules(readings: Sequence[tuple[float, float]]) -> float:
    """The integral of (seconds, watts), each pair of neighbours by its mean."""
    pairs = zip(readings, readings[1:], strict=False)
    return sum(
        (later - earlier) * (before + after) / 2
        for (earlier, before), (later, after) in pairs
        if 0 < later - earlier <= _MOST_GAP_S
    )
