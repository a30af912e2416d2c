"""The best values so far: of each hyperparameter, and of each option that bounds depend on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from staycourse.core.space import Choice, Hyperparameter, Interval, Setup, Space, Value, options, same


@dataclass(frozen=True)
class Under:
    """The value of `name` in the best set-up in which the choice `on` took `option`."""

    name: str
    on: str
    option: Value
    value: Value


@dataclass(frozen=True, eq=False)
class BestValues(Mapping[str, Value]):
    """For each hyperparameter its value in the best set-up so far in which it exists.

    `under` has more for intervals with bounds that depend on an option: best first, one an option.
    """

    overall: Mapping[str, Value] = field(default_factory=dict)
    under: tuple[Under, ...] = ()

    def __getitem__(self, name: str) -> Value:
        return self.overall[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.overall)

    def __len__(self) -> int:
        return len(self.overall)

    def __or__(self, more: Mapping[str, Value]) -> BestValues:
        """These, and those of a better set-up in their place."""
        known = dict.fromkeys((one.name, one.on) for one in self.under if one.name in more and one.on in more)
        better = [Under(name, on, more[on], more[name]) for name, on in known]
        return BestValues({**self.overall, **more}, tuple(_first_of_each([*better, *self.under])))

    def of(self, h: Interval, setup: Setup) -> Value | None:
        """The best value known for an interval under the options in `setup`, None if none is.

        Where its bounds depend on an option, that under this option; if it was never tried, the value at
        the position, between the bounds that hold here, that the best one has between its own.
        """
        known = [under for under in self.under if under.name == h.name and under.on == h.depends_on]
        for under in known:
            if same(setup.get(under.on), under.option):
                return under.value
        if not known:
            return self.overall.get(h.name)
        best, here = known[0], h.given(setup)
        its = h.given({best.on: best.option})
        if (its.low, its.high) == (here.low, here.high):
            return best.value
        return here.rounded_at(its.to_unit(float(best.value)))


def best(known: Mapping[str, Value]) -> BestValues:
    """The values as best values, whatever mapping they come in."""
    return known if isinstance(known, BestValues) else BestValues(known)


def value_for(h: Hyperparameter, setup: Setup, known: Mapping[str, Value]) -> Value:
    """What a hyperparameter takes that nobody gives a value: its fixed one, the best so far, the middle of
    the range under the options in `setup`, the first option. An option that is not left is not taken."""
    if isinstance(h, Interval):
        value = best(known).of(h, setup)
        return h.given(setup).points(1)[0] if value is None else value
    if isinstance(h, Choice) and h.name in known and known[h.name] in h.options:
        return known[h.name]
    return options(h)[0]


def learned(setups: Iterable[Setup], space: Space, before: Mapping[str, Value]) -> BestValues:
    """What set-ups, best first, tell of the best values; what they do not tell stays as it was `before`.

    Set-ups with an option that the space has no longer count only for what exists in no others.
    """
    ranked = list(setups)
    left = [setup for setup in ranked if _is_left(setup, space)]
    values = {name: value for name, value in before.items() if name in space.names}
    for setup in [*reversed(ranked), *reversed(left)]:
        values.update(setup)
    under = [one for one in (*_tried(left, space), *best(before).under) if _is_asked(one, space)]
    return BestValues(values, tuple(_first_of_each(under)))


def to_json(known: Mapping[str, Value]) -> dict[str, Any]:
    """The best values as JSON values, by the names that a handoff has for them."""
    under = [vars(one) for one in best(known).under]
    return {"best_values": dict(known)} | ({"best_under": under} if under else {})


def from_json(body: Mapping[str, Any]) -> BestValues:
    """The best values of a handoff's JSON values; older ones have none by option."""
    return BestValues(body["best_values"], tuple(Under(**one) for one in body.get("best_under", ())))


def _tried(setups: Sequence[Setup], space: Space) -> Iterator[Under]:
    dependent = [h for h in space if isinstance(h, Interval) and h.by]
    for setup in setups:
        for h in dependent:
            on = h.by[0].on
            if h.name in setup and on in setup:
                yield Under(h.name, on, setup[on], setup[h.name])


def _is_asked(one: Under, space: Space) -> bool:
    """Whether the space still has bounds that depend on this option."""
    h = space.get(one.name) if one.name in space.names else None
    depends = isinstance(h, Interval) and h.depends_on == one.on
    return depends and any(same(option, one.option) for option in options(space.get(one.on)))


def _first_of_each(found: Sequence[Under]) -> Iterator[Under]:
    seen: list[tuple[str, Value]] = []
    for one in found:
        if not any(name == one.name and same(option, one.option) for name, option in seen):
            seen.append((one.name, one.option))
            yield one


def _is_left(setup: Setup, space: Space) -> bool:
    """Whether each option of the set-up is one that the space still has."""
    choices = [h for h in space if isinstance(h, Choice) and h.name in setup]
    return all(setup[h.name] in h.options for h in choices)
