"""Which batches an epoch has: its order, cut into updates, and these into what one forward pass is given."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from staycourse.training.shards.order import Block

# More updates than an epoch has.
_PARTS_FROM = 32


class BatchKey(NamedTuple):
    """Which batch: the epoch travels with the indices, to seed samples where they are fetched."""

    part: str
    epoch: int
    number: int
    indices: Sequence[int]


@dataclass(frozen=True)
class Plan:
    """One pass over a part: `order` cut into `batches` updates of `batch_size` samples.

    A forward pass is given `at_once` samples at most, all of an update's if that is None. `blocks` says which
    files of data in many files the order goes through.
    """

    part: str
    epoch: int
    order: Sequence[int]
    batch_size: int
    batches: int
    at_once: int | None = None
    blocks: Sequence[Block] | None = None

    def size(self, number: int) -> int:
        """Samples of update `number` (from 0)."""
        return min(self.batch_size, len(self.order) - number * self.batch_size)

    def passes(self, number: int) -> list[int]:
        """Samples of each forward pass of update `number`, as even as can be.

        Unless `at_once` is 1, none gets a single sample of several: batch normalisation cannot train on it.
        """
        size = self.size(number)
        if self.at_once is None or size <= self.at_once:
            return [size]
        count = math.ceil(size / self.at_once)
        if self.at_once > 1:
            count = max(1, min(count, size // 2))
        ends = [size * part // count for part in range(count + 1)]
        return [end - begin for begin, end in pairwise(ends)]

    def keys(self, start: int) -> Iterator[BatchKey]:
        """The keys of the forward passes of the updates from `start` on."""
        for number in range(start, self.batches):
            at = number * self.batch_size
            for part, size in enumerate(self.passes(number)):
                key = pass_number(number, part)
                yield BatchKey(self.part, self.epoch, key, self.order[at : at + size])
                at += size

    def places(self, start: int) -> Iterator[tuple[int, int, int]]:
        """(number, begin, end) of the same passes: where in the order their samples stand."""
        for number in range(start, self.batches):
            at = number * self.batch_size
            for part, size in enumerate(self.passes(number)):
                yield pass_number(number, part), at, at + size
                at += size

    @property
    def is_whole(self) -> bool:
        """Whether every update is one forward pass."""
        return self.at_once is None or self.at_once >= self.batch_size

    @property
    def samples(self) -> int:
        return min(self.batches * self.batch_size, len(self.order))


def pass_number(number: int, part: int) -> int:
    """The number of a pass: that of its update for the first, another than any update's for the others."""
    return number + (part << _PARTS_FROM)


def training_batches(count: int, batch_size: int) -> int:
    """Updates of an epoch of `count` samples.

    A last one of a single sample is left out (batch normalisation cannot train on it); the order is
    new in each epoch, so that it is another sample every time.
    """
    batches = math.ceil(count / batch_size)
    leaves_one = batch_size > 1 and batches > 1 and count % batch_size == 1
    return batches - 1 if leaves_one else batches
