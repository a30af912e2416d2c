"""All that a report tells of a run, read once, in one look at the database."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from staycourse.core import events as ev
from staycourse.core.canonical import decode_number
from staycourse.core.metric_names import resolve
from staycourse.core.problems import Problem, UserError
from staycourse.core.roadmap import Roadmap
from staycourse.core.state import RunState, RunStatus, TrialState, replay
from staycourse.core.trial import Curve
from staycourse.record import clock, ledger
from staycourse.record.lineage import Lineage, lineage_of
from staycourse.record.lock import is_held
from staycourse.record.paths import RunPaths
from staycourse.record.reader import reading
from staycourse.record.sealed_roadmap import sealed_roadmap, sealed_text
from staycourse.report.load import Load, read_load

TRAIN_LOSS = "train_loss"
WEIGHTS = "model.safetensors"


class NothingToReport(UserError):
    """The folder holds no sealed run."""


@dataclass(frozen=True)
class Timed:
    """An event with the time (UTC, ISO 8601) at which it was recorded."""

    time: str
    event: ev.Event


@dataclass(frozen=True)
class Pace:
    """Means of a trial's timing rows by name, and the number of rows behind them."""

    means: Mapping[str, float] = field(default_factory=dict)
    highest: Mapping[str, float] = field(default_factory=dict)
    rows: int = 0


@dataclass(frozen=True)
class Facts:
    """A run as it stands. `roadmap` is the miniature in a rehearsal, `text` the sealed file; `curves` and
    `train_curves` hold (epoch, value) of the objective's metric and of the train loss by trial, the
    latter for trials without validation only; `said` is what workers told of their trials; `until` the
    last sign of life; `status` says suspended where the ledger says running and no engine lives."""

    paths: RunPaths
    roadmap: Roadmap
    text: str
    sealed: ev.RunSealed
    state: RunState
    status: RunStatus
    timeline: tuple[Timed, ...]
    head: tuple[int, str]
    until: str
    curves: Mapping[str, Curve]
    train_curves: Mapping[str, Curve]
    said: Mapping[str, Mapping[str, Any]]
    paces: Mapping[str, Pace]
    load: tuple[Load, ...]

    @property
    def metric(self) -> str:
        return self.roadmap.objective.metric

    @property
    def goal(self) -> str:
        return self.roadmap.objective.goal

    @property
    def lineage(self) -> Lineage | None:
        """The earlier run that this one takes up."""
        return lineage_of(self.sealed)

    @property
    def is_exact(self) -> bool:
        """Whether equal seeds gave equal data."""
        return self.roadmap.data.exact and self.sealed.facts.get("exact") is not False

    @property
    def weights(self) -> list[str]:
        """The files of the final weights, in `final/`: one, or whatever a script has left."""
        if self.sealed.facts.get("command"):
            return [name for name in self.state.files if name != "setup.json"]
        return [WEIGHTS] if WEIGHTS in self.state.files else []

    @property
    def begun(self) -> str:
        """When the run was sealed."""
        return self.timeline[0].time

    @property
    def wall_seconds(self) -> float:
        """From the seal to the last sign of life."""
        return max(0.0, clock.seconds_between(self.begun, self.until))

    @property
    def trials(self) -> list[TrialState]:
        return list(self.state.trials.values())

    def kind(self, phase: int) -> str:
        return self.roadmap.phases[phase].kind

    def title(self, phase: int) -> str:
        """`phase 3 (grid)`."""
        return f"phase {phase + 1} ({self.kind(phase)})"

    def phase_of(self, warning: Problem) -> int | None:
        """The phase that a warning of the roadmap is about."""
        at = warning.path[1] if len(warning.path) > 1 and warning.path[0] == "phase" else None
        return at if isinstance(at, int) else None

    def epochs_done(self, trial: TrialState) -> int:
        """Finished epochs, its parent's included."""
        curve = self.curves[trial.id] or self.train_curves.get(trial.id, ())
        return trial.end.epochs if trial.end else max((epoch for epoch, _ in curve), default=0)

    def epochs_of(self, trial: TrialState) -> int:
        """Epochs that this trial itself has trained; those of its parent are the parent's."""
        parent = self.state.trials.get(trial.plan.parent or "")
        return max(0, self.epochs_done(trial) - (parent.end.epochs if parent and parent.end else 0))


def read_facts(paths: RunPaths) -> Facts:
    """Everything at one moment. Raises NothingToReport, DamagedRun, RoadmapError, sqlite3.Error, OSError."""
    if not paths.database.exists():
        raise NothingToReport(f"{paths.root} is no run folder: it has no run.db")
    text = sealed_text(paths)
    with reading(paths.database) as db:
        db.execute("BEGIN")  # one snapshot for all that follows; its end is the connection's
        timeline, head = _read_ledger(db, paths.name)
        state = replay(timed.event for timed in timeline)
        if state.sealed is None:
            raise NothingToReport(f"nothing has been sealed in {paths.root}")
        roadmap = sealed_roadmap(paths, state.sealed, text)
        facts = Facts(
            paths=paths,
            roadmap=roadmap.miniature() if state.sealed.rehearsal else roadmap,
            text=text,
            sealed=state.sealed,
            state=state,
            status=_status(state, paths),
            timeline=timeline,
            head=head,
            until=_last_sign(db, timeline),
            curves={},
            train_curves={},
            said=_said(db),
            paces=_paces(db),
            load=read_load(db),
        )
        curves = {trial.id: _curve(db, facts, trial) for trial in facts.trials}
        bare = [trial.id for trial in facts.trials if not curves[trial.id]]
        losses = {trial: _metric(db, trial, TRAIN_LOSS) for trial in bare}
    return replace(facts, curves=curves, train_curves={key: curve for key, curve in losses.items() if curve})


def _read_ledger(db: sqlite3.Connection, run: str) -> tuple[tuple[Timed, ...], tuple[int, str]]:
    timeline, head = [], (0, "")
    for entry in ledger.checked(db, run):
        head = (entry.seq, entry.hash)
        event = ev.from_body(entry.kind, json.loads(entry.body))
        if event is not None:
            timeline.append(Timed(entry.time, event))
    return tuple(timeline), head


def _status(state: RunState, paths: RunPaths) -> RunStatus:
    if state.status is RunStatus.RUNNING and not is_held(paths.lock):
        return RunStatus.SUSPENDED
    return state.status


def _last_sign(db: sqlite3.Connection, timeline: tuple[Timed, ...]) -> str:
    """The last event of a run that is over, else the later of its and the last sample's time."""
    newest: str = timeline[-1].time
    rows: list[tuple[str]] = db.execute("SELECT time FROM hardware ORDER BY rowid DESC LIMIT 1").fetchall()
    return max(newest, rows[0][0]) if rows else newest


def _curve(db: sqlite3.Connection, facts: Facts, trial: TrialState) -> Curve:
    """Of an ended trial as the ledger has it, else as far as it has come, its parent's part before."""
    if trial.end is not None:
        return trial.trial().curve
    rows = db.execute("SELECT DISTINCT name FROM metric WHERE trial = ?", (trial.id,))
    name = resolve(facts.metric, [name for (name,) in rows])
    own = _metric(db, trial.id, name) if name else ()
    parent = facts.state.trials.get(trial.plan.parent or "")
    return (*(parent.trial().curve if parent else ()), *own)


def _metric(db: sqlite3.Connection, trial: str, name: str) -> Curve:
    rows = db.execute(
        "SELECT epoch, value FROM metric WHERE trial = ? AND name = ? ORDER BY step", (trial, name)
    )
    return tuple((epoch, decode_number(value)) for epoch, value in rows)


def _said(db: sqlite3.Connection) -> dict[str, Mapping[str, Any]]:
    rows = db.execute("SELECT id, facts FROM trial WHERE facts IS NOT NULL")
    return {trial: json.loads(text) for trial, text in rows}


def _paces(db: sqlite3.Connection) -> dict[str, Pace]:
    sql = """SELECT trial, name, avg(value), max(value), count(*) FROM timing
             WHERE typeof(value) != 'text' GROUP BY trial, name"""
    found: dict[str, Pace] = {}
    for trial, name, mean, highest, rows in db.execute(sql):
        pace = found.get(trial, Pace())
        found[trial] = Pace({**pace.means, name: mean}, {**pace.highest, name: highest}, max(pace.rows, rows))
    return found
