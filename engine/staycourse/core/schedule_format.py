"""The `[schedules]` table: steps (at epoch N multiply), a warm-up, a scheduler of torch's by name."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from staycourse.core.problems import KeyPath, Problem, nearest
from staycourse.core.schedules import CONSTANT, LR, TORCH, WARMUP, Schedule
from staycourse.core.space import Choice, Space

# What the engine can change in mid-training: the batch size, and numbers of the optimizer's own.
_EPOCH = re.compile(r"[1-9][0-9]{0,8}")
_ALWAYS = (LR, "batch_size", "weight_decay", "momentum")

TORCH_NAMES = (
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "CyclicLR",
    "ExponentialLR",
    "LinearLR",
    "MultiStepLR",
    "OneCycleLR",
    "PolynomialLR",
    "StepLR",
)
_FUNCTION = "it takes a Python function, which a roadmap cannot hold"
_NESTED = "it is made of other schedulers, which a roadmap cannot nest"
_STEPS = "steps such as lr = { 40 = 0.5 }"
# Name, why it cannot be followed, and what to take instead.
_REFUSED: Mapping[str, tuple[str, str]] = {
    "LambdaLR": (_FUNCTION, _STEPS),
    "MultiplicativeLR": (_FUNCTION, _STEPS),
    "SequentialLR": (_NESTED, "warmup = 5 beside one scheduler"),
    "ChainedScheduler": (_NESTED, "warmup = 5 or steps beside one scheduler"),
    "ReduceLROnPlateau": (
        "it follows the validation, and the final training validates nothing, so that it could not repeat "
        "the schedule that was measured",
        f"CosineAnnealingLR, or {_STEPS}",
    ),
}
_PLAIN = (bool, int, float, str)


def parse_schedules(table: Any, space: Space, problems: list[Problem]) -> dict[str, Schedule]:
    """Every schedule by name, "constant" among them; problems are appended."""
    found: dict[str, Schedule] = {CONSTANT: Schedule()}
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
    rest = dict(table)
    torch = _torch(path, rest, problems)
    warmup = _warmup(path, rest, problems)
    settings, has_torch = {}, not isinstance(table.get(TORCH, {}), Mapping)
    if has_torch:
        settings = {key: rest.pop(key) for key, value in table.items() if _is_setting(key, value)}
        _check_settings(path, settings, problems)
    steps = _all_steps(path, rest, space, problems)
    if has_torch and LR in steps:
        said = f"both these steps and {TORCH} change the learning rate"
        problems.append(Problem((*path, LR), said, "one of them, in a schedule of its own"))
    return Schedule(steps, warmup, torch, settings if torch else {})


def _torch(path: KeyPath, rest: dict[str, Any], problems: list[Problem]) -> str | None:
    """The scheduler's name, taken out of the table; None where there is none that can be followed."""
    if TORCH not in rest or isinstance(rest[TORCH], Mapping):
        return None
    name, where = rest.pop(TORCH), (*path, TORCH)
    if not isinstance(name, str):
        problems.append(Problem(where, "expected a name", 'torch = "CosineAnnealingLR"'))
    elif name in _REFUSED:
        why, right = _REFUSED[name]
        problems.append(Problem(where, f"{name} cannot be followed: {why}", right))
    elif name not in TORCH_NAMES:
        said = f"torch.optim.lr_scheduler has no '{name}' that can be followed"
        problems.append(Problem(where, said, nearest(name, TORCH_NAMES)))
    else:
        return name
    return None


def _warmup(path: KeyPath, rest: dict[str, Any], problems: list[Problem]) -> float:
    """The warm-up's epochs, taken out of the table; a table of that name is a hyperparameter's steps."""
    if WARMUP not in rest or isinstance(rest[WARMUP], Mapping):
        return 0.0
    value = rest.pop(WARMUP)
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if is_number and 0 < value < math.inf:
        return float(value)
    problems.append(Problem((*path, WARMUP), f"{value!r} is no length", "a number of epochs above 0"))
    return 0.0


def _is_setting(key: str, value: Any) -> bool:
    """Beside `torch`, what is no table is a setting of its scheduler."""
    return key not in (TORCH, WARMUP) and not isinstance(value, Mapping)


def _check_settings(path: KeyPath, settings: Mapping[str, Any], problems: list[Problem]) -> None:
    for key, value in settings.items():
        values = value if isinstance(value, list) else [value]
        if key == "last_epoch":
            problems.append(Problem((*path, key), "the epochs are counted by the engine", "leave it out"))
        elif not all(isinstance(item, _PLAIN) for item in values):
            right = "a number, text, true, false or a list of them"
            problems.append(Problem((*path, key), "no value that a scheduler can take", right))
        elif any(isinstance(item, float) and not math.isfinite(item) for item in values):
            problems.append(Problem((*path, key), f"{value!r} is not finite", "a finite number"))


def _all_steps(
    path: KeyPath, table: Mapping[str, Any], space: Space, problems: list[Problem]
) -> dict[str, dict[int, float]]:
    known = sorted({*_ALWAYS, *(h.name for h in space if not isinstance(h, Choice))})
    found: dict[str, dict[int, float]] = {}
    for key, steps in table.items():
        if key not in known:
            said = f"'{key}' is nothing that a schedule can multiply"
            problems.append(Problem((*path, key), said, nearest(key, [*known, WARMUP, TORCH])))
        elif not isinstance(steps, Mapping):
            problems.append(Problem((*path, key), "expected a table", "{ 40 = 0.5, 60 = 0.5 }"))
        else:
            found[key] = _steps((*path, key), steps, problems)
    return found


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
