"""Follows a schedule: sets the optimizer, the batch size and the set-up's other values for each epoch.

A value is a function of the epoch alone, never of what was set before, so that a resumed trial has the same
ones to the last bit. Torch's schedulers keep a state of their own; they are run once, on a stand-in with the
optimizer's parameter groups, and what they set is kept in a table.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from staycourse.core.problems import UserError, nearest
from staycourse.core.schedules import BATCH_SIZE, LENGTHS, LR, TORCH, WARMUP, Schedule
from staycourse.task.contract import Setup
from staycourse.training.optimizers import batch_size

_NOT_SETTINGS = {"optimizer", "last_epoch", "verbose", "scale_fn"}
# Settings that are the optimizer's own learning rate where they are not given; others that say the length.
_OF_THE_OPTIMIZER: Mapping[str, Sequence[str]] = {"OneCycleLR": ("max_lr",)}
_ENOUGH = {"total_steps": {"epochs", "steps_per_epoch"}}
# For each parameter group the values that torch's scheduler changes, by name, one for each epoch.
Table = list[dict[str, list[Any]]]


class BadSchedule(UserError):
    """A schedule that cannot be followed as it is declared: `what` says why, `key` which of its keys is to
    blame, if one is."""

    def __init__(self, what: str, key: str | None = None) -> None:
        super().__init__(f"the schedule {what}")
        self.what, self.key = what, key


class Scheduled:
    """A schedule and what it changes: the optimizer's settings, the batch size, the set-up's other values.

    Made right after the optimizer, whose settings at that time are what is multiplied. `horizon` is the
    number of epochs that the schedule is made for. Raises BadSchedule, for what neither optimizer nor set-up
    has as well.
    """

    def __init__(
        self, schedule: Schedule, optimizer: torch.optim.Optimizer, setup: Setup, horizon: int
    ) -> None:
        self._schedule = schedule
        self._optimizer = optimizer
        self._setup = setup
        self._table = torch_table(schedule, optimizer, horizon)
        names = set(schedule.steps) - {BATCH_SIZE}
        if schedule.warmup:
            names.add(LR)
        self._base = [{n: _number(group[n]) for n in names if n in group} for group in optimizer.param_groups]
        held = {name for group in self._base for name in group}
        if schedule.warmup and LR not in held:
            raise BadSchedule("warms up the learning rate, which the optimizer does not have", WARMUP)
        self._others = sorted(names - held)
        for name in self._others:
            if name not in setup:
                raise BadSchedule(f"changes '{name}', which neither optimizer nor set-up has", name)

    def apply(self, epochs_done: int) -> Setup:
        """Set the optimizer for the epoch after `epochs_done`; returns the set-up as of that epoch."""
        for at, group in enumerate(self._optimizer.param_groups):
            for name, value in self._values(at, epochs_done).items():
                _set(group, name, value)
        changed = {}
        for name in self._others:
            value = self._setup[name]
            assert isinstance(value, (int, float))
            scaled = value * self._schedule.factor(name, epochs_done)
            changed[name] = round(scaled) if isinstance(value, int) else scaled
        return self._setup.replaced(changed)

    def warming(self, epochs_done: int, batches: int) -> Callable[[int], None] | None:
        """What to call with the number of each of the epoch's `batches` (from 0) before its update while the
        warm-up lasts; None once it is over."""
        if not self._schedule.is_warming(epochs_done):
            return None
        full = [self._values(at, epochs_done).get(LR) for at in range(len(self._optimizer.param_groups))]

        def warm(batch: int) -> None:
            warmth = self._schedule.warmth(epochs_done + (batch + 1) / batches)
            for group, value in zip(self._optimizer.param_groups, full, strict=True):
                if value is not None:
                    _set(group, LR, value * warmth)

        return warm

    def warm_again(self, epochs_done: int, updates: int, batches: int) -> None:
        """Set what an epoch has after so many updates of its `batches`: one that is resumed may have none
        left to do, and its learning rate is reported nevertheless."""
        warm = self.warming(epochs_done, batches)
        if warm is not None and updates:
            warm(updates - 1)

    def batch_size(self, epochs_done: int) -> int:
        """Batch size of the epoch after `epochs_done`."""
        return self._schedule.batch_size(batch_size(self._setup), epochs_done)

    @property
    def lr(self) -> float:
        """Learning rate of the first parameter group; NaN for an optimizer without one."""
        return float(self._optimizer.param_groups[0].get(LR, float("nan")))

    def _values(self, at: int, epochs_done: int) -> dict[str, Any]:
        """What a parameter group has in the epoch after `epochs_done`, once the warm-up is over."""
        stepped = {
            name: value * self._schedule.factor(name, epochs_done) for name, value in self._base[at].items()
        }
        index = max(0, epochs_done - self._schedule.start)
        return stepped | {name: row[min(index, len(row) - 1)] for name, row in self._table[at].items()}


def torch_table(schedule: Schedule, optimizer: torch.optim.Optimizer, horizon: int) -> Table:
    """What torch's scheduler sets, from its beginning after the warm-up to the horizon; empty groups where
    the schedule names none. Raises BadSchedule, for steps as well on what it changes."""
    if schedule.torch is None:
        return [{} for _ in optimizer.param_groups]
    checked_settings(schedule)
    length = max(1, horizon - schedule.start)
    try:
        table = _run(schedule, optimizer, length, length)
    except ZeroDivisionError:
        # A rehearsal's two epochs can be fewer than torch can divide into its pieces.
        table = _run(schedule, optimizer, length, length + 1)
    for name in sorted({name for group in table for name in group} & set(schedule.steps)):
        raise BadSchedule(f"changes '{name}' by steps, and {schedule.torch} changes it too", name)
    return table


def checked_settings(schedule: Schedule) -> None:
    """Raises BadSchedule for a setting that torch's scheduler does not have, or one that it lacks."""
    assert schedule.torch is not None
    parameters = inspect.signature(_scheduler(schedule.torch)).parameters
    known = set(parameters) - _NOT_SETTINGS
    for key in schedule.settings:
        if key not in known:
            said = f"sets '{key}', which {schedule.torch} does not have ({nearest(key, known)})"
            raise BadSchedule(said, key)
    given = {*schedule.settings, LENGTHS.get(schedule.torch), *_OF_THE_OPTIMIZER.get(schedule.torch, ())}
    missing = [
        n for n in parameters if n in known - given and parameters[n].default is inspect.Parameter.empty
    ]
    if missing:
        raise BadSchedule(f"lacks what {schedule.torch} needs: {', '.join(missing)}", TORCH)


class _StandIn(torch.optim.Optimizer):
    """The parameter groups of an optimizer, without its parameters: whoever schedules it changes nothing."""

    def __init__(self, optimizer: torch.optim.Optimizer) -> None:
        groups = [
            {"params": [torch.zeros(1)]} | {k: _number(v) for k, v in group.items() if k != "params"}
            for group in optimizer.param_groups
        ]
        super().__init__(groups, {key: _number(value) for key, value in optimizer.defaults.items()})

    def step(self, closure: Any = None) -> Any:
        """Torch's schedulers ask for one before each of theirs."""


def _scheduler(name: str) -> Any:
    return getattr(torch.optim.lr_scheduler, name)


def _with_defaults(schedule: Schedule, stand_in: _StandIn, length: int) -> dict[str, Any]:
    """The settings, with the length where they give none, and the optimizer's own learning rates."""
    assert schedule.torch is not None
    rates = [group[LR] for group in stand_in.param_groups]
    filled: dict[str, Any] = dict.fromkeys(_OF_THE_OPTIMIZER.get(schedule.torch, ()), rates)
    key = LENGTHS.get(schedule.torch)
    if key is not None and not _ENOUGH.get(key, set()) & schedule.settings.keys():
        filled[key] = length
    return filled | dict(schedule.settings)


def _run(schedule: Schedule, optimizer: torch.optim.Optimizer, length: int, laid_out: int) -> Table:
    """The scheduler's `length` epochs, laid out for so many; what it left alone is not in the table. Raises
    BadSchedule, and ZeroDivisionError where more epochs might help."""
    if not all(LR in group for group in optimizer.param_groups):
        raise BadSchedule("changes the learning rate, which the optimizer does not have", TORCH)
    stand_in = _StandIn(optimizer)
    before = [dict(group) for group in stand_in.param_groups]
    try:
        rows = _rows(schedule, stand_in, length, laid_out)
    except ZeroDivisionError:
        if laid_out == length:
            raise
        raise BadSchedule(f"has settings with which {schedule.torch} divides by zero", TORCH) from None
    except Exception as error:  # torch checks its settings in many ways
        said = f"has settings that {schedule.torch} refuses over {length} epochs: {error}"
        raise BadSchedule(said, TORCH) from None
    return [
        {
            key: [row[at][key] for row in rows]
            for key, value in group.items()
            if key != "params" and any(row[at][key] != value for row in rows)
        }
        for at, group in enumerate(before)
    ]


def _rows(schedule: Schedule, stand_in: _StandIn, length: int, laid_out: int) -> list[list[dict[str, Any]]]:
    """The stand-in's parameter groups in each epoch."""
    assert schedule.torch is not None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scheduler = _scheduler(schedule.torch)(stand_in, **_with_defaults(schedule, stand_in, laid_out))
        rows = [[dict(group) for group in stand_in.param_groups]]
        for _ in range(length - 1):
            stand_in.step()
            scheduler.step()
            rows.append([dict(group) for group in stand_in.param_groups])
    return rows


def _number(value: Any) -> Any:
    """A setting that an optimizer holds as a tensor, as a plain number."""
    return value.item() if isinstance(value, torch.Tensor) and value.numel() == 1 else value


def _set(group: dict[str, Any], name: str, value: Any) -> None:
    """A tensor keeps its place: a compiled step would not see another one."""
    if isinstance(group[name], torch.Tensor):
        group[name].fill_(value)
    else:
        group[name] = value
