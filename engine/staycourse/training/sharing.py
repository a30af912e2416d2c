"""Tables in shared memory, filled by one process and read by many.

The memory has no name: it lives in a file descriptor of the process that filled it, is opened through
`/proc` by the others, and is gone with the last of them, however they end.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from staycourse.training.tables import Table

_ALIGN = 64

# Offset in bytes, shape, name of the type.
Place = tuple[int, list[int], str]


class SharedTable:
    """Room for `count` samples of the form and shapes of `first`; filled from the front by `add`."""

    def __init__(self, first: Table, count: int) -> None:
        self._form, self._filled = first.form, 0
        self._places, size = laid_out(first.columns, count)
        self.bytes = max(1, size)
        self._descriptor = os.memfd_create("staycourse-data", os.MFD_CLOEXEC)
        os.ftruncate(self._descriptor, self.bytes)
        memory = mmap.mmap(self._descriptor, self.bytes)
        self._columns = columns_in(memory, self._places)

    def add(self, part: Table) -> None:
        """Copy samples of the same form and shapes behind those that are there."""
        end = self._filled + len(part)
        for column, more in zip(self._columns, part.columns, strict=True):
            column[self._filled : end] = more
        self._filled = end

    def describe(self) -> dict[str, Any]:
        """What `opened` needs, as JSON; holds as long as this process lives."""
        return {
            "pid": os.getpid(),
            "descriptor": self._descriptor,
            "bytes": self.bytes,
            "form": self._form,
            "columns": [list(place) for place in self._places],
        }


def opened(described: Mapping[str, Any]) -> Table:
    """The table that another process has filled; what is written to it is seen by nobody else.

    Raises OSError once that process is gone, or if it may not be looked into.
    """
    descriptor = os.open(f"/proc/{described['pid']}/fd/{described['descriptor']}", os.O_RDONLY)
    try:
        if os.fstat(descriptor).st_size != described["bytes"]:
            raise OSError("the shared data is not there any more")
        memory = mmap.mmap(descriptor, described["bytes"], access=mmap.ACCESS_COPY)
    finally:
        os.close(descriptor)
    return Table(list(described["form"]), columns_in(memory, described["columns"]))


def laid_out(columns: Sequence[torch.Tensor], count: int, begin: int = 0) -> tuple[list[Place], int]:
    """Where in a memory the columns of `count` samples stand, with rows like those of `columns`, one behind
    the other from `begin` on; and where they end, in bytes."""
    places: list[Place] = []
    for column in columns:
        begin += -begin % _ALIGN
        shape = [count, *column.shape[1:]]
        places.append((begin, shape, str(column.dtype).removeprefix("torch.")))
        begin += count * column[0].numel() * column.element_size()
    return places, begin


def columns_in(memory: mmap.mmap, places: Any) -> list[torch.Tensor]:
    """The columns that stand at these places of a memory; raises ValueError where it is too small."""
    columns = []
    for offset, shape, dtype in places:
        kind = getattr(torch, dtype)
        count = 1
        for length in shape:
            count *= length
        if count == 0:
            columns.append(torch.empty(shape, dtype=kind))
            continue
        flat = torch.frombuffer(memory, dtype=kind, count=count, offset=offset)
        columns.append(flat.view(shape))
    return columns
