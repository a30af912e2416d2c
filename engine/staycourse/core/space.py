"""Hyperparameters: their kinds, the space they span, and the set-ups in it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

Value = bool | int | float | str
Setup = Mapping[str, Value]


@dataclass(frozen=True)
class Condition:
    """A hyperparameter exists only where the choice `on` takes one of `options`."""

    on: str
    options: tuple[Value, ...]


@dataclass(frozen=True)
class Fixed:
    """One value for every set-up."""

    name: str
    value: Value
    when: tuple[Condition, ...] = ()


@dataclass(frozen=True)
class Bounds:
    """Bounds of an interval where the choice `on` takes `option`."""

    on: str
    option: Value
    low: float
    high: float


@dataclass(frozen=True)
class Interval:
    """All numbers from `low` to `high`, both included; evenly spread in the logarithm if `log`.

    `by` holds other bounds under options of one choice; `given` says which hold under a set-up. Positions,
    values and points of an interval with `by` are those of what `given` answers.
    """

    name: str
    low: float
    high: float
    log: bool = False
    integer: bool = False
    when: tuple[Condition, ...] = ()
    by: tuple[Bounds, ...] = ()

    def given(self, setup: Setup) -> Interval:
        """The interval under the options in `setup`: with the bounds that hold there, and no others."""
        bounds = self.bounds_under(setup)
        if bounds is not None:
            return replace(self, low=bounds.low, high=bounds.high, by=())
        return replace(self, by=()) if self.by else self

    def bounds_under(self, setup: Setup) -> Bounds | None:
        """Which of `by` holds under the options in `setup`; None where the interval's own bounds do."""
        return next((b for b in self.by if same(setup.get(b.on), b.option)), None)

    @property
    def depends_on(self) -> str | None:
        """The choice on whose options the bounds depend."""
        return self.by[0].on if self.by else None

    @property
    def every_range(self) -> tuple[Interval, ...]:
        """The plain intervals that it can be, whatever the options; the one by its own bounds first."""
        return (self.given({}), *(self.given({b.on: b.option}) for b in self.by))

    def to_unit(self, value: float) -> float:
        """Position of a value between the bounds: 0 at `low`, 1 at `high`."""
        low, high, at = (math.log(x) if self.log else x for x in (self.low, self.high, value))
        return (at - low) / (high - low) if high > low else 0.5

    def from_unit(self, unit: float) -> Value:
        """The value at a position, clipped to the bounds; a whole number where only those exist."""
        low, high = (math.log(x) if self.log else x for x in (self.low, self.high))
        at = low + min(1.0, max(0.0, unit)) * (high - low)
        value = min(self.high, max(self.low, math.exp(at) if self.log else at))
        return round(value) if self.integer else value

    def rounded_at(self, unit: float) -> Value:
        """The value at a position to six significant digits, within the bounds."""
        value = self.from_unit(unit)
        # A grid of 0.000316228 reads better than one of 0.00031622776601683794.
        return min(self.high, max(self.low, float(f"{value:.6g}"))) if isinstance(value, float) else value

    def points(self, count: int) -> tuple[Value, ...]:
        """`count` values from end to end, evenly spread; fewer where whole numbers coincide."""
        if count == 1 or self.low == self.high:
            return (self.rounded_at(0.5),)
        inner = [self.rounded_at(i / (count - 1)) for i in range(1, count - 1)]
        ends = [int(x) if self.integer else x for x in (self.low, self.high)]
        return tuple(dict.fromkeys([ends[0], *inner, ends[1]]))


@dataclass(frozen=True)
class Choice:
    """One of the options."""

    name: str
    options: tuple[Value, ...]
    when: tuple[Condition, ...] = ()


Hyperparameter = Fixed | Interval | Choice


@dataclass(frozen=True)
class Space:
    """The hyperparameters in the roadmap's order, each after those that its condition names."""

    hyperparameters: tuple[Hyperparameter, ...]

    def __iter__(self) -> Any:
        return iter(self.hyperparameters)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(h.name for h in self.hyperparameters)

    @property
    def searched(self) -> tuple[Hyperparameter, ...]:
        """Those with more than one value, as far as they exist under any option that is left."""
        return tuple(h for h in self.hyperparameters if not isinstance(h, Fixed) and self.can_exist(h))

    def can_exist(self, h: Hyperparameter) -> bool:
        """Whether it exists in any set-up: each of its conditions names an option that is left."""
        return all(self._options_under(c) and self.can_exist(self.get(c.on)) for c in h.when)

    def share(self, h: Hyperparameter) -> Fraction:
        """The share of set-ups in which it exists, if the options of choices are equally frequent."""
        shares = [
            Fraction(len(self._options_under(c)), len(options(on))) * self.share(on)
            for c in h.when
            for on in (self.get(c.on),)
        ]
        return math.prod(shares, start=Fraction(1))

    def ranges(self, h: Interval) -> dict[Value | None, Interval]:
        """The plain intervals that `h` is under the options that are left, by the option; under None that
        under all others, and where the choice does not exist. Bounds that never hold are not among them."""
        if h.depends_on is None:
            return {None: h}
        choice = self.get(h.depends_on)
        own = next((c for c in h.when if c.on == choice.name), Condition(choice.name, options(choice)))
        left = self._options_under(own) if self.can_exist(choice) else ()
        under = {option: h.bounds_under({choice.name: option}) for option in left}
        found: dict[Value | None, Interval] = {}
        if not (left and all(under.values()) and set(choice.when) <= set(h.when)):
            found[None] = h.given({})
        return found | {option: h.given({choice.name: option}) for option in left if under[option]}

    def get(self, name: str) -> Hyperparameter:
        """Raises KeyError if there is no hyperparameter of that name."""
        for h in self.hyperparameters:
            if h.name == name:
                return h
        raise KeyError(name)

    def active(self, values: Setup) -> dict[str, Value]:
        """The set-up that `values` describe: fixed values added, what does not exist there left out."""
        setup: dict[str, Value] = {}
        for h in self.hyperparameters:
            if exists(h, setup):
                if isinstance(h, Fixed):
                    setup[h.name] = values.get(h.name, h.value)
                elif h.name in values:
                    setup[h.name] = values[h.name]
        return setup

    def missing(self, setup: Setup) -> list[str]:
        """Names that exist under this set-up and have no value in it."""
        return [h.name for h in self.hyperparameters if exists(h, setup) and h.name not in setup]

    def with_(self, changed: Iterable[Hyperparameter]) -> Space:
        """The space with some hyperparameters replaced by name."""
        new = {h.name: h for h in changed}
        return Space(tuple(new.get(h.name, h) for h in self.hyperparameters))

    def without_options(self, name: str, dropped: Sequence[Value]) -> Space:
        """The space with options of a choice removed."""
        choice = self.get(name)
        assert isinstance(choice, Choice)
        kept = tuple(option for option in choice.options if not any(same(option, d) for d in dropped))
        return self.with_([replace(choice, options=kept)]).simplified()

    def simplified(self) -> Space:
        """The same set-ups without bounds that never hold: a plain interval where only one range is left."""
        return self.with_([self._simpler(h) for h in self if isinstance(h, Interval) and h.by])

    def _simpler(self, h: Interval) -> Interval:
        ranges = self.ranges(h)
        if len(set(ranges.values())) == 1:
            return next(iter(ranges.values()))
        return replace(h, by=tuple(b for b in h.by if any(same(b.option, option) for option in ranges)))

    def _options_under(self, condition: Condition) -> tuple[Value, ...]:
        """The options that the condition names and that are left."""
        return tuple(option for option in options(self.get(condition.on)) if option in condition.options)


def options(h: Hyperparameter) -> tuple[Value, ...]:
    """The options of a choice, the one of a fixed value, none of an interval."""
    return h.options if isinstance(h, Choice) else (h.value,) if isinstance(h, Fixed) else ()


def same(first: Any, second: Any) -> bool:
    """Whether two values are one option: 1 and true are not."""
    return first == second and isinstance(first, bool) == isinstance(second, bool)


def exists(h: Hyperparameter, setup: Setup) -> bool:
    """Whether the hyperparameter exists under the values already in `setup`."""
    return all(c.on in setup and setup[c.on] in c.options for c in h.when)


def to_json(space: Space) -> list[dict[str, Any]]:
    """The space as JSON values; `from_json` is its inverse."""
    return [_one_to_json(h) for h in space.hyperparameters]


def from_json(items: Sequence[Mapping[str, Any]]) -> Space:
    """The space that `to_json` described."""
    return Space(tuple(_one_from_json(item) for item in items))


def describe(h: Hyperparameter) -> str:
    """`lr 1e-05..0.1 log`, `optimizer adamw|sgd`, `weight_decay 0.01`; bounds that depend on an option stand
    in brackets: `lr 1e-05..0.01 log (0.001..1 with optimizer sgd)`."""
    if isinstance(h, Fixed):
        return f"{h.name} {format_value(h.value)}"
    if isinstance(h, Choice):
        return f"{h.name} " + "|".join(format_value(option) for option in h.options)
    return f"{h.name} {describe_range(h, scale=' log' if h.log else '')}"


def describe_range(h: Interval, to: str = "..", scale: str = "") -> str:
    """`0.001..0.1`, or `0.001..0.1 (0.01..1 with optimizer sgd)`."""
    said = [
        f"{format_value(b.low)}{to}{format_value(b.high)} with {b.on} {format_value(b.option)}" for b in h.by
    ]
    return f"{format_value(h.low)}{to}{format_value(h.high)}{scale}" + (
        f" ({', '.join(said)})" if said else ""
    )


def describe_setup(setup: Setup) -> str:
    """`lr=0.0003 batch_size=16 optimizer=adamw`."""
    return " ".join(f"{name}={format_value(value)}" for name, value in setup.items())


def format_value(value: Value) -> str:
    """A value as short as it can be read; floats to four significant digits."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.4g}"
    return str(value)


def _one_to_json(h: Hyperparameter) -> dict[str, Any]:
    body: dict[str, Any] = {"name": h.name}
    if isinstance(h, Fixed):
        body["value"] = h.value
    elif isinstance(h, Choice):
        body["options"] = list(h.options)
    else:
        body |= {"low": h.low, "high": h.high, "log": h.log, "integer": h.integer}
        if h.by:
            body["by"] = [vars(bounds) for bounds in h.by]
    if h.when:
        body["when"] = {c.on: list(c.options) for c in h.when}
    return body


def _one_from_json(item: Mapping[str, Any]) -> Hyperparameter:
    when = tuple(Condition(on, tuple(options)) for on, options in item.get("when", {}).items())
    name = item["name"]
    if "value" in item:
        return Fixed(name, item["value"], when)
    if "options" in item:
        return Choice(name, tuple(item["options"]), when)
    by = tuple(Bounds(**bounds) for bounds in item.get("by", ()))
    return Interval(name, item["low"], item["high"], item["log"], item["integer"], when, by)
