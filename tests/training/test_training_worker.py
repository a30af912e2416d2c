"""A worker's life, told through its pipes: real processes, real signals, real trainings."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tests.support.trials import BLOBS, RunningWorker, make_job, train, until, write_task

from staycourse.core.job import StopSpec, TaskSpec

SLOW = BLOBS.replace(
    "    x, y = batch\n    return nn", "    import time; time.sleep(0.01); x, y = batch\n    return nn"
)

# A task that has its loader worker killed at a moment of which torch's own code has no notion.
BAD_MOMENTS = """
import multiprocessing, os, signal
from torch.utils.data import dataloader

def strike():
    for process in multiprocessing.active_children():
        print("a loader worker is killed")
        os.kill(process.pid, signal.SIGKILL)
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)

def strike_in(name):
    inner = getattr(dataloader._MultiProcessingDataLoaderIter, name)
    def outer(*args, **options):
        strike()
        return inner(*args, **options)
    setattr(dataloader._MultiProcessingDataLoaderIter, name, outer)

def as_it_trains(model, batch):
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    strike()
    raise BrokenPipeError

def dataset(args):
    class Blobs(torch.utils.data.IterableDataset):
        def __iter__(self):
            return iter(torch.utils.data.TensorDataset(torch.randn(40, 4), torch.zeros(40).long()))
    return Blobs()

if MOMENT == "in mid-message":
    loss = as_it_trains
else:
    strike_in({"while they are started": "_reset", "while they are ended": "_shutdown_workers"}[MOMENT])
"""


def test_a_trial_from_ready_to_ended(tmp_path: Path, blobs: TaskSpec) -> None:
    told = train(make_job(tmp_path / "t", blobs, final=str(tmp_path / "final")))
    assert told.status == 0
    ready = told.one("ready")
    assert (ready["train_samples"], ready["validation_samples"]) == (82, 21)
    assert (ready["step"], ready["epoch"], ready["resumed_from"]) == (0, 0, None)
    ended = told.one("ended")
    assert (ended["outcome"], ended["rule"], ended["epoch"], ended["step"]) == ("completed", "epochs", 3, 33)
    curve = told.curve("val_loss")
    assert ended["curve"] == [[epoch, value] for epoch, value in enumerate(curve, 1)]
    best = min(range(3), key=lambda at: curve[at])
    assert ended["best"] == {"epoch": best + 1, "value": curve[best]}
    assert {name for name, _ in told.rows()} == {
        "train_loss", "train_loss_step", "val_loss", "accuracy", "lr", "batch_size",
    }  # fmt: skip
    assert told.rows()["val_loss", 22][0] == 2
    assert len(told.curve("train_loss_step")) == 33
    assert told.messages[-1]["type"] == "ended"
    assert set(ended["files"]) == {"last.pt", "best.pt", "model.safetensors"}


def test_the_files_that_the_end_names_are_there(tmp_path: Path, blobs: TaskSpec) -> None:
    import hashlib

    told = train(make_job(tmp_path / "t", blobs, final=str(tmp_path / "final")))
    files = told.one("ended")["files"]
    for name, facts in files.items():
        folder = tmp_path / ("final" if name == "model.safetensors" else "t")
        content = (folder / name).read_bytes()
        assert (hashlib.sha256(content).hexdigest(), len(content)) == (facts["sha256"], facts["bytes"])
    setup = json.loads((tmp_path / "final/setup.json").read_text())
    assert setup["setup"] == {"lr": 0.01, "batch_size": 8}
    assert setup["epochs"] == 3
    assert (tmp_path / "final/last.pt").read_bytes() == (tmp_path / "t/last.pt").read_bytes()


def test_final_weights_load_into_the_model_and_repeat_byte_for_byte(tmp_path: Path) -> None:
    tied = BLOBS.replace(
        "    return nn.Sequential(nn.Linear(4, args.hidden), nn.ReLU(), dropout, nn.Linear(args.hidden, 2))",
        "    net = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), dropout, nn.Linear(4, 4), nn.Linear(4, 2))\n"
        "    net[3].weight = net[0].weight\n"
        "    return net",
    )
    task = write_task(tmp_path, tied)
    for name in "ab":
        assert train(make_job(tmp_path / name, task, final=str(tmp_path / f"final-{name}"))).status == 0
    weights = [(tmp_path / f"final-{name}/model.safetensors").read_bytes() for name in "ab"]
    assert weights[0] == weights[1]
    model = torch.nn.Sequential(
        torch.nn.Linear(4, 4),
        torch.nn.ReLU(),
        torch.nn.Dropout(),
        torch.nn.Linear(4, 4),
        torch.nn.Linear(4, 2),
    )
    model.load_state_dict(load_file(tmp_path / "final-a/model.safetensors"))
    assert torch.equal(model[0].weight, model[3].weight)


def test_without_a_split_nothing_is_validated(tmp_path: Path, blobs: TaskSpec) -> None:
    told = train(make_job(tmp_path / "t", blobs, data={"split": False}, epochs=2))
    assert told.one("ready")["train_samples"] == 103
    ended = told.one("ended")
    assert (ended["best"], ended["curve"], ended["epoch"]) == (None, [], 2)
    assert "val_loss" not in {name for name, _ in told.rows()}
    assert not (tmp_path / "t/best.pt").exists()


def test_patience_ends_a_trial_and_names_its_best_epoch(tmp_path: Path, blobs: TaskSpec) -> None:
    setup = {"lr": 0.5, "batch_size": 8}
    told = train(make_job(tmp_path / "t", blobs, setup=setup, epochs=60, stop=StopSpec(patience=3)))
    ended = told.one("ended")
    assert ended["rule"] == "patience"
    curve = told.curve("val_loss")
    best = min(range(len(curve)), key=lambda at: curve[at])
    assert ended["epoch"] == len(curve) == best + 1 + 3
    saved = torch.load(tmp_path / "t/best.pt", weights_only=True)
    assert (saved["epoch"], saved["value"]) == (best + 1, curve[best])


def test_a_limit_in_hours_ends_a_trial_at_an_epochs_end(tmp_path: Path, blobs: TaskSpec) -> None:
    ended = train(make_job(tmp_path / "t", blobs, epochs=10_000, trial_hours=1e-5)).one("ended")
    assert ended["rule"] == "trial_hours"
    assert ended["step"] == 11 * ended["epoch"]


def test_a_loss_that_is_no_number_ends_the_trial_as_diverged(tmp_path: Path) -> None:
    source = (
        BLOBS
        + """
inner, STEPS = loss, []
def loss(model, batch, hp):
    STEPS.append(model.training)
    return inner(model, batch, hp) * (float("nan") if sum(STEPS) == 105 else 1)
"""
    )
    task = write_task(tmp_path, source)
    told = train(make_job(tmp_path / "t", task, args={"count": 1000}))
    ended = told.one("ended")
    assert (ended["outcome"], ended["rule"]) == ("diverged", "divergence")
    assert (ended["step"], ended["epoch"]) == (105, 2)
    assert "nan at step 105 (epoch 2); the last finite loss was 0." in ended["detail"]
    assert "last.pt" in ended["files"]


def test_an_exception_of_user_code_is_told_without_control_sequences(tmp_path: Path) -> None:
    broken = (
        "    x, y = batch\n"
        "    if not model.training: raise ValueError('bad \\x1b[31mlabel\\nhere')\n"
        "    return nn"
    )
    task = write_task(tmp_path, BLOBS.replace("    x, y = batch\n    return nn", broken))
    told = train(make_job(tmp_path / "t", task))
    failed = told.one("failed")
    assert told.status == 0
    assert (failed["failure"], failed["error"]) == ("error", "ValueError: bad label here")
    assert (failed["step"], failed["epoch"]) == (11, 0)
    assert "blobs.py" in failed["traceback"]
    assert "\x1b" not in failed["traceback"]
    assert "bad" in told.log


@pytest.mark.parametrize("workers", [0, 2])
def test_an_exception_in_a_sample_reads_the_same_wherever_it_is_fetched(tmp_path: Path, workers: int) -> None:
    source = """
import torch
from torch import nn
class Bad(torch.utils.data.Dataset):
    def __len__(self): return 400
    def __getitem__(self, index):
        if index == 17: raise KeyError("no file 17")
        return torch.ones(2)
def dataset(args): return Bad()
def model(): return nn.Linear(2, 1)
def loss(model, batch): return model(batch).mean()
"""
    failed = train(make_job(tmp_path / "t", write_task(tmp_path, source), data={"workers": workers})).one(
        "failed"
    )
    assert failed["error"] == "KeyError: 'no file 17'"


def test_running_out_of_memory_has_its_own_name(tmp_path: Path) -> None:
    source = BLOBS.replace(
        "    x, y = batch\n    return nn", "    x, y = batch\n    torch.empty(1 << 60)\n    return nn"
    )
    told = train(make_job(tmp_path / "t", write_task(tmp_path, source)))
    assert told.one("failed")["failure"] == "out of memory"


def test_a_task_that_ends_the_process_is_an_error(tmp_path: Path) -> None:
    task = write_task(
        tmp_path, BLOBS.replace("    x = torch.randn", "    raise SystemExit(3)\n    x = torch.randn")
    )
    told = train(make_job(tmp_path / "t", task))
    assert told.one("failed")["error"] == "SystemExit: 3"


def test_the_order_to_stop_is_answered_after_a_checkpoint(tmp_path: Path) -> None:
    worker = RunningWorker(make_job(tmp_path / "t", write_task(tmp_path, SLOW), epochs=500))
    worker.wait_for("metrics")
    worker.order({"order": "stop"})
    told = worker.finish()
    interrupted, checkpoint = told.one("interrupted"), told.one("checkpoint")
    assert told.status == 0
    assert interrupted["step"] == checkpoint["step"] > 0
    assert told.messages.index(checkpoint) < told.messages.index(interrupted)


@pytest.mark.parametrize("workers", [0, 1])
def test_sigterm_is_for_the_supervisor_to_answer(tmp_path: Path, workers: int) -> None:
    import psutil

    job = make_job(tmp_path / "t", write_task(tmp_path, SLOW), epochs=2, data={"workers": workers})
    worker = RunningWorker(job)
    worker.wait_for("metrics")
    assert worker.process.pid is not None
    for process in [psutil.Process(worker.process.pid), *psutil.Process(worker.process.pid).children()]:
        os.kill(process.pid, signal.SIGTERM)
    assert worker.finish().one("ended")["outcome"] == "completed"


@pytest.mark.parametrize("instant", ["any", "in mid-checkpoint"])
def test_a_killed_loader_worker_is_the_workers_death_and_no_error(tmp_path: Path, instant: str) -> None:
    import psutil

    wide = {"hidden": 400_000} if instant != "any" else {}
    job = make_job(
        tmp_path / "t",
        write_task(tmp_path, SLOW),
        epochs=50,
        data={"workers": 1},
        args=wide,
        checkpoint_every=0.3,
    )
    worker = RunningWorker(job)
    worker.wait_for("metrics")
    assert worker.process.pid is not None
    (loader,) = psutil.Process(worker.process.pid).children()
    # Inside of torch's writer what the loader's death raises turns into another error.
    until(lambda: instant == "any" or (tmp_path / "t/last.pt.tmp").exists())
    loader.kill()
    told = worker.finish()
    assert not told.all("failed")
    assert told.status == -signal.SIGKILL


@pytest.mark.parametrize("moment", ["while they are started", "while they are ended", "in mid-message"])
def test_a_loader_worker_that_dies_at_a_bad_moment_is_the_workers_death_too(
    tmp_path: Path, moment: str
) -> None:
    """No iteration knows of it yet, or any more; or another error is met first."""
    source = BLOBS + BAD_MOMENTS.replace("MOMENT", repr(moment))
    data = {"workers": 1, "epoch_steps": 5, "split": False}
    told = train(make_job(tmp_path / "t", write_task(tmp_path, source), data=data))
    assert "a loader worker is killed" in told.log
    assert not told.all("failed")
    assert told.status == -signal.SIGKILL


def test_a_broken_pipe_of_the_tasks_own_is_an_error(tmp_path: Path) -> None:
    source = BLOBS + "\ndef loss(model, batch): raise BrokenPipeError('nobody takes the logits')\n"
    told = train(make_job(tmp_path / "t", write_task(tmp_path, source)))
    assert told.status == 0
    assert told.one("failed")["error"] == "BrokenPipeError: nobody takes the logits"


def test_loader_workers_do_without_a_short_temporary_folder(tmp_path: Path) -> None:
    long = tmp_path / ("x" * 100)
    long.mkdir()
    # As if TMPDIR named the folder.
    source = BLOBS + f"\nimport tempfile\ntempfile.tempdir = {str(long)!r}\n"
    told = train(make_job(tmp_path / "t", write_task(tmp_path, source), data={"workers": 2}))
    assert told.one("ready")["loader_workers"] == 2
    assert told.one("ended")["outcome"] == "completed"


def test_no_process_is_left_behind(tmp_path: Path, blobs: TaskSpec) -> None:
    import psutil

    worker = RunningWorker(make_job(tmp_path / "t", blobs, data={"workers": 2}, epochs=20))
    worker.wait_for("metrics")
    assert worker.process.pid is not None
    loaders = psutil.Process(worker.process.pid).children()
    assert len(loaders) == 2
    worker.finish()
    assert not [loader for loader in loaders if loader.is_running()]


def test_affinity_and_threads_are_the_jobs(tmp_path: Path) -> None:
    source = BLOBS + (
        "import os\n"
        "def evaluate(model, loader):\n"
        "    return {'cpus': len(os.sched_getaffinity(0)), 'threads': torch.get_num_threads(),\n"
        "            'seen': sum(len(y) for x, y in loader), 'training': model.training}\n"
    )
    cpu = min(os.sched_getaffinity(0))
    told = train(make_job(tmp_path / "t", write_task(tmp_path, source), cpus=(cpu,), threads=1, epochs=1))
    assert told.curve("cpus") == [1]
    assert told.curve("threads") == [1]
    assert told.curve("seen") == [21]
    assert told.curve("training") == [0]


def test_timing_rows_say_where_the_time_goes(tmp_path: Path) -> None:
    told = train(make_job(tmp_path / "t", write_task(tmp_path, SLOW), epochs=12))
    names = {name for name, _ in told.rows("timing")}
    assert names == {
        "samples_per_s", "step_ms", "wait_ms", "copy_ms", "compute_ms", "wait_share", "rss_bytes",
        "epoch_s", "epoch_rss_bytes", "validation_s", "validation_wait_s", "validation_wait_share",
        "checkpoint_s", "checkpoint_bytes",
    }  # fmt: skip
    step_ms = [value for (name, _), (_, value) in told.rows("timing").items() if name == "step_ms"]
    assert min(step_ms) < 100 and all(value >= 10 for value in step_ms)  # of steps of 10 ms
    assert told.all("progress")


@pytest.mark.parametrize(
    ("raised", "told_as"),
    [
        ("class Enough(BaseException): pass", "Enough: so it ends"),
        (
            "class Enough(RuntimeError):\n    def __str__(self): raise ValueError",
            "Enough: <str() of it failed>",
        ),
    ],
)
def test_what_a_task_raises_is_named_whatever_it_is(tmp_path: Path, raised: str, told_as: str) -> None:
    source = f"{BLOBS}\n{raised}\ndef loss(model, batch): raise Enough('so it ends')\n"
    told = train(make_job(tmp_path / "t", write_task(tmp_path, source)))
    assert told.status == 0
    assert (told.one("failed")["failure"], told.one("failed")["error"]) == ("error", told_as)
