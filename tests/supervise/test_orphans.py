"""Whatever way a run's processes are killed, nobody is left behind and nobody meets those of before."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from tests.support.tiny import Place, wait_until, write_roadmap

pytestmark = pytest.mark.slow

# Loader workers and the processes that the training starts note their pid in `pids`; who begins to train
# notes in `met` those of them that still live. `rows` grows as long as any of those processes lives.
TASK = """
import os
import subprocess
import sys
import time

import torch
from torch import nn
from torch.utils.data import Dataset, get_worker_info

LOOP = "while :; do echo x >> rows; sleep 0.02; done"
TOLD = []


def add_arguments(parser):
    parser.add_argument("--place", default=".")


class Points(Dataset):
    def __init__(self, place):
        self.place, self.points = place, torch.randn(64, 2)

    def __len__(self):
        return len(self.points)

    def __getitem__(self, index):
        if get_worker_info() is not None and not TOLD:
            TOLD.append(note(self.place, "pids", os.getpid()))
        return self.points[index], int(self.points[index].sum() > 0)


def dataset(args):
    return Points(args.place)


def model(args, hp):
    return nn.Linear(2, 2)


def loss(model, batch, hp, args, stage):
    points, labels = batch
    if stage == "train" and not TOLD and os.path.exists(os.path.join(args.place, "begin")):
        TOLD.append(begin(args.place))
    time.sleep(0.01)
    return nn.functional.cross_entropy(model(points), labels)


def begin(place):
    for pid in open(os.path.join(place, "pids")).read().split():
        if lives(pid) and parent(pid) != os.getpid():
            note(place, "met", pid)
    child = subprocess.Popen(["sh", "-c", LOOP], cwd=place, start_new_session=True)
    note(place, "pids", child.pid)
    daemon = f"setsid sh -c '{LOOP}' & echo $! >> pids"
    subprocess.run(["sh", "-c", daemon], cwd=place, check=True)


def lives(pid):
    try:
        return bool(open(f"/proc/{pid}/cmdline", "rb").read())
    except OSError:
        return False


def parent(pid):
    return int(open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[1])


def note(place, name, what):
    with open(os.path.join(place, name), "a") as file:
        file.write(f"{what}\\n")
"""
SPACE = {"lr": {"log": [1e-3, 1e-1]}, "batch_size": 8, "optimizer": "sgd"}
PHASES = [{"kind": "probe", "trials": 1, "epochs": 10_000}]


def start(place: Place) -> list[str | Path]:
    """The command that begins the run. Its training starts processes only where `begin` lies, which the
    check of the task, made before the seal, has not seen."""
    args = {"place": str(place.folder)}
    path = write_roadmap(place.folder, task=TASK, space=SPACE, phases=PHASES, args=args, data={"workers": 2})
    return ["run", path]


@contextmanager
def training(place: Place, words: list[str | Path], attempt: int = 1) -> Iterator[subprocess.Popen[str]]:
    """The command's view, once loader workers and processes of the training's own run."""
    with place.started(*words, "--no-ui") as view:
        wait_until(lambda: started_trials(place) >= attempt or view.poll(), 60, "the trial has started")
        assert view.poll() is None, view.communicate()
        (place.folder / "begin").touch()
        wait_until(lambda: len(noted(place, "pids")) >= 4 * attempt, 60, "everybody runs")
        yield view
    (place.folder / "begin").unlink()


def started_trials(place: Place) -> int:
    return place.kinds().count("trial started")


def noted(place: Place, name: str) -> list[int]:
    path = place.folder / name
    return [int(word) for word in path.read_text().split()] if path.exists() else []


def fork_server(place: Place) -> psutil.Process:
    (server,) = psutil.Process(place.supervisor()).children()
    return server


def worker(place: Place) -> psutil.Process:
    (pid,) = place.rows("SELECT json_extract(body, '$.pid') FROM ledger WHERE kind = 'trial started'")[-1]
    return psutil.Process(pid)


def engine_processes(place: Place) -> list[int]:
    """Supervisor, fork server, worker and loader workers, told from what the training has started."""
    found = []
    for pid in place.processes():
        with contextlib.suppress(psutil.Error):
            if "staycourse.supervise" in " ".join(psutil.Process(pid).cmdline()):
                found.append(pid)
    return found


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV])
def test_a_dead_supervisor_leaves_nobody_behind(place: Place, number: int) -> None:
    with training(place, start(place)) as view:
        os.kill(place.supervisor(), number)
        assert view.wait(60) == 75
    # Who writes lives, so with these nothing grows any more.
    wait_until(lambda: not place.processes(), 20, "everybody is gone")


def test_who_outlives_supervisor_and_fork_server_is_gone_before_the_run_goes_on(place: Place) -> None:
    with training(place, start(place)) as view:
        supervisor, server = psutil.Process(place.supervisor()), fork_server(place)
        supervisor.suspend()  # so that neither can do anything about the other's death
        server.kill()
        supervisor.kill()
        assert view.wait(60) == 75
    wait_until(lambda: not engine_processes(place), 20, "worker and loader workers are gone")
    assert place.processes(), "nobody outlived them, so this test shows nothing"
    with training(place, ["resume"], attempt=2):
        assert noted(place, "met") == []


@pytest.mark.parametrize("victim", [fork_server, worker])
def test_a_trial_starts_again_without_meeting_those_of_before(
    place: Place, victim: Callable[[Place], psutil.Process]
) -> None:
    with training(place, start(place)):
        before = noted(place, "pids")
        victim(place).kill()
        wait_until(lambda: len(noted(place, "pids")) >= 8, 60, "everybody runs again")
        assert noted(place, "met") == []
        assert not {pid for pid in before if psutil.pid_exists(pid)}, "not even as zombies"
