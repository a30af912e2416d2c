"""What one poll brought back: all that a screen draws from, immutable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from staycourse.client import LiveView, Snapshot, TrialView
from staycourse.core.handoff import Ranked
from staycourse.core.space import Value

CurvePoint = tuple[int, int, float]  # step, epoch, value
Curves = Mapping[tuple[str, str], Sequence[CurvePoint]]
Pace = Sequence[tuple[int, float]]  # step, seconds of training
MOST_MARKED = 4


@dataclass(frozen=True)
class Request:
    """What the screens need of the next reads: whose curves (None: the running trial's), those marked
    beside it, whose output, the report, and the curves' times."""

    selected: str | None = None
    marked: tuple[str, ...] = ()
    output_of: str | None = None
    has_report: bool = False
    has_pace: bool = False


@dataclass(frozen=True)
class Frame:
    """`curves` holds (step, epoch, value) by (trial, metric), `pace` (step, seconds) by trial.

    `metric` is the objective's name as the trials report it, `history` the readings of each device by name,
    oldest first, `won` the winner's place in the ranking, `files` what the run has left, by name relative to
    its `folder`, `gpus` the models of its GPUs, `timing` the newest times and rates of the trial in focus,
    `output` what the trial `output_of` has printed last, `report` the Markdown, None where it was not asked
    for.
    """

    snapshot: Snapshot
    folder: str
    metric: str
    focus: str | None = None
    curves: Curves = field(default_factory=dict)
    compared: tuple[str, ...] = ()
    marked: tuple[str, ...] = ()
    pace: Mapping[str, Pace] = field(default_factory=dict)
    history: Mapping[str, Mapping[str, tuple[float, ...]]] = field(default_factory=dict)
    winner: Mapping[str, Value] | None = None
    won: Ranked | None = None
    files: tuple[str, ...] = ()
    gpus: tuple[str, ...] = ()
    timing: Mapping[str, float] = field(default_factory=dict)
    output: str = ""
    output_of: str | None = None
    report: str | None = None

    def trial(self, trial: str | None) -> TrialView | None:
        """The trial of that id."""
        return self.snapshot.trial(trial)

    @property
    def focused(self) -> TrialView | None:
        """The trial that the panes speak of: the one selected, else the one running, else the last."""
        return self.trial(self.focus)

    def live(self, trial: str | None) -> LiveView | None:
        """The newest figures of a trial that runs, its engine alive."""
        if not self.snapshot.is_engine_alive:
            return None
        return next((one for one in self.snapshot.live if one.trial == trial), None)


def focus_of(snapshot: Snapshot, selected: str | None) -> str | None:
    """The trial to speak of."""
    if selected is not None:
        return selected
    if snapshot.live:
        return snapshot.live[0].trial
    return snapshot.newest


def compared_with(
    snapshot: Snapshot, focus: str | None, marked: tuple[str, ...] = (), most: int = 3
) -> tuple[str, ...]:
    """Trials to draw behind the one in focus: its phase's best, then those that were marked, or else the
    phase's next best and what runs beside; the run's best trial where the phase has none yet."""
    view = snapshot.trial(focus)
    leaders = snapshot.phases[view.phase].leaders[:most] if view else ()
    best = leaders or tuple(filter(None, [snapshot.best_trial]))
    running = [live.trial for live in snapshot.live]
    if marked:
        found = [*best[:1], *marked[:MOST_MARKED]]
        return tuple(trial for trial in dict.fromkeys(found) if trial != focus)
    found = [trial for trial in dict.fromkeys([*best, *running]) if trial != focus]
    return tuple(found[:most])
