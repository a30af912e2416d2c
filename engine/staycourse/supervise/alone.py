"""One experiment without a run: a worker for one job, which the same call goes on with after a stop."""

from __future__ import annotations

import contextlib
import selectors
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from staycourse.core import job as jobs
from staycourse.core.job import Job
from staycourse.supervise.spawner import Child, Spawner

_TICK_S = 0.2
_GRACE_S = 30.0
Hear = Callable[[dict[str, Any]], None]


@dataclass
class Told:
    """What came of it. `last` is the worker's closing message (ended, failed, interrupted), None where it has
    died: then `code` is its exit code, minus a signal's number. `rows` are (epoch, value) by (name, step)."""

    last: dict[str, Any] | None = None
    code: int = 0
    why: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    rows: dict[tuple[str, int], tuple[int, Any]] = field(default_factory=dict)


def train(job: Job, log: Path, hear: Hear, stop_requested: Callable[[], bool]) -> Told:
    """Train the job in a process of its own; `hear` gets each message. A stop writes a checkpoint first."""
    with _worker(job, log) as (spawner, child):
        told, deadline = Told(), float("inf")
        child.orders.send(jobs.to_json(job))
        while not child.is_over:
            _wait(spawner, child)
            spawner.receive()
            for message in child.events.receive():
                _take(told, message)
                hear(message)
            if stop_requested() and deadline == float("inf"):
                deadline = time.monotonic() + _GRACE_S
                child.orders.send({"order": "stop"})
            if time.monotonic() > deadline or spawner.failed_starts:
                spawner.kill(child)
                break
        told.code = child.code or 0
        told.why = child.refused or spawner.start_failure
        return told


@contextlib.contextmanager
def _worker(job: Job, log: Path) -> Iterator[tuple[Spawner, Child]]:
    environment = {} if job.device.startswith("cuda") else {"CUDA_VISIBLE_DEVICES": ""}
    spawner = Spawner(log)
    spawner.start()
    try:
        yield spawner, spawner.fork(job.trial, "worker", log, environment)
    finally:
        spawner.close()


def _wait(spawner: Spawner, child: Child) -> None:
    with selectors.DefaultSelector() as selector:
        if spawner.is_alive:
            selector.register(spawner, selectors.EVENT_READ)
        if not child.events.is_closed:
            selector.register(child.events, selectors.EVENT_READ)
        if child.orders.is_behind:
            selector.register(child.orders, selectors.EVENT_WRITE)
        selector.select(timeout=_TICK_S)


def _take(told: Told, message: dict[str, Any]) -> None:
    kind = message["type"]
    if kind in ("ended", "failed", "interrupted"):
        told.last = message
    elif kind in ("ready", "loading"):
        told.facts |= {key: value for key, value in message.items() if key != "type"}
    elif kind == "metrics":
        told.rows |= {(name, step): (epoch, value) for name, step, epoch, value in message["rows"]}
