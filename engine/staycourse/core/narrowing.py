"""From what the search's model has estimated to the space that is handed on."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from staycourse.core.space import Bounds, Choice, Interval, Setup, Space, describe_range, format_value, same

Estimate = Mapping[str, Any]

# Rounding may widen a range by this share of itself at each end.
_ROUNDING = 0.05
# An end that is so near to its old bound, by the old range, is the old bound: what lies between costs little
# to keep, and optima often lie at a bound itself.
_NEAR = 0.1
# … and no range is narrower than this share of the old one.
_LEAST_WIDTH = 0.04
_MOST_DIGITS = 17


def narrowed(space: Space, estimate: Estimate) -> tuple[Space, dict[str, Any]]:
    """The space that holds the model's optima, and the findings that say what became of each hyperparameter.

    Ranges are rounded outward to the fewest digits that widen them little, within their old bounds; options
    that the model has ruled out are dropped.
    """
    new = space.with_([_narrower(h, estimate["ranges"]) for h in _intervals(space)])
    for choice in (h for h in space if isinstance(h, Choice)):
        new = new.without_options(choice.name, _dropped(choice, estimate))
    findings = {
        "confidence": estimate["confidence"],
        "noise": estimate["noise"],
        "model": dict(estimate["model"]),
        "ranges": [row for h in _intervals(space) for row in _changes(h, new)],
        "options": [_option(row) for row in estimate["options"]],
    }
    return new, findings


def kept(space: Space, reason: str) -> tuple[Space, dict[str, Any]]:
    """The space as it was, and findings that say why."""
    rows = [row for h in _intervals(space) for row in _changes(h, space)]
    return space, {"not_narrowed": reason, "ranges": rows, "options": []}


def _intervals(space: Space) -> list[Interval]:
    return [h for h in space.searched if isinstance(h, Interval)]


def percent(share: float) -> str:
    """`95 %`."""
    return f"{100 * share:.4g} %"


def in_words(estimate: Estimate) -> str:
    """`lr 0.00041..0.0032, batch_size 8..64, without optimizer sgd (95 % of its optima)`."""
    said = []
    for row in estimate.get("ranges", []):
        under = {row["on"]: row["option"]} if row["on"] else {}
        said.append(f"{row['name']} {format_value(row['low'])}..{format_value(row['high'])}{with_(under)}")
    for row in estimate.get("options", []):
        if not row["is_kept"]:
            said.append(f"without {row['name']} {format_value(row['option'])}")
    return f"{', '.join(said)} ({percent(estimate.get('confidence', 0))} of its optima)"


def _narrower(h: Interval, ranges: Sequence[Mapping[str, Any]]) -> Interval:
    """The interval with the estimated bounds; those that hold under one option each by themselves."""
    found = {(row["on"], _key(row["option"])): row for row in ranges if row["name"] == h.name}
    by = tuple(_bounds(h, bounds, found.get((bounds.on, _key(bounds.option)))) for bounds in h.by)
    low, high = outward(replace(h, by=()), found.get((None, _key(None))))
    return replace(h, low=low, high=high, by=by)


def _bounds(h: Interval, bounds: Bounds, row: Mapping[str, Any] | None) -> Bounds:
    low, high = outward(replace(h, low=bounds.low, high=bounds.high, by=()), row)
    return replace(bounds, low=low, high=high)


def outward(h: Interval, row: Mapping[str, Any] | None) -> tuple[float, float]:
    """The estimated ends within the interval, rounded to readable numbers that hold what lies between."""
    if row is None or h.high <= h.low:
        return h.low, h.high
    low, high = _wide_enough(h, float(row["low"]), float(row["high"]))
    slack = _ROUNDING * (h.to_unit(high) - h.to_unit(low))
    least = h.low if h.to_unit(low) <= _NEAR else _rounded(h, low, slack, down=True)
    most = h.high if h.to_unit(high) >= 1.0 - _NEAR else _rounded(h, high, slack, down=False)
    if least < most:
        return least, most
    return max(h.low, least - 1), min(h.high, most + 1)  # whole numbers that coincide


def _wide_enough(h: Interval, low: float, high: float) -> tuple[float, float]:
    """The ends, or others around them between which there is something."""
    missing = (_LEAST_WIDTH - (h.to_unit(high) - h.to_unit(low))) / 2
    if missing <= 0:
        return low, high
    line = replace(h, integer=False)
    return float(line.from_unit(h.to_unit(low) - missing)), float(line.from_unit(h.to_unit(high) + missing))


def _rounded(h: Interval, value: float, slack: float, *, down: bool) -> float:
    """The value with the fewest digits that lie outside of it by at most `slack` of the old range."""
    if h.integer:
        whole = math.floor(value) if down else math.ceil(value)
        return int(min(h.high, max(h.low, whole)))
    for digits in range(1, _MOST_DIGITS):
        rounded = _outside(value, digits, down=down)
        if h.low <= rounded <= h.high and abs(h.to_unit(rounded) - h.to_unit(value)) <= slack:
            return rounded
    return value


def _outside(value: float, digits: int, *, down: bool) -> float:
    """The nearest number of so many digits that is not above the value (not below it, unless `down`)."""
    rounded = float(f"{value:.{digits}g}")
    if (rounded <= value) if down else (rounded >= value):
        return rounded
    step = 10.0 ** (math.floor(math.log10(abs(value))) - digits + 1)
    return float(f"{value + (-step if down else step):.{digits}g}")


def _dropped(choice: Choice, estimate: Estimate) -> list[Any]:
    rows = [row for row in estimate["options"] if row["name"] == choice.name and not row["is_kept"]]
    return [option for option in choice.options if any(same(option, row["option"]) for row in rows)]


def _changes(old: Interval, space: Space) -> Iterator[dict[str, Any]]:
    """What became of each of the ranges that are left: one, unless the bounds depend on an option."""
    new = space.get(old.name)
    assert isinstance(new, Interval)
    for option, to in space.ranges(new).items():
        under = {} if option is None or new.depends_on is None else {new.depends_on: option}
        yield _change(old.given(under), to, under)


def _change(old: Interval, new: Interval, under: Setup) -> dict[str, Any]:
    touches = [side for side, is_at in (("low", new.low <= old.low), ("high", new.high >= old.high)) if is_at]
    is_same = (old.low, old.high) == (new.low, new.high)
    became = "could not be narrowed" if is_same else f"became {describe_range(new)}"
    return {
        "name": old.name,
        "under": dict(under),
        "from": [old.low, old.high],
        "to": [new.low, new.high],
        "at_bound": touches,
        "words": f"{old.name} {describe_range(old)} {became}{with_(under)}",
    }


def with_(under: Setup) -> str:
    """` with optimizer sgd`, or nothing."""
    return "".join(f" with {on} {format_value(option)}" for on, option in under.items())


def _option(row: Mapping[str, Any]) -> dict[str, Any]:
    return dict(row) | {"verdict": "kept" if row["is_kept"] else "dropped"}


def _key(value: Any) -> tuple[str, Any]:
    """Tells true from 1."""
    return type(value).__name__, value
