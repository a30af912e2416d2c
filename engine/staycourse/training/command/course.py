"""The course of a script's training: curves, the best epoch, and the declared rules that may end it."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping
from typing import Any

from staycourse.core.canonical import decode_number, encode_number
from staycourse.core.job import Job
from staycourse.core.metric_names import resolve
from staycourse.core.rules import Progress, first_to_fire
from staycourse.task.command.epochs import Epochs, Over
from staycourse.task.command.record import Record
from staycourse.training.messages import Events, Row
from staycourse.training.state import Curve, Ended, is_better

_LOSS, _LENGTH = "loss", "epochs"


class Course:
    """What a script has told so far, sent on as rows. `ended` is set once a rule has ended the trial,
    `is_beyond` once the script trains on all the same; `epoch_seconds` is what the last epoch took."""

    def __init__(self, job: Job, events: Events, *, has_epochs: bool) -> None:
        self._job, self._events = job, events
        watched = tuple(dict.fromkeys((job.metric, job.stop_metric))) if job.data.split else ()
        self._watched = watched or (job.metric,)
        self.epochs = Epochs(self._watched, has_epochs)
        self._rules = job.rules()
        self.curves: dict[str, Curve] = {}
        self.best: tuple[int, float] | None = None
        self.ended: Ended | None = None
        self.told: set[str] = set()
        self._rows: list[Row] = []
        self._seconds_before, self._began = 0.0, time.monotonic()
        self._epoch_began: float | None = None
        self.epoch_seconds = 0.0
        self.is_beyond = False

    @property
    def epoch(self) -> int:
        """Epochs that are over."""
        return self.epochs.over

    @property
    def seconds(self) -> float:
        """Seconds of training, those of earlier attempts included."""
        return self._seconds_before + time.monotonic() - self._began

    @property
    def is_at_its_length(self) -> bool:
        """Whether the trial ends because all of its epochs are done."""
        return self.ended is not None and self.ended.rule == _LENGTH

    def take(self, record: Record, resident_bytes: Any) -> None:
        """What the script tells; nothing counts after the trial's end. `resident_bytes()` is its memory."""
        self.told.update(record.values)
        if self.ended is None:
            self._count(self.epochs.take(record), resident_bytes)
        else:
            self.is_beyond = self.is_beyond or self.epochs.is_beyond(record)

    def finish(self) -> None:
        """The script has ended."""
        if self.ended is None:
            self._count(self.epochs.finish(), None)

    def judge_at_start(self) -> None:
        """An attempt may have gone after its last epoch and before its last word."""
        if self.epoch:
            self._judge(self.epoch)

    def curve(self) -> list[list[float]]:
        """(epoch, value) of the objective."""
        name = resolve(self._job.metric, self.curves)
        return [list(point) for point in self.curves[name]] if name is not None else []

    def state(self) -> dict[str, Any]:
        """JSON values, from which another attempt, or a trial that goes on from this one, goes on."""
        curves = {
            name: [[epoch, encode_number(value)] for epoch, value in curve]
            for name, curve in self.curves.items()
        }
        return {"epochs": self.epochs.state(), "curves": curves, "rows": self._rows, "seconds": self.seconds}

    def restore(self, state: Mapping[str, Any], *, is_own: bool) -> None:
        """Go on from there; rows of an earlier attempt are sent again, for a crash may have taken them."""
        self.epochs.restore(state["epochs"])
        for name, curve in state["curves"].items():
            self.curves[name] = [(int(epoch), decode_number(value)) for epoch, value in curve]
        self._find_best()
        if is_own:
            self._rows = [tuple(row) for row in state["rows"]]
            self._events.rows(self._rows)
            self._seconds_before = float(state["seconds"])

    def _count(self, ended: Iterable[Over], resident_bytes: Any) -> None:
        for over in ended:
            self._take_rows()
            if self.ended is None:
                self._epoch(over, resident_bytes)
        self._take_rows()

    def _take_rows(self) -> None:
        rows, self.epochs.rows[:] = list(self.epochs.rows), []
        for name, step, epoch, value in rows:
            self._rows.append(self._events.metric(name, step, epoch, value))

    def _epoch(self, over: Over, resident_bytes: Any) -> None:
        """Rows, curves, the best so far; then the rules speak."""
        self._forget_from(over.number)
        for name, value in over.values.items():
            self._rows.append(self._events.metric(name, over.step, over.number, value))
            self.curves.setdefault(name, []).append((over.number, value))
        self._time(over, resident_bytes)
        self._find_best()
        bad = self._no_number(over.values)
        if bad is not None:
            detail = f"{bad} is {over.values[bad]:g} (epoch {over.number})"
            self.ended = Ended("diverged", "divergence", detail, over.number, over.step)
        else:
            self._judge(over.number)

    def _forget_from(self, number: int) -> None:
        """A script that was started again tells of these epochs anew."""
        for name, curve in self.curves.items():
            if curve and curve[-1][0] >= number:
                self.curves[name] = [point for point in curve if point[0] < number]

    def _no_number(self, values: Mapping[str, float]) -> str | None:
        """The first loss, or other metric that is watched, that is not finite."""
        return next((n for n, v in values.items() if not math.isfinite(v) and self._counts(n)), None)

    def _counts(self, name: str) -> bool:
        return name.endswith(_LOSS) or name in {resolve(watched, [name]) for watched in self._watched}

    def _judge(self, number: int) -> None:
        name = resolve(self._job.stop_metric, self.curves)
        curve = self.curves[name] if name is not None else []
        ending = first_to_fire(self._rules, Progress(number, curve, self.seconds))
        if ending is not None:
            self.ended = Ended("completed", ending.rule, ending.detail, number, self.epochs.step)

    def _find_best(self) -> None:
        name, self.best = resolve(self._job.metric, self.curves), None
        for epoch, value in self.curves[name] if name is not None else []:
            if is_better(value, self.best[1] if self.best else None, self._job.goal):
                self.best = (epoch, value)

    def _time(self, over: Over, resident_bytes: Any) -> None:
        """How long the epoch took, unless the script started within it, and what memory is in use."""
        now = time.monotonic()
        self.epoch_seconds = now - (self._epoch_began or self._began)
        if self._epoch_began is not None:
            self._events.timing("epoch_s", over.step, over.number, self.epoch_seconds)
        if resident_bytes is not None:
            self._events.timing("epoch_rss_bytes", over.step, over.number, resident_bytes())
        self._epoch_began = now
