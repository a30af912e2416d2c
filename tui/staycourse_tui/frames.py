"""What one poll brought back: all that a screen draws from, immutable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from staycourse.client import Snapshot, TrialView
from staycourse.core.space import Value

CurvePoint = tuple[int, int, float]  # step, epoch, value
Curves = Mapping[tuple[str, str], tuple[CurvePoint, ...]]


@dataclass(frozen=True)
class Frame:
    """`curves` holds (step, epoch, value) by (trial, metric); `history` the load of each device in
    percent, oldest first; `metric` is the objective's name as the trials report it; `files` what the run
    has left, by name relative to its `folder`."""

    snapshot: Snapshot
    folder: str
    metric: str
    focus: str | None = None
    curves: Curves = field(default_factory=dict)
    compared: tuple[str, ...] = ()
    history: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    winner: Mapping[str, Value] | None = None
    files: tuple[str, ...] = ()

    def trial(self, trial: str | None) -> TrialView | None:
        """The trial of that id."""
        return next((view for view in reversed(self.snapshot.trials) if view.id == trial), None)

    @property
    def focused(self) -> TrialView | None:
        """The trial that the panes speak of: the one selected, else the one running, else the last."""
        return self.trial(self.focus)


def focus_of(snapshot: Snapshot, selected: str | None) -> str | None:
    """The trial to speak of."""
    if selected is not None:
        return selected
    if snapshot.live:
        return snapshot.live[0].trial
    begun = [view.id for view in snapshot.trials if view.status != "planned"]
    return begun[-1] if begun else None


def compared_with(snapshot: Snapshot, focus: str | None, most: int = 3) -> tuple[str, ...]:
    """Trials to draw behind the one in focus: the others that run, then the best of its phase, best
    first; the run's best trial where the phase has none yet."""
    sign = 1.0 if snapshot.roadmap.objective.goal == "min" else -1.0
    phase = next((view.phase for view in snapshot.trials if view.id == focus), None)
    running = [live.trial for live in snapshot.live]
    scored = [
        (sign * view.best_value, view.id)
        for view in snapshot.trials
        if view.phase == phase and view.best_value is not None and view.outcome == "completed"
    ]
    best = [trial for _, trial in sorted(scored)[:most]] or list(filter(None, [snapshot.best_trial]))
    found = [trial for trial in dict.fromkeys([*best, *running]) if trial != focus]
    return tuple(found[:most])
