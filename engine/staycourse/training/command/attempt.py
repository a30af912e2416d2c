"""One attempt at a trial of a command task: from the start of its script to its last word.

Declared rules alone end it: SIGTERM to the script's process group, SIGKILL to what is left of it. A script
that ends by itself has completed its trial, whatever its length; one that ends with an error has failed.
"""

from __future__ import annotations

import os
import shlex
import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from staycourse.core.command import Told, arguments, script_seed
from staycourse.core.job import Job
from staycourse.core.outcome import Failure
from staycourse.task.command.reading import Reading, may_tell_epochs
from staycourse.task.sources import sha256
from staycourse.training.command.course import Course
from staycourse.training.command.environment import environment
from staycourse.training.command.export import export
from staycourse.training.command.failure import failure_of, has_no_room
from staycourse.training.command.place import Place
from staycourse.training.command.script import Script
from staycourse.training.command.settling import Settling
from staycourse.training.messages import Events, Orders, Stopped
from staycourse.training.state import Ended

_READ_S, _HASTY_S, _TICK_S = 0.1, 0.01, 0.5


class CommandAttempt:
    """`run` lives it; the worker then leaves with the status that it returns."""

    def __init__(self, job: Job, events: Events, orders: Orders) -> None:
        assert job.task.command is not None
        self.job, self._events, self._orders = job, events, orders
        self._spec = job.task.command
        self._place = Place(job, self._told(resumes=False).values())
        self.course = Course(job, events, has_epochs=may_tell_epochs(self._spec.metrics))
        self._heard, self._heard_at = 0, time.time()

    def run(self) -> int:
        """0 once the last word is said, else minus the signal of which the script has died."""
        state, is_own = self._place.prepare()
        if state is not None:
            self.course.restore(state, is_own=is_own)
        told = self._told(resumes=state is not None)
        words = self._program(told)
        self._ready(words, state is not None)
        self.course.judge_at_start()
        if self.course.ended is not None:
            return self._end(self.course.ended)
        try:
            script = Script(words, self._place.cwd, environment(self.job, told, self._place))
        except OSError as error:
            return self._fail(Failure.ERROR, f"{words[0]} cannot be started: {error.strerror}")
        try:
            self._follow(script, told)
        except Stopped:
            script.end()
            if self.course.ended is not None:
                return self._judge(script)
            self._tell_use(script)
            self._events.send("interrupted", step=self.course.epochs.step, epoch=self.course.epoch)
            return 0
        finally:
            script.kill()
        return self._judge(script)

    def _told(self, *, resumes: bool) -> Told:
        job = self.job
        return Told(
            setup=job.setup,
            epochs=job.horizon,
            stop_epoch=job.epochs,
            seed=script_seed(job.seed, job.repetition),
            share=job.data.share,
            split=job.data.split,
            trial_dir=job.folder,
            device=job.device,
            resumes=resumes,
        )

    def _program(self, told: Told) -> list[str]:
        """The words of the command; `python` is the interpreter that was sealed."""
        words = arguments(self._spec, told)
        if self._spec.python and words[0] in ("python", "python3"):
            words[0] = self._spec.python
        return words

    def _ready(self, words: list[str], resumes: bool) -> None:
        self._events.send(
            "ready",
            step=self.course.epochs.step,
            epoch=self.course.epoch,
            resumed_from="what the script has left" if resumes else None,
            notes=self._place.notes,
            checkpoint_notes=self._place.notes,
            command=shlex.join(words),
            device_name=self.job.device,
        )

    def _follow(self, script: Script, told: Told) -> None:
        """Read the script until it ends, or a rule ends it. Raises Stopped."""
        reading = Reading(self._spec.metrics, self._place.cwd, told.values(), self._place.metrics)
        settling = Settling(self._place, self.course, script.has_open, ends_by_itself=self._ends_by_itself())
        ticked = 0.0
        while script.code is None:
            is_ending, since = self.course.ended is not None, self._heard_at
            self._hear(script, reading, is_polling=time.monotonic() - ticked >= _TICK_S, is_hasty=is_ending)
            if time.monotonic() - ticked >= _TICK_S:
                ticked = time.monotonic()
                self._tick()
            if self.course.ended is not None:
                settling.begin(since)
                if settling.is_over():
                    script.end()
        self._hear(script, reading, is_polling=True)
        self.course.finish()

    def _ends_by_itself(self) -> bool:
        """Whether the script knows where this trial ends."""
        told = self._spec.is_told
        return told("stop_epoch") or (told("epochs") and self.job.epochs == self.job.horizon)

    def _hear(self, script: Script, reading: Reading, *, is_polling: bool, is_hasty: bool = False) -> None:
        over, lines = self.course.epoch, script.read(_HASTY_S if is_hasty else _READ_S)
        self._heard_at = time.time()
        for line in lines:
            self._heard += 1
            for record in reading.line(line.text):
                self.course.take(record, script.resident_bytes)
        for record in reading.poll() if is_polling else ():
            self._heard += 1
            self.course.take(record, script.resident_bytes)
        if self.course.epoch > over:
            self._epoch_over()

    def _epoch_over(self) -> None:
        self._place.save(self.course.state())
        if self._spec.can_resume and self._place.left():
            self._events.send("checkpoint", file="checkpoint", step=self.course.epochs.step, sha256="")
        if self.job.kill_at_step is not None and self.job.attempt == 1 and self.course.ended is None:
            self._events.flush()
            os.kill(os.getpid(), signal.SIGKILL)  # a rehearsed crash

    def _tick(self) -> None:
        """Where it is, and that it lives: output is a sign of life as well."""
        step, epoch = self.course.epochs.step, self.course.epoch
        self._events.send("progress", step=step, epoch=epoch, steps_per_epoch=1, heard=self._heard)
        self._orders.check()

    def _judge(self, script: Script) -> int:
        """What the end of the script means."""
        course, code = self.course, script.code or 0
        self._place.save(course.state())
        self._tell_use(script)
        ended = course.ended
        if ended is not None and course.is_at_its_length and course.is_beyond:
            ended = replace(ended, detail=f"{ended.detail}; the script had begun the next epoch by then")
        if ended is not None and (not course.is_at_its_length or not code or script.was_ended):
            return self._end(ended)
        lines = list(script.last_lines)
        if code and has_no_room(lines, self._place.folder):
            why = "the script found no room on the disk"
            self._events.send("waiting", step=course.epochs.step, why=why)
            return -signal.SIGKILL  # as one that somebody else has ended: owed, and never its own fault
        if code < 0:
            return code
        if code > 0:
            return self._fail(*failure_of(code, lines))
        return self._end_by_itself()

    def _end_by_itself(self) -> int:
        """The script is done, perhaps before a rule would have ended it, by one of its own."""
        course, job = self.course, self.job
        epochs = course.epoch or (job.epochs if self._ends_by_itself() and not job.data.split else 0)
        if not epochs or (job.data.split and not course.curve()):
            told = ", ".join(sorted(course.told)) or "nothing that [task.metrics] describes"
            return self._fail(Failure.ERROR, f"the script ended without a {job.metric}: it told of {told}")
        detail = f"the script ended by itself after {epochs} of {job.epochs} epochs"
        rule = "epochs" if epochs >= job.epochs else "script"
        return self._end(Ended("completed", rule, detail, epochs, max(course.epochs.step, epochs)))

    def _end(self, ended: Ended) -> int:
        files = {self._place.name(path): _facts(path) for path in self._place.left()}
        is_final = self.job.final is not None and ended.outcome == "completed"
        if is_final and not export(self.job, self._place, ended.epoch):
            return self._fail(Failure.ERROR, self._no_weights(ended))
        if files:
            state = self._place.folder / "command.json"
            files[state.name] = _facts(state)
        self._place.tidy()
        best = self.course.best
        self._events.send(
            "ended",
            **vars(ended),
            best=None if best is None else {"epoch": best[0], "value": best[1]},
            curve=self.course.curve(),
            seconds=self.course.seconds,
            files=files,
        )
        return 0

    def _no_weights(self, ended: Ended) -> str:
        """Many scripts save at their own end, which comes too late where a rule has ended them."""
        said = "the script left no weights where `weights` says"
        if ended.epoch >= self.job.horizon:
            return said
        return f"{said} by the end of epoch {ended.epoch}; one that saves at its end needs {{stop_epoch}}"

    def _fail(self, failure: Failure, error: str) -> int:
        step, epoch = self.course.epochs.step, self.course.epoch
        self._events.send("failed", failure=failure.value, error=error, traceback="", step=step, epoch=epoch)
        return 0

    def _tell_use(self, script: Script) -> None:
        """What is worth keeping of this run of the script."""
        self._events.send(
            "loading",
            exit_code=script.code,
            last_lines=list(script.last_lines),
            cpu_seconds=round(script.cpu_seconds, 3),
            peak_rss_bytes=script.peak_bytes,
        )


def _facts(path: Path) -> dict[str, Any]:
    return {"sha256": sha256(path), "bytes": path.stat().st_size}
