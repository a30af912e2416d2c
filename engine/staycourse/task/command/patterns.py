"""Metrics by regular expressions, one group each, found in lines of output."""

from __future__ import annotations

import re
from collections.abc import Mapping

from staycourse.core.text import sanitise
from staycourse.task.command.record import Record, number, record


class Patterns:
    """`names` maps a metric, `epoch` or `step` to its expression."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._patterns = {name: re.compile(pattern) for name, pattern in names.items()}

    def read(self, line: str) -> Record | None:
        """What the line tells; where an expression fits several times, its last place counts."""
        plain = sanitise(line)
        found: dict[str, float] = {}
        for name, pattern in self._patterns.items():
            for match in pattern.finditer(plain):
                if (value := number(match[1])) is not None:
                    found[name] = value
        return record(found)
