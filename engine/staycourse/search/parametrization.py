"""A space as Nevergrad sees it, and the way back to set-ups of plain values.

Every hyperparameter with more than one value is one dimension, conditional ones too: what does not exist
under a set-up is left out on the way back. Where bounds depend on an option, the dimension is the position
between those at hand, so that what is learned under one option is of use under the others. Whole numbers
are rounded here and not by Nevergrad, from a range half a step wider on both sides, so that the ends are as
likely as what lies between them.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import nevergrad as ng

from staycourse.core.canonical import canonical_json
from staycourse.core.space import Choice, Hyperparameter, Interval, Setup, Space, Value, exists, options

# Inside the bounds by this share of the range: a bound itself does not survive the way through a logarithm.
_INSET = 1e-9
# Spaces with at most so many set-ups are listed when set-ups without a trial become rare.
LISTED = 10_000


@dataclass(frozen=True)
class NumberAxis:
    """An interval; `wide` is the continuous range that Nevergrad searches: positions from 0 to 1 where the
    bounds depend on an option."""

    h: Interval
    wide: Interval

    @classmethod
    def of(cls, h: Interval) -> NumberAxis:
        if h.by:
            return cls(h, Interval(h.name, 0.0, 1.0))
        margin = 0.5 if h.integer else 0.0
        return cls(h, replace(h, low=h.low - margin, high=h.high + margin, integer=False))

    def parameter(self) -> Any:
        kind = ng.p.Log if self.wide.log else ng.p.Scalar
        return kind(lower=self.wide.low, upper=self.wide.high)

    def at(self, unit: float) -> Any:
        """Nevergrad's value at a position from 0 to 1."""
        return self.wide.from_unit(min(1.0 - _INSET, max(_INSET, unit)))

    def unit(self, raw: Any) -> float:
        """The position from 0 to 1 of Nevergrad's value; `at` is its inverse."""
        return self.wide.to_unit(float(raw))

    def decode(self, raw: Any, setup: Setup) -> Value:
        """The hyperparameter's value under the options in `setup`: within the bounds, whole or rounded to a
        millionth of the range."""
        if self.h.by:
            here = NumberAxis.of(self.h.given(setup))
            return here.decode(here.at(self.unit(raw)), setup)
        value = min(self.h.high, max(self.h.low, float(raw)))
        return round(value) if self.h.integer else self._rounded(value)

    def encode(self, value: Value, setup: Setup) -> Any:
        here = NumberAxis.of(self.h.given(setup)) if self.h.by else self
        return self.at(here.unit(value))

    def values(self) -> Sequence[Value] | None:
        """All values, or None where there is no end to them or they depend on an option."""
        return None if self.h.by else _values(self.h, {})

    def _rounded(self, value: float) -> float:
        if self.h.low == self.h.high:
            return value
        largest = max(abs(self.h.low), abs(self.h.high))
        extra = max(0, math.floor(math.log10(largest / (self.h.high - self.h.low))))
        return min(self.h.high, max(self.h.low, float(f"{value:.{min(17, 6 + extra)}g}")))


@dataclass(frozen=True)
class OptionAxis:
    """A choice. Nevergrad sees the options' numbers, so that `true` and `1` stay what they are."""

    h: Choice

    def parameter(self) -> Any:
        """A transition choice: equal shares for the options, and the same one again for the same point.

        (Nevergrad's `Choice` draws the option anew from weights.) Options that are numbers in ascending
        order are neighbours, others are not.
        """
        return ng.p.TransitionChoice(range(len(self.h.options)), ordered=self.ordered)

    @property
    def ordered(self) -> bool:
        numbers = [o for o in self.h.options if isinstance(o, (int, float)) and not isinstance(o, bool)]
        return len(numbers) == len(self.h.options) and numbers == sorted(numbers)

    @property
    def has_distances(self) -> bool:
        """Whether options are numbers in order, three or more: then a model sees positions."""
        return self.ordered and len(self.h.options) > 2

    def at(self, unit: float) -> Any:
        return min(len(self.h.options) - 1, int(unit * len(self.h.options)))

    def decode(self, raw: Any, setup: Setup) -> Value:
        return self.h.options[int(raw)]

    def encode(self, value: Value, setup: Setup) -> Any:
        keys = [_key(option) for option in self.h.options]
        return keys.index(_key(value))

    def values(self) -> Sequence[Value] | None:
        return self.h.options


Axis = NumberAxis | OptionAxis


class Codec:
    """Both ways between a space's set-ups and a Nevergrad parametrization.

    `axes` are in the roadmap's order; the parametrization is a dictionary with one key an axis.
    """

    def __init__(self, space: Space) -> None:
        self.space = space
        self.axes: tuple[Axis, ...] = tuple(_axis(h) for h in space.searched if _varies(h))
        searched = {axis.h.name for axis in self.axes}
        self._constant = {h.name: _only(h) for h in space if h.name not in searched}
        self._finite: tuple[dict[str, Value], ...] | None = None
        self._is_endless = False

    def parametrization(self) -> Any:
        """A new parametrization; raises ValueError through Nevergrad if the space has no axis."""
        return ng.p.Dict(**{key(i): axis.parameter() for i, axis in enumerate(self.axes)})

    def decode(self, raw: Mapping[str, Any]) -> dict[str, Value]:
        """The set-up of a candidate's value."""
        values = dict(self._constant)
        for i, axis in enumerate(self.axes):
            options = self.space.active(values) if isinstance(axis.h, Interval) and axis.h.by else {}
            values[axis.h.name] = axis.decode(raw[key(i)], options)
        return self.space.active(values)

    def encode(self, setup: Setup) -> dict[str, Any]:
        """A candidate's value of this set-up; the middle for what does not exist under it."""
        return {
            key(i): axis.encode(setup[axis.h.name], setup) if axis.h.name in setup else axis.at(0.5)
            for i, axis in enumerate(self.axes)
        }

    def at(self, units: Mapping[int, float] | list[float]) -> dict[str, Any]:
        """A candidate's value at a position from 0 to 1 on each axis."""
        return {key(i): axis.at(units[i]) for i, axis in enumerate(self.axes)}

    def all_setups(self) -> tuple[dict[str, Value], ...] | None:
        """Every set-up once, or None where there are more than `LISTED`."""
        if self._finite is None and not self._is_endless:
            self._finite = _all_setups(self.space)
            self._is_endless = self._finite is None
        return self._finite

    def draw(self, rng: random.Random) -> dict[str, Value]:
        """A set-up drawn evenly from the space."""
        return self.decode(self.at([rng.random() for _ in self.axes]))


def key(index: int) -> str:
    """The parametrization's key of an axis; Nevergrad sorts by it, so it keeps the roadmap's order."""
    return f"h{index:04d}"


def setup_key(setup: Setup) -> str:
    """Equal for equal set-ups only; 1, 1.0 and true differ."""
    return canonical_json(dict(setup))


def _key(value: Any) -> str:
    return canonical_json(value)


def _all_setups(space: Space) -> tuple[dict[str, Value], ...] | None:
    setups: list[dict[str, Value]] = [{}]
    for h in space:
        values = [_values(h, setup) if exists(h, setup) else () for setup in setups]
        known = [found for found in values if found is not None]
        if len(known) < len(setups) or sum(max(1, len(found)) for found in known) > LISTED:
            return None
        setups = [
            more
            for setup, found in zip(setups, known, strict=True)
            for more in ([{**setup, h.name: value} for value in found] or [setup])
        ]
    return tuple(setups)


def _values(h: Hyperparameter, setup: Setup) -> Sequence[Value] | None:
    """All values under the options in `setup`, or None where there is no end to them."""
    if not isinstance(h, Interval):
        return options(h)
    here = h.given(setup)
    if here.integer:
        return range(round(here.low), round(here.high) + 1)
    return None if here.high > here.low else (here.low,)


def _varies(h: Hyperparameter) -> bool:
    return len(options(h)) > 1 or (isinstance(h, Interval) and (bool(h.by) or h.high > h.low))


def _axis(h: Hyperparameter) -> Axis:
    if isinstance(h, Interval):
        return NumberAxis.of(h)
    assert isinstance(h, Choice), "a fixed value is no axis"
    return OptionAxis(h)


def _only(h: Hyperparameter) -> Value:
    if isinstance(h, Interval):
        return round(h.low) if h.integer else h.low
    return options(h)[0]
