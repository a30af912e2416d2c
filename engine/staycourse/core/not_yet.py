"""Keys that the roadmap format has and this version does not follow yet: refused, never ignored."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from staycourse.core.problems import KeyPath, Problem

_Refused = Callable[[Any], bool]


def _always(_: Any) -> bool:
    return True


def _other_than(neutral: Any) -> _Refused:
    return lambda value: value != neutral


_COMMAND_KEYS = ("command", "python", "include", "links", "env", "weights", "flags", "metrics")
# A value that says what happens anyway is followed, not ignored; only the others have to wait.
_KEYS: dict[KeyPath, _Refused] = {
    **{("task", key): _always for key in _COMMAND_KEYS},
    ("from", "take"): lambda value: isinstance(value, list) and "weights" in value,
    ("training", "epoch"): _always,
    ("limits", "gpus_per_trial"): _other_than(1),
    ("schedules", "*", "torch"): _always,
}


def take_out(document: dict[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    """The document without the keys that have to wait, and a problem for each of those.

    The rest is still checked, so that all mistakes are told at once.
    """
    problems: list[Problem] = []
    rest = _copy(document)
    for pattern, is_refused in _KEYS.items():
        for path, holder, key in list(_find(rest, pattern, ())):
            if is_refused(holder[key]):
                problems.append(_problem(path, pattern, holder.pop(key)))
                _stand_in(holder, pattern)
    return rest, problems


def _stand_in(holder: dict[str, Any], pattern: KeyPath) -> None:
    """Without the refused key the rest of its table may make no sense: that is not to be blamed as well."""
    if pattern[-1] == "torch":
        holder.clear()


def _problem(path: KeyPath, pattern: KeyPath, value: Any) -> Problem:
    if pattern[:1] == ("task",):
        return Problem(path, "not yet: command tasks are not supported by this version", "use task.file")
    if pattern[:1] == ("from",):
        return Problem(path, "not yet: this version takes up no weights", 'take = ["handoff"]')
    said = f" = {value!r}" if isinstance(value, (str, int, float, bool)) else ""
    return Problem(path, f"not yet: this version does not support {path[-1]}{said}", "leave it out")


def _find(value: Any, pattern: KeyPath, path: KeyPath) -> Iterator[tuple[KeyPath, dict[str, Any], str]]:
    """Every (path, holder, key) at which the pattern's last key stands; `*` is any key or index."""
    head, *tail = pattern
    if not tail:
        if isinstance(value, dict) and head in value:
            yield path + (head,), value, str(head)
        return
    for key, item in _children(value, head):
        yield from _find(item, tuple(tail), path + (key,))


def _children(value: Any, head: str | int) -> Iterator[tuple[str | int, Any]]:
    if isinstance(value, dict):
        yield from ((k, v) for k, v in value.items() if head in ("*", k))
    elif isinstance(value, list) and head == "*":
        yield from enumerate(value)


def _copy(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _copy(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_copy(item) for item in value]
    return value
