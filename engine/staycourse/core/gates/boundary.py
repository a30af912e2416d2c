"""Whether the best set-ups lie at an end of a range, so that better ones may lie beyond it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from staycourse.core.courses import Course
from staycourse.core.gates import Closing, Finding, rounded
from staycourse.core.space import Interval, Value, format_value

# Shares of the range in its own scale. The best is at an end within the first, which one of ten points
# taken at random is; others are near it within the second.
_AT, _NEAR = 0.05, 0.15
# As many of the best near one end would come about by chance less often than this.
_CHANCE = 0.05
# Two values are both ends: nothing can be said of where between them the best is.
_LEAST_VALUES = 3


@dataclass(frozen=True)
class _End:
    """An end of a range with the best at it; `near` of the `of` best are near it, and `chance` is how
    likely that, or more, is where the hyperparameter does not matter."""

    h: Interval
    side: str
    bound: float
    value: Value
    near: int
    of: int
    chance: float


class Boundary:
    """Best near a boundary, hyperparameter by hyperparameter.

    A search comes back to where it was lucky, also along hyperparameters that do not matter, so the best
    one alone is a note; it takes the best few together for a warning.
    """

    NAME: ClassVar[str] = "best near a boundary"
    KINDS: ClassVar[frozenset[str]] = frozenset({"probe", "narrow", "grid"})

    def look(self, closing: Closing) -> list[Finding]:
        ranges = [h for h in closing.before.handoff.space if isinstance(h, Interval) and h.high > h.low]
        found = [self._finding(closing, end) for h in ranges for end in _ends(closing, h)]
        return found or [self._nothing(closing, ranges)]

    def _nothing(self, closing: Closing, ranges: Sequence[Interval]) -> Finding:
        at = [h.name for h in ranges if closing.phase.kind == "grid" and _is_outer_point(closing, h)]
        if at:
            said = f"{' and '.join(at)} of the best set-up: at an end of the points, which may be chance"
            return Finding(self.NAME, "cannot tell", said)
        return Finding(self.NAME, "fine", "the best set-up lies inside every range")

    def _finding(self, closing: Closing, end: _End) -> Finding:
        figures = {
            "hyperparameter": end.h.name, "value": end.value, "bound": end.bound, "side": end.side,
            "near": end.near, "of": end.of, "chance": rounded(end.chance),
        }  # fmt: skip
        what = f"{end.h.name} {format_value(end.value)} of the best set-up ({closing.courses[0].name})"
        side = "lower" if end.side == "low" else "upper"
        of = "points" if closing.phase.kind == "grid" else "range"
        where = f"{side} end of its {of} ({format_value(end.bound)})"
        found = f"{what} lies at the {where}, and {end.near} of the best {end.of} at or near it"
        if _is_natural(end.h, end.bound):
            means = "nothing can lie beyond this end: the best may be to do without"
            change = f"leave {end.h.name} fixed at {format_value(end.bound)}, if its plot says so"
            return Finding(self.NAME, "note", found, means, change, figures)
        change = (
            f"move the {side} end of {end.h.name} {'down' if end.side == 'low' else 'up'} and search again"
        )
        if end.chance <= _CHANCE:
            return Finding(self.NAME, "warning", found, "better may lie beyond it", change, figures)
        means = f"better may lie beyond it, or {end.h.name} matters little and this is chance"
        return Finding(self.NAME, "note", found, means, f"if it mattered, {change}", figures)


def _ends(closing: Closing, h: Interval) -> list[_End]:
    best = closing.courses[0]
    few = [course for course in closing.best_few if h.name in course.setup]
    if h.name not in best.setup:
        return []
    if closing.phase.kind == "grid":
        return _at_a_grids_end(closing, h, few)
    mine = _range(closing, h, best)
    if mine.integer and mine.high - mine.low < _LEAST_VALUES - 1:
        return []
    for side in ("low", "high"):
        if _distance(mine, best, side) <= _AT:
            near = sum(_distance(_range(closing, h, course), course, side) <= _NEAR for course in few)
            bound = mine.low if side == "low" else mine.high
            chance = _at_least(near, len(few), _near_share(mine, side))
            return [_End(mine, side, bound, best.setup[h.name], near, len(few), chance)]
    return []


def _range(closing: Closing, h: Interval, course: Course) -> Interval:
    """The bounds under this set-up; as far out as trials went where the phase has grown them."""
    mine = h.given(course.setup)
    tried = _tried(closing, h, course)
    return replace(mine, low=min(mine.low, min(tried)), high=max(mine.high, max(tried)))


def _tried(closing: Closing, h: Interval, course: Course) -> set[float]:
    """The values of all trials under the same bounds."""
    mine, found = h.given(course.setup), [t.setup for t in closing.trials if h.name in t.setup]
    return {float(setup[h.name]) for setup in found if h.given(setup) == mine}


def _at_a_grids_end(closing: Closing, h: Interval, few: Sequence[Course]) -> list[_End]:
    """A grid's best is at an end of it often enough by chance: told only if the best few are together."""
    best = closing.courses[0]
    tried = _tried(closing, h, best)
    value = float(best.setup[h.name])
    if len(tried) < _LEAST_VALUES or not _is_outer_point(closing, h):
        return []
    near = sum(float(course.setup[h.name]) == value for course in few)
    chance = _at_least(near, len(few), 1 / len(tried))
    if chance > _CHANCE:
        return []
    side = "low" if value == min(tried) else "high"
    return [_End(h, side, value, best.setup[h.name], near, len(few), chance)]


def _is_outer_point(closing: Closing, h: Interval) -> bool:
    """Whether the best set-up has the first or the last of several points of a grid."""
    best = closing.courses[0]
    if h.name not in best.setup:
        return False
    tried = _tried(closing, h, best)
    return len(tried) > 1 and float(best.setup[h.name]) in (min(tried), max(tried))


def _distance(h: Interval, course: Course, side: str) -> float:
    """From an end, as a share of the range."""
    unit = h.to_unit(float(course.setup[h.name]))
    return unit if side == "low" else 1 - unit


def _near_share(h: Interval, side: str) -> float:
    """The share of the range's values that counts as near; of whole numbers at least the last one."""
    if not h.integer:
        return _NEAR
    values = range(math.ceil(h.low), math.floor(h.high) + 1)
    if len(values) > 1 / (_NEAR * _AT):
        return _NEAR
    # As the search sees them: each whole number has the part of the scale that is rounded to it.
    edge = h.from_unit(_NEAR) if side == "low" else h.from_unit(1 - _NEAR)
    reach = float(edge) + (0.5 if side == "low" else -0.5)
    share = h.to_unit(min(h.high, max(h.low, reach)))
    return max(_NEAR, share if side == "low" else 1 - share)


def _at_least(hits: int, draws: int, share: float) -> float:
    """Probability of at least so many hits (the binomial distribution)."""
    ways = (math.comb(draws, k) * share**k * (1 - share) ** (draws - k) for k in range(hits, draws + 1))
    return sum(ways)


def _is_natural(h: Interval, bound: float) -> bool:
    """Whether nothing can lie beyond: zero, the whole of a share, and one of what is counted."""
    if h.integer:
        return bound in (0, 1)
    return bound == 0 or (bound == 1 and h.low >= 0 and not h.log)
