"""A worker: one attempt at one trial, in a process of its own, from its job to its end.

`main(orders_fd, events_fd)` is called right after the fork, torch imported and nothing else done; it never
returns. The job is the first line on `orders_fd`; what happens is told on `events_fd`.
"""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import torch

# An optimizer's first instance imports this (1.3 s): once in the fork server, not in every worker.
import torch._dynamo

from staycourse.core import job as jobs
from staycourse.core.job import Job
from staycourse.training import failures, forked
from staycourse.training.checkpoint import Checkpoints
from staycourse.training.command.attempt import CommandAttempt
from staycourse.training.device import device_name
from staycourse.training.loop import Loop
from staycourse.training.messages import Events, Orders, PipeSink, Stopped, Unheard, read_line
from staycourse.training.output import print_to_log
from staycourse.training.trial import Trial

# Not an outcome: the supervisor sees a death without a last word, a crash, and tries again.
_EXIT_CRASHED = 70
_DEATH_WITHIN_S = 1.0


def main(orders_fd: int, events_fd: int) -> NoReturn:
    """Live a worker's life and end the process: status 0 once the last word is said, another for a crash,
    the signal that killed a loader worker for that one's death."""
    status = _EXIT_CRASHED
    try:
        # A SIGTERM to the whole group (systemd, Slurm) is the supervisor's to answer, with an order.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        print_to_log()
        status = _Worker(orders_fd, events_fd).live()
    except BaseException:
        traceback.print_exc()
    finally:
        _flush_output()
        _leave(status)


class _Worker:
    """The attempt, and what is told of it."""

    def __init__(self, orders_fd: int, events_fd: int) -> None:
        self._fds = (orders_fd, events_fd)
        self._events = Events(PipeSink(events_fd))
        self._trial: Trial | None = None
        self._loop: Loop | None = None

    def live(self) -> int:
        line, rest = read_line(self._fds[0])
        job = jobs.from_json(json.loads(line))
        orders = Orders(self._fds[0], rest)
        try:
            settle(job)
            if job.task.command is not None:
                return CommandAttempt(job, self._events, orders).run()
            self._train(job, orders)
        except Unheard:
            return _EXIT_CRASHED
        except BaseException as error:  # a task may raise any of them
            return self._fail_once(error)
        finally:
            if self._trial is not None:
                self._trial.loader.close()
        return 0

    def _train(self, job: Job, orders: Orders) -> None:
        self._trial = Trial.prepare(job, _settling(self._fds))
        loop = self._loop = Loop(self._trial, Checkpoints(Path(job.folder), job.trial), self._events, orders)
        if self._trial.teacher_cache is not None:
            self._trial.teacher_cache.tell = partial(self._tell, orders)
        try:
            resumed_from, notes = loop.restore()
            self._ready(self._trial, loop, resumed_from, notes)
            ended = loop.run()
        except Stopped:
            self._events.send("interrupted", step=loop.state.step, epoch=loop.state.epoch)
        else:
            self._events.send("ended", **ended)

    def _tell(self, orders: Orders, kind: str, **body: Any) -> None:
        """From within a step, which may take long the first time that the teacher is asked."""
        self._events.send(kind, **body)
        orders.check()

    def _ready(self, trial: Trial, loop: Loop, resumed_from: str | None, notes: list[str]) -> None:
        validation = trial.data.validation
        self._events.send(
            "ready",
            step=loop.state.step,
            epoch=loop.state.epoch,
            resumed_from=resumed_from,
            notes=trial.notes,
            checkpoint_notes=notes,
            train_samples=len(trial.data.train),
            validation_samples=0 if validation is None else len(validation),
            **trial.loader.facts,
            **trial.teacher_facts,
            parameters=trial.parameters,
            training=dataclasses.asdict(trial.job.training),
            device_name=device_name(trial.device),
        )

    def _fail_once(self, error: BaseException) -> int:
        """Fail of the error, or of a loader worker's death if torch raises that before it is kept from it."""
        try:
            return self._fail(error)
        except RuntimeError as death:
            if not failures.is_dead_loader(death):
                raise
            return self._fail(death)

    def _fail(self, error: BaseException) -> int:
        """Tell what was raised, unless a loader worker has died: that is this worker's death, too.

        It is looked for, and not read from the error: torch raises wherever this process is just then, and
        what comes of that inside of a library (a checkpoint being written, say) can be any error. A broken
        connection can be noticed before the death that broke it.
        """
        # Or torch would raise in here, too.
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        traceback.print_exception(error)
        is_likely = isinstance(error, (OSError, EOFError)) or failures.is_dead_loader(error)
        patience = _DEATH_WITHIN_S if is_likely else 0.0
        death = self._trial.loader.death(patience) if self._trial is not None else None
        if death is not None or failures.is_dead_loader(error):
            self._events.flush()
            return death if death is not None and death < 0 else _EXIT_CRASHED
        state = self._loop.state if self._loop is not None else None
        self._events.send(
            "failed",
            failure=failures.kind_of(error).value,
            error=failures.in_one_line(error),
            traceback=failures.full_text(error),
            step=state.step if state else 0,
            epoch=state.epoch if state else 0,
            at_once=self._loop.at_once if self._loop is not None else 0,
        )
        return 0


def settle(job: Job) -> None:
    """Make the process that of the job: its CPUs, its threads, its folders."""
    if job.cpus:
        os.sched_setaffinity(0, job.cpus)
    torch.set_num_threads(job.threads)
    torch.set_num_interop_threads(1)
    Path(job.folder).mkdir(parents=True, exist_ok=True)
    os.chdir(job.task.folder)


def _settling(fds: tuple[int, ...]) -> Callable[[int], None]:
    """For loader workers: they would keep the pipes open when this process is gone, and outlive it."""
    trains = os.getpid()

    def settle_loader(_: int) -> Any:
        forked.settle(trains)
        for fd in fds:
            os.close(fd)

    return settle_loader


def _leave(status: int) -> NoReturn:
    """End the process; a negative status is a signal to die of."""
    if status < 0:
        os.kill(os.getpid(), -status)
        status = _EXIT_CRASHED
    os._exit(status)


def _flush_output() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            continue
