"""A campaign counted as it goes: each phase's trials, their ranking, and what they have cost.

What a view shows of thousands of trials follows from a few sums, which each event changes a little.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from staycourse.core.events import TrialEnded
from staycourse.core.forecast import Costs, Forecast, Left, Work
from staycourse.core.outcome import Outcome
from staycourse.core.roadmap import Roadmap
from staycourse.core.state import RunState, TrialState, TrialStatus
from staycourse.core.views import LEADERS, PhaseView, phase_words

Trials = Mapping[str, TrialState]


@dataclass
class _Phase:
    """`scored` holds (signed score, place in the order of planning, id); `left` the share and the epochs of
    each trial that has not ended, as it was planned."""

    places: dict[str, int] = field(default_factory=dict)
    begun: int = 0
    ended: int = 0
    scored: list[tuple[float, int, str]] = field(default_factory=list)
    is_ranked: bool = True
    left: dict[str, tuple[float, int]] = field(default_factory=dict)

    @property
    def ranking(self) -> list[tuple[float, int, str]]:
        """Those with a score, best first."""
        if not self.is_ranked:
            self.scored.sort()
            self.is_ranked = True
        return self.scored


class Tally:
    """Follows the trials of a run by `change`; equal trials give equal answers, in whatever order their
    changes came."""

    def __init__(self, roadmap: Roadmap) -> None:
        self._roadmap = roadmap
        self._plan = roadmap.plan()
        self._sign = 1.0 if roadmap.objective.goal == "min" else -1.0
        self._phases: dict[int, _Phase] = {}
        self._costs = Costs()
        self._handed_on: dict[int, tuple[str, ...]] = {}

    def change(self, before: TrialState | None, after: TrialState, trials: Trials) -> None:
        """A trial is no longer as it was; `before` is None for one just planned, `trials` are all."""
        plan, end = after.plan, after.end
        phase = self._phases.get(plan.phase)
        if phase is None:
            phase = self._phases[plan.phase] = _Phase()
        if before is None:
            phase.places[plan.trial] = len(phase.places)
        was_begun = before is not None and before.status is not TrialStatus.PLANNED
        phase.begun += (after.status is not TrialStatus.PLANNED) - was_begun
        if end is None:
            if before is None:
                phase.left[plan.trial] = _piece(after, trials)
        elif before is None or before.end is None:
            phase.left.pop(plan.trial, None)
            self._count_end(phase, after, end)

    def _count_end(self, phase: _Phase, trial: TrialState, end: TrialEnded) -> None:
        plan = trial.plan
        phase.ended += 1
        score = _score(trial, end, self._roadmap.objective.goal)
        if score is not None:
            phase.scored.append((self._sign * score, phase.places[plan.trial], plan.trial))
            phase.is_ranked = False
        if plan.parent is None:
            self._costs.add(Work(plan.share, plan.epochs, end.epochs, end.seconds))

    def place(self, trial: TrialState) -> tuple[int, int]:
        """(phase, place within it): the order of planning."""
        return trial.plan.phase, self._phases[trial.plan.phase].places[trial.id]

    @property
    def best_trial(self) -> str | None:
        """The best trial of the last phase that has one; phases differ in their data, so they do not mix."""
        ranked = [index for index, phase in self._phases.items() if phase.scored]
        return self._phases[max(ranked)].ranking[0][2] if ranked else None

    def phases(self, state: RunState) -> tuple[PhaseView, ...]:
        """The queue as it stands."""
        return tuple(self._phase_view(state, index) for index in range(len(self._plan)))

    def _phase_view(self, state: RunState, index: int) -> PhaseView:
        planned, phase = self._plan[index], self._phases.get(index, _Phase())
        is_done, trials = index < len(state.handoffs), len(phase.places)
        if is_done and index not in self._handed_on:
            self._handed_on[index] = tuple(phase_words(self._roadmap, state.handoffs, index))
        return PhaseView(
            index=index,
            kind=planned.kind,
            status="done" if is_done else "running" if state.phase == index else "waiting",
            trials=trials if is_done else max(planned.trials, trials),
            ended=phase.ended,
            epochs=planned.epochs_per_trial,
            best=self._sign * phase.ranking[0][0] if phase.ranking else None,
            handed_on=self._handed_on.get(index, ()),
            begun=phase.begun,
            leaders=tuple(trial for _, _, trial in phase.ranking[:LEADERS]),
        )

    def remaining(self, state: RunState, epochs_done: Mapping[str, int]) -> Forecast | None:
        """How long the rest may take, by what the trials so far have taken; `epochs_done` says how far
        those are that have begun and not ended."""
        if state.status.is_over:
            return None
        left: list[Left] = []
        for index in range(len(state.handoffs), len(self._plan)):
            planned, phase = self._plan[index], self._phases.get(index, _Phase())
            unplanned = max(0, planned.trials - len(phase.places))
            left.append(Left(unplanned, planned.share, round(planned.total_epochs / max(1, planned.trials))))
            pieces = Counter(phase.left.values())
            for trial in epochs_done.keys() & phase.left.keys():
                share, most = phase.left[trial]
                epochs = state.trials[trial].plan.epochs - epochs_done[trial]
                pieces[share, most] -= 1
                pieces[share, min(most, max(0, epochs))] += 1
            left += [Left(count, share, epochs) for (share, epochs), count in pieces.items() if count]
        return self._costs.forecast(left)


def phase_views(roadmap: Roadmap, state: RunState) -> tuple[PhaseView, ...]:
    """The queue of a run in that state."""
    tally = Tally(roadmap)
    for trial in state.trials.values():
        tally.change(None, trial, state.trials)
    return tally.phases(state)


def _piece(trial: TrialState, trials: Trials) -> tuple[float, int]:
    """(share, epochs): what there is to train, its parent's epochs being done."""
    parent = trials.get(trial.plan.parent) if trial.plan.parent else None
    done = parent.end.epochs if parent is not None and parent.end is not None else 0
    return trial.plan.share, max(0, trial.plan.epochs - done)


def _score(trial: TrialState, end: TrialEnded, goal: str) -> float | None:
    """As Trial.score; by the best value of its end where the curve was left out."""
    best = end.best_value
    if end.outcome != Outcome.COMPLETED:
        return None
    if not end.curve and isinstance(best, (int, float)) and math.isfinite(best):
        return float(best)
    return trial.trial().score(goal)
