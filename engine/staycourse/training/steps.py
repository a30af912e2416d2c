"""The updates of an epoch: each fetched, moved, passed forward and backward, and applied.

What a step costs beside the user's own work is kept to a few microseconds: no loss is read from a GPU here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import torch

from staycourse.task.contract import Setup
from staycourse.training.ahead import copied_ahead
from staycourse.training.device_clock import DeviceClock
from staycourse.training.fetching import TRAIN
from staycourse.training.plan import Plan
from staycourse.training.stepping import is_finite
from staycourse.training.trial import Trial

_clock = time.perf_counter


class Steps:
    """The updates of `plan` from number `start` on, made one after the other by `make`.

    `waited` and `copied` are the seconds that they have waited for data, and those in which it was copied to
    the device, as the host saw them; whoever reads them sets them back. `has_diverged` tells that the
    newest loss is no number, and was not applied: on a CPU that costs nothing to see. `warm` is called with
    each update's number before it is made, as long as the learning rate warms up; `marks` are put around the
    copy of a step's first batch and around all that follows of the step.
    """

    def __init__(
        self, trial: Trial, plan: Plan, hp: Setup, start: int, marks: DeviceClock | None = None
    ) -> None:
        self._plan, self._stepper, self._reseed = plan, trial.stepper, trial.randomness.step
        self._loss_of = trial.stepper.loss_of(trial.task.bind("loss", **trial.offered(hp, plan.epoch, TRAIN)))
        self._is_on_cpu = trial.device.type == "cpu"
        self._move, self._device = trial.move, trial.device
        self._loader, self._marks, self._meeting = trial.loader, marks, trial.meeting
        self._batches: Iterator[Any] = iter(())
        self._is_whole = plan.is_whole
        self.waited = self.copied = 0.0
        self.has_diverged = False
        self.warm: Callable[[int], None] | None = None
        self.begin_at(start)

    def begin_at(self, number: int) -> None:
        """Take the batches from update `number` on anew, from what the loader now has them from."""
        batches = self._loader.batches(self._plan, number)
        self._batches = batches if self._is_on_cpu else copied_ahead(batches, self._move, self._device)
        self._meet = self._meeting(self._plan, number)

    def make(self, number: int, step: int) -> torch.Tensor:
        """Make update `number`, the trial's `step`-th; returns its loss, detached, still on the device."""
        loss = self._pass(step, 0) if self._is_whole else self._passes(number, step)
        if not self.has_diverged:
            if self.warm is not None:
                self.warm(number)
            self._stepper.update()
        if self._marks is not None:
            self._marks.done()
        return loss

    def _passes(self, number: int, step: int) -> torch.Tensor:
        """Several passes whose gradients are those of one over all of their samples."""
        sizes, losses = self._plan.passes(number), []
        for part, size in enumerate(sizes):
            losses.append(self._pass(step, part, size / sum(sizes)))
            if self.has_diverged:
                break
        return torch.stack(losses).sum()

    def _pass(self, step: int, part: int, weight: float | None = None) -> torch.Tensor:
        batch = self._fetch(None if part else self._marks)
        self._reseed(step, part)
        loss = self._loss_of(batch)
        if weight is not None:
            loss = loss * weight
        if self._is_on_cpu and not is_finite(loss):
            self.has_diverged = True
        else:
            self._stepper.backward(loss)
        return loss.detach()

    def _fetch(self, marks: DeviceClock | None) -> Any:
        began = _clock()
        batch = next(self._batches)
        fetched = _clock()
        self.waited += fetched - began
        if marks is not None:
            marks.copying()
        if not self._is_on_cpu:
            batch = batch.take()
            self.copied += _clock() - fetched
        if marks is not None:
            marks.computing()
        if self._meet is not None:
            self._meet(batch)
        return batch
