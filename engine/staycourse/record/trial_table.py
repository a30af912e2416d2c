"""The `trial` table: the ledger's trials as rows, for any SQLite client."""

from __future__ import annotations

import sqlite3

from staycourse.core import events as ev
from staycourse.core.canonical import canonical_json, plain
from staycourse.core.events import Event
from staycourse.core.state import RunState

# What the ledger says of a trial, at any time and once it has ended; the rest tells of its progress.
DERIVED = (
    "phase", "kind", "key", "name", "setup", "repetition", "share", "parent", "status", "attempts", "slot",
    "epochs", "horizon", "outcome", "rule", "detail", "best_epoch", "best_value", "started", "ended",
    "seconds",
)  # fmt: skip
DERIVED_AT_END = ("epoch", "step")

_NEW = """INSERT INTO trial (id, phase, kind, key, name, setup, repetition, share, parent, status, attempts,
          slot, epochs, horizon) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'planned', 0, '', ?, ?)"""
_STARTED = """UPDATE trial SET status = 'running', attempts = ?, slot = ?, started = coalesce(started, ?)
              WHERE id = ?"""
_ENDED = """UPDATE trial SET status = 'ended', outcome = ?, rule = ?, detail = ?, best_epoch = ?,
            best_value = ?, epoch = ?, step = ?, seconds = ?, ended = ? WHERE id = ?"""


def write_trial(connection: sqlite3.Connection, state: RunState, event: Event, time: str) -> None:
    """Bring the table up to date with one event; `state` is the state after it."""
    if isinstance(event, ev.TrialPlanned):
        kind = event.key.partition("-")[0]
        connection.execute(
            _NEW,
            (
                event.trial,
                event.phase,
                kind,
                event.key,
                event.name,
                canonical_json(event.setup),
                event.repetition,
                event.share,
                event.parent,
                event.epochs,
                event.horizon,
            ),
        )
    elif isinstance(event, ev.TrialStarted):
        connection.execute(_STARTED, (event.attempt, event.slot, time, event.trial))
    elif isinstance(event, ev.AttemptFailed):
        connection.execute("UPDATE trial SET status = 'owed' WHERE id = ?", (event.trial,))
    elif isinstance(event, ev.EngineStarted):
        connection.execute("UPDATE trial SET status = 'owed' WHERE status = 'running'")
    elif isinstance(event, ev.TrialEnded):
        connection.execute(
            _ENDED,
            (
                event.outcome,
                event.rule,
                event.detail,
                event.best_epoch,
                plain(event.best_value),
                event.epochs,
                event.steps,
                event.seconds,
                time,
                event.trial,
            ),
        )
