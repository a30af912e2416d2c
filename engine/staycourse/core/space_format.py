"""The `[space]` table: from TOML values to hyperparameters, with every mistake named."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from staycourse.core.problems import KeyPath, Problem, nearest
from staycourse.core.space import Choice, Condition, Fixed, Hyperparameter, Interval, Space, Value

_FORMS = ("log", "range", "choice")
_KEYS = (*_FORMS, "integer", "when")
# Stands for a hyperparameter that cannot be read, so that nothing else is blamed for its absence.
STAND_IN = Interval("_", 1.0, 2.0)
_RIGHT = "a value, { log = [low, high] }, { range = [low, high] } or { choice = [..] }"


def parse_space(table: Any, problems: list[Problem]) -> Space:
    """The space that the table describes; problems are appended, and a range stands in for what is wrong."""
    if not isinstance(table, Mapping) or not table:
        problems.append(Problem(("space",), "the space is empty", "name at least one hyperparameter"))
        return Space(())
    found: dict[str, Hyperparameter] = {}
    broken = set()
    for name, value in table.items():
        h = _hyperparameter(name, value, problems)
        if h is None:
            broken.add(name)
        found[name] = h or replace(STAND_IN, name=name)
    _check_conditions(found, broken, problems)
    return Space(tuple(_in_order(found, problems)))


def _hyperparameter(name: str, value: Any, problems: list[Problem]) -> Hyperparameter | None:
    path: KeyPath = ("space", name)
    if not name.isidentifier():
        problems.append(Problem(path, "not a name", "letters, digits and _, not beginning with a digit"))
        return None
    if isinstance(value, (bool, int, float, str)):
        return _fixed(name, value, problems)
    if not isinstance(value, Mapping):
        problems.append(Problem(path, "not a hyperparameter", _RIGHT))
        return None
    for key in value:
        if key not in _KEYS:
            problems.append(Problem((*path, key), f"unknown key '{key}'", nearest(key, _KEYS)))
    forms = [form for form in _FORMS if form in value]
    if len(forms) != 1:
        said = "says both " + " and ".join(forms) if forms else "has no range and no options"
        problems.append(Problem(path, said, _RIGHT))
        return None
    when = _conditions(path, value.get("when", {}), problems)
    if forms[0] == "choice":
        return _choice(name, value, when, problems)
    return _interval(name, value, forms[0], when, problems)


def _fixed(name: str, value: Value, problems: list[Problem]) -> Fixed | None:
    if not _is_finite(value):
        problems.append(Problem(("space", name), f"expected a finite number, found {value}"))
        return None
    return Fixed(name, value)


def _choice(
    name: str, value: Mapping[str, Any], when: tuple[Condition, ...], problems: list[Problem]
) -> Choice | None:
    path: KeyPath = ("space", name, "choice")
    options = value["choice"]
    if "integer" in value:
        problems.append(Problem(("space", name, "integer"), "a choice has no 'integer'", "leave it out"))
    if not isinstance(options, list) or not options:
        problems.append(Problem(path, "no options", "a list with at least one option"))
        return None
    if not all(isinstance(option, (bool, int, float, str)) for option in options):
        problems.append(Problem(path, "an option is no plain value", "numbers, text, true or false"))
        return None
    if not all(map(_is_finite, options)):
        problems.append(Problem(path, "an option is no finite number"))
        return None
    if len(set(options)) < len(options):  # 1, 1.0 and true are one option, not three
        problems.append(Problem(path, "an option stands twice", "each option once"))
        return None
    return Choice(name, tuple(options), when)


def _interval(
    name: str, value: Mapping[str, Any], form: str, when: tuple[Condition, ...], problems: list[Problem]
) -> Interval | None:
    path: KeyPath = ("space", name, form)
    bounds, integer = value[form], value.get("integer", False)
    if not isinstance(integer, bool):
        problems.append(Problem(("space", name, "integer"), "expected true or false"))
        return None
    if not (isinstance(bounds, list) and len(bounds) == 2 and all(map(_is_number, bounds))):
        problems.append(Problem(path, "expected two finite numbers", f"{form} = [low, high]"))
        return None
    low, high = bounds
    wrong = _bounds_problem(path, low, high, form == "log", integer)
    if wrong:
        problems.append(wrong)
        return None
    low, high = (low, high) if integer else (float(low), float(high))
    return Interval(name, low, high, form == "log", integer, when)


def _bounds_problem(path: KeyPath, low: float, high: float, log: bool, integer: bool) -> Problem | None:
    if low > high:
        return Problem(path, f"the bounds are reversed: {low} > {high}", f"[{high}, {low}]")
    if low == high:
        return Problem(path, f"the bounds are equal: {low}", f"a plain value, {path[1]} = {low}")
    if log and low <= 0:
        return Problem(path, f"a log range cannot begin at {low}", "a lower bound above 0, such as 1e-5")
    if integer and not (isinstance(low, int) and isinstance(high, int)):
        return Problem(path, "the bounds of an integer range are no whole numbers", "such as [8, 256]")
    if not math.isfinite(high - low):
        return Problem(path, "the bounds lie too far apart", "a narrower range")
    return None


def _conditions(path: KeyPath, when: Any, problems: list[Problem]) -> tuple[Condition, ...]:
    if not isinstance(when, Mapping):
        problems.append(Problem((*path, "when"), "expected a table", 'when = { optimizer = "sgd" }'))
        return ()
    return tuple(
        Condition(on, tuple(options) if isinstance(options, list) else (options,))
        for on, options in when.items()
    )


def _check_conditions(found: Mapping[str, Hyperparameter], broken: set[str], problems: list[Problem]) -> None:
    for h in found.values():
        for condition in h.when:
            path: KeyPath = ("space", h.name, "when", condition.on)
            on = found.get(condition.on)
            if on is None:
                right = nearest(condition.on, set(found) - {h.name})
                problems.append(Problem(path, f"no hyperparameter '{condition.on}'", right))
            elif condition.on in broken:
                continue
            elif isinstance(on, Interval):
                problems.append(Problem(path, f"'{condition.on}' is a range", "a condition needs a choice"))
            else:
                _check_options(path, condition, on, problems)


def _check_options(path: KeyPath, condition: Condition, on: Choice | Fixed, problems: list[Problem]) -> None:
    options = on.options if isinstance(on, Choice) else (on.value,)
    known = [str(option) for option in options]
    if not condition.options:
        problems.append(Problem(path, "no option, so it would never exist", nearest("", known)))
    for option in condition.options:
        if option not in options:
            problems.append(
                Problem(path, f"'{on.name}' has no option {option!r}", nearest(str(option), known))
            )


def _in_order(found: Mapping[str, Hyperparameter], problems: list[Problem]) -> list[Hyperparameter]:
    """Each hyperparameter after those that its condition names; the roadmap's order otherwise."""
    done: dict[str, Hyperparameter] = {}
    waiting = dict(found)
    while waiting:
        ready = [
            name
            for name, h in waiting.items()
            if all(c.on in done or not isinstance(found.get(c.on), (Choice, Fixed)) for c in h.when)
        ]
        if not ready:
            names = ", ".join(waiting)
            path: KeyPath = ("space", next(iter(waiting)), "when")
            problems.append(Problem(path, f"conditions go round in a circle: {names}"))
            return [*done.values(), *waiting.values()]
        done[ready[0]] = waiting.pop(ready[0])
    return list(done.values())


def value_problem(where: KeyPath, h: Hyperparameter, value: Any) -> Problem | None:
    """What is wrong with a value that is given for a hyperparameter, inside its range or not."""
    if not isinstance(value, (bool, int, float, str)) or not _is_finite(value):
        return Problem(where, f"{value!r} is no value of '{h.name}'", "a finite number, text, true or false")
    if isinstance(h, Choice) and value not in h.options:
        known = [str(option) for option in h.options]
        return Problem(where, f"'{h.name}' has no option {value!r}", nearest(str(value), known))
    if isinstance(h, Interval) and not _is_value_of(h, value):
        what = "a whole number" if h.integer else "a number"
        return Problem(where, f"{value!r} is no value of '{h.name}'", what + (" above 0" if h.log else ""))
    return None


def _is_value_of(h: Interval, value: Any) -> bool:
    return _is_number(value) and (value > 0 or not h.log) and (isinstance(value, int) or not h.integer)


def _is_finite(value: Any) -> bool:
    return not isinstance(value, float) or math.isfinite(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and _is_finite(value)
