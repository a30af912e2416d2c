"""Failures are outcomes with names: whole runs of a task that misbehaves on request."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest
from tests.support.tiny import TASK, Place, write_roadmap

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


def test_a_loss_that_is_no_number_is_diverged(place: Place) -> None:
    assert run(place, nan_at=4, nan_above=0.04) == 0
    assert outcomes(place) == ["completed", "completed", "completed", "diverged"]
    (detail,) = place.rows("SELECT detail FROM trial WHERE outcome = 'diverged'")[0]
    assert "step 4" in detail and "last finite" in detail


def test_a_death_is_retried_and_then_crashed(place: Place) -> None:
    deaths = {0.001: "exit code 3", 0.01: "SIGSEGV", 0.1: "SIGABRT"}
    dies = "os.kill(os.getpid(), args.die_of) if args.die_of else os._exit(3)"
    assert dies in TASK
    dies_of = 'os._exit(3) if hp["lr"] == 0.001 else os.kill(os.getpid(), 11 if hp["lr"] == 0.01 else 6)'
    path = write_roadmap(
        place.folder,
        task=TASK.replace(dies, dies_of),
        space=SPACE,
        phases=[GRID | {"points": {"lr": list(deaths), "dropout": [0.1]}}],
        args={"die_at": 5},
        limits={"retries": 1},
    )
    assert place.run("run", path, "--no-ui").returncode == 3
    assert outcomes(place, 0) == ["crashed"] * 3
    assert [f["failure"] for f in failures(place)] == ["crashed"] * 3
    assert all(word in f["error"] for word, f in zip(deaths.values(), failures(place), strict=True))
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
