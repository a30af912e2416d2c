"""What every data path offers the loader."""

from __future__ import annotations

import time
from collections.abc import Iterator
from multiprocessing.context import ForkContext, ForkProcess
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

    def beside(self) -> Source:
        """A source of the same batches for an iteration beside the one that is under way, without processes
        of its own; itself, if it can have several at a time."""
        return self

    def death(self, patience: float = 0.0) -> int | None:
        """How the first process of it that has died did: its exit code, minus the signal's number if it was
        killed. None if all live for `patience` seconds."""
        return None

    def close(self) -> None:
        """End its processes, those that do not end by themselves by force."""


class ReaderSource(Source):
    """A source whose batches come from a DataLoader, with `workers` processes or none; `_iterator` is the
    iteration that is under way, `_forks` what its DataLoaders are given to start processes with."""

    def __init__(self, workers: int, pin_memory: bool) -> None:
        self.workers, self.pin_memory = workers, pin_memory
        self._iterator: Any = None
        self._forks = _Forks()

    @property
    def _context(self) -> ForkContext | None:
        return self._forks if self.workers else None

    def death(self, patience: float = 0.0) -> int | None:
        return _death(self._forks.started, patience)

    def close(self) -> None:
        iterator, self._iterator = self._iterator, None
        if iterator is not None and self.workers:
            iterator._shutdown_workers()
        _end(self._forks.started)
        self._forks.started.clear()


class _Forks(ForkContext):
    """Starts processes by a fork, and knows them from then on: one that dies while an iteration begins or
    ends is no iterator's."""

    def __init__(self) -> None:
        self.started: list[ForkProcess] = []

    def Process(self, *args: Any, **options: Any) -> ForkProcess:  # type: ignore[override]
        process = ForkProcess(*args, **options)
        self.started.append(process)
        return process


def _death(processes: list[ForkProcess], patience: float) -> int | None:
    """How the first process that has died did; see Source.death."""
    deadline = time.monotonic() + patience
    while True:
        code = next((process.exitcode for process in processes if process.exitcode), None)
        if code is not None or not processes or time.monotonic() >= deadline:
            return code
        time.sleep(0.005)


def _end(processes: list[ForkProcess]) -> None:
    """End those by force that have not ended by themselves; SIGTERM, which torch would use, is blocked in
    them."""
    for process in processes:
        if process.is_alive():
            process.kill()
            process.join()
