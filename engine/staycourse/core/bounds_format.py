"""Bounds of ranges as the roadmap says them: one pair for all, others under options of one choice (`by`)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from staycourse.core.problems import KeyPath, Problem, nearest
from staycourse.core.space import Bounds, Choice, Hyperparameter, Interval, Value, format_value, options

_BY = "by = { optimizer = { sgd = [low, high] } }"


@dataclass(frozen=True)
class ByTable:
    """What `by` says, as far as it can be read without the choice: bounds by option, as text."""

    path: KeyPath
    on: str
    bounds: Mapping[str, tuple[float, float]]


def read_bounds(
    path: KeyPath, bounds: Any, log: bool, integer: bool, problems: list[Problem]
) -> tuple[float, float] | None:
    """Two numbers in their order, or None and a problem. `path` is where they stand."""
    if not (isinstance(bounds, list) and len(bounds) == 2 and all(map(is_number, bounds))):
        problems.append(Problem(path, "expected two finite numbers", f"{path[-1]} = [low, high]"))
        return None
    low, high = bounds
    wrong = _bounds_problem(path, low, high, log, integer)
    if wrong:
        problems.append(wrong)
        return None
    return (low, high) if integer else (float(low), float(high))


def read_by(path: KeyPath, by: Any, log: bool, integer: bool, problems: list[Problem]) -> ByTable | None:
    """The `by` table at `path` without the bounds that are wrong; None where it names no one choice."""
    if not isinstance(by, Mapping):
        problems.append(Problem(path, "expected a table", _BY))
        return None
    if len(by) != 1:
        said = "names more than one choice: " + ", ".join(by) if by else "names no choice"
        problems.append(Problem(path, said, f"one choice, {_BY}"))
        return None
    on, table = next(iter(by.items()))
    if not isinstance(table, Mapping) or not table:
        problems.append(Problem((*path, on), "expected a table of options with bounds", _BY))
        return None
    read = {key: read_bounds((*path, on, key), pair, log, integer, problems) for key, pair in table.items()}
    return ByTable((*path, on), on, {key: pair for key, pair in read.items() if pair is not None})


def with_by(
    h: Interval, by: ByTable, found: Mapping[str, Hyperparameter], broken: set[str], problems: list[Problem]
) -> Interval:
    """The interval with the bounds of `by`, once every hyperparameter is found; wrong ones are left out."""
    choice = found.get(by.on)
    if by.on in broken:
        return h
    if choice is None or by.on == h.name:
        right = nearest(by.on, {name for name, other in found.items() if isinstance(other, Choice)})
        problems.append(Problem(by.path, f"no choice '{by.on}'", right))
        return h
    if isinstance(choice, Interval):
        problems.append(Problem(by.path, f"'{by.on}' is a range", "bounds depend on the options of a choice"))
        return h
    taken: dict[Value, Bounds] = {}
    for key, (low, high) in by.bounds.items():
        option = _option(key, options(choice))
        wrong = _option_problem((*by.path, key), key, option, h, choice, list(taken))
        if wrong:
            problems.append(wrong)
        elif option is not None:
            taken[option] = Bounds(choice.name, option, low, high)
    return replace(h, by=tuple(taken.values()))


def is_number(value: Any) -> bool:
    """Whether it is a finite number, and not true or false."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _option(key: str, known: Sequence[Value]) -> Value | None:
    """The option that a key means: text as it stands, numbers and booleans as TOML writes them."""
    for option in known:
        if key == (option if isinstance(option, str) else format_value(option)):
            return option
    try:
        number = float(key)
    except ValueError:
        return None
    return next((option for option in known if is_number(option) and option == number), None)


def _option_problem(
    path: KeyPath, key: str, option: Value | None, h: Interval, choice: Hyperparameter, taken: Sequence[Value]
) -> Problem | None:
    if option is None:
        known = [str(known) if isinstance(known, str) else format_value(known) for known in options(choice)]
        return Problem(path, f"'{choice.name}' has no option '{key}'", nearest(key, known))
    if option in taken:
        return Problem(path, "an option stands twice", "each option once")
    conditions = [condition for condition in h.when if condition.on == choice.name]
    if any(option not in condition.options for condition in conditions):
        return Problem(path, f"'{h.name}' does not exist under '{key}'", "leave it out, or add it to 'when'")
    return None


def _bounds_problem(path: KeyPath, low: float, high: float, log: bool, integer: bool) -> Problem | None:
    if low > high:
        return Problem(path, f"the bounds are reversed: {low} > {high}", f"[{high}, {low}]")
    if low == high:
        is_own = len(path) == 3
        right = f"a plain value, {path[1]} = {low}" if is_own else "two different bounds"
        return Problem(path, f"the bounds are equal: {low}", right)
    if log and low <= 0:
        return Problem(path, f"a log range cannot begin at {low}", "a lower bound above 0, such as 1e-5")
    if integer and not (isinstance(low, int) and isinstance(high, int)):
        return Problem(path, "the bounds of an integer range are no whole numbers", "such as [8, 256]")
    if not math.isfinite(high - low):
        return Problem(path, "the bounds lie too far apart", "a narrower range")
    return None
