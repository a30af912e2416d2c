"""What views show, as immutable values made from the state and the newest rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from staycourse.core.canonical import decode_number
from staycourse.core.forecast import Forecast, Left, Work, forecast
from staycourse.core.handoff import Handoff
from staycourse.core.job import StopSpec, declared_rules
from staycourse.core.narrative import handed_on
from staycourse.core.phases.base import Planned
from staycourse.core.roadmap import Roadmap
from staycourse.core.rules import Progress, Rule
from staycourse.core.rules.limits import TimeLimit
from staycourse.core.space import Value
from staycourse.core.state import RunState, RunStatus, TrialState, TrialStatus
from staycourse.core.trial import rank
from staycourse.core.trial_views import TrialViews

LEADERS = 10


@dataclass(frozen=True)
class PhaseView:
    """A phase in the queue. `status` is "waiting", "running" or "done"; `trials` is how many it has at
    most, `begun` how many of them have begun and `ended` how many have ended; `best` the best value of its
    trials so far, `leaders` the ids of the best of them, best first; `handed_on` lines."""

    index: int
    kind: str
    status: str
    trials: int
    ended: int
    epochs: int
    best: float | None = None
    handed_on: tuple[str, ...] = ()
    begun: int = 0
    leaders: tuple[str, ...] = ()


@dataclass(frozen=True)
class TrialView:
    """A trial. `status` is "planned", "running", "owed" or "ended"; `rules` says what may end it."""

    id: str
    phase: int
    key: str
    name: str
    setup: Mapping[str, Value]
    repetition: int
    share: float
    status: str
    outcome: str | None
    epochs: int
    epoch: int
    step: int
    steps_per_epoch: int
    best_epoch: int | None
    best_value: float | None
    rules: tuple[str, ...]
    detail: str
    attempts: int
    interruptions: int
    slot: str
    parent: str | None
    seconds: float | None


@dataclass(frozen=True)
class LiveView:
    """A running trial's newest figures: metrics and timings by name, and how near each rule is."""

    trial: str
    metrics: Mapping[str, float]
    timing: Mapping[str, float]
    nearness: tuple[str, ...]


@dataclass(frozen=True)
class HardwareView:
    """Newest hardware figures: {device: {name: value}}, units in the names; `time` is UTC."""

    time: str | None = None
    devices: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class LogLine:
    """An event in words; `time` is UTC."""

    seq: int
    time: str
    text: str


@dataclass(frozen=True)
class Snapshot:
    """A run at one moment. `engine_age` is the seconds since the engine's last sign of life, None where
    there was none; `elapsed` the seconds since the seal, idle time included."""

    name: str
    roadmap: Roadmap
    seal: str
    status: RunStatus
    is_engine_alive: bool
    engine_age: float | None
    reason: str
    phases: tuple[PhaseView, ...]
    table: TrialViews
    live: tuple[LiveView, ...]
    hardware: HardwareView
    log: tuple[LogLine, ...]
    elapsed: float
    eta: Forecast | None
    best_trial: str | None
    notes: tuple[str, ...] = ()

    @property
    def trials(self) -> tuple[TrialView, ...]:
        """Every trial, in the order of planning."""
        return self.table.all

    @property
    def begun(self) -> int:
        """How many trials have begun."""
        return sum(phase.begun for phase in self.phases)

    @property
    def newest(self) -> str | None:
        """The last of the trials that have begun, in the order of planning."""
        begun = next((phase.index for phase in reversed(self.phases) if phase.begun), None)
        if begun is None:
            return None
        return next(view.id for view in reversed(self.of_phase(begun)) if view.status != "planned")

    def trial(self, trial: str | None) -> TrialView | None:
        """The trial of that id."""
        return self.table.get(trial)

    def of_phase(self, index: int) -> tuple[TrialView, ...]:
        """The trials of a phase in the order of planning: the very same tuple in one snapshot after the
        other as long as none of them has changed."""
        return self.table.of_phase(index)

    @property
    def phase(self) -> PhaseView | None:
        """The phase that is running, else the last one that is done."""
        running = [phase for phase in self.phases if phase.status == "running"]
        done = [phase for phase in self.phases if phase.status == "done"]
        return (running or done or [None])[-1]  # type: ignore[list-item]  # None stands for no phase yet


def phase_views(roadmap: Roadmap, state: RunState) -> list[PhaseView]:
    """The queue as it stands."""
    views = []
    for index, planned in enumerate(roadmap.plan()):
        trials = [trial.trial() for trial in state.trials_of(index)]
        ranked = rank(trials, roadmap.objective.goal)
        is_done = index < len(state.handoffs)
        views.append(
            PhaseView(
                index=index,
                kind=planned.kind,
                status="done" if is_done else "running" if state.phase == index else "waiting",
                trials=len(trials) if is_done else max(planned.trials, len(trials)),
                ended=sum(trial.outcome is not None for trial in trials),
                epochs=planned.epochs_per_trial,
                best=ranked[0].score(roadmap.objective.goal) if ranked else None,
                handed_on=tuple(phase_words(roadmap, state.handoffs, index)) if is_done else (),
                begun=sum(t.status is not TrialStatus.PLANNED for t in state.trials_of(index)),
                leaders=tuple(trial.id for trial in ranked[:LEADERS]),
            )
        )
    return views


def phase_words(roadmap: Roadmap, handoffs: Sequence[Handoff], index: int) -> list[str]:
    """What a closed phase handed on, a line each."""
    before = handoffs[index - 1] if index else roadmap.first_handoff
    handoff = handoffs[index]
    own = replace(handoff, ranking=()) if handoff.ranking == before.ranking else handoff
    return handed_on(before.space, own, roadmap.objective.metric)


def rules_of(roadmap: Roadmap, epochs: int, stop: StopSpec | None) -> list[Rule]:
    """What may end a trial."""
    objective = roadmap.objective
    return declared_rules(epochs, stop, objective.metric, objective.goal, roadmap.limits.trial_hours)


def trial_view(roadmap: Roadmap, trial: TrialState, row: Mapping[str, Any]) -> TrialView:
    """A trial by the ledger, with the newest row of the trial table for what is not in the ledger."""
    plan, end = trial.plan, trial.end
    best = decode_number(end.best_value) if end and end.best_value is not None else None
    return TrialView(
        id=plan.trial,
        phase=plan.phase,
        key=plan.key,
        name=plan.name,
        setup=plan.setup,
        repetition=plan.repetition,
        share=plan.share,
        status=str(trial.status),
        outcome=end.outcome if end else None,
        epochs=plan.epochs,
        epoch=end.epochs if end else row.get("epoch", 0),
        step=end.steps if end else row.get("step", 0),
        steps_per_epoch=row.get("steps_per_epoch", 0),
        best_epoch=end.best_epoch if end else None,
        best_value=best,
        rules=tuple(rule.describe() for rule in rules_of(roadmap, plan.epochs, trial.stop)),
        detail=end.detail if end else "",
        attempts=trial.attempts,
        interruptions=trial.interruptions,
        slot=trial.slot,
        parent=plan.parent,
        seconds=end.seconds if end else None,
    )


def nearness(
    roadmap: Roadmap, trial: TrialState, epoch: int, curve: Sequence[tuple[int, float]]
) -> tuple[str, ...]:
    """How near each rule is to ending a running trial; `curve` is that of the metric `stop` watches."""
    progress = Progress(epoch, curve, 0.0)
    rules = rules_of(roadmap, trial.plan.epochs, trial.stop)
    return tuple(rule.nearness(progress) for rule in rules if not isinstance(rule, TimeLimit))


def remaining(roadmap: Roadmap, state: RunState, epochs_done: Mapping[str, int]) -> Forecast | None:
    """How long the rest may take, by what the trials so far have taken."""
    if state.status.is_over:
        return None
    done = [
        Work(t.plan.share, t.plan.epochs, t.end.epochs, t.end.seconds)
        for t in state.trials.values()
        if t.end and t.plan.parent is None
    ]
    done_of = dict(epochs_done)
    for t in state.trials.values():
        if t.plan.parent and (parent := state.trials.get(t.plan.parent)) and parent.end:
            done_of[t.id] = max(done_of.get(t.id, 0), parent.end.epochs)
    left = [
        piece
        for index, planned in enumerate(roadmap.plan())
        if index >= len(state.handoffs)
        for piece in _left_of(planned, state.trials_of(index), done_of)
    ]
    return forecast(done, left)


def _left_of(planned: Planned, trials: Sequence[TrialState], epochs_done: Mapping[str, int]) -> list[Left]:
    per_trial = planned.total_epochs / max(1, planned.trials)
    unplanned = max(0, planned.trials - len(trials))
    left = [Left(unplanned, planned.share, round(per_trial))]
    for trial in trials:
        if trial.status is not TrialStatus.ENDED:
            epochs = trial.plan.epochs - epochs_done.get(trial.id, 0)
            left.append(Left(1, trial.plan.share, max(0, epochs)))
    return left
