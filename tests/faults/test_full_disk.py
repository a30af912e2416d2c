"""A full disk is waited out, and said; the run goes on by itself, with the numbers of one in peace."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.faults.campaign import failures, roadmap, trains
from tests.faults.small_disk import SmallDisk
from tests.support.results import Result, notes, result
from tests.support.tiny import Place, wait_until

pytestmark = pytest.mark.slow
HANG_AFTER = 6


@pytest.fixture
def place(disk: SmallDisk) -> Iterator[Place]:
    here = Place(disk.path)
    yield here
    here.close()


def engine_log(place: Place) -> str:
    return (place.runs / "tiny-1" / "engine.log").read_text()


def test_no_room_for_a_checkpoint(place: Place, disk: SmallDisk, undisturbed: Result) -> None:
    limits = {"hang_after": f"{HANG_AFTER}s", "retries": 0}
    with place.started("run", roadmap(place, limits=limits), "--no-ui") as view:
        wait_until(lambda: "trial started" in place.kinds(), 60, "a trial is on its way")
        disk.fill(leaving=2_000_000)
        wait_until(lambda: any("waits after step" in note for note in notes(place, "disk")), 60)
        since = time.monotonic()
        wait_until(lambda: time.monotonic() > since + HANG_AFTER + 2, 60, "longer than a hang may be")
        assert view.poll() is None
        assert not failures(place)
        disk.clear()
        said = view.communicate(timeout=120)[0]
    assert view.returncode == 0, said
    assert re.search(r"t\d waits after step \d+: the disk is full", said)
    assert result(place) == undisturbed
    assert not failures(place)
    assert place.kinds().count("trial started") == place.kinds().count("trial ended")
    report = (place.runs / "tiny-1" / "report.md").read_text()
    assert "waits after step" in report


def test_no_room_for_a_commit(place: Place, disk: SmallDisk, undisturbed: Result) -> None:
    """Twice: room is made, and the run goes on by itself; then it is told to stop while there is none."""
    with place.started("run", roadmap(place), "--no-ui") as view:
        wait_until(lambda: trains(place), 60, "a trial is on its way")
        with (place.runs / "tiny-1" / "engine.log").open("a") as log:
            log.write("-\n")  # or the log may have no page yet, and no room for its word
        disk.fill()
        wait_until(lambda: "the disk is full" in engine_log(place), 60, "the engine waits")
        disk.clear()
        wait_until(lambda: "the disk was full and has been waited for" in notes(place, "disk"), 60)
        (rows,) = place.rows("SELECT count(*) FROM metric")[0]
        wait_until(lambda: trains(place, more_than=rows + 20), 60, "it goes on by itself")
        disk.fill()
        wait_until(lambda: engine_log(place).count("the disk is full") == 2, 60, "it waits again")
        os.kill(place.supervisor(), signal.SIGTERM)
        said, complaint = view.communicate(timeout=30)
    assert view.returncode == 75
    assert "are missing" in said and "resume" in said
    assert "Traceback" not in complaint + engine_log(place)
    disk.clear()
    done = place.run("resume", "--no-ui")
    assert done.returncode == 0, done.stdout + done.stderr
    assert result(place) == undisturbed
    assert all(failure["failure"] == "interrupted" for failure in failures(place))


def test_no_room_for_the_final_weights(place: Place, undisturbed: Result) -> None:
    with place.started("run", roadmap(place), "--no-ui") as view:
        wait_until(lambda: trains(place), 60, "a trial is on its way")
        with SmallDisk.mounted(place.runs / "tiny-1" / "final", megabytes=1) as final:
            wait_until(lambda: any("t4 waits" in note for note in notes(place, "disk")), 90, "final waits")
            assert not list(final.path.glob("model*")), "what is half written is not left in the way"
            final.resize(megabytes=50)
            assert view.wait(120) == 0
            assert result(place) == undisturbed
            assert place.run("verify", "tiny-1").returncode == 0
    assert not failures(place)


def test_a_run_started_on_a_full_disk_waits_for_room(place: Place, disk: SmallDisk) -> None:
    path = roadmap(place)
    disk.fill(leaving=20_000_000)
    with place.started("run", path, "--no-ui") as view:
        wait_until(lambda: any("no further trial starts" in note for note in notes(place, "disk")), 60)
        assert "trial started" not in place.kinds()
        disk.clear()
        wait_until(lambda: "trial started" in place.kinds(), 60, "it goes on by itself")
        assert "the disk has room again" in notes(place, "disk")
        view.kill()


def test_what_a_trial_prints_is_no_reason_to_fail(place: Place, disk: SmallDisk, tmp_path: Path) -> None:
    steps = tmp_path / "steps"
    # Eight seconds without a checkpoint, for which it would wait.
    args = {"prints": "x" * 5000, "steps_log": str(steps), "step_ms": 50, "count": 400}
    path = roadmap(place, args=args, limits={"checkpoint_every": "5m"})
    with place.started("run", path, "--no-ui") as view:
        wait_until(lambda: trains(place), 60, "a trial is on its way")
        disk.fill()
        done = len(steps.read_text().splitlines())
        wait_until(lambda: len(steps.read_text().splitlines()) > done + 4, 60, "steps that print")
        disk.clear()
        wait_until(lambda: "trial ended" in place.kinds(), 60, "the trial ends")
        assert not failures(place)
        view.kill()
