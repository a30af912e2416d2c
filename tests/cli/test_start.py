"""What becomes of a run whose engine, or whose view, is ended while the engine starts."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import psutil
import pytest
from tests.support.run_folder import sealed_run
from tests.support.tiny import Place, wait_until


@pytest.fixture
def run(place: Place) -> Path:
    """A run without an engine."""
    paths, store = sealed_run(place.runs / "small-1")
    store.close(final=False)
    return paths.root


def engine_of(place: Place, view: subprocess.Popen[str]) -> psutil.Process:
    """The engine that the view has started, as soon as there is one."""

    def found() -> list[psutil.Process]:
        children = [psutil.Process(pid) for pid in place.processes() if pid != view.pid]
        return [child for child in children if "staycourse.supervise" in child.cmdline()]

    return wait_until(found, 30, "the engine is started")[0]


def test_an_engine_killed_while_it_starts_is_a_suspended_run(place: Place, run: Path) -> None:
    with place.started("resume", "small-1", "--no-ui") as view:
        engine_of(place, view).send_signal(signal.SIGKILL)
        _, complaint = view.communicate(timeout=60)
    assert view.returncode == 75
    assert complaint == (
        "small-1: the engine was killed by SIGKILL while it started; `staycourse resume small-1` goes on\n"
    )
