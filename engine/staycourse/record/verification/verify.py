"""Recompute a run, one that is still going as well, and name the first thing that does not fit."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from staycourse.core import events as ev
from staycourse.core.events import Event
from staycourse.core.handoff import Handoff
from staycourse.core.problems import UserError
from staycourse.core.roadmap import Roadmap
from staycourse.core.state import RunState, RunStatus, replay
from staycourse.record import ledger
from staycourse.record.damage import DamagedRun, refuse_damaged_pages
from staycourse.record.ledger import Entry
from staycourse.record.lock import is_held
from staycourse.record.paths import RunPaths
from staycourse.record.reader import reading
from staycourse.record.seal import short
from staycourse.record.sealed_roadmap import sealed_roadmap
from staycourse.record.verification import chain, decisions, files, sources, tables
from staycourse.record.verification.fault import Fault


@dataclass(frozen=True)
class Verified:
    """What was recomputed, in one line; `fits` is False where the line names what does not fit."""

    fits: bool
    line: str


def verify(paths: RunPaths) -> Verified:
    """Recompute the chain, the seal's parts, the tables, the files and the handoffs of a run.

    Only reads. Timings, hardware figures and logs are no results and are not covered.
    """
    try:
        return Verified(True, f"{paths.name} fits its seal " + _verify(paths))
    except Fault as fault:
        return Verified(False, f"{paths.name} does not fit: {fault}")
    except DamagedRun as error:
        return Verified(False, f"{paths.name} does not fit: {error}")
    except sqlite3.Error as error:
        return Verified(False, f"{paths.name} does not fit: run.db cannot be read ({error})")
    except OSError as error:
        where = Path(error.filename or paths.database)
        name = where.relative_to(paths.root) if where.is_relative_to(paths.root) else where
        why = error.strerror or error
        return Verified(False, f"{paths.name} does not fit: {name} cannot be read ({why})")
    except (LookupError, TypeError, ValueError, AttributeError) as error:  # content that no engine writes
        said = f"{type(error).__name__}: {error}"
        return Verified(False, f"{paths.name} does not fit: what the ledger says cannot be followed ({said})")


def _verify(paths: RunPaths) -> str:
    copies = chain.heads(paths)
    with reading(paths.database) as db:
        db.execute("BEGIN")
        refuse_damaged_pages(db, paths.database)
        entries = chain.check_chain(ledger.read(db))
        chain.check_heads(paths, entries, copies)
        events = chain.read_events(entries)
        sealed = _sealed(events)
        count = sources.check_sources(paths, sealed)
        roadmap, first = _roadmap(paths, sealed)
        ends = chain.ends(events)
        tables.check_trials(db, events)
        parents = {e.trial: e.parent for _, e in events if isinstance(e, ev.TrialPlanned)}
        rows = tables.check_metrics(db, ends, parents)
        for end in ends.values():
            tables.check_curve(db, end, ends.get(parents[end.trial] or ""), roadmap.objective.metric)
    handoffs = decisions.check_decisions(roadmap, first, events)
    state = replay(event for _, event in events)
    hashed = files.check_files(paths, state, ends, lambda: _dropped(paths))
    return _line(entries, sealed, _status(paths, state), (count, rows, len(ends), hashed, handoffs))


def _sealed(events: Sequence[tuple[Entry, Event]]) -> ev.RunSealed:
    sealed = events[0][1] if events else None
    if not isinstance(sealed, ev.RunSealed):
        raise Fault("event 1 is not the seal")
    return sealed


def _roadmap(paths: RunPaths, sealed: ev.RunSealed) -> tuple[Roadmap, Handoff]:
    """The roadmap as the run follows it, and what its first phase was handed."""
    try:
        roadmap = sealed_roadmap(paths, sealed).followed(sealed)
    except UserError as error:
        raise Fault(f"roadmap.toml cannot be followed: {str(error).splitlines()[0]}") from None
    return roadmap, roadmap.first_handoff


def _dropped(paths: RunPaths) -> set[str]:
    with reading(paths.database) as db:
        bodies = [
            json.loads(entry.body) for entry in ledger.read(db) if entry.kind == ev.CheckpointsDropped.KIND
        ]
    return {trial for body in bodies for trial in body["trials"]}


def _line(
    entries: Sequence[Entry],
    sealed: ev.RunSealed,
    status: RunStatus,
    counts: tuple[int, int, int, int, int | None],
) -> str:
    count, rows, ended, hashed, handoffs = counts
    decided = f"{handoffs} handoffs" if handoffs is not None else f"no handoff (staycourse {sealed.version})"
    return (
        f"{short(sealed.seal)}: {len(entries)} events up to {short(entries[-1].hash)}, {rows:,} metric rows "
        f"of {ended} trials, {hashed} files, {count} sealed sources and {decided} recomputed; "
        f"the run is {status}"
    )


def _status(paths: RunPaths, state: RunState) -> RunStatus:
    """The run's status; a run whose engine was killed is suspended, whatever its last event says."""
    is_left = state.status is RunStatus.RUNNING and not is_held(paths.lock)
    return RunStatus.SUSPENDED if is_left else state.status
