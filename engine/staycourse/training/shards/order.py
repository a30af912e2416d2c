"""In which order samples in many files are read: each file once an epoch, few in memory at a time.

Files come in a new order in each epoch; as many as the buffer holds make a block, and within a block samples
come in a new order, too. With a buffer for all of them that is an order over all samples. It hangs on seed,
repetition, epoch and buffer alone.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch

# A block is read while the one before is in use, and joined from its files in a copy.
_BLOCKS_IN_BUFFER = 3


@dataclass(frozen=True)
class Slice:
    """Samples of one file that belong to a part: `begin` to `end` are their places in it, and `first` is the
    place of the file's own first sample in the whole data set."""

    file: int
    first: int
    begin: int
    end: int

    def __len__(self) -> int:
        return self.end - self.begin


@dataclass(frozen=True)
class Block:
    """Files that are in memory together. Their slices, one behind the other, have rows; `rows` says in which
    order these come."""

    slices: tuple[Slice, ...]
    rows: torch.Tensor

    def __len__(self) -> int:
        return len(self.rows)

    def places(self) -> torch.Tensor:
        """The places in the part, in the block's order."""
        return torch.cat([torch.arange(s.begin, s.end) for s in self.slices])[self.rows]


def slices(indices: Sequence[int], counts: Sequence[int]) -> list[Slice]:
    """The part whose samples are `indices` (ascending), cut by files with so many samples each; files that
    hold none of it are left out."""
    firsts = [0]
    for count in counts:
        firsts.append(firsts[-1] + count)
    cuts = [bisect_left(indices, first) for first in firsts]
    found = [Slice(file, firsts[file], begin, end) for file, (begin, end) in enumerate(pairwise(cuts))]
    return [s for s in found if len(s)]


def blocks(
    cut: Sequence[Slice], sample_bytes: Sequence[float], buffer: int, seed: int | None = None
) -> list[Block]:
    """The slices in blocks; in their own order without a seed. `sample_bytes` is by file; raises no error
    where a single file is larger than a block, which then is a block of its own."""
    generator = None if seed is None else torch.Generator().manual_seed(seed)
    order = range(len(cut)) if generator is None else torch.randperm(len(cut), generator=generator).tolist()
    groups: list[list[Slice]] = []
    room = 0.0
    for s in (cut[at] for at in order):
        size = len(s) * sample_bytes[s.file]
        if not groups or size > room:
            groups.append([])
            room = buffer / _BLOCKS_IN_BUFFER
        groups[-1].append(s)
        room -= size
    return [Block(tuple(group), _rows(sum(map(len, group)), generator)) for group in groups]


def fits(bytes_of_file: int, buffer: int) -> bool:
    """Whether a file is no larger than a block."""
    return bytes_of_file * _BLOCKS_IN_BUFFER <= buffer


def _rows(count: int, generator: torch.Generator | None) -> torch.Tensor:
    return torch.arange(count) if generator is None else torch.randperm(count, generator=generator)
