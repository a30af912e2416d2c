"""The stream path: data in many files, each read once an epoch, few of them in memory at a time.

Readers load whole files ahead of the training process, which joins those of a block and gathers batches from
it as from data that is resident.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar

import torch
from torch.utils.data import DataLoader, Dataset

from staycourse.training.ahead import ahead
from staycourse.training.data import Part
from staycourse.training.fetching import Collate, Collating
from staycourse.training.plan import Plan
from staycourse.training.randomness import Randomness
from staycourse.training.shards.dataset import ShardSet
from staycourse.training.shards.order import Block, Slice
from staycourse.training.sources.base import ReaderSource, Source
from staycourse.training.tables import Table, joined


class StreamSource(ReaderSource):
    """Blocks of the parts' files, read by `workers` processes; by a thread if there are none."""

    PATH: ClassVar[str] = "stream"

    def __init__(
        self,
        parts: dict[str, Part],
        randomness: Randomness,
        collate: Collate | None,
        *,
        workers: int = 0,
        pin_memory: bool = False,
        worker_init: Callable[[int], None] | None = None,
    ) -> None:
        super().__init__(workers, pin_memory)
        self._parts, self._randomness, self._collate = parts, randomness, collate
        self._worker_init = worker_init

    @property
    def will_fork(self) -> bool:
        return self.workers > 0

    def batches(self, plan: Plan, start: int = 0) -> Iterator[Any]:
        self.close()
        assert plan.blocks is not None
        part = self._parts[plan.part]
        begin = start * plan.batch_size
        left, at = list(plan.blocks), 0
        while left and at + len(left[0]) <= begin:
            at += len(left.pop(0))
        rows = _Rows(self._tables(part, left), at)
        made = Collating(self._collate, self._randomness, plan, pin_memory=self.pin_memory)
        for number, first, last in plan.places(start):
            yield made(rows.take(first, last), number)

    def beside(self) -> Source:
        return StreamSource(self._parts, self._randomness, self._collate)

    def close(self) -> None:
        if not self.workers and self._iterator is not None:
            self._iterator.close()
        super().close()

    def _tables(self, part: Part, blocks: Sequence[Block]) -> Iterator[tuple[Table, torch.Tensor]]:
        """The samples of each block, and the order of their rows."""
        wanted = _Slices(part, [s for block in blocks for s in block.slices])
        files = max((len(block.slices) for block in blocks), default=1)
        self._iterator = tables = self._read(wanted, files)
        for block in blocks:
            yield joined([next(tables) for _ in block.slices]), block.rows

    def _read(self, wanted: _Slices, files: int) -> Iterator[Table]:
        """The samples of each file, read ahead, though no further than the next block's `files`."""
        if not self.workers:
            # Reading draws nothing, so that a thread may do it beside the training.
            return ahead((wanted[number] for number in range(len(wanted))), files)
        reader: DataLoader[Table] = DataLoader(
            wanted,
            batch_size=None,
            collate_fn=_identity,
            num_workers=self.workers,
            prefetch_factor=math.ceil(files / self.workers),
            generator=torch.Generator(),
            worker_init_fn=self._worker_init,
            multiprocessing_context=self._context,
        )
        return iter(reader)


class _Rows:
    """The rows of blocks one after the other, the first of which stands at place `begin` of the order."""

    def __init__(self, blocks: Iterator[tuple[Table, torch.Tensor]], begin: int) -> None:
        self._blocks = blocks
        self._table: Table | None = None
        self._order = torch.empty(0, dtype=torch.int64)
        self._begin = self._end = begin

    def take(self, first: int, last: int) -> Table:
        """The rows at these places; they are asked for in order."""
        pieces = []
        while first < last:
            if first >= self._end:
                self._table = None  # before the next is put together
                self._begin = self._end
                self._table, self._order = next(self._blocks)
                self._end += len(self._order)
            assert self._table is not None
            upto = min(last, self._end)
            rows = self._order[first - self._begin : upto - self._begin]
            pieces.append(Table(self._table.form, self._table.gather(rows)))
            first = upto
        return joined(pieces)


class _Slices(Dataset[Table]):
    """The samples of each slice of a part."""

    def __init__(self, part: Part, wanted: Sequence[Slice]) -> None:
        self._part, self._wanted = part, wanted

    def __len__(self) -> int:
        return len(self._wanted)

    def __getitem__(self, number: int) -> Table:
        s = self._wanted[number]
        shards: ShardSet = self._part.dataset
        table = shards.read(s.file)
        if len(s) == len(table):
            return table
        rows = torch.as_tensor(self._part.indices[s.begin : s.end]) - s.first
        return Table(table.form, table.gather(rows))


def _identity(table: Any) -> Any:
    return table
