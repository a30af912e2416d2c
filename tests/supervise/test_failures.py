"""Failures are outcomes with names: whole runs of a task that misbehaves on request."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest
from tests.support.tiny import TASK, Place, wait_until, write_roadmap

from staycourse.client import RunClient

pytestmark = pytest.mark.slow

SPACE = {"lr": {"log": [1e-3, 1e-1]}, "batch_size": 8, "dropout": {"range": [0.0, 0.3]}}
GRID = {"kind": "grid", "points": {"lr": 4}, "epochs": 2, "keep": 1}
PROBE = {"kind": "probe", "trials": 1, "epochs": 1}


def run(place: Place, phases: list[dict] | None = None, limits: dict | None = None, **args: object) -> int:
    """The exit code of a headless run whose task gets these arguments."""
    phases = phases or [PROBE, GRID]
    path = write_roadmap(place.folder, space=SPACE, phases=phases, args=args, limits=limits)
    done = place.run("run", path, "--no-ui")
    assert "Traceback" not in done.stderr
    return done.returncode


def outcomes(place: Place, phase: int = 1) -> list[str]:
    return [o for (o,) in place.rows(f"SELECT outcome FROM trial WHERE phase = {phase} ORDER BY rowid")]


def failures(place: Place) -> list[dict]:
    rows = place.rows("SELECT body FROM ledger WHERE kind = 'attempt failed' ORDER BY seq")
    return [json.loads(body) for (body,) in rows]


def test_an_exception_that_repeats_is_faulty_and_the_phase_goes_on(place: Place) -> None:
    assert run(place, fail_in="loss", fail_at=3, fail_above=0.04) == 0
    assert outcomes(place) == ["completed", "completed", "completed", "faulty"]
    (failure,) = failures(place)
    assert failure["failure"] == "error" and "RuntimeError: loss() was told to fail" in failure["error"]
    report = (place.runs / "tiny-1" / "report.md").read_text()
    assert "faulty" in report and "told to fail" in report


def test_an_exception_that_does_not_repeat_costs_one_attempt(place: Place, tmp_path: Path) -> None:
    flag = str(tmp_path / "failed-once")
    assert (
        run(
            place, [GRID | {"points": {"lr": 2, "dropout": [0.1]}}], fail_in="loss", fail_at=3, fail_flag=flag
        )
        == 0
    )
    assert outcomes(place, 0) == ["completed", "completed"]
    assert [failure["failure"] for failure in failures(place)] == ["error"]


def test_a_loss_that_is_no_number_is_diverged(place: Place) -> None:
    assert run(place, nan_at=4, nan_above=0.04) == 0
    assert outcomes(place) == ["completed", "completed", "completed", "diverged"]
    (detail,) = place.rows("SELECT detail FROM trial WHERE outcome = 'diverged'")[0]
    assert "step 4" in detail and "last finite" in detail


@pytest.mark.parametrize(("die_of", "word"), [(0, "exit code 3"), (11, "SIGSEGV"), (6, "SIGABRT")])
def test_a_death_is_retried_and_then_crashed(place: Place, die_of: int, word: str) -> None:
    one = [GRID | {"points": {"lr": 2, "dropout": [0.1]}}]
    assert run(place, one, {"retries": 1}, die_at=5, die_of=die_of) == 3
    assert outcomes(place, 0) == ["crashed", "crashed"]
    assert [f["failure"] for f in failures(place)] == ["crashed", "crashed"]
    assert all(word in f["error"] for f in failures(place))
    assert place.kinds()[-1] == "run failed"
    assert "crashed" in (place.runs / "tiny-1" / "report.md").read_text()


def test_a_hang_is_ended_and_the_trial_goes_on_where_it_was(place: Place, tmp_path: Path) -> None:
    one = [GRID | {"points": {"lr": 2, "dropout": [0.1]}}]
    flag = str(tmp_path / "hung-once")
    assert run(place, one, {"hang_after": "5s"}, hang_at=5, hang_flag=flag) == 0
    assert outcomes(place, 0) == ["completed", "completed"]
    assert [failure["failure"] for failure in failures(place)] == ["hung"]


def test_a_worker_killed_by_hand_is_an_interruption(place: Place, tmp_path: Path) -> None:
    one = [GRID | {"points": {"lr": 2, "dropout": [0.1]}}]
    flag = str(tmp_path / "killed-once")
    no_retries = {"retries": 0, "checkpoint_every": "1s"}
    assert run(place, one, no_retries, die_at=7, die_of=int(signal.SIGKILL), die_flag=flag) == 0
    assert outcomes(place, 0) == ["completed", "completed"]
    assert [failure["failure"] for failure in failures(place)] == ["interrupted"]


def test_three_equal_failures_suspend_the_run_and_resume_goes_on(place: Place, tmp_path: Path) -> None:
    flag, many = tmp_path / "mended", [GRID | {"points": {"lr": 5, "dropout": [0.1]}}]
    task = 'if __import__("os").path.exists(args.prints): return value\n    misbehave('
    text = TASK.replace("misbehave(", task, 1)
    path = write_roadmap(
        place.folder,
        task=text,
        space=SPACE,
        phases=many,
        args={"fail_in": "loss", "fail_at": 2, "prints": str(flag)},
    )
    done = place.run("run", path, "--no-ui")
    assert done.returncode == 75, done.stdout + done.stderr
    assert "3 trials failed with the same error" in done.stdout and "resume" in done.stdout
    assert outcomes(place, 0)[:3] == ["faulty"] * 3
    flag.touch()
    assert place.run("resume", "--no-ui").returncode == 0
    assert outcomes(place, 0) == ["faulty"] * 3 + ["completed"] * 2


def test_what_a_task_prints_reaches_no_terminal(place: Place) -> None:
    one = [GRID | {"points": {"lr": 2, "dropout": [0.1]}}]
    text = TASK.replace(
        "print(args.prints", 'print(args.prints.replace("ESC", chr(27)).replace("BEL", chr(7))'
    )
    hostile = {"prints": "ESC]0;ownedBELESC[2J[/foo]"}
    path = write_roadmap(place.folder, task=text, space=SPACE, phases=one, args=hostile)
    assert place.run("run", path, "--no-ui").returncode == 0
    said = RunClient(place.runs / "tiny-1").trial_log("t1")
    assert "[/foo]" in said
    assert "\x1b" not in said and "owned" not in said


def test_a_second_supervisor_is_refused(place: Place) -> None:
    path = write_roadmap(place.folder, space=SPACE, phases=[PROBE, GRID], args={"step_ms": 50})
    with place.started("run", path, "--no-ui"):
        wait_until(lambda: "trial started" in place.kinds(), 60, "a trial trains")
        done = place.run("resume", "tiny-1", "--no-ui")
        assert done.returncode == 2
        assert f"process {place.supervisor()}" in done.stderr
        assert place.kinds().count("engine started") == 1
