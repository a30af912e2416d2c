"""Reads an earlier run for `[from]`: once, before the seal, its chain recomputed hash by hash."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from staycourse.core import schedules
from staycourse.core.events import Event, RunSealed
from staycourse.core.handoff import Handoff
from staycourse.core.problems import UserError
from staycourse.core.roadmap import Roadmap
from staycourse.core.state import RunState, RunStatus, replay
from staycourse.core.text import one_line
from staycourse.record import ledger
from staycourse.record.index import all_runs
from staycourse.record.ledger import Entry
from staycourse.record.lineage import Lineage, PaidPhase
from staycourse.record.lock import is_held
from staycourse.record.paths import RunPaths
from staycourse.record.reader import reading
from staycourse.record.sealed_roadmap import sealed_roadmap
from staycourse.record.verification import chain
from staycourse.record.verification.fault import Fault
from staycourse.record.verification.sources import is_sealed_roadmap


class NoLineage(UserError):
    """The earlier run cannot be taken up; `right` is what would help."""

    def __init__(self, message: str, right: str = "") -> None:
        super().__init__(message)
        self.right = right


def find_earlier(name: str, folder: Path) -> RunPaths:
    """The run at that path, relative to `folder`, or of that bare name among the runs here and those listed.

    Raises NoLineage.
    """
    here = _place(name, folder)
    if here.database.exists():
        return here
    if here.root.is_dir():
        raise NoLineage(f"{here.root} is no run folder: it has no run.db")
    found = [run for run in all_runs() if run.name == name]
    if len(found) > 1:
        places = ", ".join(map(str, found))
        raise NoLineage(f"{len(found)} runs are named {name}: {places}", "the folder of one of them")
    if not found:
        known = ", ".join(run.name for run in all_runs()[:5]) or "none yet"
        right = "a run's folder, relative to the roadmap's, or its name"
        raise NoLineage(f"no such run: {here.root} (known runs: {known})", right)
    return RunPaths(found[0])


def _place(name: str, folder: Path) -> RunPaths:
    try:
        here = (folder / Path(name).expanduser()).resolve()
        (here / "run.db").exists()  # raises where the folder may not be entered
    except (OSError, ValueError, RuntimeError) as error:
        raise NoLineage(f"{name!r} cannot be looked into ({error})") from None
    return RunPaths(here)


def read_lineage(paths: RunPaths) -> Lineage:
    """The run's lineage, its chain recomputed hash by hash. Only reads. Raises NoLineage."""
    right = f"staycourse verify {paths.name}"
    try:
        return _read_lineage(paths)
    except NoLineage:
        raise
    except Fault as fault:
        raise NoLineage(f"{paths.name} does not fit: {fault}", right) from None
    except UserError as error:
        raise NoLineage(str(error).splitlines()[0], right) from None
    except (sqlite3.Error, OSError) as error:
        raise NoLineage(f"{paths.root} cannot be read ({error})") from None
    except (LookupError, TypeError, ValueError, AttributeError) as error:  # content that no engine writes
        said = f"{type(error).__name__}: {error}"
        raise NoLineage(f"{paths.name} does not fit: its ledger cannot be followed ({said})", right) from None


def _read_lineage(paths: RunPaths) -> Lineage:
    entries, events = _read(paths)
    state = replay(events)
    if state.sealed is None:
        raise Fault("event 1 is not the seal")
    _refuse_unfit(paths, state)
    return _lineage(paths, state, state.sealed, (entries[-1].seq, entries[-1].hash))


def _read(paths: RunPaths) -> tuple[Sequence[Entry], list[Event]]:
    copies = chain.heads(paths)
    with reading(paths.database) as db:
        entries = chain.check_chain(ledger.read(db))
    chain.check_heads(paths, entries, copies)
    return entries, [event for _, event in chain.read_events(entries)]


def _refuse_unfit(paths: RunPaths, state: RunState) -> None:
    name, status = paths.name, state.status
    if status is RunStatus.FAILED:
        raise NoLineage(f"{name} has failed ({state.reason})", "abandon it first, in the open")
    if not status.is_over:
        how = "is still going" if is_held(paths.lock) else "is suspended"
        raise NoLineage(f"{name} {how}", "finish or abandon it first")
    if state.sealed is not None and state.sealed.rehearsal:
        raise NoLineage(f"{name} was a rehearsal, whose figures mean nothing", "a real run")
    if not state.handoffs:
        raise NoLineage(f"{name} has no closed phase to take up", "leave [from] out")


def _lineage(paths: RunPaths, state: RunState, sealed: RunSealed, head: tuple[int, str]) -> Lineage:
    roadmap = _roadmap(paths, sealed)
    earlier = sealed.lineage
    before = [{"run": earlier["run"], "head": earlier["head"]["hash"]}, *earlier["before"]] if earlier else []
    return Lineage(
        run=one_line(paths.name),
        folder=str(paths.root),
        seal=sealed.seal,
        head=head,
        status=str(state.status),
        reason=one_line(state.reason) if state.status is RunStatus.ABANDONED else "",
        phases=tuple(_paid(roadmap, state, phase) for phase in range(len(state.handoffs))),
        handoff=_named(state.handoffs[-1], one_line(paths.name)),
        metric=roadmap.objective.metric,
        goal=roadmap.objective.goal,
        parts=dict(sealed.parts),
        args=dict(roadmap.task.args),
        seed=roadmap.seed,
        schedules=schedules.to_json(roadmap.schedules),
        before=tuple(before),
    )


def _roadmap(paths: RunPaths, sealed: RunSealed) -> Roadmap:
    if not is_sealed_roadmap(paths, sealed):
        raise Fault("roadmap.toml was changed since it was sealed")
    return sealed_roadmap(paths, sealed).followed(sealed)


def _paid(roadmap: Roadmap, state: RunState, phase: int) -> PaidPhase:
    """A trial that went on from another has trained only the epochs since."""
    ends = [(trial.plan.parent, trial.end) for trial in state.trials_of(phase) if trial.end]
    parents = [state.trials[parent].end for parent, _ in ends if parent]
    epochs = sum(end.epochs for _, end in ends) - sum(end.epochs for end in parents if end)
    seconds = sum(end.seconds for _, end in ends)
    return PaidPhase(roadmap.phases[phase].kind, len(ends), epochs, seconds)


def _named(handoff: Handoff, run: str) -> Handoff:
    """The handoff with trials named `<run>/<id>`, without what only that phase itself has seen."""

    def name(trial: str) -> str:
        return trial if "/" in trial else f"{run}/{trial}"

    ranking = tuple(replace(place, trials=tuple(map(name, place.trials))) for place in handoff.ranking)
    return replace(handoff, ranking=ranking, findings={})
