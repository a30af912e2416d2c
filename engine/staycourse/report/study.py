"""What a phase's trials say about the hyperparameters: what varied, within which bounds, and the scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from staycourse.core.canonical import canonical_json
from staycourse.core.space import Choice, Interval, Setup, Space, Value, same
from staycourse.core.state import TrialState
from staycourse.report.evidence import space_before
from staycourse.report.facts import Facts

# With fewer scores than these a plot shows where the points lie, and nothing of what they say.
LEAST_SCORES = 5
_KINDS = ("probe", "narrow", "grid")


@dataclass(frozen=True)
class Column:
    """A hyperparameter that varied. `after` is what the phase has made of it, None if it has changed nothing
    of it so far."""

    h: Interval | Choice
    after: Interval | Choice | None

    @property
    def name(self) -> str:
        return self.h.name

    def unit(self, setup: Setup) -> float | None:
        """Position of the set-up's value between the bounds that hold under it, options in the middle of
        equal parts; None where the hyperparameter does not exist."""
        if self.name not in setup:
            return None
        if isinstance(self.h, Choice):
            return (self.option(setup[self.name]) + 0.5) / len(self.h.options)
        return self.h.given(setup).to_unit(float(setup[self.name]))

    def option(self, value: Value) -> int:
        """The place of an option among all."""
        assert isinstance(self.h, Choice)
        return next(at for at, option in enumerate(self.h.options) if same(option, value))


@dataclass(frozen=True)
class Row:
    """A trial; `score` is None where it ended without one."""

    trial: str
    setup: Setup
    score: float | None


@dataclass(frozen=True)
class Study:
    """Hyperparameters in the roadmap's order; trials with a score first, best first."""

    metric: str
    goal: str
    space: Space
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]

    @property
    def scored(self) -> list[Row]:
        """The trials with a score, best first."""
        return [row for row in self.rows if row.score is not None]

    @property
    def best_few(self) -> list[Row]:
        """The best quarter of the trials with a score, at least three."""
        return self.scored[: max(3, -(-len(self.scored) // 4))]


def study_of(facts: Facts, phase: int) -> Study | None:
    """The phase's trials as they stand; None where there is too little to plot, or nothing varied."""
    if facts.kind(phase) not in _KINDS:
        return None
    trials = [t for t in facts.state.trials_of(phase) if t.end is not None and t.plan.parent is None]
    rows = _rows(facts, trials)
    if sum(row.score is not None for row in rows) < LEAST_SCORES:
        return None
    is_closed = phase < len(facts.state.handoffs)
    after = facts.state.handoffs[phase].space if is_closed else None
    before = space_before(facts, phase)
    space = _reaching(before, rows)
    columns = [
        Column(h, _changed(h.name, before, after))
        for h in space
        if isinstance(h, Interval | Choice) and _varied(h, rows)
    ]
    return Study(facts.metric, facts.goal, space, tuple(columns), tuple(rows)) if columns else None


def _rows(facts: Facts, trials: Sequence[TrialState]) -> list[Row]:
    rows = [Row(t.id, t.plan.setup, t.trial().score(facts.goal)) for t in trials]
    sign = 1.0 if facts.goal == "min" else -1.0
    return sorted(rows, key=lambda row: (row.score is None, sign * (row.score or 0.0)))


def _varied(h: Interval | Choice, rows: Sequence[Row]) -> bool:
    return len({canonical_json(row.setup[h.name]) for row in rows if h.name in row.setup}) > 1


def _changed(name: str, before: Space, after: Space | None) -> Interval | Choice | None:
    new = after.get(name) if after is not None and name in after.names else None
    return new if isinstance(new, Interval | Choice) and new != before.get(name) else None


def _reaching(space: Space, rows: Sequence[Row]) -> Space:
    """The space as far as trials went: a grid may list points beyond it, and a search may grow it."""
    found = []
    for h in space:
        tried = [row.setup[h.name] for row in rows if h.name in row.setup]
        if isinstance(h, Interval) and not h.by and tried:
            values = [float(value) for value in tried]
            h = Interval(h.name, min(h.low, *values), max(h.high, *values), h.log, h.integer, h.when)
        elif isinstance(h, Choice):
            more = [v for at, v in enumerate(tried) if not any(same(v, x) for x in (*h.options, *tried[:at]))]
            h = Choice(h.name, (*h.options, *more), h.when)
        found.append(h)
    return Space(tuple(found))
