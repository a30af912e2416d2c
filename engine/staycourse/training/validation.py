"""The validation set, seen once: mean loss and metrics weighted by sample count, and whole-set metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch.utils.data import Subset

from staycourse.core.metric_names import ENGINE_METRICS
from staycourse.core.outcome import Failure
from staycourse.core.problems import UserError
from staycourse.task.contract import Setup
from staycourse.training.clock import WaitClock
from staycourse.training.failures import kind_of
from staycourse.training.memo import remembering
from staycourse.training.meters import MetricMeter
from staycourse.training.optimizers import batch_size
from staycourse.training.plan import Plan
from staycourse.training.trial import Trial

VAL_LOSS = "val_loss"
Tick = Callable[[int], None]


class Batches:
    """The `loader` that `evaluate` is given: the whole validation set in its fixed order, on the device; once
    more within a loop over it, for metrics of pairs."""

    def __init__(self, trial: Trial, plan: Plan, tick: Tick, waits: WaitClock) -> None:
        part = trial.data.validation
        assert part is not None
        self.dataset = Subset(part.dataset, part.indices)
        self._trial, self._plan, self._tick, self._waits = trial, plan, tick, waits
        self._is_under_way = False

    def __len__(self) -> int:
        return self._plan.batches

    def __iter__(self) -> Iterator[Any]:
        if self._is_under_way:
            with self._trial.loader.beside(self._plan) as batches:
                yield from self._moved(batches)
            return
        self._is_under_way = True
        try:
            yield from self._moved(self._trial.loader.batches(self._plan))
        finally:
            self._is_under_way = False

    def _moved(self, batches: Iterator[Any]) -> Iterator[Any]:
        meet = self._trial.meeting(self._plan)
        for number, batch in enumerate(self._waits.over(batches)):
            self._tick(number)
            batch = self._trial.move(batch)
            if meet is not None:
                meet(batch)
            yield batch


def validate(trial: Trial, hp: Setup, epoch: int, tick: Tick, waits: WaitClock) -> dict[str, float]:
    """`val_loss` and the task's own metrics, in eval mode and without gradients.

    The set-up's batch size is used, whatever the schedule made of it; only where memory does not hold it,
    and the trial trains on fewer samples at once for that, are batches cut in two, down to as many. `tick`
    is called with the number of each batch, and `waits` counts the time until they come.
    """
    size = batch_size(trial.setup)
    least = min(size, trial.job.training.at_once or size)
    while size > least:
        try:
            return _by_batches_of(size, trial, hp, epoch, tick, waits)
        except Exception as error:
            if kind_of(error) is not Failure.OUT_OF_MEMORY:
                raise
        size = max(least, size // 2)
    return _by_batches_of(size, trial, hp, epoch, tick, waits)


def _by_batches_of(
    size: int, trial: Trial, hp: Setup, epoch: int, tick: Tick, waits: WaitClock
) -> dict[str, float]:
    plan = trial.loader.validation_plan(size)
    trial.stepper.kept_as.eval()
    with torch.no_grad(), trial.stepper.casting():
        values = _means(trial, plan, hp, epoch, tick, waits)
        if trial.task.has("evaluate"):
            trial.randomness.whole_set(epoch)
            offered = trial.offered(hp, epoch, "validation")
            given = trial.task.call("evaluate", loader=Batches(trial, plan, tick, waits), **offered)
            values |= {name: _number(name, value) for name, value in _named(given, "evaluate").items()}
    return values


def _means(trial: Trial, plan: Plan, hp: Setup, epoch: int, tick: Tick, waits: WaitClock) -> dict[str, float]:
    offered = trial.offered(hp, epoch, "validation")
    loss = trial.task.bind("loss", **offered)
    metrics = trial.task.bind("metrics", **offered) if trial.task.has("metrics") else None
    meter, meet = MetricMeter(), trial.meeting(plan)
    with remembering(trial.stepper.kept_as) as memo:
        for number, batch in enumerate(waits.over(trial.loader.batches(plan))):
            tick(number)
            memo.forget()
            batch = trial.move(batch)
            if meet is not None:
                meet(batch)
            trial.randomness.validation_step(number)
            size = plan.size(number)
            meter.add(VAL_LOSS, loss(batch), size)
            if metrics is not None:
                for name, value in _named(metrics(batch), "metrics").items():
                    # The task's own val_loss, if it has one, is the one that counts.
                    (meter.replace if name == VAL_LOSS else meter.add)(name, value, size)
    return meter.means()


def _named(given: Any, function: str) -> Mapping[str, Any]:
    if not isinstance(given, Mapping):
        raise UserError(f"{function}() returns {type(given).__name__}, and a dict {{name: number}} is needed")
    for name in given:
        if name in ENGINE_METRICS and name != VAL_LOSS:
            raise UserError(f"{function}() reports '{name}', a name that the engine uses itself")
    return given


def _number(name: str, value: Any) -> float:
    if isinstance(value, torch.Tensor) and value.numel() != 1:
        raise UserError(
            f"metric '{name}' of evaluate() has the shape {tuple(value.shape)}, and one number is needed"
        )
    return float(value)
