"""From draws of the loss to the region that holds the optimum with a stated confidence."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from staycourse.core.space import Bounds, Choice, Interval, Space, Value, exists, same
from staycourse.search.covariance import Flags, Floats
from staycourse.search.draws import Draws

# This share of the doubt that the confidence leaves may go to dropped options, the rest goes to ranges.
_FOR_OPTIONS = 0.5
# What is cut to fit some draws holds fewer of others, and ends lie at set-ups that happened to be looked at:
# each end is moved outward by so much of the old range.
_MARGIN = 0.03
# The region reaches as far beyond the best set-ups that were tried: a model may be wrong.
_AROUND_LEADERS = 0.08
# A range that is narrower than this share of the old one is not worth cutting further.
_THIN = 0.02


@dataclass(frozen=True)
class Entry:
    """An interval, or one under the option that gives it bounds of its own; `positions` (0 to 1 between its
    bounds) and whether it exists (`mask`) at each of the draws' set-ups."""

    interval: Interval
    on: str | None
    option: Value | None
    positions: Floats
    mask: Flags

    @property
    def name(self) -> str:
        return self.interval.name


@dataclass(frozen=True)
class Region:
    """`ranges` holds (low, high) of each entry, `options` a row for each option of a choice."""

    entries: tuple[Entry, ...]
    ranges: tuple[tuple[float, float], ...]
    options: list[dict[str, Any]]


def region_of(space: Space, draws: Draws, confidence: float) -> Region:
    """Options that are hardly ever best are dropped first, then ranges are cut, as far as all kept options
    and ranges together still hold so many of the draws' optima. The best set-ups that were tried lie inside,
    with a margin.
    """
    entries = tuple(entries_of(space, draws))
    options = list(_options(space, draws, 1.0 - confidence))
    axes = _cut(entries, _kept(options, draws), draws, confidence)
    return Region(entries, tuple(_range(axis, draws) for axis in axes), options)


def _cut(entries: Sequence[Entry], kept: Flags, draws: Draws, confidence: float) -> list[_Axis]:
    axes = [_Axis.of(entry, draws, confidence) for entry in entries]
    _Box(axes, kept[draws.losses.argmin(axis=1)], confidence).cut()
    return axes


def entries_of(space: Space, draws: Draws) -> Iterator[Entry]:
    """Every interval that is searched, option by option where it has bounds by option."""
    for h in space:
        if not isinstance(h, Interval):
            continue
        alive = np.array([exists(h, setup) and h.name in setup for setup in draws.setups])
        under = [(bounds, alive & _has(draws, bounds.on, bounds.option)) for bounds in h.by]
        rest = alive & ~np.any([mask for _, mask in under], axis=0) if under else alive
        yield from _entry(replace(h, by=()), None, rest, draws)
        for bounds, mask in under:
            yield from _entry(replace(h, low=bounds.low, high=bounds.high, by=()), bounds, mask, draws)


def _entry(h: Interval, under: Bounds | None, mask: Flags, draws: Draws) -> Iterator[Entry]:
    if h.high <= h.low or not mask.any():
        return
    positions = np.full(len(mask), 0.5)
    for at in np.flatnonzero(mask):
        positions[at] = min(1.0, max(0.0, h.to_unit(float(draws.setups[at][h.name]))))
    yield Entry(h, under.on if under else None, under.option if under else None, positions, mask)


@dataclass
class _Axis:
    """An entry with the sorted positions of each draw's best set-up among those where it exists (`own`), and
    for each draw that of its optimum (`optima`, NaN where the entry does not exist there); `low` and `high`
    are the ends so far."""

    entry: Entry
    own: Floats
    optima: Floats
    low: float
    high: float

    @classmethod
    def of(cls, entry: Entry, draws: Draws, confidence: float) -> _Axis:
        among = np.where(entry.mask, draws.losses, np.inf)
        known = among[np.isfinite(among).any(axis=1)]
        own = np.sort(entry.positions[known.argmin(axis=1)])
        optima = draws.losses.argmin(axis=1)
        at = np.where(entry.mask[optima], entry.positions[optima], np.nan)
        # What seldom exists at an optimum would hardly be cut for the optima's sake.
        skipped = int((1.0 - confidence) / 4 * len(own)) if np.isnan(at).any() else 0
        low, high = (own[skipped], own[len(own) - 1 - skipped]) if len(own) else (0.0, 1.0)
        return cls(entry, own, at, float(low), float(high))

    def share(self, low: float, high: float) -> float:
        """How many of its own best set-ups lie between these ends."""
        return float(np.mean((self.own >= low) & (self.own <= high)))

    def holds(self, positions: Floats) -> Flags:
        """Which positions it does not exclude."""
        return np.isnan(positions) | ((positions >= self.low) & (positions <= self.high))


class _Box:
    """A range on every axis, and the draws whose optima lie inside all of them (`inside`)."""

    def __init__(self, axes: list[_Axis], is_kept: Flags, confidence: float) -> None:
        self.axes = axes
        self.confidence = confidence
        self.inside = np.logical_and.reduce([is_kept, *(axis.holds(axis.optima) for axis in axes)])

    def cut(self) -> None:
        """Cuts an end at a time, that with the most volume for the draws that it costs, until `confidence`
        of all draws are left; no range loses more than that of its own either.

        (As the patient rule induction of Friedman, Fisher: Bump hunting in high-dimensional data, Statistics
        and Computing 9, 1999.)
        """
        least = math.ceil(self.confidence * len(self.inside))
        while (spare := int(self.inside.sum()) - least) > 0:
            cuts = [cut for axis in self.axes for cut in self._cuts(axis, spare)]
            if not cuts:
                return
            _, axis, low, high = max(cuts, key=lambda cut: cut[0])
            axis.low, axis.high = low, high
            self.inside = self.inside & axis.holds(axis.optima)

    def _cuts(self, axis: _Axis, spare: int) -> Iterator[tuple[float, _Axis, float, float]]:
        """(volume won per draw lost, axis, its new ends) of cuts that cost at most `spare` draws."""
        at = np.sort(axis.optima[self.inside & ~np.isnan(axis.optima)])
        if not len(at):
            return
        for values, is_low in ((at, True), (at[::-1], False)):
            for lost in np.flatnonzero(np.diff(values[: spare + 1])) + 1:
                end = float(values[lost])
                low, high = (end, axis.high) if is_low else (axis.low, end)
                if axis.share(low, high) < self.confidence:
                    break
                won = math.log((axis.high - axis.low + _THIN) / (high - low + _THIN))
                yield won / lost, axis, low, high


def _range(axis: _Axis, draws: Draws) -> tuple[float, float]:
    h = axis.entry.interval
    low, high = axis.low - _MARGIN, axis.high + _MARGIN
    on = axis.entry.on
    for setup in draws.leaders:
        if h.name in setup and (on is None or same(setup.get(on), axis.entry.option)):
            at = h.to_unit(float(setup[h.name]))
            low, high = min(low, at - _AROUND_LEADERS), max(high, at + _AROUND_LEADERS)
    return float(h.from_unit(max(0.0, low))), float(h.from_unit(min(1.0, high)))


def _options(space: Space, draws: Draws, doubt: float) -> Iterator[dict[str, Any]]:
    """A row for each option of each choice; dropped are those with the least share of optima, as long as all
    that is dropped comes to so little that the confidence holds, and none is as good as the best within noise
    more often than `doubt`."""
    left = doubt * _FOR_OPTIONS
    rows = [
        row for h in space if isinstance(h, Choice) and len(h.options) > 1 for row in _of_choice(h, draws)
    ]
    for row in sorted(rows, key=lambda row: row["best"]):
        row["is_kept"] = row["is_leader"] or row["share"] >= doubt or row["best"] > left
        left -= 0.0 if row["is_kept"] else row["best"]
    for row in rows:
        yield {name: value for name, value in row.items() if name not in ("best", "is_leader")}


def _of_choice(h: Choice, draws: Draws) -> Iterator[dict[str, Any]]:
    least = {at: draws.least(_has(draws, h.name, option)) for at, option in enumerate(h.options)}
    absent = draws.least(~np.array([h.name in setup for setup in draws.setups]))
    best = np.minimum(np.min(list(least.values()), axis=0), absent)
    winners = {at: float(np.mean(losses <= best)) for at, losses in least.items()}
    top = draws.leaders[0].get(h.name)
    leader = max(winners, key=lambda at: winners[at])
    for at, option in enumerate(h.options):
        difference = least[at] - least[leader]
        difference = difference[np.isfinite(difference)] * draws.unit
        yield {
            "name": h.name,
            "option": option,
            "against": h.options[leader],
            "share": _number(np.mean(least[at] <= best + draws.tolerance)),
            "difference": _number(difference.mean()) if len(difference) else None,
            "sd": _number(difference.std()) if len(difference) else None,
            "trials": sum(same(setup.get(h.name), option) for setup in draws.results),
            "trials_against": sum(same(setup.get(h.name), h.options[leader]) for setup in draws.results),
            "best": winners[at],
            "is_leader": at == leader or same(top, option),
        }


def _kept(options: list[dict[str, Any]], draws: Draws) -> Flags:
    """Which of the draws' set-ups have no dropped option."""
    kept = np.ones(len(draws.setups), dtype=bool)
    for row in options:
        if not row["is_kept"]:
            kept &= ~_has(draws, row["name"], row["option"])
    return kept


def _has(draws: Draws, name: str, option: Value) -> Flags:
    return np.array([name in setup and same(setup[name], option) for setup in draws.setups])


def _number(value: Any) -> float:
    return float(f"{float(value):.6g}") if math.isfinite(float(value)) else 0.0
