"""What views show, as immutable values made from the state and the newest rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from staycourse.core.canonical import decode_number
from staycourse.core.forecast import Forecast
from staycourse.core.handoff import Handoff
from staycourse.core.job import StopSpec, declared_rules
from staycourse.core.narrative import handed_on
from staycourse.core.roadmap import Roadmap
from staycourse.core.rules import Progress, Rule
from staycourse.core.rules.limits import EpochLimit, TimeLimit
from staycourse.core.rules.patience import Patience
from staycourse.core.space import Value
from staycourse.core.state import RunStatus, TrialState
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


class TrialView(NamedTuple):
    """A trial. `status` is "planned", "running", "owed" or "ended"; `rules` says what may end it, `slowdowns`
    what was seen to hold it up, in words, the newest last.

    A tuple, for a run may have tens of thousands."""

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
    slowdowns: tuple[str, ...] = ()


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
        return current_phase(self.phases)


def current_phase(phases: Sequence[PhaseView]) -> PhaseView | None:
    """The phase that is running, else the last one that is done."""
    running = [phase for phase in phases if phase.status == "running"]
    done = [phase for phase in phases if phase.status == "done"]
    return next(iter((running or done)[-1:]), None)


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


class TrialProgress(NamedTuple):
    """How far a trial that has not ended had come by its newest row; `epoch` counts finished epochs."""

    epoch: int = 0
    step: int = 0
    steps_per_epoch: int = 0


NOT_BEGUN = TrialProgress()


def trial_view(trial: TrialState, rules: tuple[str, ...], progress: TrialProgress = NOT_BEGUN) -> TrialView:
    """A trial by the ledger, with the newest row of the trial table for what is not in the ledger; `rules`
    says what may end it."""
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
        status=trial.status,
        outcome=end.outcome if end else None,
        epochs=plan.epochs,
        epoch=end.epochs if end else progress.epoch,
        step=end.steps if end else progress.step,
        steps_per_epoch=0 if end else progress.steps_per_epoch,
        best_epoch=end.best_epoch if end else None,
        best_value=best,
        rules=rules,
        detail=end.detail if end else "",
        attempts=trial.attempts,
        interruptions=trial.interruptions,
        slot=trial.slot,
        parent=plan.parent,
        seconds=end.seconds if end else None,
        slowdowns=tuple(seen.text for seen in trial.slowdowns),
    )


def nearness(rules: Sequence[Rule], epoch: int, curve: Sequence[tuple[int, float]]) -> tuple[str, ...]:
    """How near each rule is to ending a running trial; `curve` is that of the metric `stop` watches."""
    progress = Progress(epoch, curve, 0.0)
    return tuple(rule.nearness(progress) for rule in rules if not isinstance(rule, TimeLimit))


def decisive(rules: Sequence[Rule], curve: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    """The points by which these rules judge the curve as they would judge the whole of it, also once further
    points have come."""
    looking = [rule for rule in rules if not isinstance(rule, (EpochLimit, TimeLimit))]
    if len(looking) == 1 and isinstance(looking[0], Patience):
        return looking[0].decisive(curve)
    return list(curve) if looking else list(curve[-1:])
