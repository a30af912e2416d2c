"""Whoever fetches a sample, it is the same: what data sets do that could tell."""

from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.support.loader_process import ask_loader
from tests.support.trials import BLOBS, make_job, train, write_task

from staycourse.core.job import DataSpec
from staycourse.supervise.spawner import Spawner

AS_ROWS = "    return TensorDataset(x, (x.sum(1) > 0).long())"
# Opens its file at its first sample, as data sets with a file handle do.
IN_A_FILE = (
    BLOBS.replace(
        "    return TensorDataset(x, (x.sum(1) > 0).long())",
        "    x.numpy().tofile('samples.bin')\n    return InAFile(args.count)",
    )
    + """
import time
class InAFile(torch.utils.data.Dataset):
    def __init__(self, count): self.count, self.file = count, None
    def __len__(self): return self.count
    def __getitem__(self, index):
        self.file = self.file or open("samples.bin", "rb", buffering=0)
        self.file.seek(16 * index)
        time.sleep(0.0005)  # as long as a disk takes
        x = torch.frombuffer(bytearray(self.file.read(16)), dtype=torch.float32)
        return x, int(x.sum() > 0)
"""
)

# Sums in the data set as a whole, in its samples and in collate.
SUMMED = (
    BLOBS.replace(
        "    return TensorDataset(x, (x.sum(1) > 0).long())",
        "    return Summed(x, torch.rand(200_000))",
    )
    + """
class Summed(torch.utils.data.Dataset):
    def __init__(self, x, more): self.x, self.more, self.mean = x, more, (more * 1.1).mean()
    def __len__(self): return len(self.x)
    def __getitem__(self, index):
        x = self.x[index]
        return x + (self.more * x[0]).mean() + self.mean, int(x.sum() > 0)
def collate(samples):
    x, y = zip(*samples)
    x = torch.stack(x)
    return x + (x.repeat(20_000, 1) * 0.1).mean(), torch.tensor(y)
"""
)

# What collate passes on lies in the data set, and the loss writes into it.
IN_PLACE = BLOBS.replace(AS_ROWS, "    return list(zip(x, (x.sum(1) > 0).long()))").replace(
    "    x, y = batch\n    return nn",
    "    x, y = torch.stack([x.mul_(0.9) for x in batch[0]]), batch[1]\n    return nn",
)
IN_PLACE = (
    IN_PLACE[: IN_PLACE.index("def metrics")]
    + """
def collate(samples):
    x, y = zip(*samples)
    return x, torch.stack(y)
"""
)


def test_the_threads_of_a_trial_do_not_compute_its_samples(tmp_path: Path, spawner: Spawner) -> None:
    """Loader workers have one, and a sum over several has other last bits."""
    task = write_task(tmp_path, SUMMED)
    of_two: dict[str, Any] = {"threads": 2, "epochs": 1}
    whole = train(make_job(tmp_path / "whole", task, **of_two, data={"workers": 0}))
    fetched = train(make_job(tmp_path / "fetched", task, **of_two, data={"workers": 1}))
    assert fetched.rows() == whole.rows()
    _, answer = ask_loader(spawner, task, {}, tmp_path, workers=1)
    stored = train(make_job(tmp_path / "stored", task, **of_two, data={"resident": answer["resident"]}))
    assert stored.one("ready")["data_path"] == "resident"
    assert stored.rows() == whole.rows()


def test_processes_that_fetch_do_not_share_the_place_in_a_file(tmp_path: Path, spawner: Spawner) -> None:
    task = write_task(tmp_path, IN_A_FILE)
    whole = train(make_job(tmp_path / "whole", task, epochs=2, data={"workers": 0}))
    by_two = train(make_job(tmp_path / "two", task, epochs=2, data={"workers": 2}))
    assert by_two.rows() == whole.rows()
    _, answer = ask_loader(spawner, task, {}, tmp_path, workers=2)
    stored = train(make_job(tmp_path / "stored", task, epochs=2, data={"resident": answer["resident"]}))
    assert stored.one("ready")["data_path"] == "resident"
    assert stored.rows() == whole.rows()


ITEMS = BLOBS.replace(AS_ROWS, "    return list(zip(x, (x.sum(1) > 0).long()))") + "\ndef evaluate(loader):\n"
SHARDS = """
import torch
from torch import nn
def model(args, hp): return nn.Linear(4, 2)
def loss(model, batch, hp): return nn.functional.cross_entropy(model(batch["x"]), batch["y"])
"""
# Samples with a gradient, which torch does not collate in a worker; a batch that cannot be pickled.
BOUND = {
    "gradient": BLOBS.replace(
        AS_ROWS, "    return [(r.clone().requires_grad_(), int(r.sum() > 0)) for r in x]"
    ),
    "function": BLOBS.replace("    x, y = batch\n", "    x, y = batch()\n")
    + """
from torch.utils.data import default_collate
def collate(samples): return lambda: default_collate(samples)
""",
}


@pytest.mark.parametrize("name", BOUND)
def test_what_cannot_be_handed_over_is_fetched_where_it_is_used(tmp_path: Path, name: str) -> None:
    """A loader worker would fail, or be waited for in vain."""
    task = write_task(tmp_path, BOUND[name])
    told = train(make_job(tmp_path / "t", task, epochs=1, data={"workers": 1}))
    assert told.one("ended")["outcome"] == "completed"
    assert told.one("ready")["loader_workers"] == 0


def test_a_loss_that_writes_into_its_batch_does_not_change_the_data_set(tmp_path: Path) -> None:
    task = write_task(tmp_path, IN_PLACE)
    told = [train(make_job(tmp_path / f"{n}", task, epochs=3, data={"workers": n})) for n in (0, 1, 2)]
    assert told[0].rows() == told[1].rows() == told[2].rows()


def test_evaluate_may_loop_over_its_loader_within_a_loop(tmp_path: Path) -> None:
    pairs = ITEMS + "    return {'pairs': sum(len(a[1]) * len(b[1]) for a in loader for b in loader)}\n"
    shards = (SHARDS + pairs[pairs.index("def evaluate") :]).replace("[1]", "['y']")
    torch.save({"x": torch.randn(103, 4), "y": torch.arange(103) % 2}, tmp_path / "shard.pt")
    tasks = {
        (): write_task(tmp_path, pairs),
        ("shard.pt",): dataclasses.replace(write_task(tmp_path, shards, "shards.py"), has_files=True),
    }
    for workers, (files, task) in itertools.product((0, 1), tasks.items()):
        job = make_job(
            tmp_path / f"{workers} {files}", task, epochs=1, data=DataSpec(files=files, workers=workers)
        )
        assert train(job).curve("pairs") == [21 * 21]
