"""Data in many files: formats, order, what is read and what is held, and files that cannot be used."""

from __future__ import annotations

import itertools
import pickle
from argparse import Namespace
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from tests.support.trials import Told, make_job, train, write_task

from staycourse.core.job import DataSpec, TaskSpec
from staycourse.task.contract import Task
from staycourse.training.data import Data, prepare
from staycourse.training.ordering import training_order
from staycourse.training.randomness import Randomness
from staycourse.training.shards.dataset import ShardSet
from staycourse.training.shards.reading import ShardError, measure, read

# Imports nothing that would read a file. Opened files are written down: the hook is inherited by forks.
TASK = """
import sys
import torch
from torch import nn

def add_arguments(parser): parser.add_argument("--log", default="")

def model(args, hp):
    if args.log:
        log = open(args.log, "a", buffering=1)
        def hook(event, given):
            if event == "open" and "shard-" in str(given[0]) and "r" in str(given[1]):
                log.write(str(given[0]) + "\\n")
        sys.addaudithook(hook)
    return nn.Linear(4, 2)

def loss(model, batch, hp): return nn.functional.cross_entropy(model(batch["x"]), batch["y"])
"""


def samples(count: int, seed: int = 0) -> dict[str, torch.Tensor]:
    x = torch.randn(count, 4, generator=torch.Generator().manual_seed(seed))
    return {"x": x, "y": (x.sum(1) > 0).long()}


def write_npz(path: Path, columns: dict[str, torch.Tensor]) -> None:
    np.savez(path, **{name: column.numpy() for name, column in columns.items()})


def write_pickle(path: Path, columns: dict[str, torch.Tensor]) -> None:
    path.write_bytes(pickle.dumps({name: column.numpy() for name, column in columns.items()}))


Writer = Callable[[Path, dict[str, torch.Tensor]], None]
WRITERS: dict[str, Writer] = {
    "npz": write_npz,
    "pt": lambda path, columns: torch.save(columns, path),
    "safetensors": lambda path, columns: save_file(columns, path),
    "pickle": write_pickle,
}


def write_shards(folder: Path, counts: Sequence[int], kind: str = "pt") -> TaskSpec:
    task = write_task(folder, TASK)
    for at, count in enumerate(counts):
        WRITERS[kind](folder / f"shard-{at:03}.{kind}", samples(count, at))
    return TaskSpec(task.code, task.file, task.folder, has_files=True)


def shard_data(**more: Any) -> dict[str, Any]:
    return {"files": ("shard-*",), "workers": 0, **more}


def trained(folder: Path, task: TaskSpec, args: dict[str, Any] | None = None, **data: Any) -> Told:
    told = train(make_job(folder, task, data=shard_data(**data), args=args or {}, epochs=2))
    assert told.all("ended"), (told.messages, told.log)
    return told


@pytest.mark.parametrize("kind", WRITERS)
def test_every_format_gives_the_same_training(tmp_path: Path, kind: str) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    known = trained(tmp_path / "a" / "t", write_shards(tmp_path / "a", [20, 7, 33]))
    told = trained(tmp_path / "b" / "t", write_shards(tmp_path / "b", [20, 7, 33], kind), trusted=True)
    assert told.one("ready")["data_path"] == "stream"
    assert told.one("ready")["train_samples"] == 48
    assert told.rows() == known.rows()


@pytest.mark.parametrize("kind", WRITERS)
def test_a_measure_is_what_reading_finds(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"x.{kind}"
    WRITERS[kind](path, samples(13))
    content, table = measure(path, is_trusted=True), read(path, is_trusted=True)
    assert (content.count, content.bytes) == (len(table), table.bytes) == (13, 13 * (4 * 4 + 8))


def prepared(folder: Path, buffer: int, counts: Sequence[int]) -> Data:
    task = write_shards(folder, counts)
    return prepare(Task.load(task), DataSpec(files=(f"{folder}/shard-*",), buffer=buffer), seed=3)


def test_an_epoch_reads_each_file_once_and_holds_no_more_than_the_buffer(tmp_path: Path) -> None:
    counts, row = [20, 30, 25, 20, 30, 25, 20, 30], 4 * 4 + 8
    data = prepared(tmp_path, buffer=3 * 60 * row, counts=counts)
    orders = []
    for epoch in (1, 2):
        order, blocks = training_order(data.train, Randomness(3, 0), epoch)
        assert sorted(order) == list(range(len(data.train)))
        assert blocks is not None
        assert sorted(s.file for block in blocks for s in block.slices) == list(range(len(counts)))
        assert all(len(block) <= 60 for block in blocks)
        assert len(blocks) > 2
        orders.append(list(order))
    assert orders[0] != orders[1]
    assert orders[0] == list(training_order(data.train, Randomness(3, 0), 1)[0])
    assert orders[0] != list(training_order(data.train, Randomness(3, 1), 1)[0])


def test_a_buffer_for_all_files_shuffles_all_samples(tmp_path: Path) -> None:
    data = prepared(tmp_path, buffer=1 << 30, counts=[25] * 8)
    order, blocks = training_order(data.train, Randomness(3, 0), 1)
    assert blocks is not None
    assert len(blocks) == 1
    files = [data.train.dataset.shard_of(data.train.indices[place]) for place in order]
    assert len(set(files[:16])) > 4


@pytest.mark.parametrize("workers", [0, 2])
def test_files_are_opened_once_an_epoch(tmp_path: Path, workers: int) -> None:
    task = write_shards(tmp_path, [20] * 6)
    log = tmp_path / "opened"
    trained(tmp_path / "t", task, {"log": str(log)}, workers=workers, buffer=3 * 50 * 24)
    opened = log.read_text().splitlines()
    counts = {path: opened.count(path) for path in set(opened)}
    # Two epochs of training, each with its validation; a file holds samples of both parts.
    assert len(counts) == 6
    assert set(counts.values()) == {4}


@pytest.mark.parametrize("step", [1, 4, 11])
def test_a_kill_and_a_resume_change_nothing(tmp_path: Path, step: int) -> None:
    task = write_shards(tmp_path, [20, 7, 33, 11])
    job: dict[str, Any] = {
        "data": shard_data(workers=1, buffer=3 * 34 * 24),
        "epochs": 2,
        "checkpoint_every": 0.0,
    }
    whole = train(make_job(tmp_path / "whole", task, **job))
    assert train(make_job(tmp_path / "t", task, **job, kill_at_step=step)).status == -9
    again = train(make_job(tmp_path / "t", task, **job, attempt=2))
    assert again.one("ready")["step"] == step
    assert again.rows() == whole.rows()


def test_single_samples_are_those_of_the_files(tmp_path: Path) -> None:
    shards = prepared(tmp_path, 1 << 30, [3, 5, 2]).whole
    assert isinstance(shards, ShardSet)
    expected = torch.cat([samples(count, at)["x"] for at, count in enumerate([3, 5, 2])])
    assert torch.equal(torch.stack([shards[at]["x"] for at in range(len(shards))]), expected)
    with pytest.raises(IndexError):
        shards[10]


def test_a_collate_gets_the_samples(tmp_path: Path) -> None:
    task = write_shards(tmp_path, [20, 20])
    code = Path(task.code) / task.file
    collate = """
def collate(samples):
    return {"x": torch.stack([s["x"] for s in samples]), "y": torch.stack([s["y"] for s in samples])}
"""
    plain = trained(tmp_path / "plain", task)
    code.write_text(code.read_text() + collate)
    assert trained(tmp_path / "t", task).rows() == plain.rows()


def test_what_is_in_the_files_is_looked_up_once(tmp_path: Path) -> None:
    """The list is kept, and made anew once a file has changed."""
    task = write_shards(tmp_path, [20, 20])
    index = str(tmp_path / "shards.json")
    trained(tmp_path / "a", task, index=index)
    kept = Path(index).read_text()
    assert trained(tmp_path / "b", task, index=index).one("ready")["train_samples"] == 32
    torch.save(samples(40), tmp_path / "shard-001.pt")
    assert trained(tmp_path / "c", task, index=index).one("ready")["train_samples"] == 48
    assert Path(index).read_text() != kept


def refusal(folder: Path, **spec: Any) -> str:
    with pytest.raises(ShardError) as caught:
        ShardSet.of(DataSpec(files=(f"{folder}/shard-*",), **spec), Namespace())
    return str(caught.value)


class _Evil:
    def __reduce__(self) -> Any:
        return Path.touch, (Path("/tmp/staycourse-was-run"),)


def test_what_a_file_must_not_be_is_told_with_its_name(tmp_path: Path) -> None:
    assert "no file matches" in refusal(tmp_path)
    path = tmp_path / "shard-0.pt"
    for content, said in (
        ({"x": torch.randn(4, 2), "y": torch.zeros(3)}, "rows differ in number: x has 4, y has 3"),
        ({"x": torch.randn(4, 2), "name": "abc"}, "name is str"),
        ({"x": torch.tensor(1.0)}, "x is a single number"),
        ({}, "holds no sample"),
        ([torch.zeros(2), torch.zeros(3)], "samples differ in shape"),
        ({"x": torch.eye(3).to_sparse()}, "x is sparse"),
    ):
        torch.save(content, path)
        told = refusal(tmp_path)
        assert "shard-0.pt" in told
        assert said in told
    path.unlink()
    for array in (np.array([None, 3]), np.array(["a", "b"]), np.zeros(2, np.longdouble)):
        np.savez(tmp_path / "shard-0.npz", x=array)
        assert f"x holds {array.dtype.name}, which torch has no type for" in refusal(tmp_path)
    (tmp_path / "shard-0.npz").unlink()
    save_file({"x": torch.tensor(1.0)}, tmp_path / "shard-0.safetensors")
    assert "x is a single number" in refusal(tmp_path)
    (tmp_path / "shard-0.safetensors").unlink()
    for suffix, rubbish in itertools.product(
        ("pt", "npz", "safetensors"), (b"", b"rubbish", b"PK\x03\x04" + b"\0" * 99, b"\x80\x02]q\x01" * 9)
    ):
        rotten = tmp_path / f"shard-0.{suffix}"
        rotten.write_bytes(rubbish)
        assert f"shard-0.{suffix} cannot be read: " in refusal(tmp_path) or "trusted" in refusal(tmp_path)
        rotten.unlink()
    (tmp_path / "shard-0.txt").write_text("x")
    assert ".npz" in refusal(tmp_path)


def test_files_of_different_kinds_are_told_apart(tmp_path: Path) -> None:
    torch.save({"x": torch.randn(4, 2)}, tmp_path / "shard-0.pt")
    torch.save({"z": torch.randn(4, 3)}, tmp_path / "shard-1.pt")
    told = refusal(tmp_path)
    assert "shard-1.pt holds other samples than shard-0.pt: {z: float32[3]} and {x: float32[2]}" in told


def test_the_order_of_names_tells_no_files_apart(tmp_path: Path) -> None:
    np.savez(tmp_path / "shard-0.npz", y=np.zeros(3), x=np.ones((3, 2)))
    np.savez(tmp_path / "shard-1.npz", x=np.ones((2, 2)), y=np.zeros(2))
    shards = ShardSet.of(DataSpec(files=(f"{tmp_path}/shard-*",)), Namespace())
    assert [list(shards[at]) for at in (0, 4)] == [["x", "y"], ["x", "y"]]


@pytest.mark.parametrize("kind", ["npz", "pickle"])
def test_arrays_of_unusual_numbers_come_as_tensors(tmp_path: Path, kind: str) -> None:
    """Another byte order, and unsigned numbers, of which torch itself takes no rows."""
    columns = {"big": np.arange(5, dtype=">f4"), "deep": np.arange(5, dtype="u2") + 65_530}
    path = tmp_path / f"x.{kind}"
    np.savez(path, **columns) if kind == "npz" else path.write_bytes(pickle.dumps(columns))
    table = read(path, is_trusted=True)
    big, deep = table.gather(torch.tensor([4, 1]))
    assert big.tolist() == [4.0, 1.0]
    assert (deep.dtype, deep.tolist()) == (torch.uint16, [65_534, 65_531])
    assert measure(path, is_trusted=True).sample == "{big: float32[], deep: uint16[]}"


def test_a_file_that_no_buffer_holds_is_refused_with_sizes(tmp_path: Path) -> None:
    torch.save({"x": torch.randn(1000, 25)}, tmp_path / "shard-0.pt")
    assert "takes 100 kB in memory, and the buffer of 200 kB" in refusal(tmp_path, buffer=200_000)


@pytest.mark.parametrize("suffix", ["pkl", "pt"])
def test_no_code_of_a_file_runs_unless_it_is_trusted(tmp_path: Path, suffix: str) -> None:
    evil = Path("/tmp/staycourse-was-run")
    evil.unlink(missing_ok=True)
    path = tmp_path / f"shard-0.{suffix}"
    (torch.save({"x": _Evil()}, path) if suffix == "pt" else path.write_bytes(pickle.dumps(_Evil())))
    assert "trusted = true" in refusal(tmp_path)
    assert not evil.exists()
