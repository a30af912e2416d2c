"""The set-ups of a grid."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import product

from staycourse.core.best_values import value_for
from staycourse.core.canonical import canonical_json
from staycourse.core.space import Choice, Hyperparameter, Interval, Setup, Space, Value, exists

Points = Mapping[str, int | Sequence[Value]]


def grid(space: Space, points: Points, known: Mapping[str, Value]) -> list[dict[str, Value]]:
    """Every set-up of the grid once, in the order of the space's hyperparameters.

    What `points` does not list takes its value from `known`, the best so far; a hyperparameter that has
    never existed in a good set-up takes the middle of its range, or its first option. Ranges are those under
    the set-up's own options.
    """
    setups: list[dict[str, Value]] = [{}]
    for h in space.hyperparameters:
        setups = [more for setup in setups for more in _with_each_value(setup, h, points, known)]
    return list({canonical_json(setup): setup for setup in setups}.values())


def most_points(space: Space, points: Points) -> int:
    """How many set-ups the grid has at most, whichever options turn out best (some call up more
    hyperparameters than others) and whatever the ranges are narrowed to."""
    counted = {name: _stand_ins(space.get(name), asked) for name, asked in points.items()}
    deciding = {condition.on for h in space for condition in h.when}
    # Only these have to be put together to be counted, which takes long for thousands of set-ups.
    tied = Space(tuple(h for h in space if h.when or h.name in deciding))
    free = [counted.get(h.name, (0,)) for h in space if not h.when and h.name not in deciding]
    choices = [h for h in tied if isinstance(h, Choice) and h.name in deciding and h.name not in points]
    names = [h.name for h in choices]
    known = (dict(zip(names, options, strict=True)) for options in product(*(h.options for h in choices)))
    most = max(len(grid(tied, counted, values)) for values in known)
    return most * math.prod(map(_different, free))


def _different(axis: Sequence[Value]) -> int:
    return len(axis) if isinstance(axis, range) else len(set(map(canonical_json, axis)))


def _stand_ins(h: Hyperparameter, asked: int | Sequence[Value]) -> Sequence[Value]:
    """As many different values as there can be points."""
    if not isinstance(asked, int):
        return asked
    assert isinstance(h, Interval), "a number of points of a choice is refused at check"
    widest = max(here.high - here.low for here in h.every_range)
    return range(min(asked, int(widest) + 1) if h.integer else asked)


def _with_each_value(
    setup: dict[str, Value], h: Hyperparameter, points: Points, known: Mapping[str, Value]
) -> Iterator[dict[str, Value]]:
    if not exists(h, setup):
        yield setup
        return
    for value in _axis(h, setup, points.get(h.name), known):
        yield {**setup, h.name: value}


def _axis(
    h: Hyperparameter, setup: Setup, asked: int | Sequence[Value] | None, known: Mapping[str, Value]
) -> Sequence[Value]:
    if isinstance(asked, int):
        assert isinstance(h, Interval), "a number of points of a choice is refused at check"
        return h.given(setup).points(asked)
    return (value_for(h, setup, known),) if asked is None else asked
