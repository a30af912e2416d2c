"""One batch of each covering set-up through model, loss, optimizer and metrics, as a trial would do it.

`Probing(...)` collects what only running the task can tell: problems, the names of the metrics that are
reported, and which hyperparameters were read under which options.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from staycourse.core.job import DataSpec, Job, TaskSpec, TrainingSpec
from staycourse.core.metric_names import resolve
from staycourse.core.problems import Problem, UserError, nearest
from staycourse.core.space import Value, describe_setup
from staycourse.task.contract import Setup, Task
from staycourse.task.covering import differing
from staycourse.task.mistakes import called, raised
from staycourse.task.schedule_check import ScheduleCheck
from staycourse.training import data_path, optimizers
from staycourse.training.clock import WaitClock
from staycourse.training.data import Data
from staycourse.training.randomness import Randomness
from staycourse.training.readable import unreadable
from staycourse.training.stepping import Stepper
from staycourse.training.trial import Trial, make_model, make_teacher
from staycourse.training.validation import validate

_VALIDATION_SAMPLES = 256
_VALIDATION_BATCHES = 8
_FILE = ("task", "file")
# What the engine itself reads of every set-up.
_ENGINE_READS = {"batch_size", "schedule"}


@dataclass
class Probing:
    """`problems` and what was seen; `setups` are tried in order, `run()` tries them all."""

    task: Task
    data: Data
    setups: Sequence[dict[str, Value]]
    seed: int
    schedules: ScheduleCheck
    device: str
    uses: frozenset[str]
    training: TrainingSpec = TrainingSpec()
    reported: list[str] = field(default_factory=list)
    parameters: list[int] = field(default_factory=list)
    weights_bytes: list[int] = field(default_factory=list)
    checkpoint_bytes: list[int] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    read: list[set[str]] = field(default_factory=list)
    _failed: dict[str, list[int]] = field(default_factory=dict)
    _first: dict[str, Problem] = field(default_factory=dict)
    _step: str = ""

    def run(self) -> None:
        """Try every set-up; the same mistake under several is one problem."""
        for at, setup in enumerate(self.setups):
            names: set[str] = set()
            self.read.append(names)
            try:
                self._try(setup, names)
            except UserError as error:
                self._fail(at, Problem(_FILE, str(error)))
            except (Exception, SystemExit) as error:
                what = called(error, self.task.folder) or self._step
                self._fail(at, raised(what, error, self.task.folder))
        self.problems = [self._with_options(key, problem) for key, problem in self._first.items()]
        self.problems += self.schedules.problems()

    def unread(self) -> tuple[list[Problem], list[str]]:
        """Hyperparameters that nothing reads, and notes on those that are read under some options only."""
        problems, notes = [], []
        for name in dict.fromkeys(name for setup in self.setups for name in setup):
            under = [(setup, name in read) for setup, read in zip(self.setups, self.read, strict=True)]
            where = [is_read for setup, is_read in under if name in setup]
            if not any(where):
                right = f"hp['{name}'] in the task, or no such hyperparameter"
                problems.append(Problem(("space", name), "no function reads it, under no option", right))
            elif not all(where):
                unread = next(setup for setup, is_read in under if name in setup and not is_read)
                apart = describe_setup(differing(unread, list(self.setups)))
                notes.append(f"{name} is read under some options only, not with {apart}")
        return problems, notes

    def _try(self, values: dict[str, Value], names: set[str]) -> None:
        trial = self._assemble(values, names)
        names |= _ENGINE_READS & set(values)
        self._train_one(trial)
        self._weigh(trial)
        if self.data.validation is not None:
            self._step = "validation"
            reported = validate(trial, trial.scheduled.apply(0), 1, lambda number: None, WaitClock())
            self.reported += [name for name in reported if name not in self.reported]

    def _assemble(self, values: dict[str, Value], names: set[str]) -> Trial:
        setup = Setup(values, names)
        task, data, device = self.task, self.data, torch.device(self.device)
        job = Job(
            trial="check",
            folder="",
            task=TaskSpec("", "", ""),
            setup=values,
            seed=self.seed,
            repetition=0,
            epochs=1,
            horizon=1,
            data=DataSpec(),
            device=self.device,
        )
        randomness = Randomness(self.seed, 0, device)
        self._step = "teacher()"
        teacher = make_teacher(task, data, self.seed, device)
        self._step = "model()"
        model = make_model(task, setup, data, randomness, device)
        self._step = "optimizer()"
        optimizer = optimizers.build(task, model, setup)
        scheduled = self.schedules.scheduled(optimizer, setup, values)
        size = optimizers.batch_size(setup)
        limit = max(1, min(_VALIDATION_BATCHES, _VALIDATION_SAMPLES // size))
        loader = data_path.plain_loader(data, randomness, task.collate(), self.uses, limit)
        trial = Trial(
            job=job,
            task=task,
            setup=setup,
            device=device,
            randomness=randomness,
            data=data,
            loader=loader,
            model=model,
            teacher=teacher,
            optimizer=optimizer,
            scheduled=scheduled,
            stepper=Stepper(self.training, model, optimizer, device),
        )
        self.parameters.append(trial.parameters)
        return trial

    def _train_one(self, trial: Trial) -> None:
        """One step of training, looked at closely."""
        hp = trial.scheduled.apply(0)
        trial.model.train()
        loss_of = trial.stepper.loss_of(trial.task.bind("loss", **trial.offered(hp, 1, "train")))
        size = optimizers.batch_size(hp)
        plan = trial.loader.training_plan(1, size if self.data.is_stream else min(size, len(self.data.train)))
        self._step = "collate()" if self.task.has("collate") else "collating a batch (without a collate())"
        batch = trial.move(next(iter(trial.loader.batches(plan))))
        trial.randomness.step(1)
        self._step = "loss()"
        loss = loss_of(batch)
        _check_loss(loss)
        self._step = "loss().backward()"
        trial.stepper.backward(loss)
        _check_gradients(trial.model)
        self._step = "the optimizer's step"
        trial.stepper.update()

    def _weigh(self, trial: Trial) -> None:
        """What a checkpoint would take: the optimizer has its state by now."""
        weights = tensor_bytes(trial.stepper.kept.state_dict())
        rest = [trial.model.state_dict(), trial.optimizer.state_dict(), trial.stepper.state()]
        self.weights_bytes.append(weights)
        self.checkpoint_bytes.append(tensor_bytes(rest))
        if (name := unreadable(rest)) is not None:
            raise UserError(
                f"the state of model or optimizer holds {name}, with which a checkpoint could not be loaded "
                "(tensors and plain values only: float(lr) for a number of NumPy's, say)"
            )

    def _fail(self, at: int, problem: Problem) -> None:
        self._first.setdefault(problem.message, problem)
        self._failed.setdefault(problem.message, []).append(at)

    def _with_options(self, key: str, problem: Problem) -> Problem:
        """Name the options under which it goes wrong, if it does not under all."""
        failed = self._failed[key]
        if len(failed) == len(self.setups):
            return problem
        apart = describe_setup(differing(self.setups[failed[0]], list(self.setups)))
        if not apart:
            return problem
        return Problem(problem.path, f"with {apart}: {problem.message}", problem.right)


def tensor_bytes(value: Any) -> int:
    """Bytes of all tensors in nested content."""
    if isinstance(value, torch.Tensor):
        return value.numel() * value.element_size()
    if isinstance(value, Mapping):
        return sum(map(tensor_bytes, value.values()))
    return sum(map(tensor_bytes, value)) if isinstance(value, (list, tuple)) else 0


def unreported(asked: Sequence[Any], reported: Sequence[str]) -> list[Problem]:
    """Metrics that are asked for ({"name", "path"}, or plain names) and that the task does not report."""
    problems = []
    for item in asked:
        plain = isinstance(item, str)
        name, path = (item, ["objective", "metric"]) if plain else (item["name"], item["path"])
        if resolve(name, reported) is None:
            message = f"the task never reports '{name}'; it reports " + ", ".join(reported)
            right = nearest(name, reported) if len(reported) > 1 else ""
            problems.append(Problem(tuple(path), message, right))
    return problems


def _check_loss(loss: Any) -> None:
    if not isinstance(loss, torch.Tensor):
        raise UserError(f"loss() returns {type(loss).__name__}, and a scalar tensor is needed")
    if loss.numel() != 1:
        raise UserError(
            f"loss() has the shape {tuple(loss.shape)}, and a scalar is needed (loss.mean(), say)"
        )
    if not loss.requires_grad:
        raise UserError("loss() returns a tensor without a gradient: the model's output has been detached")
    if not math.isfinite(float(loss.detach())):
        raise UserError(f"loss() is {float(loss.detach()):g} on the very first batch")


def _check_gradients(model: torch.nn.Module) -> None:
    if not any(p.grad is not None for p in model.parameters()):
        raise UserError("loss() gives no parameter of the model a gradient")


def fetch_problem(
    data: Data, fetch: Callable[[Any, int, int], str], folder: Any, exact: bool
) -> tuple[Problem | None, bool]:
    """Fetch samples twice at equal seeds; (problem, whether all of them answered alike)."""
    for part in (data.train, data.validation):
        if part is None:
            continue
        for index in part.spread(12):
            try:
                alike = fetch(part.dataset, index, 1) == fetch(part.dataset, index, 1)
            except (Exception, SystemExit) as error:
                return raised(f"sample {index} of dataset()", error, folder), True
            if not alike:
                return (None if exact is False else _not_exact(index)), False
    return None, True


def _not_exact(index: int) -> Problem:
    return Problem(
        _FILE,
        f"the data set gives two different samples {index} at equal seeds: it has a generator of its own",
        "draw from the global generators of torch, random or numpy, or allow it with [data] exact = false",
    )


def first_of_stream(data: Data, folder: Any) -> tuple[Problem | None, Any]:
    """(problem, the first sample) of data without an order."""
    try:
        for sample in data.train.dataset:
            return None, sample
    except (Exception, SystemExit) as error:
        return raised("the first sample of dataset()", error, folder), None
    return Problem(_FILE, "the IterableDataset of dataset() ends before its first sample"), None
