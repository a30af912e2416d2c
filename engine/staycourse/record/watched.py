"""The curve that a running trial's rules look at, followed as it grows."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from staycourse.core.metric_names import resolve
from staycourse.core.roadmap import Roadmap
from staycourse.core.state import TrialState, ancestry
from staycourse.core.views import decisive, rules_of
from staycourse.record import rows


class Watched:
    """`rules` may end the trial; `curve` has the points of the metric that decide (core.views.decisive)."""

    def __init__(self, roadmap: Roadmap, trial: TrialState, trials: Mapping[str, TrialState]) -> None:
        stop = trial.stop
        self._metric = stop.metric if stop and stop.metric else roadmap.objective.metric
        self._name: str | None = None
        self._steps = dict.fromkeys(ancestry(trials, trial.id), -1)
        self.rules = rules_of(roadmap, trial.plan.epochs, stop)
        self.curve: list[tuple[int, float]] = []

    def read_on(self, db: sqlite3.Connection) -> None:
        """Take in what has been written since the last time; a parent's curve stands before its child's."""
        if self._name is None:
            reported = [name for trial in self._steps for name in rows.names(db, "metric", trial)]
            self._name = resolve(self._metric, reported)
        if self._name is None:
            return
        new: list[tuple[int, float]] = []
        for trial, after in self._steps.items():
            for step, epoch, value in rows.metric_after(db, trial, self._name, after):
                self._steps[trial] = step
                new.append((epoch, value))
        if new:
            self.curve = decisive(self.rules, [*self.curve, *new])
