"""The loader process of a run, forked and asked as the supervisor does it."""

from __future__ import annotations

import dataclasses
import select
from pathlib import Path
from typing import Any

from tests.support.trials import until

from staycourse.core.job import TaskSpec
from staycourse.supervise.spawner import Child, Spawner


def ask_loader(
    spawner: Spawner, task: TaskSpec, data: dict[str, Any], folder: Path, **request: Any
) -> tuple[Child, dict[str, Any]]:
    """The process, which lives until it is killed or the server is closed, and its answer."""
    child = spawner.fork(f"resident {folder}", "resident", folder / "data.log")
    usual = {"data": data, "seed": 7, "most_bytes": 1 << 30, "workers": 1}
    child.orders.send({"task": dataclasses.asdict(task)} | usual | request)
    answers: list[dict[str, Any]] = []

    def hear() -> bool:
        select.select([spawner, child.events], [], [], 0.2)
        spawner.receive()
        answers.extend(child.events.receive())
        return bool(answers)

    until(hear)
    return child, answers[0]
