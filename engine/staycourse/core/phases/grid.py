"""grid: every point of a grid, the best kept and trained on until convergence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from staycourse.core.fields import Count, Finish, Share, Stop
from staycourse.core.grid import grid, most_points
from staycourse.core.handoff import Handoff
from staycourse.core.phases.base import (
    Before,
    Decision,
    Need,
    Outlook,
    Phase,
    Planned,
    all_ended,
    failure_words,
)
from staycourse.core.problems import KeyPath, Problem, nearest
from staycourse.core.ranking import best_values, ranked_trials
from staycourse.core.space import Fixed, Interval, Value
from staycourse.core.space_format import value_problem
from staycourse.core.trial import Trial, rank

_Point = bool | int | float | str
_WIDE = 3
_MOST_POINTS = 10_000


class Grid(Phase):
    """`points` gives a number of points, from end to end of the handed-on range, or their list."""

    KIND: ClassVar[str] = "grid"
    kind: Literal["grid"]
    points: Annotated[dict[str, Count | list[_Point]], Field(min_length=1)]
    epochs: Count
    data: Share = 1.0
    stop: Stop | None = None
    keep: Count = 3
    finish: Finish | None = None

    @property
    def horizon(self) -> int:
        """The schedule is made for the whole way, so that the kept trials go on along the same one."""
        return self.finish.epochs if self.finish else self.epochs

    def check(self, outlook: Outlook, path: KeyPath) -> list[Problem]:
        problems = [
            problem
            for name, asked in self.points.items()
            for problem in _point_problems(name, asked, outlook, path)
        ]
        size = math.prod(_length(asked) for asked in self.points.values())
        if size > _MOST_POINTS:
            problems.append(Problem((*path, "points"), f"a grid of {size} points", f"at most {_MOST_POINTS}"))
        if self.finish and self.finish.epochs <= self.epochs:
            said = f"the kept trials have {self.epochs} epochs behind them, so {self.finish.epochs} adds none"
            problems.append(Problem((*path, "finish", "epochs"), said, f"more than {self.epochs}"))
        if not outlook.valued:
            given = outlook.known.union(self.points)
            open_ = [h.name for h in outlook.space.searched if h.name not in given]
            if open_:
                said = f"no value for {', '.join(open_)}: no earlier phase hands on a best value"
                problems.append(Problem((*path, "points"), said, "list them here, or put a probe before"))
        return problems

    def warnings(self, outlook: Outlook, path: KeyPath) -> list[Problem]:
        wide = [
            name
            for name, asked in self.points.items()
            if isinstance(outlook.space.get(name), Interval) and _length(asked) >= _WIDE
        ]
        if len(wide) <= 2:
            return []
        said = f"a grid over {len(wide)} wide ranges ({', '.join(wide)}): {self.plan(outlook).trials} trials"
        return [Problem((*path, "points"), said, "a narrow phase finds the region with fewer")]

    def plan(self, outlook: Outlook) -> Planned:
        count = most_points(outlook.space, self.points)
        kept = min(self.keep, count) if self.finish else 0
        more = kept * (self.finish.epochs - self.epochs) if self.finish else 0
        notes = (f"the best {kept} train on to {self.finish.epochs} epochs",) if self.finish else ()
        return Planned(self.kind, count + kept, self.horizon, count * self.epochs + more, self.data, notes)

    def after(self, outlook: Outlook) -> Outlook:
        count = most_points(outlook.space, self.points)
        return replace(outlook, valued=True, ranked=min(self.keep, count), horizon=self.horizon)

    def decide(self, before: Before, trials: Sequence[Trial]) -> Decision:
        setups = grid(before.handoff.space, self.points, before.handoff.best_values)
        needs = tuple(self._need(at, setup) for at, setup in enumerate(setups, start=1))
        if not all_ended(trials, needs):
            return Decision(needs)
        kept = rank([trial for trial in trials if trial.parent is None], before.goal)[: self.keep]
        if not kept:
            return Decision(needs, failure=failure_words(trials))
        if self.finish:
            needs += tuple(self._finish_need(trial) for trial in kept)
            if not all_ended(trials, needs):
                return Decision(needs)
        return Decision(needs, handoff=self._handoff(before, trials, kept))

    def _need(self, at: int, setup: dict[str, Value]) -> Need:
        stop = self.stop.spec() if self.stop else None
        return Need(f"point-{at}", self.epochs, self.horizon, setup, share=self.data, stop=stop)

    def _finish_need(self, trial: Trial) -> Need:
        assert self.finish is not None
        stop = self.finish.stop.spec() if self.finish.stop else None
        return Need(
            key=f"finish-{trial.key}",
            epochs=self.finish.epochs,
            horizon=self.horizon,
            setup=trial.setup,
            share=self.data,
            stop=stop,
            parent=trial.id,
        )

    def _handoff(self, before: Before, trials: Sequence[Trial], kept: Sequence[Trial]) -> Handoff:
        finished = {
            trial.parent: trial for trial in trials if trial.parent and trial.score(before.goal) is not None
        }
        final = [finished.get(trial.id, trial) for trial in kept]
        ranking = tuple(ranked_trials(final, before.goal))
        space = before.handoff.space
        return Handoff(
            space=space,
            ranking=ranking,
            best_values=best_values(final, before.goal, space, before.handoff.best_values),
            horizon=self.horizon,
            findings={"points": len(trials) - sum(trial.parent is not None for trial in trials)},
        )

    def miniature(self) -> Grid:
        """Two points on one axis, one on each other."""
        first = max(self.points, key=lambda name: _length(self.points[name]))
        points = {name: _few(asked, 2 if name == first else 1) for name, asked in self.points.items()}
        finish = self.finish.model_copy(update={"epochs": 3}) if self.finish else None
        return self.model_copy(
            update={
                "points": points,
                "epochs": min(2, self.epochs),
                "finish": finish,
                "keep": min(2, self.keep),
            }
        )


def _length(asked: int | list[_Point]) -> int:
    return asked if isinstance(asked, int) else len(asked)


def _few(asked: int | list[_Point], most: int) -> int | list[_Point]:
    return min(asked, most) if isinstance(asked, int) else asked[:most]


def _point_problems(name: str, asked: int | list[_Point], outlook: Outlook, path: KeyPath) -> list[Problem]:
    where = (*path, "points", name)
    if name not in outlook.space.names:
        return [
            Problem(where, f"no hyperparameter '{name}' in the space", nearest(name, outlook.space.names))
        ]
    h = outlook.space.get(name)
    if isinstance(asked, int):
        if isinstance(h, Interval):
            return []
        what = "fixed" if isinstance(h, Fixed) else "a choice"
        return [
            Problem(where, f"'{name}' is {what}, so it has no ends to lay points between", "list the values")
        ]
    if not asked:
        return [Problem(where, "an empty list of points", "at least one value")]
    found = [value_problem((*where, at), h, value) for at, value in enumerate(asked)]
    return [problem for problem in found if problem]
