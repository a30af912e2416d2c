"""Whom a headless view tells of a SIGTERM: the process that has the run's lock, and nobody else."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.run_folder import python, sealed_run
from tests.support.tiny import Place, wait_until

from staycourse.core.events import EngineStarted
from staycourse.record.paths import RunPaths

HOLDER = """
import sys
from pathlib import Path
from staycourse.record.lock import RunLock
lock = RunLock(Path(sys.argv[1]))
lock.acquire()
print("held", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def stranger() -> Iterator[subprocess.Popen[str]]:
    """A process that has nothing to do with the run, but the process id that its ledger names."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


@pytest.fixture
def run(place: Place, stranger: subprocess.Popen[str]) -> Path:
    paths, store = sealed_run(place.runs / "small-1")
    store.append(EngineStarted(2, stranger.pid, 1.0, {}, {}, ["cpu"]))
    store.close(final=False)
    return paths.root


def test_a_new_engine_that_has_recorded_nothing_is_told(
    place: Place, run: Path, stranger: subprocess.Popen[str]
) -> None:
    engine = python(HOLDER, RunPaths(run).lock)
    assert engine.stdout.readline() == "held\n"
    with place.started("attach", "small-1", "--no-ui") as view:
        wait_until(lambda: "engine" in view.stdout.readline(), 30, "the view shows the run")
        view.terminate()
        said, _ = view.communicate(timeout=30)
    assert view.returncode == 75 and "resume small-1" in said
    assert engine.wait(10) == -15
    assert stranger.poll() is None


def test_a_view_of_an_engine_on_another_host_leaves_it_alone(
    place: Place, run: Path, stranger: subprocess.Popen[str]
) -> None:
    paths = RunPaths(run)
    engine = python(HOLDER, paths.lock)
    assert engine.stdout.readline() == "held\n"
    paths.lock.write_text(f"{stranger.pid} elsewhere")
    with place.started("attach", "small-1", "--no-ui") as view:
        wait_until(lambda: "engine" in view.stdout.readline(), 30, "the view shows the run")
        view.terminate()
        said, _ = view.communicate(timeout=30)
    assert view.returncode == 130 and "the run goes on" in said
    assert stranger.poll() is None and engine.poll() is None
    engine.kill()
    engine.communicate()
