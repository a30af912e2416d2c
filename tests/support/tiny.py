"""A campaign of all five phases that takes seconds, a task that can misbehave, and the real command line.

`write_roadmap(folder, **changes)` writes a roadmap and its task file; each change replaces one table or key
(`args`, `space`, `limits`, …; None leaves it out), `phases` is a list of dicts. The task's misbehaviour is
asked for through its own arguments, `args={"hang_at": 7}` say: see `TASK`.

`Place(folder)` runs the real commands in processes of their own, with runs and state below the folder.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

TASK = '''
"""Points in the plane on two sides of a line. Steps count from 1 within a process, epochs within a trial."""

import os
import signal
import sys
import time

import torch
from torch import nn
from torch.utils.data import TensorDataset

STEPS = {"train": 0, "validation": 0}


def add_arguments(parser):
    parser.add_argument("--count", type=int, default=80, help="samples")
    parser.add_argument("--step-ms", type=float, default=0, help="how long a training step takes at least")
    parser.add_argument("--steps-log", default="", help="a file that gets a line for each training step")
    parser.add_argument("--fail-in", default="", help="model, loss, metrics or dataset: raise there ...")
    parser.add_argument("--fail-at", type=int, default=0, help="... from this training step on")
    parser.add_argument("--fail-epoch", type=int, default=0, help="... from this epoch on")
    parser.add_argument("--fail-above", type=float, default=0, help="... where lr is greater than this")
    parser.add_argument("--fail-flag", default="", help="... as long as this file does not exist")
    parser.add_argument("--nan-at", type=int, default=0, help="the loss is NaN from this step on ...")
    parser.add_argument("--nan-above", type=float, default=0, help="... where lr is greater than this")
    parser.add_argument("--hang-at", type=int, default=0, help="never come back from this step")
    parser.add_argument("--hang-flag", default="", help="... as long as this file does not exist")
    parser.add_argument("--die-at", type=int, default=0, help="die at this step ...")
    parser.add_argument("--die-of", type=int, default=11, help="... of this signal (0: os._exit(3))")
    parser.add_argument("--die-flag", default="", help="... as long as this file does not exist")
    parser.add_argument("--drifts", type=int, default=0, help="keep a counter outside the model that counts")
    parser.add_argument("--calibrates", type=int, default=0, help="training needs what validation has set")
    parser.add_argument("--prints", default="", help="text to print at every step")


def dataset(args):
    fail(args, "dataset", 0, 0)
    points = torch.randn(args.count, 2)
    return TensorDataset(points, (points.sum(1) > 0).long())


def model(args, hp):
    fail(args, "model", 0, 0, hp)
    network = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Dropout(hp.get("dropout", 0.1)), nn.Linear(4, 2))
    network.register_buffer("scale", torch.tensor(0.0 if args.calibrates else 1.0))
    return network


def loss(model, batch, hp, args, epoch, stage):
    points, labels = batch
    STEPS[stage] += 1
    value = nn.functional.cross_entropy(model(points), labels)
    if stage == "validation":
        return value
    misbehave(args, hp, epoch, STEPS["train"])
    if args.calibrates and epoch > 1 and not model.scale:
        raise RuntimeError("validation has never set the scale")
    if args.drifts:
        value = value * (1 + STEPS["train"] / 100)
    if args.nan_at and STEPS["train"] >= args.nan_at and hp["lr"] > args.nan_above:
        value = value * float("nan")
    return value


def metrics(model, batch, hp, args, epoch):
    fail(args, "metrics", STEPS["train"], epoch, hp)
    model.scale.fill_(1.0)
    points, labels = batch
    return {"accuracy": (model(points).argmax(1) == labels).float().mean()}


def misbehave(args, hp, epoch, step):
    if args.steps_log:
        with open(args.steps_log, "a") as log:
            log.write(f"{os.getpid()} {epoch} {step}\\n")
    if args.prints:
        print(args.prints, flush=True)
    if args.step_ms:
        time.sleep(args.step_ms / 1000)
    fail(args, "loss", step, epoch, hp)
    if args.hang_at == step and not os.path.exists(args.hang_flag):
        mark(args.hang_flag)
        while True:
            time.sleep(3600)
    if args.die_at == step and not os.path.exists(args.die_flag):
        mark(args.die_flag)
        sys.stdout.flush()
        os.kill(os.getpid(), args.die_of) if args.die_of else os._exit(3)


def fail(args, place, step, epoch, hp=None):
    above = hp is None or hp.get("lr", 1.0) > args.fail_above
    if args.fail_in != place or step < args.fail_at or epoch < args.fail_epoch or not above:
        return
    if not os.path.exists(args.fail_flag):
        mark(args.fail_flag)
        raise RuntimeError(f"{place}() was told to fail")


def mark(flag):
    if flag:
        open(flag, "w").close()
'''

SPACE = {
    "lr": {"log": [1e-3, 1e-1]},
    "batch_size": {"choice": [8, 16]},
    "dropout": {"range": [0.0, 0.3]},
    "optimizer": {"choice": ["adamw", "sgd"]},
    "momentum": {"range": [0.5, 0.9], "when": {"optimizer": "sgd"}},
}
PROBE = {"kind": "probe", "trials": 3, "epochs": 3}
NARROW = {"kind": "narrow", "trials": 3, "epochs": 2, "data": 0.5}
GRID = {
    "kind": "grid",
    "points": {"lr": 2},
    "epochs": 2,
    "keep": 1,
    "finish": {"epochs": 4, "stop": {"patience": 2}},
}
CONFIRM = {"kind": "confirm", "seeds": 1, "epochs": 4}
FINAL = {"kind": "final"}
ROADMAP: dict[str, Any] = {
    "name": "tiny",
    "seed": 5,
    "task": {"file": "task.py"},
    "objective": {"metric": "val_loss", "goal": "min"},
    "space": SPACE,
    "phase": [PROBE, NARROW, GRID, CONFIRM, FINAL],
}


def write_roadmap(folder: Path, *, task: str = TASK, **changes: Any) -> Path:
    """`tiny.toml` and `task.py` in the folder. `changes` are top-level keys of the roadmap, and `args`."""
    folder.mkdir(parents=True, exist_ok=True)
    document = {**ROADMAP, **changes}
    if "phases" in document:
        document["phase"] = document.pop("phases")
    if "args" in document:
        document["task"] = {**document["task"], "args": document.pop("args")}
    (folder / "task.py").write_text(task, encoding="utf-8")
    path = folder / f"{changes.get('name', 'tiny')}.toml"
    path.write_text(as_toml(document), encoding="utf-8")
    return path


def as_toml(document: Mapping[str, Any]) -> str:
    """A document of plain values as TOML, values that are None left out."""
    kept = {key: value for key, value in document.items() if value is not None}
    plain = {k: v for k, v in kept.items() if not isinstance(v, dict) and k != "phase"}
    lines = [f"{_key(key)} = {_value(value)}" for key, value in plain.items()]
    for key, table in kept.items():
        if isinstance(table, dict):
            lines += ["", f"[{_key(key)}]", *(f"{_key(k)} = {_value(v)}" for k, v in table.items())]
    for phase in kept.get("phase", []):
        lines += ["", "[[phase]]", *(f"{_key(k)} = {_value(v)}" for k, v in phase.items())]
    return "\n".join(lines) + "\n"


def _key(key: str) -> str:
    return key if key.replace("_", "").replace("-", "").isalnum() and key.isascii() else json.dumps(key)


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(str(k))} = {_value(v)}" for k, v in value.items()) + " }"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(value) if isinstance(value, (str, bool)) else repr(value)


@dataclass
class Place:
    """A folder in which commands run, `runs` and the user's state below it. `close` ends what is left."""

    folder: Path
    more: Mapping[str, str] = field(default_factory=dict)

    @property
    def runs(self) -> Path:
        return self.folder / "runs"

    @property
    def environment(self) -> dict[str, str]:
        own = {"XDG_STATE_HOME": str(self.folder / "state"), "STAYCOURSE_RUNS": str(self.runs)}
        own["XDG_CONFIG_HOME"] = str(self.folder / "config")
        temporary = self.folder / "tmp"
        temporary.mkdir(parents=True, exist_ok=True)
        return {**os.environ, **own, "TMPDIR": str(temporary), **self.more}

    def command(self, *words: str | Path) -> list[str]:
        return [sys.executable, "-P", "-m", "staycourse.cli.main", *map(str, words)]

    def run(self, *words: str | Path, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """A command to its end."""
        return subprocess.run(
            self.command(*words),
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    @contextlib.contextmanager
    def started(self, *words: str | Path) -> Iterator[subprocess.Popen[str]]:
        """A command in the background; killed at the end if it still runs."""
        process = subprocess.Popen(
            self.command(*words),
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        with process:
            try:
                yield process
            finally:
                process.kill()

    def run_folders(self) -> list[Path]:
        return sorted(self.runs.glob("*")) if self.runs.is_dir() else []

    def supervisor(self, run: str = "tiny-1") -> int:
        """The process id that the run's lock names."""
        return int((self.runs / run / "lock").read_text().split()[0])

    def rows(self, sql: str, run: str = "tiny-1") -> list[tuple[Any, ...]]:
        """What an SQLite client reads of a run; empty while there is nothing to read yet."""
        database = self.runs / run / "run.db"
        if not database.exists():
            return []
        with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=10)) as db:
            try:
                return db.execute(sql).fetchall()
            except sqlite3.OperationalError:
                return []

    def kinds(self, run: str = "tiny-1") -> list[str]:
        """The kinds of the ledger's events, in order."""
        return [kind for (kind,) in self.rows("SELECT kind FROM ledger ORDER BY seq", run)]

    def processes(self) -> list[int]:
        """Living processes that were started from here: they have this place's state in their environment."""
        marker = f"XDG_STATE_HOME={self.folder / 'state'}".encode()
        found = []
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if entry.name.isdigit() and marker in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
        return found

    def close(self) -> None:
        """End every process that was started from here."""
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not self.processes(), 20, "the processes of this test are gone")


def engines_that_wait(folder: Path) -> dict[str, str]:
    """An environment in which an engine stays at its very beginning until it is killed, however short its
    life would be."""
    wait = "import sys, time\nwhile 'staycourse.supervise' in sys.orig_argv: time.sleep(600)\n"
    (folder / "before").mkdir()
    (folder / "before" / "sitecustomize.py").write_text(wait, encoding="utf-8")
    return {"PYTHONPATH": str(folder / "before")}


def engine_of(place: Place, view: subprocess.Popen[str]) -> psutil.Process:
    """The engine that the view has started, as soon as there is one."""

    def found() -> list[psutil.Process]:
        engines = []
        for pid in place.processes():
            with contextlib.suppress(psutil.Error):
                process = psutil.Process(pid)
                if process.ppid() == view.pid and "staycourse.supervise" in process.cmdline():
                    engines.append(process)
        return engines

    return wait_until(found, 30, "the engine is started")[0]


def wait_until(condition: Callable[[], Any], seconds: float, what: str = "the condition") -> Any:
    """The condition's first true answer; fails if it does not come in time."""
    deadline = time.monotonic() + seconds
    while not (answer := condition()):
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(0.05)
    return answer
