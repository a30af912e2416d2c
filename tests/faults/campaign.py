"""The campaign that the faults are injected into, and what it leaves that has to be the same each time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.support.tiny import TASK, Place, write_roadmap

SPACE = {"lr": {"log": [1e-3, 1e-1]}, "batch_size": 8, "dropout": {"range": [0.0, 0.3]}}
PHASES = [
    {"kind": "grid", "points": {"lr": 2, "dropout": [0.1]}, "epochs": 4, "keep": 1, "finish": {"epochs": 6}},
    {"kind": "final"},
]
# A checkpoint of 4 MB: one that a disk can lack the room for which a row of the ledger still finds.
HEAVY = TASK.replace(
    'network.register_buffer("scale"', 'network.register_buffer("weight", torch.zeros(1_000_000))\n'
    '    network.register_buffer("scale"', 1
)  # fmt: skip


def roadmap(place: Place, task: str = HEAVY, **changes: Any) -> Path:
    """The campaign's roadmap, a checkpoint a second; `changes` as for `write_roadmap`."""
    limits = {"checkpoint_every": "1s", **changes.pop("limits", {})}
    args = {"step_ms": 25, **changes.pop("args", {})}
    base = {"space": SPACE, "phases": PHASES, "args": args, "limits": limits}
    return write_roadmap(place.folder, task=task, **base | changes)


def failures(place: Place) -> list[dict[str, Any]]:
    """The attempts that failed, in order."""
    rows = place.rows("SELECT body FROM ledger WHERE kind = 'attempt failed' ORDER BY seq")
    return [json.loads(body) for (body,) in rows]


def trains(place: Place, more_than: int = 0) -> bool:
    """Whether a trial has told of rows, more than so many of them."""
    rows = place.rows("SELECT count(*) FROM metric")
    return bool(rows) and rows[0][0] > more_than
