"""What a teacher has said of every sample of a data set: columns in a file that the trials of a run share.

A file takes its name once it is whole. It begins with a hash over all that follows, then says what it was
made from, so that one which is torn, damaged or of something else is made anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import mmap
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from staycourse.training.sharing import columns_in, laid_out

_HASH_BYTES, _HEAD_BYTES = 64, 4096
_NEW_FILE = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
_SEQUENCES: dict[type, str] = {tuple: "tuple", list: "list"}


class Unkept(Exception):
    """The teacher's outputs cannot be kept in place of asking it; the message says why."""


@dataclass(frozen=True)
class Outputs:
    """`form` is that of one output: "tensor", ["tuple", form, ...], ["list", form, ...] or
    ["dict", [key, form], ...]. Columns have the shape (samples, *shape of a sample's part). `sha256` is the
    hash of the file's content."""

    form: Any
    columns: list[torch.Tensor]
    sha256: str

    def of(self, rows: torch.Tensor, device: torch.device) -> Any:
        """What the teacher says of the samples with these indices (int64)."""
        rows = rows.to(self.columns[0].device)
        return _put_together(self.form, iter([c.index_select(0, rows).to(device) for c in self.columns]))

    def to(self, device: torch.device) -> Outputs:
        return Outputs(self.form, [column.to(device) for column in self.columns], self.sha256)

    @property
    def bytes(self) -> int:
        return sum(column.numel() * column.element_size() for column in self.columns)


def taken_apart(output: Any, samples: int) -> tuple[Any, list[torch.Tensor]]:
    """The form of an output for so many samples, and its tensors. Raises Unkept unless it is made of tensors
    with a row a sample."""
    tensors: list[torch.Tensor] = []
    form = _form(output, tensors)
    if not tensors:
        raise Unkept("its output is empty")
    for tensor in tensors:
        if tensor.dim() == 0 or len(tensor) != samples:
            shape = tuple(tensor.shape)
            raise Unkept(f"its output has the shape {shape} for {samples} samples, not a row for each")
    return form, tensors


def _form(output: Any, tensors: list[torch.Tensor]) -> Any:
    kind = type(output)
    if kind is torch.Tensor and output.layout is torch.strided:
        tensors.append(output)
        return "tensor"
    if kind in _SEQUENCES:
        return [_SEQUENCES[kind], *(_form(item, tensors) for item in output)]
    if kind is dict and all(isinstance(key, str) for key in output):
        return ["dict", *([key, _form(item, tensors)] for key, item in output.items())]
    raise Unkept(f"its output holds {kind.__name__} (a tensor, or tuples, lists and dicts of tensors)")


def _put_together(form: Any, tensors: Iterator[torch.Tensor]) -> Any:
    if form == "tensor":
        return next(tensors)
    kind, *parts = form
    if kind == "dict":
        return {key: _put_together(part, tensors) for key, part in parts}
    items = [_put_together(part, tensors) for part in parts]
    return tuple(items) if kind == "tuple" else items


def opened(path: Path, key: str) -> Outputs | None:
    """The outputs in a file if it is whole and of `key`; whoever writes to them changes no file."""
    try:
        with path.open("rb") as file:
            memory = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
        sha256 = memory[:_HASH_BYTES].decode()
        head = json.loads(memory[_HASH_BYTES:_HEAD_BYTES])
        if head["of"] != key or _sha256(memory) != sha256:
            return None
        return Outputs(head["form"], columns_in(memory, head["columns"]), sha256)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _sha256(memory: mmap.mmap) -> str:
    with memoryview(memory) as view, view[_HASH_BYTES:] as rest:
        return hashlib.sha256(rest).hexdigest()


class Room:
    """Room for what a teacher says of `count` samples, for parts like those of `first`; filled from the front
    by `add`. It lies in a file beside `path`, which `finish` gives that name; in memory alone where there
    is no path or no file can be written, for the outputs are the same. Raises Unkept for what no file's
    head can describe.
    """

    def __init__(
        self, path: Path | None, key: str, form: Any, first: Sequence[torch.Tensor], count: int
    ) -> None:
        self._path, self._form, self._first, self._filled = path, form, list(first), 0
        places, size = laid_out(first, count, _HEAD_BYTES)
        head = json.dumps({"of": key, "form": form, "columns": places}).encode()
        if len(head) > _HEAD_BYTES - _HASH_BYTES:
            raise Unkept("its output has too many parts")
        self._part = None if path is None else path.with_name(f"{path.name}.{os.getpid()}.part")
        self._descriptor: int | None = None
        self._memory = self._reserved(size)
        self._memory[_HASH_BYTES:_HEAD_BYTES] = head.ljust(_HEAD_BYTES - _HASH_BYTES)
        self._columns = columns_in(self._memory, places)

    def add(self, form: Any, parts: Sequence[torch.Tensor]) -> None:
        """What it says of the next samples. Raises Unkept if that is of another form, shape or type."""
        if form != self._form or any(
            a.shape[1:] != b.shape[1:] or a.dtype != b.dtype for a, b in zip(parts, self._first, strict=True)
        ):
            raise Unkept("its outputs differ in form, shape or type from sample to sample")
        end = self._filled + len(parts[0])
        for column, part in zip(self._columns, parts, strict=True):
            column[self._filled : end] = part
        self._filled = end

    def finish(self) -> Outputs:
        """All of it; from now on for every trial."""
        sha256 = _sha256(self._memory)
        self._memory[:_HASH_BYTES] = sha256.encode()
        if self._descriptor is not None and self._part is not None and self._path is not None:
            with contextlib.suppress(OSError):
                self._memory.flush()
                os.fsync(self._descriptor)
                self._part.replace(self._path)
        self.discard()
        return Outputs(self._form, self._columns, sha256)

    def discard(self) -> None:
        """Remove the file unless it has got its name."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
        if self._part is not None:
            with contextlib.suppress(OSError):
                self._part.unlink(missing_ok=True)

    def _reserved(self, size: int) -> mmap.mmap:
        if self._part is not None:
            try:
                self._part.parent.mkdir(parents=True, exist_ok=True)
                _clear(self._part.parent)
                self._descriptor = os.open(self._part, _NEW_FILE, 0o600)
                # A full disk says so here, and not by a signal once the memory is written to.
                os.posix_fallocate(self._descriptor, 0, size)
                return mmap.mmap(self._descriptor, size)
            except OSError:
                self.discard()
        return mmap.mmap(-1, size)


def _clear(folder: Path) -> None:
    """Remove what processes that have died left half written."""
    for part in folder.glob("*.part"):
        owner = part.name.split(".")[-2]
        if owner == str(os.getpid()) or not Path("/proc", owner).exists():
            part.unlink(missing_ok=True)
