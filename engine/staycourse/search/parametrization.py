"""A space as Nevergrad sees it, and the way back to set-ups of plain values.

Every hyperparameter with more than one value is one dimension, conditional ones too: what does not exist
under a set-up is left out on the way back. Whole numbers are rounded here and not by Nevergrad, from a
range half a step wider on both sides, so that the ends are as likely as what lies between them.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import nevergrad as ng

from staycourse.core.canonical import canonical_json
from staycourse.core.space import Choice, Fixed, Interval, Setup, Space, Value

# Inside the bounds by this share of the range: a bound itself does not survive the way through a logarithm.
_INSET = 1e-9
# Spaces with at most so many set-ups are listed when set-ups without a trial become rare.
LISTED = 10_000


@dataclass(frozen=True)
class NumberAxis:
    """An interval; `wide` is the continuous range that Nevergrad searches."""

    h: Interval
    wide: Interval

    @classmethod
    def of(cls, h: Interval) -> NumberAxis:
        margin = 0.5 if h.integer else 0.0
        return cls(h, replace(h, low=h.low - margin, high=h.high + margin, integer=False))

    def parameter(self) -> Any:
        kind = ng.p.Log if self.h.log else ng.p.Scalar
        return kind(lower=self.wide.low, upper=self.wide.high)

    def at(self, unit: float) -> Any:
        """Nevergrad's value at a position from 0 to 1."""
        return self.wide.from_unit(min(1.0 - _INSET, max(_INSET, unit)))

    def unit(self, raw: Any) -> float:
        """The position from 0 to 1 of Nevergrad's value; `at` is its inverse."""
        return self.wide.to_unit(float(raw))

    def decode(self, raw: Any) -> Value:
        """The hyperparameter's value: within the bounds, whole or rounded to a millionth of the range."""
        value = min(self.h.high, max(self.h.low, float(raw)))
        return round(value) if self.h.integer else self._rounded(value)

    def encode(self, value: Value) -> Any:
        return self.at(self.wide.to_unit(float(value)))

    def values(self) -> tuple[Value, ...] | None:
        """All values, or None where there is no end to them."""
        return tuple(range(round(self.h.low), round(self.h.high) + 1)) if self.h.integer else None

    def _rounded(self, value: float) -> float:
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

    def at(self, unit: float) -> Any:
        return min(len(self.h.options) - 1, int(unit * len(self.h.options)))

    def decode(self, raw: Any) -> Value:
        return self.h.options[int(raw)]

    def encode(self, value: Value) -> Any:
        keys = [_key(option) for option in self.h.options]
        return keys.index(_key(value))

    def values(self) -> tuple[Value, ...] | None:
        return self.h.options


Axis = NumberAxis | OptionAxis


class Codec:
    """Both ways between a space's set-ups and a Nevergrad parametrization.

    `axes` are in the roadmap's order; the parametrization is a dictionary with one key an axis.
    """

    def __init__(self, space: Space) -> None:
        self.space = space
        self.axes: tuple[Axis, ...] = tuple(axis for axis in map(_axis, space) if axis is not None)
        self._constant = {h.name: _only(h) for h in space if _axis(h) is None and not isinstance(h, Fixed)}
        self._finite: tuple[dict[str, Value], ...] | None = None

    def parametrization(self) -> Any:
        """A new parametrization; raises ValueError through Nevergrad if the space has no axis."""
        return ng.p.Dict(**{key(i): axis.parameter() for i, axis in enumerate(self.axes)})

    def decode(self, raw: Mapping[str, Any]) -> dict[str, Value]:
        """The set-up of a candidate's value."""
        values = {axis.h.name: axis.decode(raw[key(i)]) for i, axis in enumerate(self.axes)}
        return self.space.active(self._constant | values)

    def encode(self, setup: Setup) -> dict[str, Any]:
        """A candidate's value of this set-up; the middle for what does not exist under it."""
        return {
            key(i): axis.encode(setup[axis.h.name]) if axis.h.name in setup else axis.at(0.5)
            for i, axis in enumerate(self.axes)
        }

    def at(self, units: Mapping[int, float] | list[float]) -> dict[str, Any]:
        """A candidate's value at a position from 0 to 1 on each axis."""
        return {key(i): axis.at(units[i]) for i, axis in enumerate(self.axes)}

    def all_setups(self) -> tuple[dict[str, Value], ...] | None:
        """Every set-up once, or None where there are more than `LISTED`."""
        if self._finite is None and self._count() <= LISTED:
            self._finite = tuple({_key(s): s for s in self._product()}.values())
        return self._finite

    def draw(self, rng: random.Random) -> dict[str, Value]:
        """A set-up drawn evenly from the space."""
        return self.decode(self.at([rng.random() for _ in self.axes]))

    def _count(self) -> float:
        lists = [axis.values() for axis in self.axes]
        return math.prod(math.inf if values is None else len(values) for values in lists)

    def _product(self) -> Iterator[dict[str, Value]]:
        names = [axis.h.name for axis in self.axes]
        for values in itertools.product(*(axis.values() or () for axis in self.axes)):
            yield self.space.active(self._constant | dict(zip(names, values, strict=True)))


def key(index: int) -> str:
    """The parametrization's key of an axis; Nevergrad sorts by it, so it keeps the roadmap's order."""
    return f"h{index:04d}"


def setup_key(setup: Setup) -> str:
    """Equal for equal set-ups only; 1, 1.0 and true differ."""
    return canonical_json(dict(setup))


def _key(value: Any) -> str:
    return canonical_json(value)


def _axis(h: Any) -> Axis | None:
    if isinstance(h, Choice) and len(h.options) > 1:
        return OptionAxis(h)
    if isinstance(h, Interval) and h.high > h.low:
        return NumberAxis.of(h)
    return None


def _only(h: Choice | Interval) -> Value:
    if isinstance(h, Choice):
        return h.options[0]
    return round(h.low) if h.integer else h.low
