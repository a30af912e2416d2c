"""The run's state: fold(state, event) -> state, total and without side effects."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, NamedTuple

from staycourse.core import events as ev
from staycourse.core import handoff as handoffs
from staycourse.core.canonical import decode_number
from staycourse.core.events import Event
from staycourse.core.handoff import Handoff
from staycourse.core.job import StopSpec
from staycourse.core.outcome import Failure, Outcome
from staycourse.core.space import Value
from staycourse.core.trial import Trial


class RunStatus(StrEnum):
    """How a run stands, by its ledger alone (whether a supervisor lives is another question)."""

    SEALED = "sealed"
    RUNNING = "running"
    SUSPENDED = "suspended"
    FINISHED = "finished"
    FAILED = "failed"
    ABANDONED = "abandoned"

    @property
    def is_over(self) -> bool:
        """Nothing can follow; a failed run can still be resumed after its cause was mended."""
        return self in _OVER


_OVER = (RunStatus.FINISHED, RunStatus.ABANDONED)


class TrialStatus(StrEnum):
    """Where a trial stands."""

    PLANNED = "planned"
    RUNNING = "running"
    OWED = "owed"
    ENDED = "ended"


class TrialState(NamedTuple):
    """A trial by the ledger. `failures` counts deaths since the last new checkpoint; `errors` holds
    (error, step) of each attempt that failed, oldest first; `session` is that in which it ended; `at_once`
    the most samples that memory holds in a forward pass, None as long as it has held every batch;
    `slowdowns` are what was seen to hold it up, by kind, each as it was told last.

    A tuple, for it is made anew with every change, which is tens of thousands of times in a long run."""

    plan: ev.TrialPlanned
    status: TrialStatus = TrialStatus.PLANNED
    attempts: int = 0
    failures: int = 0
    interruptions: int = 0
    errors: tuple[tuple[str, str, int], ...] = ()
    slot: str = ""
    pid: int = 0
    pid_started: float = 0.0
    end: ev.TrialEnded | None = None
    session: int = 0
    at_once: int | None = None
    slowdowns: tuple[ev.SlowdownSeen, ...] = ()

    @property
    def id(self) -> str:
        return self.plan.trial

    @property
    def outcome(self) -> Outcome | None:
        """How it ended; an end that this version has no name for counts as a crash."""
        if self.end is None:
            return None
        return Outcome(self.end.outcome) if self.end.outcome in tuple(Outcome) else Outcome.CRASHED

    @property
    def stop(self) -> StopSpec | None:
        return StopSpec.from_json(self.plan.stop) if self.plan.stop else None

    def trial(self) -> Trial:
        """As the phases see it."""
        curve: Any = self.end.curve if self.end else ()
        return Trial(
            id=self.plan.trial,
            phase=self.plan.phase,
            key=self.plan.key,
            setup=self.plan.setup,
            repetition=self.plan.repetition,
            name=self.plan.name,
            parent=self.plan.parent,
            outcome=self.outcome,
            curve=tuple((epoch, decode_number(value)) for epoch, value in curve),
            epochs_done=self.end.epochs if self.end else 0,
            steps=self.end.steps if self.end else 0,
            horizon=self.plan.horizon,
        )


@dataclass(frozen=True)
class RunState:
    """All that the ledger says. `handoffs` has one entry a closed phase, `phase` is the open phase's
    index, `engine` the supervisor that last took the run up, `environment` the last one known."""

    status: RunStatus = RunStatus.SEALED
    sealed: ev.RunSealed | None = None
    environment: Mapping[str, Any] = field(default_factory=dict)
    engine: ev.EngineStarted | None = None
    is_engine_gone: bool = True
    phase: int | None = None
    handoffs: tuple[Handoff, ...] = ()
    trials: Mapping[str, TrialState] = field(default_factory=dict)
    reason: str = ""
    winner: Mapping[str, Value] | None = None
    files: Mapping[str, Any] = field(default_factory=dict)
    dropped: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()
    estimates: tuple[ev.RegionEstimated, ...] = ()

    def trials_of(self, phase: int) -> list[TrialState]:
        """The trials of a phase in the order of their planning."""
        return [trial for trial in self.trials.values() if trial.plan.phase == phase]

    def estimates_of(self, phase: int) -> tuple[ev.Json, ...]:
        """What the search's model has told a phase, in that order."""
        return tuple(event.estimate for event in self.estimates if event.phase == phase)


def ancestry(trials: Mapping[str, TrialState], trial: str) -> list[str]:
    """The ids of the trials from whose end this one goes on, the first of them first, and its own."""
    chain = [trial]
    while (known := trials.get(chain[-1])) and known.plan.parent and known.plan.parent not in chain:
        chain.append(known.plan.parent)
    return chain[::-1]


def fold(state: RunState, event: Event) -> RunState:
    """The state after the event. Total: an event that does not fit changes nothing."""
    return apply(replace(state, trials=dict(state.trials)), event)


def replay(events: Iterable[Event], state: RunState | None = None) -> RunState:
    """The state after many events, without a copy for each."""
    state = replace(state or RunState(), trials=dict(state.trials) if state else {})
    for event in events:
        state = apply(state, event)
    return state


def apply(state: RunState, event: Event) -> RunState:
    """As fold, for a caller that has copied `state.trials`, which this changes in place."""
    handler = _HANDLERS.get(type(event))
    return handler(state, event) if handler and state.status not in _OVER else state


def _sealed(state: RunState, event: ev.RunSealed) -> RunState:
    return replace(state, sealed=event, environment=event.environment)


def _environment_changed(state: RunState, event: ev.EnvironmentChanged) -> RunState:
    return replace(state, environment=event.environment)


def _started(state: RunState, event: ev.EngineStarted) -> RunState:
    trials = {
        key: t._replace(status=TrialStatus.OWED) if t.status is TrialStatus.RUNNING else t
        for key, t in state.trials.items()
    }
    return replace(
        state, status=RunStatus.RUNNING, engine=event, is_engine_gone=False, trials=trials, reason=""
    )


def _stopped(state: RunState, event: ev.EngineStopped | ev.RunSuspended) -> RunState:
    return replace(state, status=RunStatus.SUSPENDED, is_engine_gone=True, reason=event.reason)


def _phase_opened(state: RunState, event: ev.PhaseOpened) -> RunState:
    return replace(state, phase=event.phase)


def _planned(state: RunState, event: ev.TrialPlanned) -> RunState:
    return state if event.trial in state.trials else _with_trial(state, TrialState(event))


def _trial_started(state: RunState, event: ev.TrialStarted) -> RunState:
    trial = _unended(state, event.trial)
    if trial is None:
        return state
    return _with_trial(
        state,
        trial._replace(
            status=TrialStatus.RUNNING,
            attempts=event.attempt,
            slot=event.slot,
            pid=event.pid,
            pid_started=event.pid_started,
        ),
    )


def _attempt_failed(state: RunState, event: ev.AttemptFailed) -> RunState:
    trial = _unended(state, event.trial)
    if trial is None:
        return state
    is_counted = event.failure in tuple(Failure) and Failure(event.failure).is_counted
    before = 0 if event.has_progress else trial.failures
    return _with_trial(
        state,
        trial._replace(
            status=TrialStatus.OWED,
            failures=before + is_counted,
            interruptions=trial.interruptions + (event.failure == Failure.INTERRUPTED),
            errors=(*trial.errors, (event.failure, event.error, event.step)),
            at_once=trial.at_once if event.at_once is None else event.at_once,
        ),
    )


def _ended(state: RunState, event: ev.TrialEnded) -> RunState:
    trial = _unended(state, event.trial)
    if trial is None:
        return state
    session = state.engine.session if state.engine else 0
    return _with_trial(state, trial._replace(status=TrialStatus.ENDED, end=event, session=session))


def _slowdown_seen(state: RunState, event: ev.SlowdownSeen) -> RunState:
    trial = _unended(state, event.trial)
    if trial is None:
        return state
    others = (seen for seen in trial.slowdowns if seen.slowdown != event.slowdown)
    return _with_trial(state, trial._replace(slowdowns=(*others, event)))


def _estimated(state: RunState, event: ev.RegionEstimated) -> RunState:
    return replace(state, estimates=(*state.estimates, event)) if event.phase == state.phase else state


def _phase_closed(state: RunState, event: ev.PhaseClosed) -> RunState:
    if event.phase != len(state.handoffs):
        return state
    return replace(state, phase=None, handoffs=(*state.handoffs, handoffs.from_json(event.handoff)))


def _dropped(state: RunState, event: ev.CheckpointsDropped) -> RunState:
    return replace(state, dropped=state.dropped | set(event.trials))


def _noted(state: RunState, event: ev.Noted) -> RunState:
    return replace(state, notes=(*state.notes, event.text))


def _finished(state: RunState, event: ev.RunFinished) -> RunState:
    winner = event.winner
    return replace(
        state, status=RunStatus.FINISHED, is_engine_gone=True, winner=winner, files=event.files, phase=None
    )


def _failed(state: RunState, event: ev.RunFailed) -> RunState:
    return replace(state, status=RunStatus.FAILED, is_engine_gone=True, reason=event.reason)


def _abandoned(state: RunState, event: ev.RunAbandoned) -> RunState:
    return replace(state, status=RunStatus.ABANDONED, is_engine_gone=True, reason=event.reason)


def _with_trial(state: RunState, trial: TrialState) -> RunState:
    assert isinstance(state.trials, dict)
    state.trials[trial.plan.trial] = trial
    return state


def _unended(state: RunState, trial: str) -> TrialState | None:
    """The trial, unless it is unknown or has ended: nothing happens to a trial after its end."""
    known = state.trials.get(trial)
    return known if known is not None and known.end is None else None


_HANDLERS: dict[type[Event], Callable[[RunState, Any], RunState]] = {
    ev.RunSealed: _sealed,
    ev.EngineStarted: _started,
    ev.EngineStopped: _stopped,
    ev.EnvironmentChanged: _environment_changed,
    ev.RunSuspended: _stopped,
    ev.PhaseOpened: _phase_opened,
    ev.TrialPlanned: _planned,
    ev.TrialStarted: _trial_started,
    ev.AttemptFailed: _attempt_failed,
    ev.TrialEnded: _ended,
    ev.SlowdownSeen: _slowdown_seen,
    ev.RegionEstimated: _estimated,
    ev.PhaseClosed: _phase_closed,
    ev.CheckpointsDropped: _dropped,
    ev.Noted: _noted,
    ev.RunFinished: _finished,
    ev.RunFailed: _failed,
    ev.RunAbandoned: _abandoned,
}
