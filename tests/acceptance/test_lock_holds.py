"""The sealed plan is what is followed, whatever is edited meanwhile; and anyone can check it."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import subprocess
from pathlib import Path

import pytest
from tests.support.results import metric_rows, weights_hash
from tests.support.tiny import TASK, Place, wait_until, write_roadmap

from staycourse.record.paths import RunPaths
from staycourse.record.verification import verify

pytestmark = pytest.mark.slow

SPACE = {"lr": {"log": [1e-3, 1e-1]}, "batch_size": 8, "dropout": {"range": [0.0, 0.3]}}
SLOW = {"step_ms": 10}


def roadmap(place: Place, **changes: object) -> Path:
    return write_roadmap(place.folder, **{"space": SPACE, "args": SLOW} | changes)


def result(place: Place) -> tuple[list, str]:
    return metric_rows(place), weights_hash(place)


def trains(place: Place, trial: str = "t2") -> bool:
    return bool(place.rows(f"SELECT 1 FROM metric WHERE trial = '{trial}'"))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[list, str]:
    place = Place(tmp_path_factory.mktemp("undisturbed"))
    done = place.run("run", roadmap(place), "--no-ui")
    assert done.returncode == 0, done.stdout + done.stderr
    return result(place)


def ended(view: subprocess.Popen[str]) -> int:
    view.communicate(timeout=120)
    return view.returncode


def test_the_seal_is_known_before_and_shown_everywhere(place: Place) -> None:
    path = roadmap(place, args={})
    (before,) = re.findall(
        r"^Staycourse-Seal: ([0-9a-f]{64}) \(tiny\)$", place.run("seal", path).stdout, re.M
    )
    done = place.run("run", path, "--no-ui")
    assert done.returncode == 0 and f"seal: {before}" in done.stdout
    run = place.runs / "tiny-1"
    (body,) = place.rows("SELECT body FROM ledger WHERE seq = 1")[0]
    assert before in body
    assert f"sealed `{before[:8]}`" in (run / "report.md").read_text()
    assert before in (run / "final" / "setup.json").read_text()
    (place.folder / "task.py").write_text(TASK + "\n# another thought\n")
    assert before not in place.run("seal", path).stdout


def test_editing_roadmap_and_code_in_mid_run_changes_nothing(place: Place, undisturbed: tuple) -> None:
    path = roadmap(place)
    with place.started("run", path, "--no-ui") as view:
        wait_until(lambda: trains(place), 60, "the second trial trains")
        path.write_text(path.read_text().replace("seed = 5", "seed = 6").replace("epochs = 4", "epochs = 1"))
        (place.folder / "task.py").write_text("raise SystemExit('edited in mid-run')\n")
        assert ended(view) == 0
    assert result(place) == undisturbed
    assert verify(RunPaths(place.runs / "tiny-1")).fits


def test_a_run_that_is_going_on_verifies_at_every_moment(place: Place) -> None:
    run = RunPaths(place.runs / "tiny-1")
    looked = 0
    with place.started("run", roadmap(place), "--no-ui") as view:
        wait_until(lambda: run.head.exists(), 60, "the run is sealed")
        while view.poll() is None:
            verified = verify(run)
            assert verified.fits, verified.line
            looked += "the run is running" in verified.line
        assert ended(view) == 0
    assert looked > 5
    assert verify(run).fits


def test_what_a_killed_engine_leaves_verifies(place: Place, undisturbed: tuple) -> None:
    run = RunPaths(place.runs / "tiny-1")
    with place.started("run", roadmap(place), "--no-ui") as view:
        wait_until(lambda: trains(place, "t5"), 60, "the fifth trial trains")
        os.kill(place.supervisor(), signal.SIGKILL)
        ended(view)
    verified = verify(run)
    assert verified.fits, verified.line
    assert place.run("resume", "--no-ui").returncode == 0
    assert verify(run).fits and result(place) == undisturbed


def test_no_trial_starts_from_a_copy_that_was_touched(place: Place, undisturbed: tuple) -> None:
    run = RunPaths(place.runs / "tiny-1")
    with place.started("run", roadmap(place), "--no-ui") as view:
        wait_until(lambda: trains(place), 60, "the second trial trains")
        copy = run.code / "task.py"
        sealed = copy.read_bytes()
        before = copy.stat()
        copy.write_bytes(sealed.replace(b"nn.Tanh()", b"nn.ReLU()"))
        os.utime(copy, ns=(before.st_atime_ns, before.st_mtime_ns))  # it is of the same size as well
        assert ended(view) == 75
    started = place.kinds().count("trial started")
    assert "code/task.py was changed since it was sealed" in verify(run).line
    again = place.run("resume", "--no-ui")
    assert (
        again.returncode == 75 and "code/task.py was changed since it was sealed; put it back" in again.stdout
    )
    assert place.kinds().count("trial started") == started
    copy.write_bytes(sealed)
    assert place.run("resume", "--no-ui").returncode == 0
    assert result(place) == undisturbed and verify(run).fits


def test_a_run_whose_sealed_roadmap_was_edited_is_not_resumed(place: Place, undisturbed: tuple) -> None:
    run = RunPaths(place.runs / "tiny-1")
    with place.started("run", roadmap(place), "--no-ui") as view:
        wait_until(lambda: trains(place), 60, "the second trial trains")
        os.kill(place.supervisor(), signal.SIGTERM)
        assert ended(view) == 75
    sealed = run.roadmap.read_text()
    run.roadmap.write_text(sealed.replace("seed = 5", "seed = 6"))
    refused = place.run("resume", "--no-ui")
    assert refused.returncode == 4
    assert (
        refused.stderr.count("\n") == 1 and "roadmap.toml was changed since it was sealed" in refused.stderr
    )
    run.roadmap.write_text(sealed)
    assert place.run("resume", "--no-ui").returncode == 0
    assert result(place) == undisturbed


def test_a_row_changed_while_its_trial_runs_is_found_at_the_end(place: Place) -> None:
    run = RunPaths(place.runs / "tiny-1")
    with place.started("run", roadmap(place), "--no-ui") as view:
        wait_until(lambda: trains(place), 60, "the second trial trains")
        with sqlite3.connect(run.database, timeout=30) as db:
            assert db.execute("UPDATE metric SET value = 0.001 WHERE trial = 't2'").rowcount
        db.close()
        assert ended(view) == 0
    assert re.search(
        r"trial t2: the row of \w+ at step \d+ \(epoch \d, now 0\.001\) was changed", verify(run).line
    )
