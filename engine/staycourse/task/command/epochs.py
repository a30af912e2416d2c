"""From what a script tells to epochs that are over: which values are theirs, and when they are final.

Scripts count from 0 or from 1, tell of an epoch before its values or with them, of fractions of it, or not
at all. Here the first epoch is 1. An epoch is over as soon as all that is watched has been told of it; where
that does not come (nothing is validated), when the next one begins or the script ends.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from staycourse.core.metric_names import resolve
from staycourse.task.command.record import Record

Row = tuple[str, int, int, float]  # name, step, epoch, value
WITHIN = "_step"


@dataclass(frozen=True)
class Over:
    """An epoch that is over: its number (from 1), the step at its end, its values by name."""

    number: int
    step: int
    values: Mapping[str, float]


@dataclass
class Epochs:
    """`watched` are the metrics without which an epoch is not over; without `has_epochs` each time that they
    are told of is one. A script that tells of no step has one an epoch; where steps begin anew with each
    epoch, they are counted on.

    `rows` are of steps within an epoch, or came late for the last one; the caller takes them away.
    """

    watched: tuple[str, ...]
    has_epochs: bool = True
    over: int = 0
    rows: list[Row] = field(default_factory=list)
    _current: int = 0
    _pending: dict[str, float] = field(default_factory=dict)
    _told: frozenset[str] = frozenset()
    _offset: int | None = None
    _is_resumed: bool = False
    _is_partial: bool = False
    _step: int = 0
    _base: int = 0
    _may_begin_anew: bool = False
    _ends: dict[int, tuple[int, int]] = field(default_factory=dict)  # epoch to step, and base behind it

    def take(self, record: Record) -> list[Over]:
        """The epochs that are over by what a script tells now, mostly none or one."""
        ended = self._enter(record)
        if self._current <= self.over:
            self._take_late(record)
            return ended
        self._take_step(record)
        self._pending |= record.values
        if self._is_complete():
            ended.append(self._end())
        return ended

    def finish(self) -> list[Over]:
        """The script has ended: so has its last epoch, if it told of anything in it."""
        return [self._end()] if self._pending else []

    def is_beyond(self, record: Record) -> bool:
        """Whether the script is in a later epoch than the last that is over."""
        return record.epoch is not None and self._number(record, record.epoch) > self.over

    @property
    def step(self) -> int:
        """The last step that is known."""
        return max(self._base + self._step, self._ends.get(self.over, (0, 0))[0])

    def state(self) -> dict[str, Any]:
        """JSON values, from which `restore` goes on."""
        ends = {str(number): list(end) for number, end in self._ends.items()}
        return {"over": self.over, "offset": self._offset, "ends": ends}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on behind the epochs that were over. A script that goes on from an earlier one says so itself,
        by the first epoch of which it tells."""
        self._offset, self._is_resumed = state["offset"], True
        self._ends = {int(number): (int(step), int(base)) for number, (step, base) in state["ends"].items()}
        self._go_behind(int(state["over"]))

    def _enter(self, record: Record) -> list[Over]:
        """Note in which epoch the script is; the one before is over if this is a later one."""
        if record.epoch is None:
            if not self.has_epochs:
                self._current = self.over + 1
            return []
        number = self._number(record, record.epoch)
        if self._is_resumed and number <= self.over:
            self._go_behind(number - 1)
        ended = [self._end()] if number > self._current and self._pending else []
        self.has_epochs, self._is_resumed = True, False
        self._is_partial = record.epoch != int(record.epoch)
        if number > self._current:
            self._current, self._may_begin_anew = number, True
        return ended

    def _number(self, record: Record, epoch: float) -> int:
        if self._offset is None and epoch == int(epoch):
            self._offset = int(epoch == 0 and not record.counts_done)
        return max(0, math.ceil(epoch)) + (self._offset or 0)

    def _go_behind(self, number: int) -> None:
        self.over = self._current = max(0, number)
        self._ends = {at: end for at, end in self._ends.items() if at <= self.over}
        self._step, self._base, self._may_begin_anew = 0, 0, True
        if self.over in self._ends:
            step, self._base = self._ends[self.over]
            self._step = step - self._base

    def _take_late(self, record: Record) -> None:
        """What is told of an epoch that is over and was not told before; what was stands."""
        if not self.over or self._current != self.over or self._is_resumed:
            return
        late = {name: value for name, value in record.values.items() if name not in self._told}
        step = self._ends[self.over][0]
        self.rows += [(name, step, self.over, value) for name, value in late.items()]
        self._told |= frozenset(late)

    def _take_step(self, record: Record) -> None:
        if record.step is None or (record.step <= self._step and not self._may_begin_anew):
            return
        if record.step <= self._step:
            self._base += self._step
        self._step, self._may_begin_anew = record.step, False
        at, within = self._base + record.step, set(record.values).difference(self.watched)
        self.rows += [(f"{name}{WITHIN}", at, self._current, record.values[name]) for name in sorted(within)]

    def _is_complete(self) -> bool:
        """A fraction of an epoch is not all of it, whatever was told there."""
        return not self._is_partial and all(resolve(name, self._pending) for name in self.watched)

    def _end(self) -> Over:
        number = max(self._current, self.over + 1)
        before = self._ends.get(self.over, (0, 0))[0]
        step = max(self._base + self._step, before + 1) if self._step else max(number, before + 1)
        values, self._pending = self._pending, {}
        self.over = self._current = number
        self._told, self._ends[number] = frozenset(values), (step, self._base)
        return Over(number, step, values)
