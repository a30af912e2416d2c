"""Metrics from lines that hold a JSON object, or a Python dictionary as Hugging Face's Trainer prints it."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from typing import Any

from staycourse.task.command.record import Record, number, record

_MOST = 1 << 16


class JsonLines:
    """`names` maps a metric, `epoch` or `step` to its key, dots leading into inner objects; None takes every
    number under the key that it has."""

    def __init__(self, names: Mapping[str, str] | None = None) -> None:
        self._names = dict(names) if names is not None else None

    def read(self, line: str) -> Record | None:
        """What the line tells; a progress bar may stand before the object."""
        begin, end = line.find("{"), line.rfind("}")
        if begin < 0 or end <= begin or end - begin > _MOST:
            return None
        text = line[begin : end + 1]
        found, is_python = _parsed(text)
        return record(self._named(found), counts_done=is_python) if found else None

    def _named(self, body: Mapping[str, Any]) -> dict[str, float]:
        names = self._names or {str(key): str(key) for key in body}
        found = {name: number(_at(body, key)) for name, key in names.items()}
        return {name: value for name, value in found.items() if value is not None}


def _parsed(text: str) -> tuple[dict[str, Any], bool]:
    """The object, and whether it was Python's."""
    for parse, is_python in ((json.loads, False), (ast.literal_eval, True)):
        try:
            found = parse(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
            continue
        return (found if isinstance(found, dict) else {}), is_python
    return {}, False


def _at(body: Any, key: str) -> Any:
    if not isinstance(body, Mapping) or key in body:
        return body.get(key) if isinstance(body, Mapping) else None
    head, dot, rest = key.partition(".")
    return _at(body.get(head), rest) if dot else None
