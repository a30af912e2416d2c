"""The training loop: epochs, windows, validation, rules and checkpoints of one trial.

What a step costs beside the user's own work is kept to a few microseconds: losses stay on the device
until a window ends, orders and messages are looked after every 50 ms.
"""

from __future__ import annotations

import contextlib
import math
import os
import signal
import time
from pathlib import Path
from typing import Any

from staycourse.core.rules import Ending
from staycourse.task.contract import Setup
from staycourse.training.checkpoint import Checkpoints, Loaded
from staycourse.training.clock import TICK_S, Pace, WaitClock
from staycourse.training.device import weights_on_cpu
from staycourse.training.finishing import finish
from staycourse.training.full_disk import FullDisk
from staycourse.training.judge import Judge, extended
from staycourse.training.messages import Events, Orders, Stopped
from staycourse.training.meters import window_length
from staycourse.training.plan import Plan
from staycourse.training.saving import Saver
from staycourse.training.state import Ended, State, last_finite
from staycourse.training.steps import Steps
from staycourse.training.trial import Trial
from staycourse.training.validation import VAL_LOSS, validate


class Loop:
    """One attempt at one trial, from where the newest checkpoint stands to its end."""

    def __init__(self, trial: Trial, checkpoints: Checkpoints, events: Events, orders: Orders) -> None:
        self.trial = trial
        self.job = trial.job
        self.state = State()
        self._checkpoints = checkpoints
        self._events = events
        self._orders = orders
        self._disk = FullDisk(events, orders)
        self._judge = Judge(self.job, trial.data.validation is not None)
        self._pace = Pace(events, trial.device)
        self._saver = Saver(self.job, checkpoints, events, self._disk, self._pace)
        self._began = time.perf_counter()
        # Samples of a forward pass, to tell where memory ends.
        self.at_once = 0
        self._seconds_before, self._is_updating = 0.0, False

    def restore(self) -> tuple[str | None, list[str]]:
        """Go on from this trial's checkpoint, or else its parent's; returns (file, notes).

        Rows of earlier attempts are sent again: a crash may have taken them from the record.
        """
        loaded = self._checkpoints.load()
        notes = list(loaded.notes) if loaded else []
        own = loaded is not None and bool(loaded.state)
        if not own and self.job.parent is not None:
            parent = Path(self.job.parent)
            sha256 = self.job.parent_sha256
            loaded = self._disk.waiting_out(lambda: self._checkpoints.adopt(parent, sha256), step=0)
            notes += loaded.notes
        if loaded is None or not loaded.state:
            return None, notes
        self._take_up(loaded, own)
        return loaded.file, notes

    def run(self) -> dict[str, Any]:
        """Train until a rule ends the trial; returns the body of the `ended` message.

        Raises Stopped, a checkpoint written, when the order to stop has come.
        """
        try:
            self._orders.check()
            self._judge_at_start()
            while self.state.ended is None:
                self._epoch()
        except Stopped:
            self._collect(self.state.epoch + 1)
            # A loss that is no number is found now instead of at the window's end, with the same outcome.
            if self.state.ended is None:
                self._save_stopped()
                raise
        return self._finish(self.state.ended)

    def _save_stopped(self) -> None:
        """On a full disk, or amid an update (which may have changed batch statistics, say), the steps since
        the last checkpoint are done again, that is all."""
        with contextlib.suppress(Stopped):
            if self._is_updating:
                self._saver.settle()
            else:
                self._save(is_last=True)

    def _take_up(self, loaded: Loaded, own: bool) -> None:
        saved = State.of(loaded.state["state"])
        self.state = saved if own else saved.continued()
        self._seconds_before = self.state.seconds
        self.trial.model.load_state_dict(loaded.state["model"])
        self.trial.optimizer.load_state_dict(loaded.state["optimizer"])
        self.trial.stepper.load(loaded.state.get("stepper", {}))
        self._events.rows(self.state.rows)

    def _judge_at_start(self) -> None:
        state = self.state
        if state.ended is None and state.epoch and not state.batch:
            ending = self._judge.verdict(state.epoch, state.curves, self._seconds())
            if ending is not None:
                self._end("completed", ending)

    def _epoch(self) -> None:
        began = time.perf_counter()
        hp = self.trial.scheduled.apply(self.state.epoch)
        plan = self._plan()
        self.trial.scheduled.warm_again(self.state.epoch, self.state.batch, plan.batches)
        whole = self.state.batch == 0
        if self.state.batch < plan.batches:
            self._train(plan, hp)
        if self.state.ended is None:
            self._end_epoch(plan, hp, began if whole else None)

    def _plan(self) -> Plan:
        """What the next epoch trains on: `accumulate` batches an update, each in as many passes as needed."""
        spec, epoch = self.job.training, self.state.epoch
        size = self.trial.scheduled.batch_size(epoch)
        at_once = min(size, spec.at_once or size)
        self.at_once = at_once
        return self.trial.loader.training_plan(epoch + 1, size * spec.accumulate, at_once)

    def _train(self, plan: Plan, hp: Setup) -> None:
        """The steps of an epoch from the batch on at which it stands; may end the trial as diverged."""
        state, meter, clock = self.state, self.state.meter, time.perf_counter
        self.trial.stepper.trained_as.train()
        window, kill_at = window_length(plan.batches), self._kill_at()
        self._before_forks()
        steps = Steps(self.trial, plan, hp, state.batch, self._pace.device_clock)
        steps.warm = self.trial.scheduled.warming(state.epoch, plan.batches)
        counted, ticked = state.batch, clock()
        while state.batch < plan.batches:
            self._is_updating = True
            meter.pending.append(steps.make(state.batch, state.step + 1))
            self._is_updating = False
            meter.sizes.append(plan.size(state.batch))
            state.step += 1
            state.batch += 1
            if state.batch % window == 0 or state.batch == plan.batches or steps.has_diverged:
                self._end_window(plan)
                if state.ended is not None:
                    return
            if state.step == kill_at:
                self._kill()
            if clock() - ticked >= TICK_S or state.batch == plan.batches:
                self._count(plan, steps, state.batch - counted, clock() - ticked)
                counted = state.batch
                self._tick(plan)
                if self.trial.loader.has_changed and state.batch < plan.batches:
                    self._before_forks()
                    steps.begin_at(state.batch)
                ticked = clock()

    def _before_forks(self) -> None:
        """What a thread has locked as a process is forked stays locked in there for ever."""
        if self.trial.loader.will_fork:
            self._saver.settle()

    def _count(self, plan: Plan, steps: Steps, done: int, seconds: float) -> None:
        """Take `done` steps, which took `seconds`, into the meters; let the loader learn from them."""
        samples = done * plan.batch_size
        self._pace.count(done, samples, steps.waited, steps.copied)
        trial, known = self.trial, self.trial.loader.facts
        if self._orders.resident is not None:
            trial.move_in(self._orders.resident)
            self._orders.resident = None
        trial.loader.observe(done, samples, seconds, steps.waited)
        if trial.loader.facts != known:
            self._events.send("loading", **trial.loader.facts)
        steps.waited = steps.copied = 0.0

    def _tick(self, plan: Plan) -> None:
        now = time.perf_counter()
        self._pace.timing(now, self.state.step, plan.epoch)
        self._pace.progress(now, self.state.step, plan.epoch, plan.batches)
        self._saver.look()
        self._orders.check()

    def _end_window(self, plan: Plan) -> None:
        self._collect(plan.epoch)
        if self.state.ended is not None:
            return
        self._row("train_loss_step", plan.epoch, self.state.meter.end_window())
        if self._saver.is_due_in_epoch():
            self._save()

    def _collect(self, epoch: int) -> None:
        """Sum the losses since the last time; the first that is no number ends the trial."""
        bad = self.state.meter.collect()
        if bad is not None:
            step = self.state.step - bad.steps_ago
            self._diverged(f"loss is {bad.value:g} at step {step}", step, epoch)

    def _end_epoch(self, plan: Plan, hp: Setup, began: float | None) -> None:
        """Validate, let the rules speak, and only then count the epoch as done: an order may come before."""
        job, epoch, has_validation = self.job, plan.epoch, self.trial.data.validation is not None
        values = {"train_loss": self.state.meter.epoch.value}
        due = epoch % job.validate_every == 0 or epoch == job.epochs
        if has_validation and due:
            values |= self._validate(plan, hp)
        ending = self._judge.verdict(epoch, extended(self.state.curves, epoch, values), self._seconds())
        if has_validation and not due and ending is not None:
            values |= self._validate(plan, hp)
        self._commit(plan, values)
        if VAL_LOSS in values and not math.isfinite(values[VAL_LOSS]):
            self._diverged(f"validation loss is {values[VAL_LOSS]:g}", self.state.step, epoch)
        elif ending is not None:
            self._end("completed", ending)
        self._pace.end_epoch(self.state.step, epoch, began)
        if self.state.ended is None and self._saver.is_due_after_epoch():
            self._save()

    def _validate(self, plan: Plan, hp: Setup) -> dict[str, float]:
        self._before_forks()
        began = time.perf_counter()
        looked_at = began

        def tick(number: int) -> None:
            nonlocal looked_at
            now = time.perf_counter()
            if now - looked_at >= TICK_S:
                looked_at = now
                state = self.state
                self._pace.progress(now, state.step, plan.epoch, plan.batches, validation_batch=number)
                self._orders.check()

        waits = WaitClock()
        values = validate(self.trial, hp, plan.epoch, tick, waits)
        self._pace.validated(self.state.step, plan.epoch, time.perf_counter() - began, waits.seconds)
        return values

    def _commit(self, plan: Plan, values: dict[str, float]) -> None:
        """The epoch is done: rows, curves, the best so far, the place."""
        state = self.state
        for name, value in values.items():
            self._row(name, plan.epoch, value)
        self._row("lr", plan.epoch, self.trial.scheduled.lr)
        self._row("batch_size", plan.epoch, plan.batch_size)
        if (scale := self.trial.stepper.loss_scale) is not None:
            self._row("loss_scale", plan.epoch, scale)
        state.curves = extended(state.curves, plan.epoch, values)
        state.meter.end_epoch()
        state.epoch, state.batch = plan.epoch, 0
        if VAL_LOSS in values:
            self._judge_best(values)

    def _judge_best(self, values: dict[str, float]) -> None:
        job, state = self.job, self.state
        value = self._judge.beats(values, state.best[1] if state.best else None)
        if value is not None:
            self._saver.settle()  # what is being written has the best before this one
            state.best = (state.epoch, value)
            self._checkpoints.keep_best(
                {
                    "format": 1,
                    "epoch": state.epoch,
                    "step": state.step,
                    "metric": job.metric,
                    "value": value,
                    "model": weights_on_cpu(self.trial.stepper.kept),
                }
            )

    def _seconds(self) -> float:
        return self._seconds_before + time.perf_counter() - self._began - self._disk.seconds

    def _end(self, outcome: str, ending: Ending) -> None:
        self.state.ended = Ended(outcome, ending.rule, ending.detail, self.state.epoch, self.state.step)

    def _diverged(self, what: str, step: int, epoch: int) -> None:
        lr, size = self.trial.scheduled.lr, self.trial.scheduled.batch_size(epoch - 1)
        detail = f"{what} (epoch {epoch}){last_finite(self.state)}; lr {lr:.3g}, batch size {size}"
        self.state.ended = Ended("diverged", "divergence", detail, epoch, step)

    def _row(self, name: str, epoch: int, value: float) -> None:
        self.state.rows.append(self._events.metric(name, self.state.step, epoch, value))

    def _save(self, *, is_last: bool = False) -> None:
        self._saver.save(self.state, self._seconds(), self.trial, is_last=is_last)

    def _finish(self, ended: Ended | None) -> dict[str, Any]:
        assert ended is not None
        self._save(is_last=True)
        return finish(self.trial, self.state, self._checkpoints, self._saver.facts, self._disk)

    def _kill_at(self) -> int:
        return self.job.kill_at_step if self.job.kill_at_step is not None and self.job.attempt == 1 else -1

    def _kill(self) -> None:
        """A rehearsed crash: everything sent, then gone without a word."""
        self._events.flush()
        os.kill(os.getpid(), signal.SIGKILL)
