"""Samples as columns: each leaf of a sample stacked over many samples, batches gathered by index.

`pack(samples)` makes a table; `Table.collated` gives what torch's `default_collate` makes of chosen samples,
`Table.samples` the samples themselves. Both are equal to what fetching one sample after the other gives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

Columns = Sequence[torch.Tensor]
_Leaf = Callable[[str, torch.Tensor], Any]
_NUMBERS: dict[type, tuple[str, torch.dtype]] = {
    bool: ("bool", torch.bool),
    int: ("int", torch.int64),
    float: ("float", torch.float64),
}
_SIGNED = {torch.uint16: torch.int16, torch.uint32: torch.int32, torch.uint64: torch.int64}
_LARGEST_NUMBER = 8  # bytes; NumPy has larger ones
_SEQUENCES: dict[type, str] = {tuple: "tuple", list: "list"}


class Unpackable(Exception):
    """The samples have no common form, or one that holds more than tensors, arrays and numbers."""


@dataclass(frozen=True)
class Table:
    """`form` is that of one sample, as JSON, with the columns in the order of its leaves: `["tensor"]`,
    `["array"]`, `["int"]`, `["float"]`, `["bool"]`, `["tuple", form, ...]`, `["list", form, ...]`,
    `["dict", [key, form], ...]`. Columns have the shape (samples, *shape of the leaf)."""

    form: list[Any]
    columns: list[torch.Tensor]

    def __len__(self) -> int:
        return len(self.columns[0]) if self.columns else 0

    @property
    def bytes(self) -> int:
        return sum(column.numel() * column.element_size() for column in self.columns)

    def gather(self, rows: torch.Tensor) -> list[torch.Tensor]:
        """The columns of the samples with these indices (int64, on the columns' device)."""
        return [_rows_of(column, rows) for column in self.columns]

    def collated(self, columns: Columns) -> Any:
        """A batch as `default_collate` would make it, from gathered columns."""
        return _rebuilt(self.form, iter(columns), _as_batch)

    def samples(self, columns: Columns) -> list[Any]:
        """The samples one by one, from gathered columns."""
        rows = range(len(columns[0])) if columns else range(0)
        return [_rebuilt(self.form, iter([column[row] for column in columns]), _as_leaf) for row in rows]

    def to(self, device: torch.device) -> Table:
        return Table(self.form, [column.to(device) for column in self.columns])


def pack(samples: Sequence[Any]) -> Table:
    """The samples as a table. Raises Unpackable."""
    leaves: list[list[Any]] = []
    form = _form(samples[0], leaves)
    for sample in samples[1:]:
        again: list[list[Any]] = []
        if _form(sample, again) != form:
            raise Unpackable("samples differ in form")
        for column, leaf in zip(leaves, again, strict=True):
            column += leaf
    return Table(form, [_column(values) for values in leaves])


def joined(tables: Sequence[Table]) -> Table:
    """The samples of several tables in one. Raises Unpackable."""
    first = tables[0]
    if len(tables) == 1:
        return first
    if any(table.form != first.form for table in tables):
        raise Unpackable("samples differ in form")
    columns = list(zip(*(table.columns for table in tables), strict=True))
    if any(part.shape[1:] != c[0].shape[1:] or part.dtype != c[0].dtype for c in columns for part in c):
        raise Unpackable("samples differ in shape or type")
    return Table(first.form, [torch.cat(parts) for parts in columns])


def _rows_of(column: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    """Torch has unsigned types of more than a byte, but takes no rows of them: it is shown signed ones."""
    signed = _SIGNED.get(column.dtype)
    if signed is None:
        return column.index_select(0, rows)
    return column.view(signed).index_select(0, rows).view(column.dtype)


def same(a: Any, b: Any) -> bool:
    """Whether two batches are equal in form, types and every bit."""
    if type(a) is not type(b):
        return False
    if isinstance(a, torch.Tensor):
        return a.dtype == b.dtype and a.shape == b.shape and _bits(a) == _bits(b)
    if isinstance(a, np.ndarray):
        return bool(a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes())
    if isinstance(a, (tuple, list)):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    return bool(a == b)


def _bits(tensor: torch.Tensor) -> bytes:
    return tensor.detach().contiguous().cpu().reshape(-1).view(torch.uint8).numpy().tobytes()


def _form(sample: Any, leaves: list[list[Any]]) -> list[Any]:
    """The form of a sample; its leaves are appended, each as a list of one."""
    kind = type(sample)
    if kind in _SEQUENCES:
        return [_SEQUENCES[kind], *(_form(item, leaves) for item in sample)]
    if kind is dict:
        if not all(isinstance(key, str) for key in sample):
            raise Unpackable("a dict has keys that are no text")
        return ["dict", *([key, _form(item, leaves)] for key, item in sample.items())]
    leaves.append([sample])
    if kind in _NUMBERS:
        return [_NUMBERS[kind][0]]
    if kind is torch.Tensor and _is_plain(sample):
        return ["tensor"]
    if kind is np.ndarray:
        if _has_torch_type(sample.dtype):
            return ["array"]
        raise Unpackable(f"a sample holds an array of {sample.dtype}")
    raise Unpackable(f"a sample holds {kind.__name__}")


def _has_torch_type(dtype: np.dtype[Any]) -> bool:
    return dtype.kind in "biuf" and dtype.isnative and dtype.itemsize <= _LARGEST_NUMBER


def _is_plain(tensor: torch.Tensor) -> bool:
    return (
        tensor.device.type == "cpu"
        and tensor.layout is torch.strided
        and not tensor.requires_grad
        and not tensor.is_quantized
    )


def _column(values: list[Any]) -> torch.Tensor:
    first = values[0]
    if type(first) in _NUMBERS:
        return torch.tensor(values, dtype=_NUMBERS[type(first)][1])
    tensors = [torch.as_tensor(value) for value in values]
    if any(t.shape != tensors[0].shape or t.dtype != tensors[0].dtype for t in tensors):
        raise Unpackable("samples differ in shape or type")
    return torch.stack(tensors)


def _rebuilt(
    form: list[Any], leaves: Iterator[torch.Tensor], leaf: Callable[[str, torch.Tensor], Any]
) -> Any:
    kind, *parts = form
    if kind == "dict":
        return {key: _rebuilt(part, leaves, leaf) for key, part in parts}
    if kind in ("tuple", "list"):
        items = [_rebuilt(part, leaves, leaf) for part in parts]
        return tuple(items) if kind == "tuple" and leaf is _as_leaf else items
    return leaf(kind, next(leaves))


def _as_batch(_: str, column: torch.Tensor) -> torch.Tensor:
    return column


def _as_leaf(kind: str, value: torch.Tensor) -> Any:
    if kind == "tensor":
        return value
    return value.numpy() if kind == "array" else value.item()
