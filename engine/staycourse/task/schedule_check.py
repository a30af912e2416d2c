"""Whether each schedule can be followed with each optimizer that it may meet, over each phase's length."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch.optim import Optimizer

from staycourse.core.problems import Problem
from staycourse.core.schedules import CONSTANT, Schedule
from staycourse.core.space import Choice, Fixed, Space, Value, exists
from staycourse.task.contract import Setup
from staycourse.training.scheduling import BadSchedule, Scheduled, torch_table


class ScheduleCheck:
    """Collects what is wrong with `schedules`, the same mistake under several optimizers once; `horizons` are
    the numbers of epochs that they are made for."""

    def __init__(self, schedules: Mapping[str, Schedule], horizons: Sequence[int], space: Space) -> None:
        self._schedules = schedules
        self._horizons = horizons
        self._choice = space.get("schedule") if "schedule" in space.names else None
        self._met: dict[str, dict[str, None]] = {}
        self._wrong: dict[tuple[str, str | None, str], dict[str, None]] = {}

    def scheduled(self, optimizer: Optimizer, hp: Setup, values: Mapping[str, Value]) -> Scheduled:
        """Look at all that this optimizer may meet; returns the set-up's own, constant if that is wrong.

        `values` are those of `hp`, which notes what is read of it: what is looked at here is not read by the
        task.
        """
        setup = Setup(values)
        for name in self._schedules:
            if name not in self._named or (self._choice is not None and exists(self._choice, setup)):
                self._look(name, optimizer, setup)
        own = str(setup.get("schedule", CONSTANT))
        is_wrong = any(name == own for name, _, _ in self._wrong)
        schedule = Schedule() if is_wrong else self._schedules.get(own, Schedule())
        return Scheduled(schedule, optimizer, hp, max(self._horizons))

    def problems(self) -> list[Problem]:
        """What was found, with the optimizers under which it is wrong where it is not under all."""
        found = []
        for (name, key, what), optimizers in self._wrong.items():
            is_everywhere = optimizers.keys() == self._met[name].keys()
            if is_everywhere or name in self._named:
                whose = "" if is_everywhere else f"with {', '.join(optimizers)}: "
                path = ("schedules", name) if key is None else ("schedules", name, key)
                found.append(Problem(path, f"{whose}the schedule {what}"))
        return found

    @property
    def _named(self) -> frozenset[str]:
        """The schedules that a set-up can have; of another one, only torch's settings are looked at."""
        h = self._choice
        options = h.options if isinstance(h, Choice) else (h.value,) if isinstance(h, Fixed) else ()
        return frozenset(map(str, options))

    def _look(self, name: str, optimizer: Optimizer, setup: Setup) -> None:
        kind, schedule = type(optimizer).__name__, self._schedules[name]
        self._met.setdefault(name, {})[kind] = None
        for horizon in self._horizons:
            try:
                if name in self._named:
                    Scheduled(schedule, optimizer, setup, horizon)
                else:
                    torch_table(schedule, optimizer, horizon)
            except BadSchedule as error:
                self._wrong.setdefault((name, error.key, error.what), {})[kind] = None
                return
