"""A command that SIGTERM or a closed terminal ends takes back what it has begun."""

from __future__ import annotations

import signal

import pytest
from tests.support.tiny import PROBE, TASK, Place, engine_of, wait_until, write_roadmap

SPACE = {"lr": {"log": [1e-3, 1e-1]}, "batch_size": 8, "dropout": {"range": [0.0, 0.3]}}


def nothing_is_left(place: Place) -> bool:
    return not place.processes() and not list((place.folder / "tmp").glob("staycourse-*"))


@pytest.mark.parametrize("command", ["check", "run"])
def test_a_check_that_hangs(place: Place, command: str) -> None:
    task = TASK.replace("import torch\n", "import torch\nopen('imported', 'w').close()\ntime.sleep(300)\n")
    path = write_roadmap(place.folder, task=task)
    with place.started(command, path) as process:
        wait_until((place.folder / "imported").exists, 60, "the task is imported")
        number = signal.SIGTERM if command == "run" else signal.SIGHUP
        process.send_signal(number)
        _, complaint = process.communicate(timeout=20)
    assert process.returncode == 128 + number and not complaint
    wait_until(lambda: nothing_is_left(place), 20, "nothing is left")


@pytest.mark.parametrize("when", ["its engine starts", "it trains"])
def test_a_rehearsal(place: Place, when: str) -> None:
    path = write_roadmap(place.folder, space=SPACE, phases=[PROBE], args={"step_ms": 200})
    with place.started("rehearse", path) as command:
        engine = engine_of(place, command)
        if when == "it trains":
            wait_until(lambda: " trains" in command.stdout.readline(), 60, "a trial trains")
        command.terminate()
        command.send_signal(signal.SIGTERM)
        _, complaint = command.communicate(timeout=30)
    assert command.returncode == 143 and not complaint
    assert not engine.is_running()
    wait_until(lambda: nothing_is_left(place), 20, "nothing is left")
