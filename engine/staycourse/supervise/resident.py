"""The run's loader process: data that fits lies in memory once, for all trials.

It begins with the session, beside the first trials; those that run already are told when it is done.
"""

from __future__ import annotations

import dataclasses
import os
from typing import Any

import psutil

from staycourse.core.events import RunSealed
from staycourse.core.roadmap import Roadmap
from staycourse.hardware.cgroup import find_cgroup
from staycourse.record.store import Store
from staycourse.supervise.jobs import data_spec, task_spec
from staycourse.supervise.spawner import Child, Spawner

# Of the memory that is free as a session begins: models, batches and other people need the rest.
_SHARE_OF_MEMORY = 0.25
_MOST_DEATHS = 2
_MOST_WORKERS = 8


class ResidentData:
    """`turn` is called in every turn of the loop; `shared` is what jobs are given, None as long as nothing is
    in memory, and `why` the reason where nothing will be."""

    def __init__(self, roadmap: Roadmap, store: Store, spawner: Spawner) -> None:
        self._roadmap, self._store, self._spawner = roadmap, store, spawner
        self._child: Child | None = None
        self._deaths = 0
        self.shared: dict[str, Any] | None = None
        self.why = self._reason_against()

    def turn(self) -> bool:
        """Go on with it; True if what is shared has changed."""
        if self.why:
            return False
        if self._child is None:
            self._begin()
            return False
        answers = self._child.events.receive()
        for answer in answers:
            self.shared, self.why = answer.get("resident"), answer.get("why", "")
        if self._child.is_over:
            return self._lose()
        if self.why:
            self.close()
        return bool(answers) and self.shared is not None

    def close(self) -> None:
        """End the process; its memory stays with those who use it."""
        if self._child is not None:
            self._spawner.kill(self._child)
            self._spawner.let_go(self._child)
            self._child = None

    def _reason_against(self) -> str:
        sealed = self._store.state.sealed
        assert sealed is not None
        if sealed.facts.get("command"):
            return "a script reads its data itself"
        if sealed.rehearsal:
            return "a rehearsal sees a few samples only"
        if self._roadmap.data.workers != "auto":
            return "the roadmap fixes the loader workers"
        if sealed.facts.get("generators") or sealed.facts.get("exact") is False:
            return "samples are drawn anew each time"
        return ""

    def _begin(self) -> None:
        sealed = self._store.state.sealed
        assert sealed is not None
        log = self._store.paths.data_log
        name = f"resident-{self._deaths + 1}"
        self._child = self._spawner.fork(name, "resident", log, {"CUDA_VISIBLE_DEVICES": ""})
        self._child.orders.send(self._request(sealed))

    def _request(self, sealed: RunSealed) -> dict[str, Any]:
        paths = self._store.paths
        return {
            "task": dataclasses.asdict(task_spec(self._roadmap, sealed, paths)),
            "data": dataclasses.asdict(data_spec(self._roadmap, paths)),
            "seed": self._roadmap.seed,
            "most_bytes": int(_SHARE_OF_MEMORY * _free_memory()),
            "workers": max(1, min(_MOST_WORKERS, len(os.sched_getaffinity(0)) // 2)),
        }

    def _lose(self) -> bool:
        """It died: what it shared cannot be opened any more, and is loaded again."""
        assert self._child is not None
        self._deaths += self._child.is_own_end
        self._spawner.let_go(self._child)
        self._child, had = None, self.shared is not None
        self.shared = None
        if self._deaths >= _MOST_DEATHS:
            self.why = f"the loader process died {self._deaths} times"
        return had


def _free_memory() -> int:
    """Bytes that this process and its children may still take."""
    free = int(psutil.virtual_memory().available)
    group = find_cgroup()
    limit, used = group.memory_limit(), group.memory_used()
    return free if limit is None or used is None else max(0, min(free, limit - used))
