"""Curves and paces as a view reads them: each row once, few points of many, the trials looked at last."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field

from staycourse.core.pace import Pace, PacePoint, to_the_end
from staycourse.core.recent import Recent
from staycourse.core.state import TrialState, ancestry
from staycourse.core.thinning import Point, ThinnedCurve
from staycourse.record import rows

POINTS = 1500  # of one trial's own rows
PACE_POINTS = 300  # lines lie between them, and a trial's pace is even
_KEPT, _KEPT_PACES = 48, 24

Key = tuple[str, str]  # trial, metric
Trials = Mapping[str, TrialState]


@dataclass
class _Part:
    """A trial's own rows of a metric. `points` is another list whenever there is another point; `growing`
    is None once all has been read."""

    growing: ThinnedCurve | None = field(default_factory=lambda: ThinnedCurve(POINTS))
    points: list[Point] = field(default_factory=list)
    joined: tuple[list[Point], list[Point], list[Point]] = field(default_factory=lambda: ([], [], []))

    def read_on(self, db: sqlite3.Connection, key: Key, is_over: bool) -> None:
        if self.growing is None:
            return
        newest = self.growing.newest
        self.growing.add(rows.metric_after(db, *key, newest[0] if newest else -1))
        if self.growing.newest is not newest:
            self.points = self.growing.points()
        if is_over:
            self.growing = None

    def behind(self, before: list[Point]) -> list[Point]:
        """The points behind those of a parent; what was trained again counts by this trial's rows."""
        if not before or not self.points:
            return before or self.points
        if self.joined[0] is not before or self.joined[1] is not self.points:
            begins = self.points[0][0]
            whole = [*(point for point in before if point[0] < begins), *self.points]
            self.joined = before, self.points, whole
        return self.joined[2]


class Curves:
    """Reads curves on. A list that it gives is never changed, and is the same one as long as no point has
    come; that of a trial's parent stands before its own."""

    def __init__(self) -> None:
        self._parts: Recent[Key, _Part] = Recent(_KEPT)

    def known(self, key: Key, trials: Trials) -> list[Point] | None:
        """The curve if every row of it has been read; None if the database has to be asked."""
        keys = [(trial, key[1]) for trial in ancestry(trials, key[0])]
        if not all(key in self._parts and self._part(key).growing is None for key in keys):
            return None
        return self._joined(keys)

    def read(self, db: sqlite3.Connection, key: Key, trials: Trials) -> list[Point]:
        """The curve with all that has been written; `trials` says which have ended."""
        keys = [(trial, key[1]) for trial in ancestry(trials, key[0])]
        for part in keys:
            self._part(part).read_on(db, part, _is_over(trials, part[0]))
        return self._joined(keys)

    def _joined(self, keys: list[Key]) -> list[Point]:
        points: list[Point] = []
        for key in keys:
            points = self._part(key).behind(points)
        return points

    def _part(self, key: Key) -> _Part:
        return self._parts.get(key, _Part)


class Paces:
    """Reads on how long trials have trained at which step."""

    def __init__(self) -> None:
        self._paces: Recent[tuple[str, PacePoint], Pace] = Recent(_KEPT_PACES)

    def read(self, db: sqlite3.Connection, trial: str, trials: Trials) -> list[PacePoint]:
        """(step, seconds) from the beginning of the first parent on; empty where nothing is known."""
        points: list[PacePoint] = [(0, 0.0)]
        for ancestor in ancestry(trials, trial):
            own = self._own(db, ancestor, points[-1])
            end = trials[ancestor].end if ancestor in trials else None
            points = [*points[:-1], *(to_the_end(own, end.steps, end.seconds) if end else own)]
        return points if len(points) > 1 else []

    def _own(self, db: sqlite3.Connection, trial: str, start: PacePoint) -> list[PacePoint]:
        pace = self._paces.get((trial, start), lambda: Pace(PACE_POINTS, start))
        pace.add(rows.step_times_after(db, trial, pace.newest[0]))
        return pace.points()


def _is_over(trials: Trials, trial: str) -> bool:
    return trial in trials and trials[trial].end is not None
