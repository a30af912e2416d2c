"""A best region that touches a bound of the space: seen, said, and grown beyond."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from staycourse.core.narrowing import percent, with_
from staycourse.core.space import Bounds, Interval, Space, Value, format_value, same

Side = Literal["low", "high"]

# Most optima lie in the outer tenth (`search.region` counts them).
_MOST = 0.5
# A logarithmic range grows by a third of its width, at most tenfold; a linear one by half.
_LOG_SHARE, _MOST_FACTOR, _LINEAR_SHARE = 1 / 3, 10.0, 0.5
_DIGITS = range(2, 17)
_LOOSE = 0.2


@dataclass(frozen=True)
class Touch:
    """A bound at which the best region lies: of an interval, under one option where it has bounds for it.

    `share` of the model's optima lie in the outer tenth at that side; the best loss there is lower by `gain`,
    give or take `sd`, than the best one further inside. `grown` is the bound beyond, None if there is none.
    """

    name: str
    side: Side
    on: str | None
    option: Value | None
    bound: float
    share: float
    gain: float
    sd: float
    grown: float | None

    @property
    def words(self) -> str:
        """`lr touches its upper bound 0.1 (83 % of the model's optima lie there)`."""
        which = "lower" if self.side == "low" else "upper"
        under = with_({self.on: self.option}) if self.on and self.option is not None else ""
        lie = f"{percent(round(self.share, 2))} of the model's optima lie there"
        return f"{self.name}{under} touches its {which} bound {format_value(self.bound)} ({lie})"

    @property
    def growth(self) -> str:
        """`lr 0.1 grew to 0.46`, or that it cannot."""
        if self.grown is None:
            return f"{self.words}, and cannot grow there"
        return f"{self.words}; it grew to {format_value(self.grown)}"


def touched(space: Space, estimate: Mapping[str, Any]) -> list[Touch]:
    """The bounds where most optima lie and the loss is lower than inside by more than noise and doubt."""
    found = []
    for row in estimate["ranges"]:
        h = _interval(space, row)
        for side in ("low", "high"):
            edge = row["edges"][side]
            doubt = max(estimate["noise"], edge["sd"])
            if edge["share"] >= _MOST and edge["gain"] > doubt:
                bound = h.low if side == "low" else h.high
                new = beyond(h, side)
                found.append(
                    Touch(
                        h.name,
                        side,
                        row["on"],
                        row["option"],
                        bound,
                        edge["share"],
                        edge["gain"],
                        edge["sd"],
                        new,
                    )
                )
    return found


def grown(space: Space, touches: Sequence[Touch]) -> Space | None:
    """The space that has grown at the bounds that are touched; None if it cannot grow at any."""
    able = [touch for touch in touches if touch.grown is not None]
    if not able:
        return None
    for touch in able:
        h = space.get(touch.name)
        assert isinstance(h, Interval)
        space = space.with_([_grown(h, touch)])
    return space


def beyond(h: Interval, side: Side) -> float | None:
    """The bound to which the interval grows at a side, None where a natural bound keeps it from growing.

    0 is such a bound for what is not negative, 1 for what lies between 0 and 1, and 1 for whole numbers
    from 1 on; of the way to it at most half is gone.
    """
    bound = h.low if side == "low" else h.high
    if h.log:
        factor = min(_MOST_FACTOR, math.exp((math.log(h.high) - math.log(h.low)) * _LOG_SHARE))
        new = bound / factor if side == "low" else bound * factor
    else:
        reach = (h.high - h.low) * _LINEAR_SHARE
        new = bound - reach if side == "low" else bound + reach
    natural = _natural(h, side)
    if natural is not None:
        half = natural + (bound - natural) / 2
        new = max(new, half) if side == "low" else min(new, half)
    return _tidy(h, new, bound)


def _natural(h: Interval, side: Side) -> float | None:
    if side == "high":
        return 1.0 if h.low >= 0.0 and h.high <= 1.0 and not h.integer else None
    if h.integer and h.low >= 1:
        return 1.0
    return 0.0 if h.low >= 0 and not h.log else None


def _tidy(h: Interval, new: float, bound: float) -> float | None:
    """A whole number where only those exist, or one with as few digits as leave it beyond the bound and at
    most as far again; None where there is no such number."""
    rounded = [round(new)] if h.integer else [float(f"{new:.{digits}g}") for digits in _DIGITS]
    low, high = sorted((bound, new + (new - bound) * _LOOSE))
    return next((n for n in rounded if low <= n <= high and n != bound), None)


def _interval(space: Space, row: Mapping[str, Any]) -> Interval:
    """The interval with the bounds that an estimated range is about."""
    h = space.get(row["name"])
    assert isinstance(h, Interval)
    return h.given({row["on"]: row["option"]}) if row["on"] else replace(h, by=())


def _grown(h: Interval, touch: Touch) -> Interval:
    assert touch.grown is not None
    if touch.on is None:
        return replace(h, low=touch.grown) if touch.side == "low" else replace(h, high=touch.grown)
    return replace(h, by=tuple(_grown_bounds(bounds, touch) for bounds in h.by))


def _grown_bounds(bounds: Bounds, touch: Touch) -> Bounds:
    assert touch.grown is not None
    is_it = bounds.on == touch.on and same(bounds.option, touch.option)
    if not is_it:
        return bounds
    return replace(bounds, low=touch.grown) if touch.side == "low" else replace(bounds, high=touch.grown)
