"""The `[schedules]` table: at epoch N multiply."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from staycourse.core.problems import KeyPath, Problem, nearest
from staycourse.core.schedules import CONSTANT, Schedule
from staycourse.core.space import Choice, Space

# What the engine can change in mid-training: the batch size, and numbers of the optimizer's own.
_EPOCH = re.compile(r"[1-9][0-9]{0,8}")
_ALWAYS = ("lr", "batch_size", "weight_decay", "momentum")


def parse_schedules(table: Any, space: Space, problems: list[Problem]) -> dict[str, Schedule]:
    """Every schedule by name, "constant" among them; problems are appended."""
    found: dict[str, Schedule] = {CONSTANT: {}}
    if not isinstance(table, Mapping):
        problems.append(Problem(("schedules",), "expected a table", "decay = { lr = { 40 = 0.5 } }"))
        return found
    for name, schedule in table.items():
        path: KeyPath = ("schedules", name)
        if name == CONSTANT:
            problems.append(Problem(path, "'constant' always exists", "another name"))
        elif not isinstance(schedule, Mapping):
            problems.append(Problem(path, "expected a table", "{ lr = { 40 = 0.5 } }"))
        else:
            found[name] = _schedule(path, schedule, space, problems)
    return found


def _schedule(path: KeyPath, table: Mapping[str, Any], space: Space, problems: list[Problem]) -> Schedule:
    known = sorted({*_ALWAYS, *(h.name for h in space if not isinstance(h, Choice))})
    schedule: dict[str, dict[int, float]] = {}
    for key, steps in table.items():
        if key not in known:
            said = f"'{key}' is nothing that a schedule can multiply"
            problems.append(Problem((*path, key), said, nearest(key, known)))
        elif not isinstance(steps, Mapping):
            problems.append(Problem((*path, key), "expected a table", "{ 40 = 0.5, 60 = 0.5 }"))
        else:
            schedule[key] = _steps((*path, key), steps, problems)
    return schedule


def _steps(path: KeyPath, table: Mapping[str, Any], problems: list[Problem]) -> dict[int, float]:
    steps: dict[int, float] = {}
    for epoch, times in table.items():
        if not _EPOCH.fullmatch(epoch):
            problems.append(Problem((*path, epoch), f"'{epoch}' is no epoch", "a whole number from 1"))
        elif isinstance(times, bool) or not isinstance(times, (int, float)) or not 0 < times < float("inf"):
            problems.append(Problem((*path, epoch), f"cannot multiply by {times!r}", "a number above 0"))
        else:
            steps[int(epoch)] = float(times)
    return steps
