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
from collections.abc import Callable, Mapping
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
            headers.append((name.removesuffix(".npy"), shape, torch.as_tensor(np.empty(0, dtype)).dtype))
    return headers


def _load_safetensors(path: Path, _: bool, is_lazy: bool) -> Any:
    with safe_open(path, framework="pt") as file:
        if not is_lazy:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # no mapping
        slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118
        return {
            # A row tells the type; a tensor without rows has nothing to read.
            name: torch.empty(part.get_shape(), dtype=part[:1].dtype, device="meta")
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
        columns = {str(name): _column(path, str(name), value) for name, value in content.items()}
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
            f"{path.name}: {error} (samples of equal shapes, or a dataset() in the task that reads the files)"
        ) from None


def _column(path: Path, name: str, value: Any) -> torch.Tensor:
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        value = torch.from_numpy(value)
    if not isinstance(value, torch.Tensor) or value.dim() == 0:
        what = f"{type(value).__name__}" if not isinstance(value, torch.Tensor) else "a single number"
        raise ShardError(f"{path.name}: {name} is {what} ({_ARRAYS})")
    return value.detach()


def _checked(path: Path, table: Table, names: list[str]) -> Table:
    lengths = {len(column) for column in table.columns}
    if len(lengths) > 1:
        said = ", ".join(f"{n} has {len(c)}" for n, c in zip(names, table.columns, strict=True))
        raise ShardError(f"{path.name}: rows differ in number: {said} ({_ARRAYS})")
    if not lengths or lengths == {0}:
        raise ShardError(f"{path.name} holds no sample")
    return table
