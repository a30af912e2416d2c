"""When a checkpoint is due, how it gets to the disk, and what the supervisor is told of it.

A large one is written by a helper thread from a copy, while training goes on; a small one is written faster
than it is handed over.
"""

from __future__ import annotations

import threading
import time
from typing import Any

from staycourse.core.job import Job
from staycourse.training.checkpoint import Checkpoints, Written
from staycourse.training.clock import Pace
from staycourse.training.full_disk import FullDisk, is_full
from staycourse.training.messages import Events
from staycourse.training.snapshot import Snapshots
from staycourse.training.state import State
from staycourse.training.trial import Trial

# At an epoch's end a checkpoint is written if so long has passed, and if training has had a hundred times
# as long since the last as that one kept it: a big model's are written less often.
_EPOCH_CHECKPOINT_S, _TRAINING_PER_WRITING = 10.0, 100.0
# From this size on writing takes longer than copying, whatever the disk.
_LARGE = 16 << 20


class Saver:
    """Writes a trial's checkpoints, rows first, so that none of them is only in a checkpoint's past.

    `facts` are hash and size of the newest that is on disk.
    """

    def __init__(
        self, job: Job, checkpoints: Checkpoints, events: Events, disk: FullDisk, pace: Pace
    ) -> None:
        self._job, self._checkpoints, self._events = job, checkpoints, events
        self._disk, self._pace = disk, pace
        self._saved_at, self._stalled_s = time.perf_counter(), 0.0
        self._snapshots = Snapshots()
        self._writing: _Writing | None = None
        self.facts: dict[str, Any] = {}

    def is_due_in_epoch(self) -> bool:
        """Whether `checkpoint_every` has passed."""
        return time.perf_counter() - self._saved_at >= self._job.checkpoint_every

    def is_due_after_epoch(self) -> bool:
        """Whether enough has passed for one at an epoch's end; in a rehearsal always."""
        pause = max(_EPOCH_CHECKPOINT_S, _TRAINING_PER_WRITING * self._stalled_s)
        return self._job.batches_per_epoch is not None or time.perf_counter() - self._saved_at >= pause

    def save(self, state: State, seconds: float, trial: Trial, *, is_last: bool = False) -> None:
        """Write all that a trial goes on from; `seconds` have been spent on training it. The last one is on
        disk when this returns, one before it may still be on its way."""
        began = time.perf_counter()
        self.settle()
        self._events.flush()
        state.seconds = seconds
        writing = _Writing(self._checkpoints, self._content(state, trial), state.step, state.epoch)
        if self.facts.get("bytes", 0) >= _LARGE and not is_last:
            self._writing = writing
            writing.begin(self._snapshots)
        else:
            self._tell(writing, self._disk.waiting_out(writing.write, writing.step))
        self._saved_at = time.perf_counter()
        self._stalled_s = self._saved_at - began
        self._pace.exclude(self._stalled_s)

    def look(self) -> None:
        """Tell of a checkpoint that has got to the disk since the last look."""
        if self._writing is not None and not self._writing.is_alive:
            self.settle()

    def settle(self) -> None:
        """Wait for the helper thread, if it writes; what the disk had no room for is written once more."""
        writing, self._writing = self._writing, None
        if writing is None:
            return
        try:
            written = writing.result()
        except Exception as error:
            if not is_full(error):
                raise
            written = self._disk.waiting_out(writing.write, writing.step)
        self._tell(writing, written)

    def _content(self, state: State, trial: Trial) -> dict[str, Any]:
        return {
            "format": 1,
            "trial": self._job.trial,
            "state": state.to_checkpoint(),
            "model": trial.model.state_dict(),
            "optimizer": trial.optimizer.state_dict(),
            "stepper": trial.stepper.state(),
        }

    def _tell(self, writing: _Writing, written: Written) -> None:
        self.facts = written.facts()
        place: dict[str, Any] = {"file": written.file, "step": writing.step, "epoch": writing.epoch}
        self._events.send("checkpoint", **place, **self.facts, seconds=written.seconds)
        for name, value in (("checkpoint_s", written.seconds), ("checkpoint_bytes", float(written.bytes))):
            self._events.timing(name, writing.step, writing.epoch, value)


class _Writing:
    """One checkpoint on its way to the disk."""

    def __init__(self, checkpoints: Checkpoints, content: dict[str, Any], step: int, epoch: int) -> None:
        self._checkpoints, self._content = checkpoints, content
        self.step, self.epoch = step, epoch
        self._thread: threading.Thread | None = None
        self._written: Written | None = None
        self._error: BaseException | None = None

    @property
    def is_alive(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def begin(self, snapshots: Snapshots) -> None:
        """Copy the content, and let a thread write the copy."""
        self._content = snapshots.take(self._content)

        def work() -> None:
            try:
                snapshots.wait()
                self._written = self.write()
            except BaseException as error:
                self._error = error

        self._thread = threading.Thread(target=work, name="checkpoint", daemon=True)
        self._thread.start()

    def write(self) -> Written:
        """Write it, here and now. Raises OSError."""
        written, _ = self._checkpoints.save(self._content)
        return written

    def result(self) -> Written:
        """What the thread has written; raises what it has met."""
        assert self._thread is not None
        self._thread.join()
        if self._error is not None:
            raise self._error
        assert self._written is not None
        return self._written
