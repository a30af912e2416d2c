"""Data in shared memory: what may lie there, and that nobody can tell it from data that is fetched."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.support.loader_process import ask_loader
from tests.support.trials import BLOBS, RunningWorker, make_job, train, until, write_task

from staycourse.core.job import TaskSpec
from staycourse.supervise.spawner import Spawner

Asked = Callable[..., AbstractContextManager[dict[str, Any]]]
AS_ROWS = "    return TensorDataset(x, (x.sum(1) > 0).long())"
ITEMS = (
    BLOBS.replace(AS_ROWS, '    print("making the data set")\n    return Items(x)')
    + """
class Items(torch.utils.data.Dataset):
    def __init__(self, x): self.x, self.targets = x, (x.sum(1) > 0).long().tolist()
    def __len__(self): return len(self.x)
    def __getitem__(self, index): return self.x[index], self.targets[index]
"""
)
COLLATED = (
    ITEMS
    + """
import random
def collate(samples):
    assert all(type(y) is int for _, y in samples)
    x, y = zip(*samples)
    return torch.stack(x) + 0.1 * torch.rand(1) + random.random(), torch.tensor(y)
"""
)
NAMED = BLOBS.replace(
    AS_ROWS,
    "    y = [(int(row.sum() > 0), True) for row in x]\n"
    "    return [{'x': row, 'more': [row.numpy(), 0.5], 'y': label} for row, label in zip(x, y)]",
).replace("    x, y = batch\n", "    x, y = batch['x'] + batch['more'][0], batch['y'][0]\n")
GROUPED = ITEMS + "\ndef groups(dataset): return [f'speaker {i % 9}' for i in range(len(dataset))]\n"
STAGED = BLOBS.replace("def dataset(args):", "def dataset(args, stage):").replace(
    AS_ROWS, "    y = (x.sum(1) > 0).long()\n    return TensorDataset(x + (stage == 'validation'), y)"
)
SPLIT = BLOBS.replace(
    AS_ROWS, "    y = (x.sum(1) > 0).long()\n    return TensorDataset(x[:80], y[:80]), Items(x[80:])"
)
SPLIT += ITEMS[ITEMS.index("class Items") :]
SEES_IT = ITEMS.replace("def model(args, hp):", "def model(args, hp, dataset):\n    assert dataset.targets")


@pytest.fixture
def asked(spawner: Spawner, tmp_path: Path) -> Asked:
    """The answer of a loader process, which lives as long as the context lasts."""

    @contextmanager
    def asking(task: TaskSpec, **request: Any) -> Iterator[dict[str, Any]]:
        child, answer = ask_loader(spawner, task, {"validation": 0.2}, tmp_path, **request)
        yield answer
        spawner.kill(child)
        until(lambda: bool(spawner.receive()) or child.code is not None)
        spawner.let_go(child)

    return asking


def weights(folder: Path) -> torch.Tensor:
    state = torch.load(folder / "last.pt", weights_only=True)["model"]
    return torch.cat([value.flatten() for value in state.values()])


SOURCES = {
    "rows": BLOBS,
    "items": ITEMS,
    "collated": COLLATED,
    "named": NAMED,
    "grouped": GROUPED,
    "staged": STAGED,
    "split": SPLIT,
    "sees-the-data-set": SEES_IT,
}


@pytest.mark.parametrize("name", SOURCES)
def test_a_trial_on_shared_data_has_the_same_bits(tmp_path: Path, asked: Asked, name: str) -> None:
    task = write_task(tmp_path, SOURCES[name])
    fetched = train(make_job(tmp_path / "fetched", task, epochs=2, data={"workers": 0, "share": 0.7}))
    with asked(task) as answer:
        data = {"workers": "auto", "share": 0.7, "resident": answer["resident"]}
        told = train(make_job(tmp_path / "shared", task, epochs=2, data=data))
        assert told.one("ready")["data_path"] == "resident"
        assert fetched.one("ready")["data_path"] == "workers"
        if name in ("items", "collated", "grouped"):
            assert "making the data set" in fetched.log
            assert "making the data set" not in told.log, "it is not made anew for a trial"
    assert told.rows() == fetched.rows()
    assert torch.equal(weights(tmp_path / "shared"), weights(tmp_path / "fetched"))


def test_a_final_trial_on_both_given_parts_takes_them_from_the_task(tmp_path: Path, asked: Asked) -> None:
    task = write_task(tmp_path, SPLIT)
    fetched = train(make_job(tmp_path / "fetched", task, epochs=1, data={"workers": 0, "split": False}))
    with asked(task) as answer:
        data = {"split": False, "resident": answer["resident"]}
        told = train(make_job(tmp_path / "shared", task, epochs=1, data=data))
    assert told.rows() == fetched.rows()


def test_a_running_trial_moves_in_when_the_data_is_there(tmp_path: Path, asked: Asked) -> None:
    slow = ITEMS.replace("    x, y = batch\n    return nn", "    STEP()\n    x, y = batch\n    return nn")
    slow += "\nimport time\ndef STEP(): time.sleep(0.01)\n"
    task = write_task(tmp_path, slow)
    whole = train(make_job(tmp_path / "whole", task, data={"workers": 1}, epochs=12))
    with asked(task) as answer:
        worker = RunningWorker(make_job(tmp_path / "t", task, epochs=12))
        assert worker.wait_for("ready")["data_path"] == "workers"
        worker.order({"order": "resident", "resident": answer["resident"]})
        moved = worker.wait_for("loading")
        told = worker.finish()
    assert moved["data_path"] == "resident"
    assert told.one("ended")["outcome"] == "completed"
    assert told.rows() == whole.rows()


def test_a_loader_that_is_gone_is_no_loss(tmp_path: Path, asked: Asked) -> None:
    task = write_task(tmp_path, ITEMS)
    whole = train(make_job(tmp_path / "whole", task, epochs=1))
    with asked(task) as answer:
        pass
    told = train(make_job(tmp_path / "t", task, epochs=1, data={"resident": answer["resident"]}))
    assert told.one("ready")["data_path"] == "workers"
    assert told.rows() == whole.rows()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (("self.x[index],", "self.x[index] + torch.rand(4),"), "drawn anew"),
        (("self.x[index],", "self.x[index].to(torch.float64 if index == 50 else torch.float32),"), "or type"),
        (("self.x[index],", "str(index),"), "holds str"),
        # A transform that is applied to one sample in fifty only.
        (("self.x[index],", "self.x[index] + (torch.rand(4) if index == 77 else 0),"), "drawn anew"),
    ],
)
def test_what_is_not_the_same_each_time_stays_out(
    tmp_path: Path, asked: Asked, change: tuple[str, str], why: str
) -> None:
    with asked(write_task(tmp_path, ITEMS.replace(*change))) as answer:
        assert "resident" not in answer
        assert why in answer["why"]


def test_data_that_is_too_large_stays_out(tmp_path: Path, asked: Asked) -> None:
    with asked(write_task(tmp_path, ITEMS), most_bytes=1000) as answer:
        assert "resident" not in answer
        assert "needed" in answer["why"]


def test_an_error_of_the_tasks_is_left_to_its_trials(tmp_path: Path, asked: Asked) -> None:
    broken = ITEMS.replace("return self.x[index],", "return self.y[index],")
    with asked(write_task(tmp_path, broken)) as answer:
        assert "AttributeError" in answer["why"]
