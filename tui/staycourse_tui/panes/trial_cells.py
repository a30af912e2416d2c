"""What the tables say of a trial: a column's words, and what it is sorted by. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence

from staycourse.client import TrialView
from staycourse.core.space import Choice, Value, format_value
from staycourse_tui import formatting as fmt
from staycourse_tui.frames import Frame
from staycourse_tui.panes.trial import state_of

SCORE = "score"  # stands for the objective's metric, whatever its name is
OWN = ("trial", "state", SCORE, "best epoch", "epochs", "phase", "time", "name", "seed", "from")
_PREFIX = "hp."


def column_of(name: str) -> str:
    """The column of a hyperparameter: its name, with a prefix where a trial has a column of that name."""
    return _PREFIX + name if name in OWN else name


def parameter(column: str) -> str | None:
    """The hyperparameter that a column holds, None for a trial's own columns."""
    return None if column in OWN else column.removeprefix(_PREFIX)


def columns_of(frame: Frame, trials: Sequence[TrialView]) -> list[str]:
    """The columns that these trials fill: their own, then the hyperparameters, those that differ first."""
    names = list(frame.snapshot.roadmap.space.names)
    varied = [name for name in names if len({str(view.setup.get(name)) for view in trials}) > 1]
    own = [name for name in OWN if name in OWN[:7] or any(raw(frame, view, name) for view in trials)]
    rest = [name for name in names if name not in varied]
    return [*own[:3], *map(column_of, varied), *own[3:], *map(column_of, rest)]


def is_words(frame: Frame, column: str) -> bool:
    """Whether a column holds words, which are set left; numbers are set right."""
    if column in ("trial", "state", "phase", "name", "from"):
        return True
    name = parameter(column)
    found = next((one for one in frame.snapshot.roadmap.space if one.name == name), None)
    return isinstance(found, Choice) and any(isinstance(option, str) for option in found.options)


def heading(frame: Frame, column: str) -> str:
    """A column's name as it is shown."""
    return frame.metric if column == SCORE else column


def raw(frame: Frame, view: TrialView, column: str) -> Value | None:
    """A column's value, None where the trial has none."""
    if column == SCORE:
        return score(frame, view)
    if (name := parameter(column)) is not None:
        return view.setup.get(name)
    own: dict[str, Value | None] = {
        "trial": view.id,
        "state": state_of(view, frame.snapshot.is_engine_alive)[2],
        "best epoch": view.best_epoch,
        "epochs": view.epoch,
        "phase": frame.snapshot.phases[view.phase].kind,
        "time": view.seconds,
        "name": view.name or None,
        "seed": view.repetition + 1 if view.repetition else None,
        "from": view.parent,
    }
    return own.get(column)


def score(frame: Frame, view: TrialView) -> float | None:
    """The best value of an ended trial, the newest of one that runs or is owed."""
    if view.best_value is not None:
        return view.best_value
    live = next((one for one in frame.snapshot.live if one.trial == view.id), None)
    return live.metrics.get(frame.metric) if live else None


def shown(frame: Frame, view: TrialView, column: str) -> str:
    """A column's value in words."""
    value = raw(frame, view, column)
    if column == "epochs":
        return f"{view.epoch}/{view.epochs}"
    if column == "seed":
        return str(view.repetition + 1)
    if value is None:
        return ""
    if column == SCORE:
        return fmt.number(float(value))
    if column == "time":
        return fmt.duration(float(value))
    return format_value(value)


def sort_key(frame: Frame, view: TrialView, column: str, order: int) -> tuple[int, float, str]:
    """Numbers by size, then words; `order` is the trial's place in the plan, for its name."""
    if column == "trial":
        return (0, float(order), "")
    if column == "phase":
        return (0, float(view.phase), "")
    value = raw(frame, view, column)
    if isinstance(value, bool | str) or value is None:
        return (1, 0.0, str(value))
    return (0, float(value), "") if math.isfinite(value) else (1, 0.0, "")
