"""What sealing, chaining and checkpointing take of a campaign: `python bench/overhead.py --cost`.

A real campaign of three trials is run through the command line, each about a minute long. Counted are

- sealing: hashing the code, the samples and the environment, and writing the run folder;
- chaining: every event and every metric row of the finished campaign recorded again, in a fresh run on the
  same disk, with the store that the supervisor uses (which works beside the training, not in its way);
- checkpointing: what the workers say that their checkpoints took, fsync included.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from staycourse.core import events as ev
from staycourse.core.job import TaskSpec
from staycourse.record import clock, ledger
from staycourse.record.paths import RunPaths
from staycourse.record.store import Store
from staycourse.supervise.launch import prepare
from staycourse.supervise.options import Options
from staycourse.task import fingerprint
from staycourse.task.checking import check
from staycourse.task.contract import Task

ROOT = Path(__file__).resolve().parents[1]
TARGET = 1.0  # percent
_ROADMAP = """
name = "cost"
[task]
file = "{file}"
args = {{ samples = 640, side = 16, width = {width} }}
[space]
lr = {{ log = [1e-4, 1e-2] }}
batch_size = 32
optimizer = "adamw"
dropout = 0.2
[[phase]]
kind = "grid"
points = {{ lr = 2 }}
epochs = {epochs}
keep = 1
[[phase]]
kind = "final"
"""


@dataclass(frozen=True)
class Cost:
    """Seconds, over the whole campaign; `checkpoint_bytes` is the size of one."""

    campaign: float
    trial: float
    sealing: float
    chaining: float
    checkpointing: float
    checkpoints: int
    checkpoint_bytes: int
    events: int
    rows: int

    @property
    def percent(self) -> float:
        return 100 * (self.sealing + self.chaining + self.checkpointing) / self.campaign


def measure(epochs: int, width: int) -> Cost:
    """Run the campaign and take it apart."""
    with tempfile.TemporaryDirectory(prefix="staycourse-bench-") as name:
        folder = Path(name)
        roadmap = folder / "cost.toml"
        task = ROOT / "bench" / "tasks" / "steps.py"
        roadmap.write_text(_ROADMAP.format(file=task, epochs=epochs, width=width), encoding="utf-8")
        run = _run(folder, roadmap)
        sealing = _sealing(roadmap, folder / "again")
        with contextlib.closing(sqlite3.connect(run.database)) as db:
            return _cost(db, run, sealing, _chaining(db, folder / "recorded"))


def report(cost: Cost) -> Iterator[str]:
    """The table's lines."""
    yield f"campaign of 3 trials, {cost.campaign:.0f} s; a trial {cost.trial:.0f} s in the mean"
    parts = {
        "sealing": (cost.sealing, "code, samples, environment, run folder"),
        "chaining": (cost.chaining, f"{cost.events} events, {cost.rows} metric rows"),
        "checkpointing": (
            cost.checkpointing,
            f"{cost.checkpoints} checkpoints of {cost.checkpoint_bytes / 1e6:.1f} MB",
        ),
    }
    for name, (seconds, what) in parts.items():
        yield f"{name:<14} {seconds:>8.3f} s {100 * seconds / cost.campaign:>7.3f} %   {what}"
    verdict = "ok" if cost.percent < TARGET else "MISSED"
    yield f"{'together':<14} {'':>8}   {cost.percent:>7.3f} %   target: under {TARGET:g} %  {verdict}"


def _run(folder: Path, roadmap: Path) -> RunPaths:
    command = [sys.executable, "-P", "-m", "staycourse.cli.main", "run", str(roadmap), "--no-ui"]
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT / "engine"),
        "XDG_STATE_HOME": str(folder / "state"),
        "STAYCOURSE_RUNS": str(folder / "runs"),
    }
    subprocess.run(command, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)
    return RunPaths(folder / "runs" / "cost-1")


def _sealing(roadmap: Path, runs: Path) -> float:
    checked = check(roadmap)
    args = dict(checked.roadmap.task.args)
    spec = TaskSpec(str(checked.code), checked.facts["task_file"], str(roadmap.parent), args)
    dataset = Task.load(spec).call("dataset", stage="train")
    began = time.perf_counter()
    fingerprint.of_samples([dataset], checked.roadmap.seed)
    prepare(checked, runs, Options(), is_rehearsal=True)
    return time.perf_counter() - began


def _chaining(db: sqlite3.Connection, folder: Path) -> float:
    """Seconds to record the ledger and the rows once more; rows come before the end of their trial."""
    rows: dict[str, list[tuple[Any, ...]]] = {}
    for trial, *row in db.execute("SELECT trial, name, step, epoch, value FROM metric ORDER BY step"):
        rows.setdefault(trial, []).append(tuple(row))
    bodies = [(entry.kind, json.loads(entry.body)) for entry in ledger.read(db)]
    folder.mkdir()
    store = Store(RunPaths(folder))
    began = time.perf_counter()
    for kind, body in bodies:
        event = ev.from_body(kind, body)
        assert event is not None
        if isinstance(event, ev.TrialEnded):
            _record(store, event.trial, rows.get(event.trial, []))
        store.append(event)
    seconds = time.perf_counter() - began
    store.close(final=True)
    return seconds


def _record(store: Store, trial: str, rows: list[tuple[Any, ...]]) -> None:
    """In the batches of a second or so in which a worker's rows arrive."""
    for at in range(0, len(rows), 64):
        store.add_metrics(trial, rows[at : at + 64])
        store.flush()
    store.prove_metrics(trial)


def _cost(db: sqlite3.Connection, run: RunPaths, sealing: float, chaining: float) -> Cost:
    first, last = db.execute("SELECT min(time), max(time) FROM ledger").fetchone()
    count, seconds = db.execute(
        "SELECT count(*), sum(value) FROM timing WHERE name = 'checkpoint_s'"
    ).fetchone()
    return Cost(
        campaign=clock.seconds_between(first, last),
        trial=db.execute("SELECT avg(seconds) FROM trial").fetchone()[0],
        sealing=sealing,
        chaining=chaining,
        checkpointing=seconds,
        checkpoints=count,
        checkpoint_bytes=(run.final / "last.pt").stat().st_size,
        events=db.execute("SELECT count(*) FROM ledger").fetchone()[0],
        rows=db.execute("SELECT count(*) FROM metric").fetchone()[0],
    )
