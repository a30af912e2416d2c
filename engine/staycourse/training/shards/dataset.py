"""Shard files as one data set: numbered samples, and blocks of files that are in memory together."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import asdict
from itertools import accumulate
from pathlib import Path
from typing import Any

from torch.utils.data import Dataset

from staycourse.core.job import DataSpec
from staycourse.core.text import byte_words
from staycourse.task.data_files import filled, matches
from staycourse.training.checkpoint import write_text
from staycourse.training.shards import order
from staycourse.training.shards.order import Block
from staycourse.training.shards.reading import Content, ShardError, measure, read
from staycourse.training.tables import Table

_KEPT = 2


class ShardSet(Dataset[Any]):
    """`paths` in order, with what is in each. Single samples are at hand for whoever asks for them (two files
    are kept); training reads whole files.

    `shard_of(index)` is the number of a sample's file, for `groups()` of a task, say.
    """

    def __init__(
        self, paths: Sequence[Path], contents: Sequence[Content], buffer: int, *, is_trusted: bool
    ) -> None:
        self.paths, self.contents, self.buffer = list(paths), list(contents), buffer
        self.is_trusted = is_trusted
        self._ends = list(accumulate(content.count for content in contents))
        self._kept: OrderedDict[int, Table] = OrderedDict()

    @classmethod
    def of(cls, spec: DataSpec, args: Any) -> ShardSet:
        """The files that `[data] files` names, the roadmap's folder being the working directory.

        Raises ShardError for files that are missing, cannot be read, or do not hold the same kind of samples.
        """
        paths = sorted({p for pattern in spec.files for p in matches(Path(), filled(pattern, args))})
        if not paths:
            raise ShardError(f"no file matches {', '.join(spec.files)}")
        contents = _measured(paths, spec)
        for path, content in zip(paths, contents, strict=True):
            if content.form != contents[0].form:
                raise ShardError(
                    f"{path.name} holds other samples than {paths[0].name}: "
                    f"{content.sample} and {contents[0].sample} (the same in all files)"
                )
        largest = max(range(len(paths)), key=lambda at: contents[at].bytes)
        needed = contents[largest].bytes
        if not order.fits(needed, spec.buffer):
            raise ShardError(
                f"{paths[largest].name} takes {byte_words(needed)} in memory, and the buffer of "
                f"{byte_words(spec.buffer)} has to hold three files ([data] buffer, or smaller files)"
            )
        return cls(paths, contents, spec.buffer, is_trusted=spec.trusted)

    def __len__(self) -> int:
        return self._ends[-1]

    def __getitem__(self, index: int) -> Any:
        file = self.shard_of(index)
        table = self._table(file)
        row = index - (self._ends[file] - self.contents[file].count)
        return table.samples([column[row : row + 1].clone() for column in table.columns])[0]

    def shard_of(self, index: int) -> int:
        """The number of the file that holds a sample."""
        if not 0 <= index < len(self):
            raise IndexError(index)
        return bisect_right(self._ends, index)

    def blocks(self, indices: Sequence[int], seed: int | None = None) -> list[Block]:
        """The samples with these indices (ascending) in blocks of files; shuffled by a seed."""
        cut = order.slices(indices, [content.count for content in self.contents])
        return order.blocks(cut, [c.bytes / c.count for c in self.contents], self.buffer, seed)

    def read(self, file: int) -> Table:
        """All samples of a file. Raises ShardError, also if it does not hold as many as it did."""
        table = read(self.paths[file], is_trusted=self.is_trusted)
        if len(table) != self.contents[file].count:
            raise ShardError(f"{self.paths[file].name} has changed: it holds {len(table)} samples")
        return table

    def _table(self, file: int) -> Table:
        if file not in self._kept:
            self._kept[file] = self.read(file)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return self._kept[file]


def _measured(paths: Sequence[Path], spec: DataSpec) -> list[Content]:
    """What is in each file, as an earlier look has kept it where the files have not changed since."""
    stamps = [[str(path), path.stat().st_size, path.stat().st_mtime_ns] for path in paths]
    kept = Path(spec.index) if spec.index else None
    if kept is not None:
        try:
            known = json.loads(kept.read_text())
            if known["files"] == stamps:
                return [Content(**content) for content in known["contents"]]
        except (OSError, ValueError, KeyError, TypeError):
            pass  # made anew
    contents = [measure(path, is_trusted=spec.trusted) for path in paths]
    if kept is not None:
        write_text(kept, json.dumps({"files": stamps, "contents": [asdict(c) for c in contents]}))
    return contents
