"""What a worker is told to train: everything, so that a trial is a function of its job."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from staycourse.core import schedules
from staycourse.core.command import CommandSpec
from staycourse.core.rules import Rule
from staycourse.core.rules.limits import EpochLimit, TimeLimit
from staycourse.core.rules.median import MedianStopping
from staycourse.core.rules.patience import Patience
from staycourse.core.rules.smoothed_patience import SmoothedPatience
from staycourse.core.schedules import Schedule
from staycourse.core.space import Value


@dataclass(frozen=True)
class StopSpec:
    """The declared `stop` of a phase.

    `smooth` is how many values patience takes the mean of. `median` holds (epoch, value) of what other trials
    had, empty where the trial is not compared; the comparison ends none before `median_start` epochs.
    """

    patience: int | None
    start: int = 0
    min_delta: float = 0.0
    metric: str | None = None
    smooth: int = 1
    median: tuple[tuple[int, float], ...] = ()
    median_start: int = 0

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> StopSpec:
        """What `to_json` described; earlier versions knew patience alone."""
        median = tuple((int(epoch), float(value)) for epoch, value in body.get("median", ()))
        return cls(**{**body, "median": median})

    def to_json(self) -> dict[str, Any]:
        """The rules as JSON values."""
        return {**vars(self), "median": [list(point) for point in self.median]}


@dataclass(frozen=True)
class TaskSpec:
    """Where the task's code is and how it is called.

    `code` is the folder with the sealed copy, `file` the task file's path in it, `folder` the
    roadmap's folder, in which relative paths start; with `has_files` the task needs no `dataset`. Where the
    task is a script of its own, `command` says how it is driven, and `file` is empty.
    """

    code: str
    file: str
    folder: str
    args: Mapping[str, Any] = field(default_factory=dict)
    has_files: bool = False
    command: CommandSpec | None = None


@dataclass(frozen=True)
class DataSpec:
    """Which samples a trial sees.

    `validation` is the share held out, `share` what is taken of both parts; with `split` false all
    samples are trained on and nothing is validated. `resident` describes the samples in shared memory,
    where the run's loader process has them there (training.stored).

    `files` are the patterns that stand in for a `dataset` where the task has none; `buffer` bounds the bytes
    of them in memory, and `index` is a file that keeps what is in each. `epoch_steps` are the updates that
    count as an epoch where the data has no end.
    """

    validation: float = 0.2
    share: float = 1.0
    split: bool = True
    workers: int | str = "auto"
    pin_memory: bool | str = "auto"
    exact: bool = True
    resident: Mapping[str, Any] | None = None
    files: tuple[str, ...] = ()
    trusted: bool = False
    buffer: int = 1 << 30
    index: str | None = None
    epoch_steps: int | None = None


@dataclass(frozen=True)
class TrainingSpec:
    """How updates are computed, beside the set-up.

    An update takes `accumulate` batches together; `grad_clip` bounds the norm of its gradient; `ema` is the
    decay of the averaged weights that are validated and kept. `teacher_cache` bounds the bytes of a teacher's
    outputs that are kept in place of asking it, 0 for none. `at_once` is the most samples that one forward
    pass is given, None for a whole batch: what an earlier attempt, out of memory, has left.
    """

    precision: str = "fp32"
    compile: bool = False
    grad_clip: float | None = None
    ema: float | None = None
    accumulate: int = 1
    teacher_cache: int = 4 << 30
    at_once: int | None = None


@dataclass(frozen=True)
class Job:
    """One attempt at one trial.

    `epochs` is the upper bound of this trial, `horizon` the length that its schedule is made for;
    `parent` is the folder of the trial whose last checkpoint this one goes on from, `parent_sha256` the
    hash that the ledger has of it, `parent_files` those of all that it has left, by name;
    `checkpoint_every` is in seconds; `teacher_outputs` is the folder in which trials share what a teacher
    says. `batches_per_epoch` and `kill_at_step` are set in a rehearsal only: the miniature's length of an
    epoch, and the step after which the first attempt kills itself.
    """

    trial: str
    folder: str
    task: TaskSpec
    setup: Mapping[str, Value]
    seed: int
    repetition: int
    epochs: int
    horizon: int
    metric: str = "val_loss"
    goal: str = "min"
    stop: StopSpec | None = None
    trial_hours: float | None = None
    data: DataSpec = DataSpec()
    training: TrainingSpec = TrainingSpec()
    schedules: Mapping[str, Schedule] = field(default_factory=dict)
    validate_every: int = 1
    checkpoint_every: float = 300.0
    threads: int = 1
    device: str = "cpu"
    cpus: tuple[int, ...] = ()
    parent: str | None = None
    parent_sha256: str | None = None
    parent_files: Mapping[str, str] = field(default_factory=dict)
    final: str | None = None
    teacher_outputs: str | None = None
    attempt: int = 1
    batches_per_epoch: int | None = None
    kill_at_step: int | None = None

    def rules(self) -> list[Rule]:
        """The rules that may end this trial, first declared first."""
        return declared_rules(self.epochs, self.stop, self.metric, self.goal, self.trial_hours)

    @property
    def stop_metric(self) -> str:
        """The metric that `stop` watches: the ranking's unless it names another."""
        return self.stop.metric if self.stop and self.stop.metric else self.metric


def declared_rules(
    epochs: int, stop: StopSpec | None, objective: str, goal: str, trial_hours: float | None
) -> list[Rule]:
    """What may end a trial, in the order in which it is asked."""
    rules: list[Rule] = [EpochLimit(epochs)]
    if stop is not None:
        metric = stop.metric or objective
        watched = goal_of(metric, objective, goal)
        rules += _stop_rules(stop, metric, watched)
    if trial_hours is not None:
        rules.append(TimeLimit(trial_hours))
    return rules


def _stop_rules(stop: StopSpec, metric: str, goal: str) -> Iterator[Rule]:
    if stop.patience is not None:
        patience = Patience(stop.patience, goal, stop.start, stop.min_delta, metric)
        yield patience if stop.smooth == 1 else SmoothedPatience(patience, stop.smooth)
    if stop.median:
        yield MedianStopping(stop.median, stop.median_start, goal, metric)


def goal_of(metric: str, objective: str, goal: str) -> str:
    """The goal of a metric that `stop` names beside the objective: lower is better for what is a loss or
    an error by its name, else the objective's goal."""
    if metric == objective:
        return goal
    return "min" if metric.endswith(("loss", "error", "err", "eer", "wer")) else goal


def workers_of(asked: int | str) -> int | str:
    """`"4/gpu"` is 4 for each trial, which has one GPU."""
    if isinstance(asked, str) and asked.endswith("/gpu"):
        return int(asked.removesuffix("/gpu"))
    return asked


def to_json(job: Job) -> dict[str, Any]:
    """The job as JSON values (schedule epochs become text)."""
    return dataclasses.asdict(job) | {"schedules": schedules.to_json(job.schedules)}


def from_json(body: Mapping[str, Any]) -> Job:
    """The job that `to_json` described."""
    stop = StopSpec.from_json(body["stop"]) if body["stop"] else None
    return Job(
        **{
            **body,
            "task": _task_from_json(body["task"]),
            "data": DataSpec(**{**body["data"], "files": tuple(body["data"]["files"])}),
            "training": TrainingSpec(**body["training"]),
            "stop": stop,
            "schedules": schedules.from_json(body["schedules"]),
            "cpus": tuple(body["cpus"]),
        }
    )


def _task_from_json(body: Mapping[str, Any]) -> TaskSpec:
    """Jobs and requests of earlier versions know nothing of commands."""
    command = body.get("command")
    return TaskSpec(**{**body, "command": CommandSpec.from_json(command) if command else None})
