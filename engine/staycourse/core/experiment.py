"""One experiment, told without a roadmap: its tables are those of a roadmap, its space is one set-up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from staycourse.core import plain_values
from staycourse.core.explain import validate
from staycourse.core.job import DataSpec, StopSpec, TrainingSpec, workers_of
from staycourse.core.own_names import batch_size_problems, schedule_problems
from staycourse.core.problems import Problem, RoadmapError
from staycourse.core.schedule_format import parse_schedules
from staycourse.core.schedules import Schedule
from staycourse.core.sections import SECTIONS, Data, Limits, Objective, Training
from staycourse.core.space import Fixed, Space, Value

_TABLES = ("objective", "data", "training", "limits")


@dataclass(frozen=True)
class Experiment:
    """What is trained and how, but for the task and where it stands."""

    setup: Mapping[str, Value]
    schedules: Mapping[str, Schedule]
    objective: Objective
    data: Data
    training: Training
    limits: Limits

    def data_spec(self, *, share: float, split: bool) -> DataSpec:
        """The data of a job."""
        data = self.data
        return DataSpec(
            validation=data.validation,
            share=share,
            split=split,
            workers=workers_of(data.workers),
            pin_memory=data.pin_memory,
            exact=data.exact,
            files=tuple(data.files),
            trusted=data.trusted,
            buffer=data.buffer,
            epoch_steps=self.training.epoch,
        )

    def training_spec(self) -> TrainingSpec:
        """How a job's updates are computed."""
        return TrainingSpec(**self.training.model_dump(exclude={"epoch", "validate_every"}))


def experiment(document: Mapping[str, Any], *, is_command: bool, source: str) -> Experiment:
    """The experiment that a document's `setup`, `schedules` and tables describe. Raises RoadmapError with
    every problem at once."""
    tidied, problems = plain_values.tidy(document)
    found = {name: validate(SECTIONS[name], tidied.get(name, {}), (name,), problems) for name in _TABLES}
    setup = tidied.get("setup", {})
    space = Space(tuple(Fixed(name, value) for name, value in setup.items()))
    schedules = parse_schedules(tidied.get("schedules", {}), space, problems)
    if not is_command:
        problems += schedule_problems(space, schedules, ("schedule",), "")
        problems += batch_size_problems(space)
    problems += [
        Problem(("hp", name), "not a name", "a-z, 0-9, _") for name in setup if not name.isidentifier()
    ]
    if problems:
        raise RoadmapError(source, problems)
    return Experiment(setup, schedules, **found)  # type: ignore[arg-type]  # none of them is None by now


def stop_spec(values: Mapping[str, Any]) -> StopSpec | None:
    """The rules that `--patience` and its like declare; None without them."""
    if values.get("patience") is None:
        return None
    return StopSpec(
        patience=values["patience"],
        start=values.get("patience_from") or 0,
        min_delta=values.get("min_delta") or 0.0,
        metric=values.get("stop_metric"),
        smooth=values.get("smooth") or 1,
    )
