"""Fingerprints of samples and files, whole and in parts."""

from __future__ import annotations

import json
import os
import time
from collections import namedtuple
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import Subset, TensorDataset

from staycourse.task import data_files
from staycourse.task.data_files import Manifest
from staycourse.task.fingerprint import Fingerprint, describe, of_files, of_samples, of_value


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


class Numbers:
    """Index as sample; `changed` gives one another value, each takes `seconds` to fetch."""

    def __init__(self, count: int, changed: int = -1, seconds: float = 0.0) -> None:
        self.count, self.changed, self.seconds = count, changed, seconds

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> torch.Tensor:
        time.sleep(self.seconds)
        return torch.tensor(float(index) + 0.5 * (index == self.changed))


class Drawn(TensorDataset):
    def __getitem__(self, index: int) -> tuple[torch.Tensor, ...]:
        return tuple(tensor[index] + torch.rand(()) for tensor in self.tensors)


def test_all_samples_of_small_data_are_read() -> None:
    taken = of_samples([Numbers(500)], 1)
    assert (taken.method, taken.samples) == ("all samples", 500)
    assert taken == of_samples([Numbers(500)], 1)
    assert all(taken.sha256 != of_samples([Numbers(500, at)], 1).sha256 for at in (0, 250, 499))
    assert taken.sha256 != of_samples([Numbers(501)], 1).sha256
    assert taken.sha256 != of_samples([Numbers(250), Numbers(250)], 1).sha256


@pytest.mark.parametrize(("count", "method"), [(600, "all samples"), (2049, "512 samples")])
def test_how_fast_samples_are_read_decides_nothing(count: int, method: str) -> None:
    """A cold cache, a busy server: the seal that was published has to come out again."""
    taken = of_samples([Numbers(count)], 1)
    assert taken.method == method
    assert of_samples([Numbers(count, seconds=0.004)], 1) == taken


def test_many_samples_are_read_as_a_whole_only_where_they_are_tensors_in_memory() -> None:
    tensors = TensorDataset(torch.arange(3000.0), torch.arange(3000))
    assert of_samples([tensors], 1).method == "all samples"
    assert of_samples([Subset(Subset(tensors, range(2900)), range(2800))], 1).method == "all samples"
    assert of_samples([Drawn(*tensors.tensors)], 1).method == "512 samples"
    assert of_samples([tensors, Numbers(10)], 1).method == "512 samples"


def test_large_samples_are_read_in_part(monkeypatch: pytest.MonkeyPatch) -> None:
    tensors = TensorDataset(torch.zeros(600, 10))
    monkeypatch.setattr(data_files, "WHOLE_BYTES", 600 * 40)
    assert of_samples([tensors], 1).method == "all samples"
    monkeypatch.setattr(data_files, "WHOLE_BYTES", 600 * 40 - 1)
    assert of_samples([tensors], 1).method == "512 samples"


def test_a_spread_is_even_and_taken_alike_later() -> None:
    taken = of_samples([Numbers(10_240)], 1)
    assert (taken.method, taken.samples, taken.of) == ("512 samples", 512, 10_240)
    assert of_samples([Numbers(10_240)], 1, method=taken.method) == taken
    assert all(of_samples([Numbers(10_240, at)], 1) != taken for at in (0, 20, 5120, 10_220))
    fewer = of_samples([Numbers(10_240)], 1, method="64 samples")
    assert (fewer.method, fewer.samples) == ("64 samples", 64)


def files(folder: Path, *patterns: str) -> tuple[Fingerprint, Manifest]:
    found = of_files(folder, patterns)
    assert not isinstance(found, list)
    return found


def test_big_files_are_sampled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_files, "WHOLE_BYTES", 3 * 2**15)
    path = tmp_path / "big.bin"
    path.write_bytes(bytes(300_000))
    first, _ = files(tmp_path, "*.bin")
    assert (first.method, first.piece, first.bytes) == ("sampled content", 2**15, 3 * 2**15)
    assert (first.total_bytes, first.files_read) == (300_000, 1)
    path.write_bytes(bytes(299_999) + b"1")
    assert files(tmp_path, "*.bin")[0].sha256 != first.sha256
    path.write_bytes(bytes(50_000) + b"1" + bytes(249_999))
    assert files(tmp_path, "*.bin")[0] == first, "between the pieces nothing is seen, and the method says so"


def test_of_very_many_files_an_even_spread_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_files, "WHOLE_BYTES", 1000)
    monkeypatch.setattr(data_files, "MOST_READ", 4)
    for at in range(10):
        (tmp_path / f"{at}.bin").write_bytes(bytes(200))
    taken, manifest = files(tmp_path, "*.bin")
    assert (taken.files, taken.files_read) == (10, 4)
    (tmp_path / "1.bin").write_bytes(b"1" * 200)
    assert files(tmp_path, "*.bin")[0] == taken
    (tmp_path / "1.bin").write_bytes(b"1" * 201)
    assert files(tmp_path, "*.bin")[0] != taken
    assert data_files.compare(tmp_path, manifest) == (["1.bin (size 200 → 201 bytes)"], [])


def test_the_same_data_elsewhere_has_the_same_fingerprint(tmp_path: Path) -> None:
    for place, when in (("here", 1), ("there", 2_000_000_000)):
        (tmp_path / place / "data").mkdir(parents=True)
        (tmp_path / place / "data" / "a.bin").write_bytes(b"x" * 1000)
        os.utime(tmp_path / place / "data" / "a.bin", (when, when))
    assert files(tmp_path / "here", "data/*.bin")[0] == files(tmp_path / "there", "data/*.bin")[0]


def test_what_changed_is_told_by_file(tmp_path: Path) -> None:
    names = ["content", "gone", "renewed", "set-back", "shorter", "untouched"]
    for name in names:
        (tmp_path / name).write_bytes(b"12345678")
    _, manifest = files(tmp_path, "*")
    assert data_files.compare(tmp_path, manifest) == ([], [])
    (tmp_path / "content").write_bytes(b"1234567x")
    (tmp_path / "gone").unlink()
    os.utime(tmp_path / "renewed", (1, 1))
    times = (tmp_path / "set-back").stat()
    (tmp_path / "set-back").write_bytes(b"1234567x")
    os.utime(tmp_path / "set-back", ns=(times.st_atime_ns, times.st_mtime_ns))
    (tmp_path / "shorter").write_bytes(b"1234")
    (tmp_path / "added").write_bytes(b"")
    again = Manifest.from_json(json.loads(json.dumps(manifest.to_json())))
    assert data_files.compare(tmp_path, again) == (
        [
            "added (new)",
            "content (content)",
            "gone (missing)",
            "set-back (content)",
            "shorter (size 8 → 4 bytes)",
        ],
        ["renewed"],
    )


def test_a_file_that_nobody_may_read_is_a_problem(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    (tmp_path / "a.bin").write_bytes(b"x")
    (tmp_path / "a.bin").chmod(0)
    found = of_files(tmp_path, ["*.bin"])
    assert isinstance(found, list)
    assert "cannot be read (Permission denied)" in found[0].message


def test_names_count_and_patterns_may_leave_the_folder(tmp_path: Path) -> None:
    roadmap = tmp_path / "roadmaps"
    roadmap.mkdir()
    (tmp_path / "shared.bin").write_bytes(b"x")
    inside, manifest = files(roadmap, "../*.bin")
    files(roadmap, str(tmp_path / "*.bin"))
    (tmp_path / "shared.bin").rename(tmp_path / "other.bin")
    assert files(roadmap, "../*.bin")[0].sha256 != inside.sha256
    changed, _ = data_files.compare(roadmap, manifest)
    assert changed == ["../other.bin (new)", "../shared.bin (missing)"]


def test_what_lies_in_the_folder_of_a_run_is_no_data(tmp_path: Path) -> None:
    for name in ("a.pt", "more/b.pt", "runs/x-1/trials/t1/best.pt", "runs/x-1/run.db"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("1")
    found = data_files.matches(tmp_path, "**/*.pt")
    assert [path.relative_to(tmp_path).as_posix() for path in found] == ["a.pt", "more/b.pt"]
    # A roadmap that lies in a run's folder, a sealed copy say, has its data where it lies.
    sealed = tmp_path / "runs" / "x-1"
    assert [path.name for path in data_files.matches(sealed, "trials/*/*.pt")] == ["best.pt"]
