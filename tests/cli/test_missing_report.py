"""A view waits for the report as long as there is somebody to write it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from tests.support.run_folder import sealed_run
from tests.support.tiny import Place, wait_until

from staycourse.core.events import RunFinished
from staycourse.record.paths import RunPaths
from staycourse.supervise.linux import is_running


@pytest.fixture
def run(place: Place) -> RunPaths:
    """A finished run without a report."""
    paths, store = sealed_run(place.runs / "small-1")
    store.append(RunFinished(None))
    store.close(final=True)
    return paths


def held_by(paths: RunPaths, engine: subprocess.Popen[bytes]) -> None:
    paths.lock.write_text(f"{engine.pid} {os.uname().nodename}")


def test_a_report_that_nobody_writes_any_more_is_not_waited_for(place: Place, run: RunPaths) -> None:
    with subprocess.Popen(["sleep", "300"]) as engine:
        held_by(run, engine)
        with place.started("attach", "small-1", "--no-ui") as view:
            wait_until(lambda: "run finished" in view.stdout.readline(), 30, "the end is shown")
            engine.kill()
            said, _ = view.communicate(timeout=30)
    assert view.returncode == 0
    assert said == "there is no report yet; `staycourse report small-1` writes it\n"


def test_a_report_that_comes_late_is_waited_for(place: Place, run: RunPaths) -> None:
    write = "import sys; sys.stdin.readline(); open(sys.argv[1], 'w').close()"
    with subprocess.Popen([sys.executable, "-c", write, run.report], stdin=subprocess.PIPE) as engine:
        held_by(run, engine)
        with place.started("attach", "small-1", "--no-ui") as view:
            wait_until(lambda: "run finished" in view.stdout.readline(), 30, "the end is shown")
            engine.communicate(b"\n")
            said, _ = view.communicate(timeout=30)
    assert view.returncode == 0 and said == f"report: {run.report}\n"


def test_a_process_that_is_dead_and_not_reaped_is_not_running() -> None:
    with subprocess.Popen(["sleep", "300"]) as process:
        assert is_running(process.pid)
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert not is_running(process.pid)
    assert not is_running(process.pid)
