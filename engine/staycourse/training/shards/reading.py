"""One shard file as a table of samples, and what is in it without reading all of it.

`.npz`, `.safetensors`, `.pt` and `.pth` hold named tensors, one row of each a sample (a dict); a `.pt` may
also hold a tuple of tensors, one tensor, or a list of samples. Pickles (`.pkl`, `.pickle`) are read as `.pt`
is, and like a `.pt` with more than tensors and plain values in it only where the roadmap trusts them: to
read a pickle is to run it.
"""

from __future__ import annotations

import json
import pickle
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import safe_open

from staycourse.core.problems import UserError
from staycourse.training.tables import Table, Unpackable, pack

_TRUST = "set trusted = true under [data] if whoever made the file may run code here"
_ARRAYS = "named arrays with one row a sample"


class ShardError(UserError):
    """A file that cannot be read as samples; the message names it and says what would be right."""


@dataclass(frozen=True)
class Content:
    """What is in a shard: its samples, the bytes that they take in memory, and their form: that of a table
    with the shape and type of one row of each column."""

    count: int
    bytes: int
    form: str

    @property
    def sample(self) -> str:
        """One sample in words: `{x: float32[6], y: int64[]}`."""
        form, rows = json.loads(self.form)
        return _in_words(form, iter(rows))


def read(path: Path, *, is_trusted: bool = False) -> Table:
    """All samples of a shard. Raises ShardError."""
    return _table(path, _loaded(path, is_trusted=is_trusted))


def measure(path: Path, *, is_trusted: bool = False) -> Content:
    """What is in a shard; of formats that tell it ahead, without reading the samples. Raises ShardError."""
    table = _table(path, _loaded(path, is_trusted=is_trusted, is_lazy=True))
    rows = [[list(column.shape[1:]), str(column.dtype)] for column in table.columns]
    return Content(len(table), table.bytes, json.dumps([table.form, rows]))


def _loaded(path: Path, *, is_trusted: bool, is_lazy: bool = False) -> Any:
    """The content of a file; `is_lazy`: of the right shapes and types, not necessarily read."""
    load = _FORMATS.get(path.suffix.lower())
    if load is None:
        raise ShardError(f"{path.name} is no shard of a known format ({', '.join(sorted(_FORMATS))})")
    try:
        return load(path, is_trusted, is_lazy)
    except ShardError:
        raise
    except pickle.UnpicklingError as error:
        if is_trusted:
            raise ShardError(f"{path.name} cannot be read: {error}") from None
        raise ShardError(f"{path.name} holds more than tensors and plain values ({_TRUST})") from None
    except Exception as error:  # rubbish makes the readers raise whatever they like
        said = str(error).strip().split("\n")[0] or type(error).__name__
        raise ShardError(f"{path.name} cannot be read: {said}") from None


def _load_npz(path: Path, _: bool, is_lazy: bool) -> Any:
    if is_lazy:
        return {name: torch.empty(s, dtype=t, device="meta") for name, s, t in _npz_headers(path)}
    with np.load(path, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


def _npz_headers(path: Path) -> list[tuple[str, tuple[int, ...], torch.dtype]]:
    headers = []
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            with archive.open(name) as file:
                version = np.lib.format.read_magic(file)
                header = (
                    np.lib.format.read_array_header_1_0
                    if version == (1, 0)
                    else (np.lib.format.read_array_header_2_0)
                )
                shape, _, dtype = header(file)
            name = name.removesuffix(".npy")
            headers.append((name, shape, _tensor(path, name, np.empty(0, dtype)).dtype))
    return headers


def _load_safetensors(path: Path, _: bool, is_lazy: bool) -> Any:
    with safe_open(path, framework="pt") as file:
        if not is_lazy:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # no mapping
        slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118
        return {
            # A row tells the type; a tensor without rows has nothing to read, and a single number no rows.
            name: torch.empty(part.get_shape(), dtype=part[:1].dtype, device="meta")
            if part.get_shape()
            else file.get_tensor(name)
            for name, part in slices.items()
        }


def _load_pt(path: Path, is_trusted: bool, is_lazy: bool) -> Any:
    can_map = is_lazy and zipfile.is_zipfile(path)
    return torch.load(path, map_location="cpu", weights_only=not is_trusted, mmap=can_map or None)


def _load_pickle(path: Path, is_trusted: bool, _: bool) -> Any:
    if not is_trusted:
        raise ShardError(f"{path.name} is a pickle, and reading a pickle runs it ({_TRUST})")
    with path.open("rb") as file:
        return pickle.load(file)


_FORMATS: Mapping[str, Callable[[Path, bool, bool], Any]] = {
    ".npz": _load_npz,
    ".safetensors": _load_safetensors,
    ".pt": _load_pt,
    ".pth": _load_pt,
    ".pkl": _load_pickle,
    ".pickle": _load_pickle,
}


def _table(path: Path, content: Any) -> Table:
    if isinstance(content, list):
        return _of_samples(path, content)
    if isinstance(content, Mapping):
        # By name: formats keep names in orders of their own, and the order tells nothing.
        named = sorted((str(name), value) for name, value in content.items())
        columns = {name: _column(path, name, value) for name, value in named}
        form: list[Any] = ["dict", *([name, ["tensor"]] for name in columns)]
        return _checked(path, Table(form, list(columns.values())), list(columns))
    if isinstance(content, tuple):
        names = [f"item {at}" for at in range(len(content))]
        parts = [_column(path, name, value) for name, value in zip(names, content, strict=True)]
        return _checked(path, Table(["tuple", *(["tensor"] for _ in parts)], parts), names)
    return _checked(path, Table(["tensor"], [_column(path, "its content", content)]), ["its content"])


def _of_samples(path: Path, samples: list[Any]) -> Table:
    if not samples:
        raise ShardError(f"{path.name} holds no sample")
    try:
        return pack(samples)
    except Unpackable as error:
        raise ShardError(
            f"{path.name}: {error} (samples of tensors, arrays and plain numbers, all of the same shapes, "
            "or a dataset() in the task that reads the files)"
        ) from None


def _in_words(form: Sequence[Any], rows: Iterator[tuple[list[int], str]]) -> str:
    kind, *parts = form
    if kind == "dict":
        return "{" + ", ".join(f"{key}: {_in_words(part, rows)}" for key, part in parts) + "}"
    if kind in ("tuple", "list"):
        inner = ", ".join(_in_words(part, rows) for part in parts)
        return f"({inner})" if kind == "tuple" else f"[{inner}]"
    shape, dtype = next(rows)
    return f"{dtype.removeprefix('torch.')}{shape}"


def _column(path: Path, name: str, value: Any) -> torch.Tensor:
    if isinstance(value, np.ndarray):
        value = _tensor(path, name, value)
    if not isinstance(value, torch.Tensor) or value.dim() == 0:
        what = type(value).__name__ if not isinstance(value, torch.Tensor) else "a single number"
        raise ShardError(f"{path.name}: {name} is {what} ({_ARRAYS})")
    if value.layout is not torch.strided or value.is_quantized:
        raise ShardError(f"{path.name}: {name} is sparse or quantized ({_ARRAYS}, none of these)")
    return value.detach()


def _tensor(path: Path, name: str, array: np.ndarray[Any, Any]) -> torch.Tensor:
    """The array as a tensor, in this machine's byte order."""
    try:
        return torch.from_numpy(array.astype(array.dtype.newbyteorder("="), copy=False))
    except TypeError:
        said = f"{name} holds {array.dtype.name}, which torch has no type for"
        raise ShardError(f"{path.name}: {said} ({_ARRAYS}: numbers or booleans)") from None


def _checked(path: Path, table: Table, names: list[str]) -> Table:
    lengths = {len(column) for column in table.columns}
    if len(lengths) > 1:
        said = ", ".join(f"{n} has {len(c)}" for n, c in zip(names, table.columns, strict=True))
        raise ShardError(f"{path.name}: rows differ in number: {said} ({_ARRAYS})")
    if not lengths or lengths == {0}:
        raise ShardError(f"{path.name} holds no sample")
    return table
