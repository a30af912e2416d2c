"""grid: every point of a grid, the best kept and trained on until convergence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from staycourse.core.fields import Count, Finish, GridStop, Halved, Share
from staycourse.core.grid import grid, most_points
from staycourse.core.handoff import Handoff, Ranked
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
from staycourse.core.phases.comparing import first_batch, stop_spec
from staycourse.core.problems import KeyPath, Problem, nearest
from staycourse.core.ranking import best_values, ranked_setups, ranked_trials
from staycourse.core.rules.halving import Halving
from staycourse.core.rungs import climb, most_trials
from staycourse.core.space import Fixed, Interval, Value
from staycourse.core.space_format import value_problem
from staycourse.core.ties import kept_with_ties
from staycourse.core.trial import Trial

_Point = bool | int | float | str
_WIDE = 3
_MOST_POINTS = 10_000
_MORE_TIES = 2


class Grid(Phase):
    """`points` gives a number of points, from end to end of the handed-on range, or their list."""

    KIND: ClassVar[str] = "grid"
    kind: Literal["grid"]
    points: Annotated[dict[str, Count | list[_Point]], Field(min_length=1)]
    epochs: Count
    data: Share = 1.0
    stop: GridStop | None = None
    seeds: Count = 1
    keep: Count = 3
    ties: Literal["keep", "best"] = "keep"
    keep_at_most: Count | None = None
    finish: Finish | None = None

    @property
    def horizon(self) -> int:
        """The schedule is made for the whole way, so that the kept trials go on along the same one."""
        return self.finish.epochs if self.finish else self.epochs

    @property
    def most_kept(self) -> int:
        """How many set-ups are handed on at most, ties included."""
        if self.ties == "best":
            return self.keep
        return self.keep + _MORE_TIES if self.keep_at_most is None else self.keep_at_most

    def check(self, outlook: Outlook, path: KeyPath) -> list[Problem]:
        problems = _keep_problems(self, path)
        problems += [
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
        if self.halving and self.halving.first * self.halving.factor > self.epochs:
            said = f"the second rung is epoch {self.halving.first * self.halving.factor}, behind the end"
            right = f"a smaller first or factor: first * factor <= {self.epochs}"
            problems.append(Problem((*path, "stop", "halving"), said, right))
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
        steps = [(count, self.epochs)]
        notes: tuple[str, ...] = ()
        if self.halving:
            steps = most_trials(count, self.halving, self.epochs, self.keep)
            notes = _rung_notes(steps)
        if self.seeds > 1:
            steps = [(count * self.seeds, self.epochs)]
            notes = (f"{count} points with {self.seeds} seeds each",)
        if self.finish:
            kept = min(self.most_kept, count)
            steps = [*steps, (kept * self.seeds, self.finish.epochs - self.epochs)]
            notes = (*notes, _finish_note(min(self.keep, count), kept, self.finish.epochs))
        trials, epochs = sum(n for n, _ in steps), sum(n * epochs for n, epochs in steps)
        return Planned(self.kind, trials, self.horizon, epochs, self.data, notes)

    def after(self, outlook: Outlook) -> Outlook:
        count = most_points(outlook.space, self.points)
        return replace(outlook, valued=True, ranked=min(self.most_kept, count), horizon=self.horizon)

    def decide(self, before: Before, trials: Sequence[Trial]) -> Decision:
        setups = grid(before.handoff.space, self.points, before.handoff.best_values)
        needs, ranked, rungs = self._search(setups, before.goal, trials)
        if ranked is None:
            return Decision(needs)
        kept, tied = self._kept(ranked, before)
        if not kept:
            return Decision(needs, failure=failure_words(trials))
        if self.finish:
            needs += tuple(self._finish_need(trial) for trial in kept)
            if not all_ended(trials, needs):
                return Decision(needs)
        handoff = self._handoff(before, trials, kept)
        said = ({"rungs": list(rungs)} if rungs else {}) | ({"ties": tied} if tied else {})
        return Decision(needs, handoff=replace(handoff, findings={**handoff.findings, **said}))

    def _kept(self, ranked: Sequence[Trial], before: Before) -> tuple[list[Trial], dict[str, Any]]:
        """All trials of the set-ups that are kept, the best set-up first, and what ties were judged by."""
        places = self._places(ranked, before.goal)
        count, tied = kept_with_ties(places, ranked, self.keep, self.most_kept, before.handoff.findings)
        by_id = {trial.id: trial for trial in ranked}
        return [by_id[trial] for place in places[:count] for trial in place.trials], tied

    def _places(self, trials: Sequence[Trial], goal: str) -> list[Ranked]:
        return ranked_setups(trials, goal) if self.seeds > 1 else ranked_trials(trials, goal)

    @property
    def halving(self) -> Halving | None:
        """The rule by which points are left behind, if it is declared."""
        declared = self.stop.halving if self.stop else None
        return Halving(declared.factor, declared.first) if declared else None

    def _search(
        self, setups: Sequence[dict[str, Value]], goal: str, trials: Sequence[Trial]
    ) -> tuple[tuple[Need, ...], Sequence[Trial] | None, Sequence[dict[str, int]]]:
        """The needs so far; once all have ended the trials that went the whole way, and the rungs on it."""
        if self.halving:
            points = tuple(self._need(at, setup, ()) for at, setup in enumerate(setups, start=1))
            found = climb(points, self.halving, self.epochs, self.keep, goal, trials)
            return found.needs, found.top, found.rungs
        both = [(seed, at) for seed in range(self.seeds) for at in range(1, len(setups) + 1)]
        keys = [_key(at, seed) for seed, at in both]
        count = first_batch(self.stop, keys, trials)
        needs = tuple(self._need(at, setups[at - 1], trials, seed, keys) for seed, at in both[:count])
        if count < len(both) or not all_ended(trials, needs):
            return needs, None, ()
        return needs, [trial for trial in trials if trial.parent is None], ()

    def _need(
        self,
        at: int,
        setup: dict[str, Value],
        trials: Sequence[Trial],
        seed: int = 0,
        keys: Sequence[str] = (),
    ) -> Need:
        median, key = self.stop.median if self.stop else None, _key(at, seed)
        earlier = keys[: median.after] if median else ()
        stop = stop_spec(self.stop, () if key in earlier else earlier, trials)
        return Need(key, self.epochs, self.horizon, setup, repetition=seed, share=self.data, stop=stop)

    def _finish_need(self, trial: Trial) -> Need:
        """Every seed of a kept set-up goes on: one alone would rank them by its luck again."""
        assert self.finish is not None
        stop = self.finish.stop.spec() if self.finish.stop else None
        return Need(
            key=f"finish-{trial.key}",
            epochs=self.finish.epochs,
            horizon=self.horizon,
            setup=trial.setup,
            repetition=trial.repetition,
            share=self.data,
            stop=stop,
            parent=trial.id,
        )

    def _handoff(self, before: Before, trials: Sequence[Trial], kept: Sequence[Trial]) -> Handoff:
        finished = {
            trial.parent: trial for trial in trials if trial.parent and trial.score(before.goal) is not None
        }
        final = [finished.get(trial.id, trial) for trial in kept]
        ranking = tuple(self._places(final, before.goal))
        space = before.handoff.space
        return Handoff(
            space=space,
            ranking=ranking,
            best_values=best_values(final, before.goal, space, before.handoff.best_values),
            horizon=self.horizon,
            findings={
                "points": len({trial.key for trial in trials if not trial.parent and not trial.repetition})
            },
        )

    def miniature(self) -> Grid:
        """Two points on one axis, one on each other."""
        first = max(self.points, key=lambda name: _length(self.points[name]))
        points = {name: _few(asked, 2 if name == first else 1) for name, asked in self.points.items()}
        finish = self.finish.model_copy(update={"epochs": 3}) if self.finish else None
        return self.model_copy(
            update={
                "stop": _small(self.stop),
                "points": points,
                "epochs": min(2, self.epochs),
                "finish": finish,
                "keep": min(2, self.keep),
                "keep_at_most": None,
                "ties": "best",
                "seeds": min(2, self.seeds),
            }
        )


def _key(at: int, seed: int = 0) -> str:
    return f"point-{at}-seed-{seed}" if seed else f"point-{at}"


def _keep_problems(phase: Grid, path: KeyPath) -> list[Problem]:
    problems = []
    if phase.keep_at_most is not None and phase.ties == "best":
        said = 'with ties = "best" no more than keep are kept'
        problems.append(Problem((*path, "keep_at_most"), said, "leave it out"))
    elif phase.keep_at_most is not None and phase.keep_at_most < phase.keep:
        said = f"{phase.keep_at_most} is less than keep, which is {phase.keep}"
        problems.append(Problem((*path, "keep_at_most"), said, f"at least {phase.keep}"))
    if phase.seeds > 1 and phase.halving:
        said = "halving leaves points behind by one seed each"
        problems.append(Problem((*path, "seeds"), said, "1, or another rule in stop"))
    return problems


def _finish_note(least: int, most: int, epochs: int) -> str:
    ties = f", up to {most} with ties," if most > least else ""
    return f"the best {least}{ties} train on to {epochs} epochs"


def _rung_notes(steps: Sequence[tuple[int, int]]) -> tuple[str, ...]:
    """`27 to epoch 5, 9 to 15, 3 to 60`."""
    height = 0
    said: list[str] = []
    for count, epochs in steps:
        height += epochs
        said.append(f"{count} to epoch {height}" if not said else f"{count} to {height}")
    return ("halving: " + ", ".join(said),)


def _small(stop: GridStop | None) -> GridStop | None:
    """The rule for a rehearsal: one rung, then the end."""
    if stop is None or stop.halving is None:
        return stop
    return stop.model_copy(update={"halving": Halved(factor=2, first=1)})


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
