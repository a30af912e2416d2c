"""The set-ups of a grid."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import product

from staycourse.core.canonical import canonical_json
from staycourse.core.space import Choice, Fixed, Hyperparameter, Interval, Space, Value

Points = Mapping[str, int | Sequence[Value]]


def grid(space: Space, points: Points, known: Mapping[str, Value]) -> list[dict[str, Value]]:
    """Every set-up of the grid once, in the order of the space's hyperparameters.

    What `points` does not list takes its value from `known`, the best so far; a hyperparameter that has
    never existed in a good set-up takes the middle of its range, or its first option.
    """
    axes = [_axis(h, points, known) for h in space.hyperparameters]
    setups: dict[str, dict[str, Value]] = {}
    for values in product(*axes):
        setup = space.active(dict(zip(space.names, values, strict=True)))
        setups.setdefault(canonical_json(setup), setup)
    return list(setups.values())


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
    return range(min(asked, int(h.high - h.low) + 1) if h.integer else asked)


def _axis(h: Hyperparameter, points: Points, known: Mapping[str, Value]) -> Sequence[Value]:
    asked = points.get(h.name)
    if isinstance(asked, int):
        assert isinstance(h, Interval), "a number of points of a choice is refused at check"
        return h.points(asked)
    if asked is not None:
        return asked
    if isinstance(h, Fixed):
        return (h.value,)
    if h.name in known:
        return (_inside(h, known[h.name]),)
    return (h.points(1) if isinstance(h, Interval) else h.options)[:1]


def _inside(h: Interval | Choice, value: Value) -> Value:
    """The known value, unless its option has been eliminated since."""
    if isinstance(h, Choice) and value not in h.options:
        return h.options[0]
    return value
