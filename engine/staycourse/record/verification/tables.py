"""The tables `trial` and `metric` against the ledger."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Mapping, Sequence

from staycourse.core import events as ev
from staycourse.core.canonical import plain
from staycourse.core.events import Event
from staycourse.core.metric_names import resolve
from staycourse.core.state import RunState, fold
from staycourse.record import proof, schema
from staycourse.record.ledger import Entry
from staycourse.record.trial_table import DERIVED, DERIVED_AT_END, write_trial
from staycourse.record.verification.fault import Fault


def check_trials(db: sqlite3.Connection, events: Sequence[tuple[Entry, Event]]) -> None:
    """The table of trials is what the ledger makes of them; where a running trial is may move on. Nothing
    stands in the database that could change rows as they are written."""
    for kind, name in db.execute("SELECT type, name FROM sqlite_master WHERE type IN ('trigger', 'view')"):
        raise Fault(f"run.db has a {kind} {name}, which no engine puts there")
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as again:
        schema.create_tables(again)
        state = RunState()
        for entry, event in events:
            state = fold(state, event)
            write_trial(again, state, event, entry.time)
        for columns, where in ((DERIVED, ""), (DERIVED_AT_END, "WHERE status = 'ended'")):
            _compare(db, again, columns, where)


def _compare(db: sqlite3.Connection, again: sqlite3.Connection, columns: Sequence[str], where: str) -> None:
    sql = f"SELECT id, {', '.join(columns)} FROM trial {where}"
    found, made = ({row[0]: row[1:] for row in at.execute(sql)} for at in (db, again))
    for trial in [*made, *(found.keys() - made.keys())]:
        if trial not in found:
            raise Fault(f"trial {trial} is missing from the table of trials")
        if trial not in made:
            raise Fault(f"trial {trial} in the table of trials is not in the ledger")
        for column, one, other in zip(columns, found[trial], made[trial], strict=True):
            if one != other:
                raise Fault(f"trial {trial} in the table of trials: {column} is {one!r}, not {other!r}")


def check_metrics(db: sqlite3.Connection, ends: Mapping[str, ev.TrialEnded], planned: Iterable[str]) -> int:
    """Every row of every ended trial against the digest in its last event; how many rows that were."""
    known = set(planned)
    for (trial,) in db.execute("SELECT DISTINCT trial FROM metric"):
        if trial not in known:
            raise Fault(f"there are metric rows of a trial {trial} that is not in the ledger")
    return sum(_check_rows(db, end) for end in ends.values())


def _check_rows(db: sqlite3.Connection, end: ev.TrialEnded) -> int:
    rows: dict[str, list[tuple[int, int, object]]] = {}
    sql = "SELECT name, step, epoch, value FROM metric WHERE trial = ? ORDER BY name, step"
    for name, *row in db.execute(sql, (end.trial,)):
        rows.setdefault(name, []).append(tuple(row))
    proofs = dict(db.execute("SELECT name, hashes FROM proof WHERE trial = ?", (end.trial,)))
    for name in sorted(rows.keys() | proofs.keys()):
        if change := proof.first_difference(name, rows.get(name, []), proofs.get(name, b"")):
            raise Fault(f"trial {end.trial}: {change}")
    if proof.digest(proofs) != end.metrics_digest:
        raise Fault(f"trial {end.trial}: its metric rows are not those that its last event sealed")
    return sum(map(len, rows.values()))


def check_curve(
    db: sqlite3.Connection, end: ev.TrialEnded, parent: ev.TrialEnded | None, metric: str
) -> None:
    """The curve in a trial's last event, by which it is ranked, is that of its rows, and of its parent's
    curve before them; its best epoch is one of the curve. Where values came out otherwise when they were
    computed again, the rows keep the first and the trial went on by the second: so many may differ."""
    names = [name for (name,) in db.execute("SELECT name FROM proof WHERE trial = ?", (end.trial,))]
    sql = "SELECT epoch, value FROM metric WHERE trial = ? AND name = ?"
    points = dict(parent.curve) if parent else {}
    points |= dict(db.execute(sql, (end.trial, resolve(metric, names))))
    for epoch, _ in end.curve:
        if epoch not in points:
            raise Fault(f"trial {end.trial}: there is no {metric} of epoch {epoch}, by which it was ranked")
    unlike = [epoch for epoch, value in end.curve if plain(points[epoch]) != plain(value)]
    if len(unlike) > end.differing:
        raise Fault(f"trial {end.trial}: {metric} of epoch {unlike[0]} is not the one that it was ranked by")
    if end.best_epoch is not None and [end.best_epoch, end.best_value] not in end.curve:
        raise Fault(f"trial {end.trial}: its best epoch, {end.best_epoch}, is none of its curve")
