"""What every data path offers the loader."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, ClassVar

from staycourse.training.plan import Plan


class Source:
    """Batches of a plan's passes, collated, on the CPU unless the data lies on the device.

    `PATH` is its name in the record, `workers` the number of processes that fetch for it, `pin_memory`
    whether batches can be copied to a GPU without waiting.
    """

    PATH: ClassVar[str]
    workers: int = 0
    pin_memory: bool = False

    @property
    def will_fork(self) -> bool:
        """Whether the next `batches` starts processes."""
        return False

    def batches(self, plan: Plan, start: int = 0) -> Iterator[Any]:
        """The passes of the plan's updates from `start` on; one iteration at a time."""
        raise NotImplementedError

    def death(self, patience: float = 0.0) -> int | None:
        """How the first process of it that has died did: its exit code, minus the signal's number if it was
        killed. None if all live for `patience` seconds."""
        return None

    def close(self) -> None:
        """End its processes, those that do not end by themselves by force."""


class ReaderSource(Source):
    """A source whose batches come from a DataLoader, with `workers` processes or none; `_iterator` is the
    iteration that is under way."""

    _iterator: Any = None

    def death(self, patience: float = 0.0) -> int | None:
        return _dead_worker(self._iterator, patience)

    def close(self) -> None:
        iterator, self._iterator = self._iterator, None
        if self.workers:
            _end_workers(iterator)


def _dead_worker(iterator: Any, patience: float) -> int | None:
    """How the first worker of a DataLoader's iterator that has died did; see Source.death."""
    workers = getattr(iterator, "_workers", ())
    deadline = time.monotonic() + patience
    while True:
        code = next((worker.exitcode for worker in workers if worker.exitcode), None)
        if code is not None or not workers or time.monotonic() >= deadline:
            return code
        time.sleep(0.005)


def _end_workers(iterator: Any) -> None:
    """End the workers of a DataLoader's iterator, those that do not end by themselves by force."""
    if iterator is None:
        return
    iterator._shutdown_workers()
    for worker in iterator._workers:
        # SIGTERM, which torch would use, is blocked in them.
        if worker.is_alive():
            worker.kill()
            worker.join()
