"""One attempt at a trial, as its worker tells of it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from staycourse.core import job as jobs
from staycourse.core.events import Noted
from staycourse.core.job import Job
from staycourse.core.text import one_line
from staycourse.record.store import Store
from staycourse.supervise.gauges import TRAINING, VALIDATION, Gauges
from staycourse.supervise.linux import oom_kills
from staycourse.supervise.slots import Slot
from staycourse.supervise.spawner import Child


@dataclass
class Attempt:
    """A running worker. `has_job` once it was told what to train, `is_ready` once it has its data and its
    model, `last` is its closing message (ended, failed, interrupted), `step` the last step that it told of,
    `moved` the monotonic time at which that last changed, `gauges` what was measured of it."""

    trial: str
    number: int
    slot: Slot
    child: Child
    is_hung: bool = False
    has_job: bool = False
    is_ready: bool = False
    has_progress: bool = False
    is_waiting: bool = False
    step: int = 0
    gauges: Gauges = field(default_factory=Gauges)
    _validation_batch: int = 0
    moved: float = field(default_factory=time.monotonic)
    last: dict[str, Any] | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    oom_kills: int = field(default_factory=oom_kills)

    def give(self, job: Job) -> None:
        """Tell the worker what to train: the first that it hears."""
        self.child.orders.send(jobs.to_json(job))
        self.has_job = True

    def share(self, resident: Mapping[str, Any]) -> None:
        """Tell it of data in memory; a worker without a job learns of it by that."""
        if self.has_job:
            self.child.orders.send({"order": "resident", "resident": dict(resident)})

    def hear(self, store: Store) -> None:
        """Take what the worker has said and put it on record."""
        for message in self.child.events.receive():
            handler = getattr(self, f"_on_{message.get('type')}", None)
            if handler is not None:
                handler(message, store)
                self.is_waiting = self.is_waiting and message["type"] == "waiting"

    def _on_ready(self, message: dict[str, Any], store: Store) -> None:
        self.step, self.moved, self.is_ready = message["step"], time.monotonic(), True
        self.gauges.begin(message["step"], message.get("loader_workers"))
        self._on_loading(message, store)
        for note in message.get("checkpoint_notes", []):
            store.append(Noted("checkpoint", f"{self.trial}: {one_line(note)}"))

    def _on_loading(self, message: dict[str, Any], store: Store) -> None:
        """What it tells of itself, or anew of how its batches are made."""
        self.gauges.feed(message.get("loader_workers"))
        self.facts |= {key: value for key, value in message.items() if key != "type"}
        store.add_facts(self.trial, self.facts)

    def _on_teaching(self, message: dict[str, Any], store: Store) -> None:
        """The teacher has been asked for more samples, all of them before a step goes on: a sign of life."""
        self.moved = time.monotonic()

    def _on_waiting(self, message: dict[str, Any], store: Store) -> None:
        """It cannot write and tries again: a sign of life; said once for each wait."""
        if not self.is_waiting:
            store.append(Noted("disk", f"{self.trial} waits after step {message['step']}: {message['why']}"))
        self.is_waiting, self.moved = True, time.monotonic()

    def _on_metrics(self, message: dict[str, Any], store: Store) -> None:
        store.add_metrics(self.trial, message["rows"])
        self.gauges.take_metrics(message["rows"])
        self._move(max((row[1] for row in message["rows"]), default=self.step))

    def _on_timing(self, message: dict[str, Any], store: Store) -> None:
        store.add_timing(self.trial, message["rows"])
        if derived := self.gauges.take_timing(message["rows"]):
            store.add_timing(self.trial, derived)

    def _on_progress(self, message: dict[str, Any], store: Store) -> None:
        # A script may be silent on its steps: each line that it prints is a sign of life.
        self._move(message["step"], message.get("validation_batch", message.get("heard", 0)))
        self.gauges.enter(VALIDATION if "validation_batch" in message else TRAINING, time.monotonic())
        store.add_progress(
            self.trial,
            step=message["step"],
            epoch=message["epoch"],
            steps_per_epoch=message["steps_per_epoch"],
        )

    def _on_checkpoint(self, message: dict[str, Any], store: Store) -> None:
        if message["file"] in ("last.pt", "checkpoint"):  # that of a script, under whatever name
            self.has_progress = True
            store.add_checkpoint(self.trial, message["step"], message["sha256"])

    def _on_ended(self, message: dict[str, Any], store: Store) -> None:
        self.last, self.moved = message, time.monotonic()

    _on_failed = _on_interrupted = _on_ended

    def _move(self, step: int, validation_batch: int = 0) -> None:
        """A training step or a batch of the validation set counts as a sign of life; a message does not."""
        if (step, validation_batch) != (self.step, self._validation_batch):
            self.step, self._validation_batch, self.moved = step, validation_batch, time.monotonic()
