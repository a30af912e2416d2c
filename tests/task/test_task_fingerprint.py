"""Fingerprints of samples and files, whole and in parts."""

from __future__ import annotations

import os
from collections import namedtuple
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from staycourse.task import fingerprint
from staycourse.task.fingerprint import describe, of_files, of_samples, of_value


@dataclass
class Item:
    x: Any


Pair = namedtuple("Pair", "a b")

TENSORS = [torch.zeros(2, 3), torch.zeros(3, 2), torch.zeros(6), torch.tensor(0.0), torch.zeros(0, 2)]
OTHER_TYPES = [torch.zeros(2, 3, dtype=dtype) for dtype in (torch.float64, torch.bfloat16, torch.bool)]
ARRAYS = [np.zeros((2, 2)), np.zeros((2, 2), np.float32), np.float32(0)]
PLAIN = [0, 0.0, "0", b"0", None, True, (0, 1), [0, (1,)], {"a": 0}, {"b": 0}, ()]
VALUES: list[Any] = [*TENSORS, *OTHER_TYPES, *ARRAYS, *PLAIN, Item(0), Item(1), Pair(0, 2)]


def test_different_samples_have_different_hashes_and_equal_ones_equal() -> None:
    hashes = [of_value(value) for value in VALUES]
    assert len(set(hashes)) == len(VALUES)
    assert (
        of_value(torch.zeros(3, 2).T.contiguous())
        == of_value(torch.zeros(2, 3))
        == of_value(torch.zeros(3, 2).T)
    )


def test_forms_are_described() -> None:
    assert describe((torch.zeros(1, 8), 3)) == "(float32[1, 8], int)"
    assert describe({"x": np.zeros(2, np.int16), "y": [torch.tensor(1)]}) == "{x: int16[2], y: [int64[]]}"


class Slow:
    """Counts what is fetched; `changed` gives one sample another value."""

    def __init__(self, count: int, changed: int = -1) -> None:
        self.count, self.changed, self.fetched = count, changed, 0

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> torch.Tensor:
        self.fetched += 1
        return torch.tensor(float(index) + 0.5 * (index == self.changed))


def test_all_samples_are_read_while_that_is_quick() -> None:
    taken = of_samples([Slow(500)], 1)
    assert (taken.method, taken.samples) == ("all samples", 500)
    assert taken == of_samples([Slow(500)], 1)
    assert all(taken.sha256 != of_samples([Slow(500, at)], 1).sha256 for at in (0, 250, 499))
    assert taken.sha256 != of_samples([Slow(501)], 1).sha256
    assert taken.sha256 != of_samples([Slow(250), Slow(250)], 1).sha256


def test_more_than_there_is_time_for_is_sampled_evenly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fingerprint, "_MOST_SECONDS", 0.0)
    taken = of_samples([Slow(10_000)], 1)
    assert taken.method == "64 samples"
    monkeypatch.undo()
    assert of_samples([Slow(10_000)], 1, method=taken.method) == taken, "taken alike whatever time there is"
    assert of_samples([Slow(10_000, 0)], 1, method=taken.method) != taken


def test_big_files_are_sampled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fingerprint, "_WHOLE_BYTES", 1000)
    path = tmp_path / "big.bin"
    path.write_bytes(bytes(300_000))
    os.utime(path, (1, 1))
    first, _ = of_files(tmp_path, ["*.bin"])
    assert first is not None
    assert (first.method, first.bytes) == ("sampled content", 3 * 64 * 1024)
    path.write_bytes(bytes(299_999) + b"1")
    os.utime(path, (1, 1))
    second, _ = of_files(tmp_path, ["*.bin"])
    assert second is not None
    assert second.sha256 != first.sha256


def test_names_count_and_patterns_may_leave_the_folder(tmp_path: Path) -> None:
    roadmap = tmp_path / "roadmaps"
    roadmap.mkdir()
    (tmp_path / "shared.bin").write_bytes(b"x")
    inside, _ = of_files(roadmap, ["../*.bin"])
    absolute, _ = of_files(roadmap, [str(tmp_path / "*.bin")])
    assert inside is not None
    assert absolute is not None
    (tmp_path / "shared.bin").rename(tmp_path / "other.bin")
    renamed, _ = of_files(roadmap, ["../*.bin"])
    assert renamed is not None
    assert renamed.sha256 != inside.sha256
