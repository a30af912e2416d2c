"""A new roadmap takes up an earlier run's sealed handoff; what was paid for there is not paid for again."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.support.tiny import CONFIRM, FINAL, TASK, Place, wait_until, write_roadmap

from staycourse.core.events import RunSealed
from staycourse.record.paths import RunPaths
from staycourse.record.seal import lineage_digest
from staycourse.record.verification.fault import Fault
from staycourse.record.verification.sources import check_sources

pytestmark = pytest.mark.slow

SPACE = {"lr": {"log": [1e-3, 1e-1]}, "batch_size": 8, "dropout": {"range": [0.0, 0.3]}}
PROBE = {"kind": "probe", "trials": 2, "epochs": 2}
GRID = {"kind": "grid", "points": {"lr": 2}, "epochs": 2, "keep": 2}
REASON = "the loss has the *wrong* sign"
FROM = {"run": "runs/tiny-1"}


def closed(place: Place) -> int:
    return place.kinds().count("phase closed")


@pytest.fixture(scope="module")
def abandoned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A run that was killed in confirm, after its grid had closed, and then abandoned."""
    place = Place(tmp_path_factory.mktemp("abandoned"))
    slow = {"step_ms": 15}
    path = write_roadmap(place.folder, space=SPACE, args=slow, phases=[PROBE, GRID, CONFIRM, FINAL])
    with place.started("run", path, "--no-ui") as view:
        wait_until(lambda: closed(place) == 2, 60, "the grid has closed")
        os.kill(place.supervisor(), signal.SIGKILL)
        view.wait(30)
    done = place.run("abandon", "tiny-1", "--reason", REASON)
    assert done.returncode == 0, done.stderr
    yield place
    place.close()


@pytest.fixture
def place(abandoned: Place, tmp_path: Path) -> Iterator[Place]:
    """A place of one's own with a copy of that run."""
    shutil.copytree(abandoned.folder / "runs", tmp_path / "runs")
    here = Place(tmp_path)
    yield here
    here.close()


def following(place: Place, **changes: Any) -> Path:
    """A roadmap that goes on where the earlier one was given up, with another name and the loss mended."""
    changes = {"space": None, "phases": [CONFIRM, FINAL], "from": FROM} | changes
    return write_roadmap(place.folder, name="mended", task=TASK + "\n# mended\n", **changes)


def event(place: Place, kind: str, run: str) -> dict[str, Any]:
    return json.loads(place.rows(f"SELECT body FROM ledger WHERE kind = '{kind}' LIMIT 1", run)[0][0])


def head(place: Place, run: str = "tiny-1") -> tuple[int, str]:
    return place.rows("SELECT seq, hash FROM ledger ORDER BY seq DESC LIMIT 1", run)[0]


def test_a_new_roadmap_finishes_what_an_abandoned_one_began(place: Place) -> None:
    path = following(place)
    planned = place.run("plan", path)
    assert planned.returncode == 0, planned.stderr
    assert f"takes up tiny-1 (abandoned: {REASON})" in planned.stdout

    (before,) = re.findall(r"Staycourse-Seal: ([0-9a-f]{64})", place.run("seal", path).stdout)
    seq, value = head(place)
    grid = [row for (row,) in place.rows("SELECT setup FROM trial WHERE phase = 1")]
    with place.started("run", path, "--no-ui") as view:
        wait_until(lambda: place.kinds("mended-1"), 60, "the new run is sealed")
        shutil.rmtree(place.runs / "tiny-1")
        said, _ = view.communicate(timeout=120)
    assert view.returncode == 0, said
    assert f"seal: {before}" in said
    assert f"takes up tiny-1 (abandoned) at event {seq}, {value[:8]}" in said
    assert "not as in tiny-1: the task's code, the task's arguments" in said
    run = place.runs / "mended-1"
    assert (run / "final" / "model.safetensors").exists()

    sealed = event(place, "run sealed", "mended-1")
    assert sealed["lineage"]["head"] == {"seq": seq, "hash": value}
    assert "from" in sealed["parts"]
    # Only confirm and final were trained; confirm had the grid's two set-ups.
    trained = place.rows("SELECT phase, setup FROM trial ORDER BY id", "mended-1")
    assert sorted(setup for phase, setup in trained if phase == 0) == sorted(grid)
    assert len(trained) == 3

    for command in ("report", "verify"):
        again = place.run(command, "mended-1")
        assert again.returncode == 0, again.stdout + again.stderr
    assert "mended-1" in place.run("runs").stdout
    report = (run / "report.md").read_text()
    assert "## Lineage" in report and value in report
    assert "probe" in report and "the \\*wrong\\* sign" in report


def test_final_alone_trains_the_winner_of_the_earlier_run(place: Place) -> None:
    path = following(place, phases=[FINAL])
    rehearsed = place.run("rehearse", path)
    assert rehearsed.returncode == 0, rehearsed.stdout + rehearsed.stderr
    done = place.run("run", path, "--no-ui")
    assert done.returncode == 0, done.stdout + done.stderr
    best = event(place, "run sealed", "mended-1")["lineage"]["handoff"]["ranking"][0]
    ((setup, epochs),) = place.rows("SELECT setup, epoch FROM trial", "mended-1")
    assert (json.loads(setup), epochs) == (best["setup"], best["epoch"])
    report = (place.runs / "mended-1" / "report.md").read_text()
    assert f"at epoch {best['epoch']} of `tiny-1`" in report
    assert place.run("verify", "mended-1").returncode == 0
    _check_that_the_seal_covers_it(place)


def _check_that_the_seal_covers_it(place: Place) -> None:
    """The part "from" covers the name, seal, head and handoff that were taken up."""
    sealed = RunSealed(**event(place, "run sealed", "mended-1"))
    assert sealed.parts["from"] == lineage_digest(sealed.lineage or {})
    other = {**(sealed.lineage or {}), "head": {"seq": 3, "hash": "0" * 64}}
    with pytest.raises(Fault, match="what it says of the earlier run is not what was sealed"):
        check_sources(RunPaths(place.runs / "mended-1"), replace(sealed, lineage=other))


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("UPDATE ledger SET body = replace(body, '\"score\":', '\"score\": ') WHERE seq = 14", "was changed"),
        ("DELETE FROM ledger WHERE kind = 'run abandoned'", "is missing: the ledger ends before"),
        ("DELETE FROM ledger WHERE seq = 5", "event 5 is missing"),
    ],
)
def test_an_earlier_run_that_was_tampered_with_is_refused(place: Place, damage: str, said: str) -> None:
    path = following(place)
    with sqlite3.connect(place.runs / "tiny-1" / "run.db") as db:
        seq = place.rows("SELECT max(seq) FROM ledger WHERE kind = 'phase closed'")[0][0]
        db.execute(damage.replace("14", str(seq)))
    refused = place.run("run", path, "--no-ui")
    assert refused.returncode == 2
    assert re.search(r"line \d+: from\.run: tiny-1 does not fit: ", refused.stderr), refused.stderr
    assert said in refused.stderr and "staycourse verify tiny-1" in refused.stderr
    assert not (place.runs / "mended-1").exists()
