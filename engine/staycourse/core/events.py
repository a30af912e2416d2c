"""The ledger's vocabulary: one frozen class an event. Bodies are plain JSON values."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, ClassVar

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Event:
    """Something decided or seen. `KIND` is its name in the ledger."""

    KIND: ClassVar[str]


@dataclass(frozen=True)
class RunSealed(Event):
    """The first event: the plan is fixed from here on.

    `seal` is 64 hex digits over `parts` (each a SHA-256 by name: roadmap, code, data, environment).
    `facts` is what the check saw of the task and its data; `ancestor` an abandoned run of that name;
    `lineage` what is taken up of an earlier run (record.lineage), whose digest is then a part as well.
    """

    KIND = "run sealed"
    seal: str
    parts: Json
    roadmap: str
    folder: str
    code: Json
    facts: Json
    environment: Json
    command: str
    version: str
    rehearsal: bool = False
    ancestor: Json | None = None
    lineage: Json | None = None


@dataclass(frozen=True)
class EngineStarted(Event):
    """A supervisor has taken up the run. `silent_since` is the last sign of life of the one before
    (UTC, ISO 8601) where that one left no word."""

    KIND = "engine started"
    session: int
    pid: int
    pid_started: float
    host: Json
    options: Json
    slots: Any
    silent_since: str | None = None


@dataclass(frozen=True)
class EngineStopped(Event):
    """The supervisor has left in good order; the run goes on with `resume`."""

    KIND = "engine stopped"
    reason: str


@dataclass(frozen=True)
class EnvironmentChanged(Event):
    """An engine has met another environment than the one before it, or than the sealed one.

    `changes` maps a fact's dotted name to [before, after], None where there was or is none; `environment`
    is the new one, whole.
    """

    KIND = "environment changed"
    changes: Json
    environment: Json


@dataclass(frozen=True)
class PhaseOpened(Event):
    """A phase begins."""

    KIND = "phase opened"
    phase: int


@dataclass(frozen=True)
class TrialPlanned(Event):
    """A trial has its set-up; `proposal` is the number of the search's proposal that it is."""

    KIND = "trial planned"
    trial: str
    phase: int
    key: str
    setup: Json
    epochs: int
    horizon: int
    repetition: int = 0
    share: float = 1.0
    split: bool = True
    stop: Json | None = None
    parent: str | None = None
    proposal: int | None = None
    name: str = ""


@dataclass(frozen=True)
class TrialStarted(Event):
    """An attempt at a trial runs in a worker."""

    KIND = "trial started"
    trial: str
    attempt: int
    slot: str
    pid: int
    pid_started: float


@dataclass(frozen=True)
class AttemptFailed(Event):
    """An attempt has ended and the trial has not. `failure` is a value of core.outcome.Failure; `step`
    is the last step seen, `has_progress` whether a checkpoint was written since the failure before,
    `at_once` the most samples of a forward pass from here on, where memory ended with more."""

    KIND = "attempt failed"
    trial: str
    attempt: int
    failure: str
    error: str
    step: int
    has_progress: bool
    at_once: int | None = None


@dataclass(frozen=True)
class TrialEnded(Event):
    """A trial has ended by a rule or by a failure that no retry can mend.

    `curve` is [[epoch, value], ...] of the objective's metric. `metrics_digest` is the SHA-256 over the
    trial's metric rows (record.proof), `files` maps a file's name to its SHA-256 and size in bytes.
    `replayed` counts the rows that were computed again after a crash, `differing` those of them that did not
    equal the row that stood.
    """

    KIND = "trial ended"
    trial: str
    outcome: str
    rule: str
    detail: str
    epochs: int
    steps: int
    curve: Any
    seconds: float
    best_epoch: int | None = None
    best_value: Any = None
    metrics_digest: str = ""
    files: Json = field(default_factory=dict)
    replayed: int = 0
    differing: int = 0


@dataclass(frozen=True)
class SlowdownSeen(Event):
    """An attempt's meters have shown what holds it up (`core.slowdowns`); it decides nothing.

    `slowdown` is its kind, `text` a sentence, `share` how bad it is beside others of its kind; `epoch` is
    the last one that was finished. A trial's is told again only once it is clearly worse.
    """

    KIND = "slow-down seen"
    trial: str
    attempt: int
    epoch: int
    slowdown: str
    text: str
    share: float
    figures: Json = field(default_factory=dict)


@dataclass(frozen=True)
class RegionEstimated(Event):
    """The search's model has told a phase where the best set-ups lie (`search.region`), before the phase
    acts on it."""

    KIND = "region estimated"
    phase: int
    estimate: Json


@dataclass(frozen=True)
class PhaseClosed(Event):
    """A phase has handed on."""

    KIND = "phase closed"
    phase: int
    handoff: Json


@dataclass(frozen=True)
class CheckpointsDropped(Event):
    """Checkpoints that nothing can need any more were deleted by rule."""

    KIND = "checkpoints dropped"
    phase: int
    trials: Any
    bytes: int


@dataclass(frozen=True)
class Noted(Event):
    """Something worth knowing that decides nothing: a device waited for, a sensor lost."""

    KIND = "noted"
    about: str
    text: str


@dataclass(frozen=True)
class RunSuspended(Event):
    """The engine has stopped by itself; `resume` goes on."""

    KIND = "run suspended"
    reason: str


@dataclass(frozen=True)
class RunFinished(Event):
    """Every phase is closed."""

    KIND = "run finished"
    winner: Json | None
    files: Json = field(default_factory=dict)


@dataclass(frozen=True)
class RunFailed(Event):
    """A phase could not be finished."""

    KIND = "run failed"
    phase: int
    reason: str


@dataclass(frozen=True)
class RunAbandoned(Event):
    """The campaign was given up, in the open: the last event there is."""

    KIND = "run abandoned"
    reason: str


_CLASSES: dict[str, type[Event]] = {cls.KIND: cls for cls in Event.__subclasses__()}
_FIELDS = {kind: [f.name for f in dataclasses.fields(cls)] for kind, cls in _CLASSES.items()}
# One name alone would not come as a tuple.
_VALUES = {kind: itemgetter(*names) for kind, names in _FIELDS.items() if len(names) > 1}


def to_body(event: Event) -> dict[str, Any]:
    """The event's fields as JSON values."""
    return {f.name: getattr(event, f.name) for f in dataclasses.fields(event)}


def from_body(kind: str, body: Json) -> Event | None:
    """The event of that kind; None for a kind that this version does not know. Unknown fields, written
    by a later version, are left out."""
    cls = _CLASSES.get(kind)
    if cls is None:
        return None
    try:
        return cls(*_VALUES[kind](body))  # a view makes tens of thousands: names would take twice the time
    except KeyError:  # a body of an earlier version lacks some
        return cls(**{name: value for name, value in body.items() if name in _FIELDS[kind]})
