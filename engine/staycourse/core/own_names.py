"""Hyperparameters that the engine itself reads, by name: what they may be."""

from __future__ import annotations

from collections.abc import Mapping

from staycourse.core.problems import KeyPath, Problem, nearest
from staycourse.core.schedules import Schedule
from staycourse.core.space import Choice, Fixed, Interval, Space


def schedule_problems(
    space: Space, schedules: Mapping[str, Schedule], path: KeyPath, whose: str
) -> list[Problem]:
    """`schedule` names what stands under `[schedules]`; told at `path`, where `whose` says of which run."""
    if "schedule" not in space.names:
        return []
    h = space.get("schedule")
    options = h.options if isinstance(h, Choice) else (h.value,) if isinstance(h, Fixed) else ()
    if not options:
        return [Problem(("space", "schedule"), "a schedule is no range", "a choice of schedules' names")]
    return [
        Problem(path, f"no schedule named {option!r}{whose}", nearest(str(option), schedules))
        for option in options
        if option not in schedules
    ]


def batch_size_problems(space: Space) -> list[Problem]:
    """The engine counts samples by `batch_size`: whole numbers from 1 on."""
    if "batch_size" not in space.names:
        return []
    h = space.get("batch_size")
    path, right = ("space", "batch_size"), "a whole number of samples, 1 or more"
    if isinstance(h, Interval):
        fraction = (
            [] if h.integer else [Problem(path, "a batch has no fraction of a sample", "integer = true")]
        )
        low = dict.fromkeys(here.low for here in h.every_range if here.low < 1)
        return fraction + [Problem(path, f"a batch of {each:g} samples", right) for each in low]
    return [
        Problem(path, f"{value!r} is no batch size", right)
        for value in (h.options if isinstance(h, Choice) else (h.value,))
        if isinstance(value, bool) or not isinstance(value, int) or value < 1
    ]
