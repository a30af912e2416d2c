"""Real trials for tests: task files, jobs, and workers in forked processes, spoken to through pipes."""

from __future__ import annotations

import json
import multiprocessing.reduction
import os
import select
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from staycourse.core import job as jobs
from staycourse.core.job import DataSpec, Job, TaskSpec

BLOBS = """
import torch
from torch import nn
from torch.utils.data import TensorDataset

def add_arguments(parser):
    parser.add_argument("--count", type=int, default=103)
    parser.add_argument("--hidden", type=int, default=8)

def dataset(args):
    x = torch.randn(args.count, 4)
    return TensorDataset(x, (x.sum(1) > 0).long())

def model(args, hp):
    dropout = nn.Dropout(hp.get("dropout", 0.1))
    return nn.Sequential(nn.Linear(4, args.hidden), nn.ReLU(), dropout, nn.Linear(args.hidden, 2))

def loss(model, batch, hp):
    x, y = batch
    return nn.functional.cross_entropy(model(x), y)

def metrics(model, batch, hp):
    x, y = batch
    return {"accuracy": (model(x).argmax(1) == y).float().mean()}
"""


def write_task(folder: Path, source: str = BLOBS, name: str = "blobs.py") -> TaskSpec:
    """The task file as the sealed copy would hold it; the folder is the roadmap's too."""
    code = folder / "code"
    code.mkdir(parents=True, exist_ok=True)
    (code / name).write_text(source)
    return TaskSpec(str(code), name, str(folder))


def make_job(folder: Path, task: TaskSpec, **changes: Any) -> Job:
    """A small job; `data` may be a dict of DataSpec's fields."""
    data = changes.pop("data", {})
    args = changes.pop("args", {})
    values: dict[str, Any] = {
        "trial": folder.name,
        "folder": str(folder),
        "task": replace(task, args=args),
        "setup": {"lr": 0.01, "batch_size": 8},
        "seed": 7,
        "repetition": 0,
        "epochs": 3,
        "horizon": 3,
        "data": DataSpec(**data) if isinstance(data, dict) else data,
        "checkpoint_every": 1e9,
        **changes,
    }
    return Job(**values)


# Torch is imported once; each worker is forked from a process that has done nothing else.
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["staycourse.training.worker"])


@dataclass
class Told:
    """What a worker said, and how it ended."""

    messages: list[dict[str, Any]] = field(default_factory=list)
    status: int | None = None
    log: str = ""

    def one(self, kind: str) -> dict[str, Any]:
        found = self.all(kind)
        assert len(found) == 1, (kind, self.messages, self.log)
        return found[0]

    def all(self, kind: str) -> list[dict[str, Any]]:
        return [message for message in self.messages if message["type"] == kind]

    def rows(self, kind: str = "metrics") -> dict[tuple[str, int], tuple[int, Any]]:
        """(name, step) to (epoch, value); a row that was sent twice has to be equal."""
        rows: dict[tuple[str, int], tuple[int, Any]] = {}
        for message in self.all(kind):
            for name, step, epoch, value in message["rows"]:
                assert rows.setdefault((name, step), (epoch, value)) == (epoch, value), (name, step)
        return rows

    def curve(self, name: str) -> list[float]:
        return [
            value
            for (row, _), (_, value) in sorted(self.rows().items(), key=lambda i: i[0][1])
            if row == name
        ]


class _Life:
    """What a forked process does: its output into the log, then a worker's life. Never returns."""

    def __init__(self, fds: tuple[int, ...]) -> None:
        self._fds = fds

    def __getstate__(self) -> dict[str, Any]:
        return {"handles": [multiprocessing.reduction.DupFd(fd) for fd in self._fds]}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._fds = tuple(handle.detach() for handle in state["handles"])

    def __call__(self) -> None:
        from staycourse.training import worker

        orders, events, log = self._fds
        os.dup2(log, 1)
        os.dup2(log, 2)
        worker.main(orders, events)


class RunningWorker:
    """A worker in a process of its own, as the fork server starts it."""

    def __init__(self, job: Job) -> None:
        orders_read, self._orders = os.pipe()
        self._events, events_write = os.pipe()
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115  # closed with the worker
        fds = (orders_read, events_write, self._log.fileno())
        self.process = _FORKS.Process(target=_Life(fds))
        self.process.start()
        os.close(orders_read)
        os.close(events_write)
        self.told = Told()
        self._buffer = b""
        self.order(jobs.to_json(job))

    def order(self, body: dict[str, Any]) -> None:
        os.write(self._orders, (json.dumps(body) + "\n").encode())

    def wait_for(self, kind: str, timeout: float = 60.0) -> dict[str, Any]:
        """The first message of that kind."""
        deadline = time.monotonic() + timeout
        while not self.told.all(kind):
            assert time.monotonic() < deadline, (kind, self.told.messages)
            if not self._read(deadline):
                self.finish()
                raise AssertionError((kind, self.told.messages, self.told.log))
        return self.told.all(kind)[0]

    def finish(self, timeout: float = 60.0) -> Told:
        """Read until the worker is gone."""
        deadline = time.monotonic() + timeout
        while self._read(deadline):
            assert time.monotonic() < deadline, self.told.messages
        self.process.join(timeout)
        self.told.status = self.process.exitcode
        self._log.seek(0)
        self.told.log = self._log.read()
        self._log.close()
        os.close(self._orders)
        os.close(self._events)
        return self.told

    def _read(self, deadline: float) -> bool:
        if not select.select([self._events], [], [], max(0.0, deadline - time.monotonic()))[0]:
            return True
        data = os.read(self._events, 1 << 16)
        self._buffer += data
        *lines, self._buffer = self._buffer.split(b"\n")
        self.told.messages += [json.loads(line) for line in lines]
        return bool(data)


def until(condition: Callable[[], bool], timeout: float = 60.0) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def run_in_fork(function: Callable[..., object], *arguments: Any) -> int:
    """Exit status of a function in a process of its own."""
    process = _FORKS.Process(target=function, args=arguments)
    process.start()
    process.join()
    assert process.exitcode is not None
    return process.exitcode


def train(job: Job) -> Told:
    """One attempt at a job, to its end."""
    return RunningWorker(job).finish()
