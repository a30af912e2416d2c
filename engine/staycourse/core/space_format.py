"""The `[space]` table: from TOML values to hyperparameters, with every mistake named."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from staycourse.core.bounds_format import ByTable, is_number, read_bounds, read_by, with_by
from staycourse.core.problems import KeyPath, Problem, nearest
from staycourse.core.space import Choice, Condition, Fixed, Hyperparameter, Interval, Space, Value, options

_FORMS = ("log", "range", "choice")
_KEYS = (*_FORMS, "integer", "when", "by")
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
    found = {name: _with_checked_conditions(h, found, broken, problems) for name, h in found.items()}
    for h, by in _by_tables(table, found, broken, problems):
        found[h.name] = with_by(h, by, found, broken, problems)
    return Space(tuple(_in_order(found, problems))).simplified()


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
    found = value["choice"]
    for key in ("integer", "by"):
        if key in value:
            problems.append(Problem(("space", name, key), f"a choice has no '{key}'", "leave it out"))
    if not isinstance(found, list) or not found:
        problems.append(Problem(path, "no options", "a list with at least one option"))
        return None
    if not all(isinstance(option, (bool, int, float, str)) for option in found):
        problems.append(Problem(path, "an option is no plain value", "numbers, text, true or false"))
        return None
    if not all(map(_is_finite, found)):
        problems.append(Problem(path, "an option is no finite number"))
        return None
    if len(set(found)) < len(found):  # 1, 1.0 and true are one option, not three
        problems.append(Problem(path, "an option stands twice", "each option once"))
        return None
    return Choice(name, tuple(found), when)


def _interval(
    name: str, value: Mapping[str, Any], form: str, when: tuple[Condition, ...], problems: list[Problem]
) -> Interval | None:
    path: KeyPath = ("space", name, form)
    integer = value.get("integer", False)
    if not isinstance(integer, bool):
        problems.append(Problem(("space", name, "integer"), "expected true or false"))
        return None
    bounds = read_bounds(path, value[form], form == "log", integer, problems)
    return Interval(name, *bounds, form == "log", integer, when) if bounds else None


def _by_tables(
    table: Mapping[str, Any], found: Mapping[str, Hyperparameter], broken: set[str], problems: list[Problem]
) -> Iterator[tuple[Interval, ByTable]]:
    """What stands at `by` of each interval."""
    for name, h in list(found.items()):
        if isinstance(h, Interval) and name not in broken and "by" in table[name]:
            by = read_by(("space", name, "by"), table[name]["by"], h.log, h.integer, problems)
            if by is not None:
                yield h, by


def _conditions(path: KeyPath, when: Any, problems: list[Problem]) -> tuple[Condition, ...]:
    if not isinstance(when, Mapping):
        problems.append(Problem((*path, "when"), "expected a table", 'when = { optimizer = "sgd" }'))
        return ()
    return tuple(
        Condition(on, tuple(named) if isinstance(named, list) else (named,)) for on, named in when.items()
    )


def _with_checked_conditions(
    h: Hyperparameter, found: Mapping[str, Hyperparameter], broken: set[str], problems: list[Problem]
) -> Hyperparameter:
    """The hyperparameter without the conditions that are wrong, so that they are told once."""
    right = []
    for condition in h.when:
        before = len(problems)
        _check_condition(("space", h.name, "when", condition.on), h, condition, found, broken, problems)
        if len(problems) == before and condition.on not in broken:
            right.append(condition)
    return replace(h, when=tuple(right))


def _check_condition(
    path: KeyPath,
    h: Hyperparameter,
    condition: Condition,
    found: Mapping[str, Hyperparameter],
    broken: set[str],
    problems: list[Problem],
) -> None:
    on = found.get(condition.on)
    if on is None:
        right = nearest(condition.on, set(found) - {h.name})
        problems.append(Problem(path, f"no hyperparameter '{condition.on}'", right))
    elif condition.on in broken:
        return
    elif isinstance(on, Interval):
        problems.append(Problem(path, f"'{condition.on}' is a range", "a condition needs a choice"))
    else:
        _check_options(path, condition, on, problems)


def _check_options(path: KeyPath, condition: Condition, on: Choice | Fixed, problems: list[Problem]) -> None:
    known = [str(option) for option in options(on)]
    if not condition.options:
        problems.append(Problem(path, "no option, so it would never exist", nearest("", known)))
    for option in condition.options:
        if option not in options(on):
            problems.append(
                Problem(path, f"'{on.name}' has no option {option!r}", nearest(str(option), known))
            )


def _in_order(found: Mapping[str, Hyperparameter], problems: list[Problem]) -> list[Hyperparameter]:
    """Each hyperparameter after those on which it or its bounds depend; the roadmap's order otherwise."""
    done: dict[str, Hyperparameter] = {}
    waiting = dict(found)
    while waiting:
        ready = next((name for name, h in waiting.items() if _needed(h) <= done.keys()), None)
        if ready is None:
            circle = _circle(waiting)
            path: KeyPath = ("space", circle[0], "when")
            problems.append(Problem(path, f"conditions go round in a circle: {', '.join(circle)}"))
            waiting |= {name: replace(waiting[name], when=()) for name in circle}
        else:
            done[ready] = waiting.pop(ready)
    return list(done.values())


def _needed(h: Hyperparameter) -> set[str]:
    """The choices that have to be decided before it is known whether it exists, and within which bounds."""
    by = {h.depends_on} if isinstance(h, Interval) and h.depends_on else set()
    return by | {condition.on for condition in h.when}


def _circle(waiting: Mapping[str, Hyperparameter]) -> list[str]:
    """A circle of dependencies, in the roadmap's order; each of those waiting has one that waits as well."""
    path = [next(iter(waiting))]
    while True:
        after = next(name for name in waiting if name in _needed(waiting[path[-1]]))
        if after in path:
            members = path[path.index(after) :]
            return [name for name in waiting if name in members]
        path.append(after)


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
    return is_number(value) and (value > 0 or not h.log) and (isinstance(value, int) or not h.integer)


def _is_finite(value: Any) -> bool:
    return not isinstance(value, float) or math.isfinite(value)
