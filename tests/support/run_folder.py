"""Small run folders with a real store, and Python children that work on them."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

from tests.support.roadmaps import FINAL, GRID, PROBE, small

from staycourse.core import events as ev
from staycourse.record.paths import RunPaths
from staycourse.record.store import Store

ROOT = Path(__file__).parents[2]
ROADMAP = small(PROBE, GRID, FINAL)
SEALED = ev.RunSealed("ab" * 32, {}, "small.toml", "/home", {}, {}, {}, "staycourse run small.toml", "1")
STARTED = ev.EngineStarted(1, 4711, 1.0, {}, {}, ["cpu-1"])
PATIENCE = 30.0


def planned(trial: str = "t1", phase: int = 0, parent: str | None = None) -> ev.TrialPlanned:
    return ev.TrialPlanned(trial, phase, f"proposal-{trial}", {"lr": 0.1}, 12, 12, parent=parent)


def started(trial: str = "t1") -> ev.TrialStarted:
    return ev.TrialStarted(trial, 1, "cpu-1", 4712, 2.0)


def ended(trial: str = "t1", value: float = 0.5) -> ev.TrialEnded:
    return ev.TrialEnded(
        trial, "completed", "epochs", "all done", 2, 20, [[1, 1.0], [2, value]], 3.0, 2, value
    )


def new_run(folder: Path) -> RunPaths:
    """An empty run folder with its roadmap."""
    folder.mkdir(parents=True)
    paths = RunPaths(folder)
    paths.trials.mkdir()
    paths.roadmap.write_text(ROADMAP, encoding="utf-8")
    return paths


def sealed_run(folder: Path) -> tuple[RunPaths, Store]:
    """A run whose engine has started the first phase."""
    paths = new_run(folder)
    store = Store(paths)
    store.append(SEALED)
    store.append(STARTED, ev.PhaseOpened(0))
    return paths, store


def python(script: str, *arguments: object) -> subprocess.Popen[str]:
    """A child that runs `script`, with the product and the tests' support importable."""
    path = os.pathsep.join(str(ROOT / part) for part in ("engine", "tui", "."))
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script), *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )


def finished(child: subprocess.Popen[str]) -> str:
    """What the child has printed; it must end well."""
    out, err = child.communicate(timeout=60)
    assert child.returncode == 0, err
    return out.strip()


def wait_for(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"not within {PATIENCE:.0f} s: {what}"
        time.sleep(0.01)
