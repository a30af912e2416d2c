"""The loader process of a run: fetches every sample once, into memory that all trials share.

`main(orders_fd, events_fd)` is called right after the fork. It answers one request, and then lives until its
orders end, for the memory is its own. Samples that are not the same each time are left to the trials.
"""

from __future__ import annotations

import json
import os
import signal
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset, default_collate

from staycourse.core.job import DataSpec, TaskSpec
from staycourse.task.contract import Task
from staycourse.training import data as data_of
from staycourse.training import failures, forked
from staycourse.training.data import Data, labels_of
from staycourse.training.fetching import Collate
from staycourse.training.output import print_to_log
from staycourse.training.probe import probe
from staycourse.training.randomness import changed, seed_all, states
from staycourse.training.shards.dataset import ShardSet
from staycourse.training.sharing import SharedTable
from staycourse.training.stored import as_table, table_of
from staycourse.training.tables import Table, Unpackable, pack, same

_CHUNK_BYTES, _LARGEST_CHUNK = 8 << 20, 256
# Trials come first: what is read here they can read themselves.
_NICENESS = 10


def main(orders_fd: int, events_fd: int) -> None:
    """Answers one line of JSON, a request of `load`, with another; owns both descriptors."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    print_to_log()
    with os.fdopen(orders_fd, "rb") as orders, os.fdopen(events_fd, "wb", buffering=0) as events:
        kept = None
        try:
            kept = load(json.loads(orders.readline()))
            answer: dict[str, Any] = {"resident": kept.describe(), "seconds": kept.seconds}
        except (Exception, SystemExit) as error:  # whatever a task raises: trials will meet it themselves
            why = failures.in_one_line(error)
            if "Unpackable: " not in why:
                traceback.print_exc()
            answer = {"why": why.rpartition("Unpackable: ")[2]}
        events.write(json.dumps(answer).encode() + b"\n")
        if kept is not None:
            orders.read()


@dataclass(frozen=True)
class Resident:
    """Tables in shared memory, which of them each part of the data lies in, the labels of each table's
    samples where they are known, and the groups of the first's."""

    tables: Sequence[SharedTable]
    parts: Mapping[str, int]
    labels: Sequence[SharedTable | None]
    groups: SharedTable | None
    split_given: bool
    seconds: float

    def describe(self) -> dict[str, Any]:
        """As JSON, for `stored.Stored`."""
        return {
            "tables": [table.describe() for table in self.tables],
            "parts": dict(self.parts),
            "labels": [None if known is None else known.describe() for known in self.labels],
            "groups": None if self.groups is None else self.groups.describe(),
            "split_given": self.split_given,
            "bytes": sum(table.bytes for table in self.tables),
        }


def load(request: Mapping[str, Any]) -> Resident:
    """Fetch all samples of the task's data.

    Request: {"task", "data": as in a job, "seed": the roadmap's, "most_bytes": room, "workers": processes
    that fetch}. Raises Unpackable where the samples cannot or may not lie in memory.
    """
    began = time.perf_counter()
    os.nice(_NICENESS)
    torch.set_num_threads(1)
    spec = TaskSpec(**request["task"])
    os.chdir(spec.folder)
    task = Task.load(spec)
    data = data_of.prepare(task, DataSpec(**request["data"]), request["seed"])
    collate = task.collate()
    seen = probe(data, collate)
    if seen.uses or seen.in_main:
        raise Unpackable("samples are drawn anew each time" if seen.uses else "samples cannot be handed over")
    datasets, parts = _datasets(data)
    examples = [_example(dataset, collate) for dataset in datasets]
    needed = sum(example.bytes * len(d) / len(example) for d, example in zip(datasets, examples, strict=True))
    if needed > request["most_bytes"]:
        raise Unpackable(f"{needed / 1e9:.1f} GB would be needed, {request['most_bytes'] / 1e9:.1f} are free")
    workers = int(request.get("workers", 0))
    tables = [_fill(dataset, e, workers) for dataset, e in zip(datasets, examples, strict=True)]
    labels = [_shared_numbers(labels_of(dataset)) for dataset in datasets]
    groups = _shared_numbers(data_of.group_numbers(task, data.whole)) if data.grouped else None
    return Resident(tables, parts, labels, groups, data.split_given, time.perf_counter() - began)


def _shared_numbers(numbers: Sequence[int] | None) -> SharedTable | None:
    if numbers is None:
        return None
    table = as_table(numbers)
    shared = SharedTable(table, len(table))
    shared.add(table)
    return shared


def _datasets(data: Data) -> tuple[list[Any], dict[str, int]]:
    """Each data set once, and the place among them of every part's."""
    datasets: list[Any] = []
    parts: dict[str, int] = {}
    for name, part in (("train", data.train), ("validation", data.validation)):
        if part is not None:
            at = next((i for i, d in enumerate(datasets) if d is part.dataset), len(datasets))
            datasets += [part.dataset] if at == len(datasets) else []
            parts[name] = at
    return datasets, parts


def _example(dataset: Any, collate: Collate | None) -> Table:
    """A few samples as a table; what is made of them from it has to be what would be made without."""
    samples = _fetch(dataset, range(min(4, len(dataset))))
    table = pack(samples)
    again = table.gather(torch.arange(len(samples)))
    is_same = (
        same(default_collate(samples), table.collated(again))
        if collate is None
        else same(samples, table.samples(again))
    )
    if not is_same:
        raise Unpackable("samples come out of memory in another form")
    return table


def _fetch(dataset: Any, indices: Sequence[int]) -> list[Any]:
    """Samples, fetched as a trial does; raises Unpackable if one draws from a global generator."""
    several = getattr(dataset, "__getitems__", None)
    seed_all(0)
    before = states()
    fetched = several(list(indices)) if callable(several) else [dataset[index] for index in indices]
    if changed(before):
        raise Unpackable("samples are drawn anew each time")
    return list(fetched)


class _Chunks(Dataset[Table]):
    """A data set's samples, so many at a time, as tables."""

    def __init__(self, dataset: Any, length: int) -> None:
        self._dataset, self._length = dataset, length

    def __len__(self) -> int:
        return -(-len(self._dataset) // self._length)

    def __getitem__(self, number: int) -> Table:
        begin = number * self._length
        return pack(_fetch(self._dataset, range(begin, min(begin + self._length, len(self._dataset)))))


def _fill(dataset: Any, example: Table, workers: int) -> SharedTable:
    shared = SharedTable(example, len(dataset))
    if (table := table_of(dataset)) is not None:
        shared.add(table)
        return shared
    is_sharded = isinstance(dataset, ShardSet)
    parts = map(dataset.read, range(len(dataset.paths))) if is_sharded else _chunks(dataset, example, workers)
    for part in parts:
        if part.form != example.form or any(
            a.shape[1:] != b.shape[1:] or a.dtype != b.dtype
            for a, b in zip(part.columns, example.columns, strict=True)
        ):
            raise Unpackable("samples differ in form, shape or type")
        shared.add(part)
    return shared


def _chunks(dataset: Any, example: Table, workers: int) -> Iterator[Table]:
    length = max(1, min(_LARGEST_CHUNK, _CHUNK_BYTES * len(example) // max(1, example.bytes)))
    chunks = _Chunks(dataset, length)
    loader: DataLoader[Table] = DataLoader(
        chunks,
        batch_size=None,
        collate_fn=_identity,
        num_workers=min(workers, len(chunks)),
        multiprocessing_context="fork" if workers else None,
        worker_init_fn=partial(_settle, os.getpid()),
    )
    yield from loader


def _identity(table: Any) -> Any:
    return table


def _settle(loader: int, _: int) -> None:
    forked.settle(loader)
