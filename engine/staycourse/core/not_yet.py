"""Keys that the roadmap format has and this version does not follow yet: refused, never ignored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from staycourse.core.problems import KeyPath, Problem

_Refused = Callable[[Any], bool]


def _other_than(neutral: Any) -> _Refused:
    return lambda value: value != neutral


# A value that says what happens anyway is followed, not ignored; only the others have to wait.
_KEYS: dict[tuple[str, str], _Refused] = {
    ("from", "take"): lambda value: isinstance(value, list) and "weights" in value,
    ("limits", "gpus_per_trial"): _other_than(1),
}


def take_out(document: dict[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    """The document without the keys that have to wait, and a problem for each of those.

    The rest is still checked, so that all mistakes are told at once.
    """
    problems: list[Problem] = []
    rest = _copy(document)
    for (table, key), is_refused in _KEYS.items():
        holder = rest.get(table)
        if isinstance(holder, dict) and key in holder and is_refused(holder[key]):
            problems.append(_problem((table, key), holder.pop(key)))
    return rest, problems


def _problem(path: KeyPath, value: Any) -> Problem:
    if path[0] == "from":
        return Problem(path, "not yet: this version takes up no weights", 'take = ["handoff"]')
    said = f" = {value!r}" if isinstance(value, (str, int, float, bool)) else ""
    return Problem(path, f"not yet: this version does not support {path[-1]}{said}", "leave it out")


def _copy(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _copy(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_copy(item) for item in value]
    return value
