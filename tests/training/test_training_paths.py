"""Equal bits over the product of data path, number of workers and checkpoint interval."""

from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.support.loader_process import ask_loader
from tests.support.trials import BLOBS, make_job, train, write_task

from staycourse.core.job import DataSpec, TaskSpec
from staycourse.supervise.spawner import Spawner

EPOCHS = 2
# Every step, in the middle of epochs, and at the end alone.
INTERVALS = (0.0, 0.02, 1e9)
WORKERS = (0, 1, 3)
ITEMS = (
    BLOBS.replace("    return TensorDataset(x, (x.sum(1) > 0).long())", "    return Items(x)")
    + """
class Items(torch.utils.data.Dataset):
    def __init__(self, x): self.x = x
    def __len__(self): return len(self.x)
    def __getitem__(self, index): return self.x[index], int(self.x[index].sum() > 0)
"""
)
SHARDS = """
import torch
from torch import nn
def model(args, hp): return nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.1), nn.Linear(8, 2))
def loss(model, batch, hp): return nn.functional.cross_entropy(model(batch["x"]), batch["y"])
"""


def bits(folder: Path) -> list[bytes]:
    state = torch.load(folder / "last.pt", weights_only=True)
    tensors = [
        *state["model"].values(),
        *(v for s in state["optimizer"]["state"].values() for v in s.values()),
    ]
    return [tensor.numpy().tobytes() for tensor in tensors]


class Reference:
    """The first result; every other one has to equal it."""

    def __init__(self) -> None:
        self.known: tuple[Any, list[bytes]] | None = None

    def take(self, folder: Path, task: TaskSpec, **changes: Any) -> str:
        """Kill the trial in its second epoch, resume it, and compare; returns the data path."""
        job: dict[str, Any] = {"epochs": EPOCHS, **changes}
        assert train(make_job(folder, task, **job, kill_at_step=17)).status == -9
        told = train(make_job(folder, task, **job, attempt=2))
        assert told.all("ended"), (told.messages, told.log)
        found = told.rows(), bits(folder)
        self.known = self.known or found
        assert found == self.known, folder.name
        return str(told.one("ready")["data_path"])


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["items", "shards"])
def test_nothing_can_be_told_from_the_result(tmp_path: Path, spawner: Spawner, kind: str) -> None:
    task, files = write_task(tmp_path, ITEMS), ()
    if kind == "shards":
        task = dataclasses.replace(write_task(tmp_path, SHARDS, "shards.py"), has_files=True)
        files = ("shard-*.pt",)
        for at, count in enumerate((30, 9, 40, 24)):
            x = torch.randn(count, 4, generator=torch.Generator().manual_seed(at))
            torch.save({"x": x, "y": (x.sum(1) > 0).long()}, tmp_path / f"shard-{at}.pt")
    common = DataSpec(files=files, buffer=3 * 50 * 24)
    reference, paths = Reference(), set()
    for every, workers in itertools.product(INTERVALS, WORKERS):
        data = dataclasses.replace(common, workers=workers)
        folder = tmp_path / f"{every}-{workers}"
        paths.add(reference.take(folder, task, data=data, checkpoint_every=every))
    _, answer = ask_loader(spawner, task, dataclasses.asdict(common), tmp_path)
    shared = dataclasses.replace(common, resident=answer["resident"])
    for every in INTERVALS:
        folder = tmp_path / f"{every}-resident"
        paths.add(reference.take(folder, task, data=shared, checkpoint_every=every))
    assert paths == {"resident", "workers" if kind == "items" else "stream"}
