"""What becomes of a run whose engine, or whose view, is ended while the engine starts."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from tests.support.run_folder import sealed_run
from tests.support.tiny import Place, engine_of, engines_that_wait, wait_until, write_roadmap

from staycourse.core.events import RunFinished
from staycourse.core.problems import UserError
from staycourse.record.paths import RunPaths
from staycourse.record.store import Store
from staycourse.supervise.options import Options
from staycourse.supervise.starting import start_engine

SPACE = {"lr": {"log": [1e-3, 1e-1]}, "batch_size": 8, "optimizer": "sgd", "momentum": 0.9}


@pytest.fixture
def run(place: Place) -> Path:
    """A run without an engine."""
    paths, store = sealed_run(place.runs / "small-1")
    store.close(final=False)
    return paths.root


def test_an_engine_killed_while_it_starts_is_a_suspended_run(place: Place, run: Path) -> None:
    place.more = engines_that_wait(place.folder)
    with place.started("resume", "small-1", "--no-ui") as view:
        engine_of(place, view).send_signal(signal.SIGKILL)
        _, complaint = view.communicate(timeout=60)
    assert view.returncode == 75
    assert complaint == (
        "small-1: the engine was killed by SIGKILL while it started; `staycourse resume small-1` goes on\n"
    )


def test_a_sigterm_while_the_engine_starts_is_passed_on(place: Place) -> None:
    phases = [{"kind": "probe", "trials": 1, "epochs": 50}]
    roadmap = write_roadmap(place.folder, space=SPACE, phases=phases, args={"step_ms": 50})
    with place.started("run", roadmap, "--no-ui") as view:
        engine = engine_of(place, view)
        view.terminate()
        said, complaint = view.communicate(timeout=60)
    assert view.returncode == 75, said + complaint
    assert "`staycourse resume tiny-1` goes on" in said + complaint
    assert not engine.is_running()
    assert place.kinds()[-1] in ("run sealed", "engine stopped")


def test_after_a_sigterm_no_engine_is_started(run: Path) -> None:
    with pytest.raises(UserError, match="resume small-1") as refused:
        start_engine(RunPaths(run), Options(), lambda: True)
    assert refused.value.exit_code == 75
    assert not RunPaths(run).log.exists()


def test_a_sigterm_ends_the_wait_for_the_report_alone(place: Place, run: Path) -> None:
    paths = RunPaths(run)
    store = Store(paths)
    store.append(RunFinished(None))
    store.close(final=True)
    paths.lock.write_text(f"{os.getpid()} {os.uname().nodename}")  # an engine that lives, and still writes
    with place.started("attach", "small-1", "--no-ui") as view:
        wait_until(lambda: "run finished" in view.stdout.readline(), 30, "the end is shown")
        view.terminate()
        view.communicate(timeout=20)
    assert view.returncode == 0


def test_a_run_that_was_moved_is_on_the_list_again(place: Place, run: Path) -> None:
    moved = run.rename(place.folder / "small-1")
    assert "small-1" not in place.run("runs").stdout
    place.run("resume", moved)  # which its engine refuses, for the seal is none
    assert "\nsmall-1 " in place.run("runs").stdout
