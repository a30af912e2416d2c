"""When a checkpoint is due, and what the supervisor is told of it."""

from __future__ import annotations

import time
from typing import Any

from staycourse.core.job import Job
from staycourse.training.checkpoint import Checkpoints
from staycourse.training.clock import Pace
from staycourse.training.full_disk import FullDisk
from staycourse.training.messages import Events
from staycourse.training.state import State
from staycourse.training.trial import Trial

# At an epoch's end a checkpoint is written if so long has passed, and if training has had a hundred times
# as long since the last as that one took to write: a big model's are written less often.
_EPOCH_CHECKPOINT_S, _TRAINING_PER_WRITING = 10.0, 100.0


class Saver:
    """Writes a trial's checkpoints, rows first, so that none of them is only in a checkpoint's past.

    `facts` are hash and size of the newest.
    """

    def __init__(
        self, job: Job, checkpoints: Checkpoints, events: Events, disk: FullDisk, pace: Pace
    ) -> None:
        self._job, self._checkpoints, self._events = job, checkpoints, events
        self._disk, self._pace = disk, pace
        self._saved_at, self._writing_s = time.perf_counter(), 0.0
        self.facts: dict[str, Any] = {}

    def is_due_in_epoch(self) -> bool:
        """Whether `checkpoint_every` has passed."""
        return time.perf_counter() - self._saved_at >= self._job.checkpoint_every

    def is_due_after_epoch(self) -> bool:
        """Whether enough has passed for one at an epoch's end; in a rehearsal always."""
        pause = max(_EPOCH_CHECKPOINT_S, _TRAINING_PER_WRITING * self._writing_s)
        return self._job.batches_per_epoch is not None or time.perf_counter() - self._saved_at >= pause

    def save(self, state: State, seconds: float, trial: Trial) -> None:
        """Write all that a trial goes on from; `seconds` have been spent on training it."""
        began = time.perf_counter()
        self._events.flush()
        state.seconds = seconds
        content = {
            "format": 1,
            "trial": self._job.trial,
            "state": state.to_checkpoint(),
            "model": trial.model.state_dict(),
            "optimizer": trial.optimizer.state_dict(),
            "stepper": trial.stepper.state(),
        }
        written, _ = self._disk.waiting_out(lambda: self._checkpoints.save(content), state.step)
        self.facts = written.facts()
        place: dict[str, Any] = {"file": written.file, "step": state.step, "epoch": state.epoch}
        self._events.send("checkpoint", **place, **self.facts, seconds=written.seconds)
        self._events.timing("checkpoint_s", state.step, state.epoch, written.seconds)
        self._writing_s, self._saved_at = written.seconds, time.perf_counter()
        self._pace.exclude(self._saved_at - began)
