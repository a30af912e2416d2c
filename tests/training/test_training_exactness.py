"""Equal bits, whoever fetches the samples, and wherever a trial was interrupted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from tests.support.trials import BLOBS, RunningWorker, Told, make_job, train, until, write_task

from staycourse.core.job import Job, StopSpec, TaskSpec
from staycourse.core.schedules import Schedule

# Draws from all three global generators, in samples, in collate and in the model.
NOISY = """
import random
import numpy as np
import torch
from torch import nn

class Noisy(torch.utils.data.Dataset):
    def __init__(self): self.x = torch.randn(90, 4)
    def __len__(self): return 90
    def __getitem__(self, index):
        x = self.x[index] + 0.1 * torch.randn(4) + random.random() + np.random.rand()
        return x.float(), int(self.x[index].sum() > 0)

def dataset(args, stage): return Noisy()

def collate(samples):
    x, y = zip(*samples)
    return torch.stack(x) + 0.1 * torch.rand(1) + random.random(), torch.tensor(y)

def model(args, hp): return nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.5), nn.Linear(8, 2))

def loss(model, batch, hp):
    x, y = batch
    return nn.functional.cross_entropy(model(x + random.random() + float(np.random.rand())), y)
"""


def bits(folder: Path) -> dict[str, Any]:
    """The weights of the last checkpoint."""
    state: dict[str, Any] = torch.load(folder / "last.pt", weights_only=True)["model"]
    return state


def same(a: Path, b: Path) -> bool:
    first, second = bits(a), bits(b)
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def reference(tmp_path: Path, task: TaskSpec, **changes: Any) -> tuple[Path, Told]:
    folder = tmp_path / "whole"
    return folder, train(make_job(folder, task, **changes))


@pytest.mark.parametrize("source", [BLOBS, NOISY], ids=["blobs", "noisy"])
def test_the_number_of_loader_workers_changes_nothing(tmp_path: Path, source: str) -> None:
    task = write_task(tmp_path, source)
    folder, whole = reference(tmp_path, task, epochs=3, data={"workers": 0})
    for workers in (1, 2):
        again = tmp_path / f"workers-{workers}"
        told = train(make_job(again, task, epochs=3, data={"workers": workers}))
        assert told.one("ready")["loader_workers"] == workers
        assert told.rows() == whole.rows()
        assert same(folder, again)


@pytest.mark.parametrize("step", [1, 7, 9, 20])
@pytest.mark.parametrize("source", [BLOBS, NOISY], ids=["blobs", "noisy"])
def test_a_kill_and_a_resume_change_nothing(tmp_path: Path, source: str, step: int) -> None:
    task = write_task(tmp_path, source)
    setup = {"lr": 0.01, "batch_size": 8, "optimizer": "adamw"}
    often = {"setup": setup, "epochs": 3, "checkpoint_every": 0.0}
    folder, whole = reference(tmp_path, task, **often)
    killed = tmp_path / "killed"
    first = train(make_job(killed, task, **often, kill_at_step=step))
    assert first.status == -9
    second = train(make_job(killed, task, **often, kill_at_step=step, attempt=2))
    ready = second.one("ready")
    assert (ready["step"], ready["resumed_from"]) == (step, "last.pt")
    assert Told(first.messages + second.messages).rows() == whole.rows()
    assert second.rows() == whole.rows(), "rows of the first attempt are sent again"
    assert same(folder, killed)
    ignored = {"seconds": 0, "files": {}}
    assert second.one("ended") | ignored == whole.one("ended") | ignored


def test_a_kill_before_any_checkpoint_starts_again(tmp_path: Path, blobs: TaskSpec) -> None:
    folder, whole = reference(tmp_path, blobs)
    killed = tmp_path / "killed"
    train(make_job(killed, blobs, kill_at_step=13))
    told = train(make_job(killed, blobs, kill_at_step=13, attempt=2))
    assert told.one("ready")["resumed_from"] is None
    assert told.rows() == whole.rows()
    assert same(folder, killed)


@pytest.mark.parametrize("workers", [0, 2])
def test_stopping_by_order_inside_a_window_changes_nothing(tmp_path: Path, workers: int) -> None:
    """250 steps an epoch make windows of 13; step 137, in which the order comes, is inside one."""
    waiting, go = tmp_path / "waiting", tmp_path / "go"
    pausing = """
    STEPS.append(model.training)
    if sum(STEPS) == 137 and not GO.exists():
        WAITING.touch()
        while not GO.exists(): time.sleep(0.01)
        time.sleep(0.1)  # longer than the loop leaves orders unread
    x, y = batch
    return nn"""
    source = BLOBS.replace("\n    x, y = batch\n    return nn", pausing) + (
        "import time\nfrom pathlib import Path\nSTEPS = []\n"
        f"GO, WAITING = Path({str(go)!r}), Path({str(waiting)!r})\n"
    )
    task = write_task(tmp_path, source)
    job: dict[str, Any] = {"epochs": 2, "args": {"count": 2500}, "data": {"workers": workers}}
    stopped = tmp_path / "stopped"
    worker = RunningWorker(make_job(stopped, task, **job))
    until(waiting.exists)
    worker.order({"order": "stop"})
    go.touch()
    first = worker.finish()
    assert first.one("interrupted")["step"] == 137
    second = train(make_job(stopped, task, **job, attempt=2))
    folder, whole = reference(tmp_path, task, **job)
    assert Told(first.messages + second.messages).rows() == whole.rows()
    assert same(folder, stopped)


def test_stopping_while_it_is_validated_changes_nothing(tmp_path: Path) -> None:
    """The warm-up, too, is where the last update has left it."""
    waiting, go = tmp_path / "waiting", tmp_path / "go"
    pausing = f"""def metrics(model, batch, hp):
    import pathlib, time
    if not pathlib.Path({str(go)!r}).exists():
        pathlib.Path({str(waiting)!r}).touch()
        while not pathlib.Path({str(go)!r}).exists(): time.sleep(0.01)
        time.sleep(0.1)  # longer than the loop leaves orders unread
"""
    task = write_task(tmp_path, BLOBS.replace("def metrics(model, batch, hp):\n", pausing))
    setup = {"lr": 0.01, "batch_size": 8, "schedule": "warm"}
    job: dict[str, Any] = {"setup": setup, "schedules": {"warm": Schedule(warmup=2.5)}}
    stopped = tmp_path / "stopped"
    worker = RunningWorker(make_job(stopped, task, **job))
    until(waiting.exists)
    worker.order({"order": "stop"})
    go.touch()
    assert worker.finish().one("interrupted")["step"] == 11, "an epoch's updates are all done"
    second = train(make_job(stopped, task, **job, attempt=2))
    folder, whole = reference(tmp_path, task, **job)
    assert second.rows() == whole.rows()
    assert same(folder, stopped)


def test_an_order_that_came_before_the_first_step_is_obeyed(tmp_path: Path, blobs: TaskSpec) -> None:
    folder, whole = reference(tmp_path, blobs)
    stopped = tmp_path / "stopped"
    worker = RunningWorker(make_job(stopped, blobs))
    worker.order({"order": "stop"})
    assert worker.finish().one("interrupted")["step"] == 0
    told = train(make_job(stopped, blobs, attempt=2))
    assert told.rows() == whole.rows()
    assert same(folder, stopped)


def test_an_order_during_validation_goes_on_at_the_epochs_end(tmp_path: Path) -> None:
    slow = BLOBS.replace(
        "def metrics",
        "def evaluate(model, loader):\n"
        "    import time\n"
        "    for _ in loader: time.sleep(0.2)\n"
        "    return {}\n\n"
        "def metrics",
    )
    task = write_task(tmp_path, slow)
    folder, whole = reference(tmp_path, task, epochs=2)
    stopped = tmp_path / "stopped"
    worker = RunningWorker(make_job(stopped, task, epochs=2))
    worker.wait_for("progress")
    worker.order({"order": "stop"})
    assert worker.finish().one("interrupted")["step"] in (11, 22)
    told = train(make_job(stopped, task, epochs=2, attempt=2))
    assert told.rows() == whole.rows()
    assert same(folder, stopped)


def test_resuming_a_trial_that_has_ended_says_so_again(tmp_path: Path, blobs: TaskSpec) -> None:
    _, whole = reference(
        tmp_path, blobs, stop=StopSpec(patience=1), setup={"lr": 0.5, "batch_size": 8}, epochs=30
    )
    again = train(
        make_job(
            tmp_path / "whole",
            blobs,
            stop=StopSpec(patience=1),
            setup={"lr": 0.5, "batch_size": 8},
            epochs=30,
        )
    )
    ignored = {"seconds": 0, "files": {}}
    assert again.one("ended") | ignored == whole.one("ended") | ignored
    assert again.rows() == whole.rows()


def test_a_continued_trial_equals_an_uninterrupted_longer_one(tmp_path: Path, blobs: TaskSpec) -> None:
    setup = {"lr": 0.01, "batch_size": 8, "schedule": "late", "optimizer": "sgd", "momentum": 0.9}
    schedules = {"late": Schedule({"lr": {2: 0.5, 5: 0.1}, "batch_size": {3: 2}})}
    common: dict[str, Any] = {"setup": setup, "schedules": schedules, "horizon": 7}
    folder, whole = reference(tmp_path, blobs, **common, epochs=7)
    parent = tmp_path / "parent"
    short = train(make_job(parent, blobs, **common, epochs=4))
    child = tmp_path / "child"
    long = train(make_job(child, blobs, **common, trial="t2", epochs=7, parent=str(parent), kill_at_step=47))
    assert (long.one("ready")["resumed_from"], long.one("ready")["epoch"]) == ("parent", 4)
    assert long.status == -9
    long = train(make_job(child, blobs, **common, trial="t2", epochs=7, parent=str(parent), attempt=2))
    assert min(step for _, step in long.rows()) > short.one("ended")["step"], "its own rows only"
    assert {**short.rows(), **long.rows()} == whole.rows()
    assert same(folder, child)
    ended = long.one("ended")
    assert (ended["curve"], ended["best"]) == (whole.one("ended")["curve"], whole.one("ended")["best"])
    best = [torch.load(at / "best.pt", weights_only=True) for at in (folder, child)]
    assert all(torch.equal(best[0]["model"][name], best[1]["model"][name]) for name in best[0]["model"])


def test_a_child_that_never_beats_its_parent_keeps_the_parents_best(tmp_path: Path, blobs: TaskSpec) -> None:
    job: dict[str, Any] = {"setup": {"lr": 0.5, "batch_size": 8}, "horizon": 12}
    parent, child = tmp_path / "parent", tmp_path / "child"
    best = train(make_job(parent, blobs, **job, epochs=10)).one("ended")["best"]
    told = train(make_job(child, blobs, **job, trial="t2", epochs=12, parent=str(parent)))
    assert min(told.curve("val_loss")) > best["value"], "or this test shows nothing"
    assert told.one("ended")["best"] == best
    assert (child / "best.pt").read_bytes() == (parent / "best.pt").read_bytes()


def test_set_ups_meet_the_same_data_and_start_from_the_same_weights(tmp_path: Path) -> None:
    seen = BLOBS + (
        "SEEN = []\n"
        "inner = loss\n"
        "def loss(model, batch, hp):\n"
        "    if model.training:\n"
        "        weights = [p.detach().clone() for p in model.parameters()]\n"
        "        if not SEEN: torch.save(weights, FOLDER / f'w-{hp.lr}.pt')\n"
        "        SEEN.append(batch[0])\n"
        "        torch.save(torch.cat(SEEN), FOLDER / f'x-{hp.lr}.pt')\n"
        "    return inner(model, batch, hp)\n"
        f"from pathlib import Path\nFOLDER = Path({str(tmp_path)!r})\n"
    )
    task = write_task(tmp_path, seen)
    for lr, size in ((0.1, 8), (0.2, 4)):
        setup = {"lr": lr, "batch_size": size, "optimizer": "sgd" if lr < 0.15 else "adam"}
        train(make_job(tmp_path / f"t{lr}", task, setup=setup, epochs=2, args={"count": 100}))
    weights, data = ([torch.load(tmp_path / f"{kind}-{lr}.pt") for lr in (0.1, 0.2)] for kind in "wx")
    assert all(torch.equal(a, b) for a, b in zip(*weights, strict=True))
    assert torch.equal(*data)
    assert not torch.equal(data[0][:80], data[0][80:160]), "each epoch has its own order"


def test_another_repetition_is_another_draw_of_the_same_split(tmp_path: Path, blobs: TaskSpec) -> None:
    jobs = [make_job(tmp_path / f"r{r}", blobs, repetition=r, epochs=1) for r in (0, 1)]
    assert isinstance(jobs[0], Job)
    told = [train(job) for job in jobs]
    assert told[0].curve("train_loss_step") != told[1].curve("train_loss_step")
