"""A rehearsal finds what would only show in the middle of the night, and leaves nothing behind."""

from __future__ import annotations

import signal

import pytest
from tests.support.tiny import CONFIRM, FINAL, GRID, PROBE, TASK, Place, wait_until, write_roadmap

pytestmark = pytest.mark.slow

SPACE = {"lr": {"log": [1e-3, 1e-1]}, "batch_size": 8, "dropout": {"range": [0.0, 0.3]}}
PHASES = [PROBE, GRID, CONFIRM, FINAL]


def rehearse(place: Place, task: str = TASK, **args: object) -> tuple[int, str]:
    """The exit code and what was said; whatever it was, nothing is left behind."""
    path = write_roadmap(place.folder, task=task, space=SPACE, phases=PHASES, args=args)
    done = place.run("rehearse", path)
    assert "Traceback" not in done.stdout + done.stderr
    assert not place.run_folders()
    wait_until(lambda: not place.processes(), 20, "the engine is gone, whose run was over before")
    assert not [path for path in (place.folder / "tmp").iterdir() if "staycourse" in path.name]
    return done.returncode, done.stdout


def test_a_good_task_is_killed_resumed_and_found_good(place: Place) -> None:
    code, said = rehearse(place)
    assert code == 0, said
    assert "the engine is killed and resumed" in said and "killed from outside by SIGKILL" in said
    assert "phase 4/4 final done" in said
    assert said.rstrip().endswith("the rehearsal found nothing against the seal")


@pytest.mark.parametrize(
    ("args", "problems"),
    [
        ({"fail_in": "metrics", "fail_epoch": 2}, ["metrics() was told to fail"]),
        ({"fail_in": "loss", "fail_epoch": 3}, ["loss() was told to fail"]),  # in finish alone
        # On resume alone; and in final alone, which has no validation.
        ({"drifts": 1, "calibrates": 1}, ["came out differently", "validation has never set the scale"]),
    ],
)
def test_what_only_shows_late_is_found_early(place: Place, args: dict, problems: list[str]) -> None:
    code, said = rehearse(place, **args)
    assert code == 3
    found = [line for line in said.splitlines() if line.startswith("PROBLEM: ")]
    assert all(any(words in line for line in found) for words in problems), said


def test_ctrl_c_ends_a_rehearsal_and_leaves_nothing(place: Place) -> None:
    path = write_roadmap(place.folder, space=SPACE, phases=PHASES, args={"step_ms": 300})
    with place.started("rehearse", path) as process:
        wait_until(lambda: "t1 trains" in process.stdout.readline(), 60, "a trial trains")
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 130 and "Traceback" not in errors
    wait_until(lambda: not place.processes(), 20, "the engine is gone")
    assert not [path for path in (place.folder / "tmp").iterdir() if "staycourse" in path.name]
