"""What a document may hold wherever it stands: numbers of 64 bits, harmless text, a sane depth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from staycourse.core.problems import KeyPath, Problem
from staycourse.core.text import sanitise

_LEAST, _MOST = -(2**63), 2**63 - 1
_DEPTH = 16


def tidy(document: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    """A copy of the document that is safe to compute with, and a problem for everything that was not.

    What is refused is replaced, so that the rest is still checked.
    """
    problems: list[Problem] = []
    return {key: _tidy(value, (key,), problems) for key, value in document.items()}, problems


def _tidy(value: Any, path: KeyPath, problems: list[Problem]) -> Any:
    if isinstance(path[-1], str) and sanitise(path[-1]) != path[-1]:
        problems.append(Problem(path, "the key holds control characters", "plain text"))
    if isinstance(value, (Mapping, list)) and len(path) >= _DEPTH:
        problems.append(Problem(path, "nested too deeply", f"at most {_DEPTH} levels"))
        return ""
    if isinstance(value, Mapping):
        return {key: _tidy(item, (*path, key), problems) for key, item in value.items()}
    if isinstance(value, list):
        return [_tidy(item, (*path, at), problems) for at, item in enumerate(value)]
    if isinstance(value, str) and sanitise(value) != value:
        problems.append(Problem(path, "the text holds control characters", "plain text"))
    if isinstance(value, int) and not _LEAST <= value <= _MOST:
        problems.append(Problem(path, "a whole number beyond 64 bits", f"from {_LEAST} to {_MOST}"))
        return _MOST
    return value
