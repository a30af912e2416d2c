"""The clock is set, forward and back, in a run and between its sessions: the order is that of the ledger."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.faults.campaign import roadmap, trains
from tests.support.results import Result, notes, result
from tests.support.tiny import Place, wait_until

pytestmark = pytest.mark.slow
SOURCE = Path(__file__).parents[1] / "support" / "clock_shim.c"
HOUR, DAY = 3600, 86400


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library that shifts the time of day."""
    if shutil.which("gcc") is None:
        pytest.skip("no C compiler to build the clock with")
    library = tmp_path_factory.mktemp("clock") / "clock.so"
    subprocess.run(["gcc", "-O2", "-shared", "-fPIC", "-o", str(library), str(SOURCE)], check=True)
    return library


class Clock:
    """The time of day of a place's processes."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.set(0)

    def set(self, seconds: int) -> None:
        """So many seconds ahead of the real one."""
        fresh = self.file.with_suffix(".new")
        fresh.write_text(str(seconds))
        fresh.replace(self.file)
        self.ahead = seconds

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.ahead)


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    return Clock(tmp_path / "clock")


@pytest.fixture
def place(tmp_path: Path, shim: Path, clock: Clock) -> Iterator[Place]:
    here = Place(tmp_path, more={"LD_PRELOAD": str(shim), "STAYCOURSE_TEST_CLOCK": str(clock.file)})
    yield here
    here.close()


def times(place: Place, table: str) -> list[datetime]:
    """In the order of writing."""
    return [datetime.fromisoformat(at) for (at,) in place.rows(f"SELECT time FROM {table} ORDER BY rowid")]


SNAPSHOT = """
import sys
from pathlib import Path
from staycourse.client import RunClient
view = RunClient(Path(sys.argv[1])).poll()
print(view.engine_age, view.hardware.time, view.elapsed)
"""


def seen(place: Place) -> tuple[float, datetime, float]:
    """What a view sees under the same clock: age of the last sign of life, the sample's time, run's age."""
    command = [*place.command()[:1], "-c", SNAPSHOT, str(place.runs / "tiny-1")]
    environment = place.environment | {"PYTHONPATH": "engine"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    age, time, elapsed = done.stdout.split()
    return float(age), datetime.fromisoformat(time), float(elapsed)


def test_the_clock_is_set_in_mid_run_and_between_sessions(
    place: Place, clock: Clock, undisturbed: Result
) -> None:
    path = roadmap(place, args={"step_ms": 60})
    clock.set(DAY)
    with place.started("run", path, "--no-ui") as view:
        wait_until(lambda: trains(place), 60, "a trial is on its way")
        clock.set(DAY - HOUR)
        back = "the clock was set back by 3600 s"
        wait_until(lambda: any(back in note for note in notes(place, "clock")), 30, "it was noticed")
        wait_until(lambda: times(place, "hardware")[-1] < clock.now(), 30, "a sample under the new clock")
        age, sampled, elapsed = seen(place)
        assert 0 <= age < 30
        assert timedelta(0) <= clock.now() - sampled < timedelta(seconds=30), "not that of an hour ahead"
        assert elapsed >= 0
        os.kill(place.supervisor(), signal.SIGKILL)
        assert view.wait(60) == 75
    clock.set(0)
    with place.started("resume", "--no-ui") as view:
        wait_until(lambda: place.kinds().count("engine started") == 2, 60, "the run goes on")
        clock.set(2 * DAY)
        ahead = "the clock went forward by 172800 s"
        wait_until(lambda: any(ahead in note for note in notes(place, "clock")), 30, "it was noticed")
        assert view.wait(120) == 0
    assert result(place) == undisturbed
    moments = times(place, "ledger")
    assert moments != sorted(moments), "the times are told as they were, the order is that of seq"
    assert place.run("verify", "tiny-1").returncode == 0
    report = (place.runs / "tiny-1" / "report.md").read_text()
    assert "not known: the clock was set back" in report
    assert not re.search(r"-\d+(\.\d)? (s|min|h|d)\b", report), "no negative length"
    assert "finished" in place.run("runs").stdout
