"""Batches of an epoch, in its order, from any batch on.

`Loader(...)` keeps one set of loader workers for training and validation. Neither the number of workers nor
where an epoch was resumed changes a single batch.
"""

from __future__ import annotations

import math
import multiprocessing.util
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils.data import DataLoader, default_collate

from staycourse.training.data import Data
from staycourse.training.device import holds_cuda
from staycourse.training.fetching import TRAIN, VALIDATION, VALIDATION_EPOCH, Collate, Fetcher
from staycourse.training.plan import BatchKey, Plan, training_batches
from staycourse.training.randomness import Randomness, changed, seed_all, states

_PROBED_SAMPLES = 12
_CHEAP_BATCH_S = 0.002
_BATCH_PER_WORKER_S = 0.01
_MOST_WORKERS = 8
# Of Linux's socket addresses, the closing zero left out; and what multiprocessing adds to a folder's name.
_LONGEST_ADDRESS = 107
_SOCKET_NAME = len("/pymp-12345678/listener-12345678")


@dataclass(frozen=True)
class Probe:
    """What a few samples show: the global generators they draw from, and what a batch of them takes."""

    uses: frozenset[str]
    sample_seconds: float
    in_main: bool


def probe(data: Data, collate: Collate | None) -> Probe:
    """Fetch a few samples, evenly spread, of each part, and look."""
    uses: set[str] = set()
    samples: list[Any] = []
    seconds = 0.0
    for part in (data.train, data.validation):
        if part is None:
            continue
        count = min(_PROBED_SAMPLES, len(part))
        indices = [part.indices[i * len(part) // count] for i in range(count)]
        seed_all(0)
        for index in indices:
            before = states()
            began = time.perf_counter()
            samples.append(part.dataset[index])
            seconds += time.perf_counter() - began
            uses |= changed(before)
    began = time.perf_counter()
    (collate or default_collate)(samples[:_PROBED_SAMPLES])
    seconds += time.perf_counter() - began
    return Probe(frozenset(uses), seconds / len(samples), any(holds_cuda(sample) for sample in samples))


def choose_workers(wanted: int | str, seen: Probe, batch_size: int, cpus: int) -> int:
    """Loader workers: as declared, or for "auto" none where a batch is cheap or no CPU is to spare."""
    if seen.in_main:
        return 0
    if wanted != "auto":
        return int(str(wanted).split("/")[0])
    batch_seconds = seen.sample_seconds * batch_size
    if batch_seconds < _CHEAP_BATCH_S:
        return 0
    return max(0, min(math.ceil(batch_seconds / _BATCH_PER_WORKER_S), cpus - 1, _MOST_WORKERS))


def _identity(batch: Any) -> Any:
    return batch


class _Keys:
    """The batch sampler: yields the keys of the plan that is set when an iteration begins."""

    def __init__(self) -> None:
        self.plan: Plan | None = None
        self.start = 0

    def __iter__(self) -> Iterator[BatchKey]:
        assert self.plan is not None
        return self.plan.keys(self.start)

    def __len__(self) -> int:
        return 0 if self.plan is None else self.plan.batches - self.start


class Loader:
    """Batches of a trial's data, collated, on the CPU, pinned if `pin_memory`."""

    def __init__(
        self,
        data: Data,
        randomness: Randomness,
        collate: Collate | None = None,
        *,
        uses: frozenset[str] = frozenset(),
        workers: int = 0,
        pin_memory: bool = False,
        limit: int | None = None,
        worker_init: Callable[[int], None] | None = None,
    ) -> None:
        self.workers = workers
        self.pin_memory = pin_memory
        self._data = data
        self._randomness = randomness
        self._limit = limit
        self._keys = _Keys()
        self._iterator: Any = None
        fetcher = Fetcher(data, randomness, collate, uses)
        self._loader: DataLoader[Any] = DataLoader(
            fetcher,
            batch_sampler=self._keys,  # type: ignore[arg-type]  # keys, not lists of indices
            collate_fn=_identity,
            num_workers=workers,
            persistent_workers=workers > 0,
            pin_memory=pin_memory,
            # Of its own, so that starting an iteration draws nothing from the global one.
            generator=torch.Generator(),
            worker_init_fn=worker_init,
            # The fetcher holds the user's data set: forked workers share it, others would need to pickle it.
            multiprocessing_context="fork" if workers else None,
        )

    def training_plan(self, epoch: int, batch_size: int, at_once: int | None = None) -> Plan:
        """The updates of epoch `epoch` (from 1)."""
        count = len(self._data.train)
        batches = training_batches(count, batch_size)
        order = self._randomness.order(epoch, count)
        return Plan(TRAIN, epoch, order, batch_size, self._limited(batches), at_once)

    def validation_plan(self, batch_size: int) -> Plan:
        """The batches of the validation part, in its own order."""
        assert self._data.validation is not None
        count = len(self._data.validation)
        batches = self._limited(math.ceil(count / batch_size))
        return Plan(VALIDATION, VALIDATION_EPOCH, list(range(count)), batch_size, batches)

    def batches(self, plan: Plan, start: int = 0) -> Iterator[Any]:
        """The plan's batches from `start` on; one iteration at a time."""
        self._keys.plan, self._keys.start = plan, start
        self._iterator = iter(self._loader)
        iterator: Iterator[Any] = self._iterator
        return iterator

    def death(self, patience: float = 0.0) -> int | None:
        """How the first loader worker that has died did: its exit code, minus the signal's number if it was
        killed. None if all live for `patience` seconds."""
        workers = getattr(self._iterator, "_workers", ())
        deadline = time.monotonic() + patience
        while True:
            code = next((worker.exitcode for worker in workers if worker.exitcode), None)
            if code is not None or not workers or time.monotonic() >= deadline:
                return code
            time.sleep(0.005)

    def close(self) -> None:
        """End the loader workers, those that do not end by themselves by force."""
        iterator, self._iterator = self._iterator, None
        if iterator is None or not self.workers:
            return
        iterator._shutdown_workers()
        for worker in iterator._workers:
            # SIGTERM, which torch would use, is blocked in them.
            if worker.is_alive():
                worker.kill()
                worker.join()

    def _limited(self, batches: int) -> int:
        return batches if self._limit is None else min(batches, self._limit)


def take_short_folder() -> None:
    """In a loader worker: have its sockets in another folder where the name of the temporary one, TMPDIR, is
    too long for a socket's address. Its batches would never arrive, and the trial hang."""
    if len(os.fsencode(tempfile.gettempdir())) + _SOCKET_NAME <= _LONGEST_ADDRESS:
        return
    usual, tempfile.tempdir = tempfile.tempdir, "/tmp"
    try:
        multiprocessing.util.get_temp_dir()  # made once a process, and removed at its end
    finally:
        tempfile.tempdir = usual


def cpus_here() -> int:
    """CPUs that this process may use."""
    return len(os.sched_getaffinity(0))
