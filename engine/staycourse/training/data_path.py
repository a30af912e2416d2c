"""Which data path a trial begins on, by what its data is and by what a few samples take.

- *resident*, where the samples are the same each time and lie in memory already: a plain TensorDataset, or
  what the run's loader process has put into shared memory;
- *stream* for data in many files, whole ones of which readers load ahead, and for data without an order;
- *workers* for all other data sets: none where a batch is cheap, else as many as timing finds.

A number of `workers` in the roadmap fixes one of the last two and that number.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch

from staycourse.core.job import Job
from staycourse.training.data import Data, Part
from staycourse.training.fetching import TRAIN, VALIDATION, Collate, Fetcher
from staycourse.training.loading import Loader
from staycourse.training.probe import Probe, probe
from staycourse.training.randomness import Randomness
from staycourse.training.shards.dataset import ShardSet
from staycourse.training.sources.base import Source
from staycourse.training.sources.iterable import IterableSource
from staycourse.training.sources.resident import ResidentSource
from staycourse.training.sources.stream import StreamSource
from staycourse.training.sources.workers import WorkersSource
from staycourse.training.stored import Stored, table_of
from staycourse.training.tables import Table
from staycourse.training.tuning import WorkerTuner

_CHEAP_BATCH_S = 0.002
_BATCH_PER_WORKER_S = 0.01
_MOST_WORKERS = 16
# Of whole files; more wait for the disk.
_MOST_READERS = 4
# Of the device memory that is free as a trial begins: the model and its batches need the rest.
_SHARE_OF_DEVICE = 0.2

WorkerInit = Callable[[int], None]


def make_loader(
    job: Job,
    data: Data,
    randomness: Randomness,
    collate: Collate | None,
    seen: Probe,
    batch_size: int,
    worker_init: WorkerInit | None = None,
) -> Loader:
    """The loader of a trial, on the path that it begins on."""
    limit = job.batches_per_epoch
    pin = _pins(job) and not seen.in_main
    if data.is_stream:
        return _stream_loader(job, data, randomness, collate, seen, pin, worker_init)
    if job.data.workers == "auto" and not seen.uses and (tables := tables_of(data)):
        return Loader(data, randomness, resident(job, tables, randomness, collate, pin=pin), limit=limit)
    if job.data.workers == "auto" and not seen.uses and job.data.resident is not None:
        found = moved_in(job, data, randomness, collate, job.data.resident)
        if found is not None:
            return Loader(data, randomness, found, limit=limit)
    made_with, workers, most = _fetching(job, data, randomness, collate, seen, batch_size, pin, worker_init)
    if job.data.workers != "auto" or seen.in_main or limit is not None:
        return Loader(data, randomness, made_with(workers), limit=limit)
    tuner = WorkerTuner(workers, most)
    return Loader(data, randomness, made_with(workers), tuner=tuner, made_with=made_with)


def _fetching(
    job: Job,
    data: Data,
    randomness: Randomness,
    collate: Collate | None,
    seen: Probe,
    batch_size: int,
    pin: bool,
    worker_init: WorkerInit | None,
) -> tuple[Callable[[int], Source], int, int]:
    """How a source with so many workers is made, how many to begin with, and the most worth trying."""
    cpus, more = cpus_here(), {"pin_memory": pin, "worker_init": worker_init}
    if isinstance(data.train.dataset, ShardSet):
        # To begin with by a thread: files that are quickly read are not worth a process.
        begin = 0 if job.data.workers == "auto" else int(job.data.workers)
        return partial(_streaming, _parts(data), randomness, collate, more), begin, min(cpus, _MOST_READERS)
    fetcher = Fetcher(data, randomness, collate, seen.uses)
    begin = choose_workers(job.data.workers, seen, batch_size, cpus)
    return partial(_working, fetcher, more), begin, min(cpus, _MOST_WORKERS)


def _streaming(
    parts: dict[str, Part],
    randomness: Randomness,
    collate: Collate | None,
    more: dict[str, Any],
    workers: int,
) -> Source:
    return StreamSource(parts, randomness, collate, workers=workers, **more)


def _working(fetcher: Fetcher, more: dict[str, Any], workers: int) -> Source:
    return WorkersSource(fetcher, workers=workers, **more)


def _parts(data: Data) -> dict[str, Part]:
    held = {} if data.validation is None else {VALIDATION: data.validation}
    return {TRAIN: data.train} | held


def _stream_loader(
    job: Job,
    data: Data,
    randomness: Randomness,
    collate: Collate | None,
    seen: Probe,
    pin: bool,
    worker_init: WorkerInit | None,
) -> Loader:
    """For data without an order: read ahead by one process, where there is a CPU for it."""
    wanted = int(cpus_here() > 1) if job.data.workers == "auto" else int(job.data.workers)
    source = IterableSource(
        data.train.dataset,
        _held_out(data, randomness, collate),
        randomness,
        collate,
        workers=0 if seen.in_main else wanted,
        pin_memory=pin,
        worker_init=worker_init,
    )
    steps = job.data.epoch_steps
    return Loader(data, randomness, source, limit=job.batches_per_epoch, epoch_steps=steps)


def _held_out(data: Data, randomness: Randomness, collate: Collate | None) -> Source | None:
    """The validation part of data whose training part has no order."""
    if data.validation is None:
        return None
    only = Data(data.validation, data.validation, data.whole)
    return WorkersSource(Fetcher(only, randomness, collate, probe(only, collate).uses))


def plain_loader(
    data: Data, randomness: Randomness, collate: Collate | None, uses: frozenset[str], limit: int | None
) -> Loader:
    """A loader that does all in this process."""
    source: Source
    if data.is_stream:
        held = _held_out(data, randomness, collate)
        source = IterableSource(data.train.dataset, held, randomness, collate)
        return Loader(data, randomness, source, limit=limit, epoch_steps=1)
    if isinstance(data.train.dataset, ShardSet):
        source = StreamSource(_parts(data), randomness, collate)
    else:
        source = WorkersSource(Fetcher(data, randomness, collate, uses))
    return Loader(data, randomness, source, limit=limit)


def moved_in(
    job: Job, data: Data, randomness: Randomness, collate: Collate | None, described: Mapping[str, Any]
) -> Source | None:
    """The resident path for a trial that began before the run's data was in memory; None if it is not all
    there."""
    try:
        stored = Stored(described)
    except OSError:
        return None
    parts = _parts(data)
    tables = {name: (stored.datasets[name].table, part) for name, part in parts.items()}
    if any(len(table) != len(part.dataset) for table, part in tables.values()):
        return None
    return resident(job, tables, randomness, collate, pin=_pins(job))


def resident(
    job: Job,
    tables: Mapping[str, tuple[Table, Part]],
    randomness: Randomness,
    collate: Collate | None,
    *,
    pin: bool,
) -> ResidentSource:
    """The resident path over the tables of each part, on the device where there is room for them."""
    device = torch.device(job.device)
    if device.type == "cuda" and collate is None:
        free, _ = torch.cuda.mem_get_info(device)
        known = {id(table): table for table, _ in tables.values()}
        if sum(table.bytes for table in known.values()) <= _SHARE_OF_DEVICE * free:
            moved = {key: table.to(device) for key, table in known.items()}
            tables = {name: (moved[id(table)], part) for name, (table, part) in tables.items()}
    indexed = {name: (table, part.indices) for name, (table, part) in tables.items()}
    return ResidentSource(indexed, randomness, collate, pin_memory=pin)


def tables_of(data: Data) -> dict[str, tuple[Table, Part]]:
    """Each part with its samples, where all of them are rows of tensors in memory; else nothing."""
    parts = _parts(data)
    tables = {name: table_of(part.dataset) for name, part in parts.items()}
    return (
        {name: (table, parts[name]) for name, table in tables.items() if table}
        if all(tables.values())
        else {}
    )


def choose_workers(wanted: int | str, seen: Probe, batch_size: int, cpus: int) -> int:
    """Loader workers to begin with: as declared, or for "auto" none where a batch is cheap or no CPU is to
    spare."""
    if seen.in_main:
        return 0
    if wanted != "auto":
        return int(str(wanted).split("/")[0])
    batch_seconds = seen.sample_seconds * batch_size
    if batch_seconds < _CHEAP_BATCH_S:
        return 0
    return max(0, min(math.ceil(batch_seconds / _BATCH_PER_WORKER_S), cpus - 1, _MOST_WORKERS))


def cpus_here() -> int:
    """CPUs that this process may use."""
    return len(os.sched_getaffinity(0))


def _pins(job: Job) -> bool:
    cuda = torch.device(job.device).type == "cuda"
    return cuda if job.data.pin_memory == "auto" else bool(job.data.pin_memory) and cuda
