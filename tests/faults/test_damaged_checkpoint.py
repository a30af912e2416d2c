"""Damaged checkpoints in a run: the generation before is used, or none; it is said, and no number changes."""

from __future__ import annotations

import os
import random
import signal
from pathlib import Path

import pytest
from tests.faults.campaign import failures, roadmap
from tests.support.results import Result, notes, result
from tests.support.tiny import Place, wait_until

pytestmark = pytest.mark.slow


def flip(path: Path) -> None:
    """Another bit than before, anywhere in the file."""
    content = bytearray(path.read_bytes())
    content[random.SystemRandom().randrange(len(content))] ^= 1 << random.SystemRandom().randrange(8)
    path.write_bytes(content)


def stop_in_the_last_trial(place: Place, *words: str | Path) -> Path:
    """Follow the run into its last trial, tell it to stop there after a new row; the trial's folder."""
    before = place.rows("SELECT count(*) FROM metric WHERE trial = 't4'") or [(0,)]
    folder = place.runs / "tiny-1" / "trials" / "t4"
    with place.started(*words, "--no-ui") as view:

        def is_on_its_way() -> bool:
            rows = place.rows("SELECT count(*) FROM metric WHERE trial = 't4'")
            return bool(rows) and rows[0][0] > before[0][0] and (folder / "last.pt").exists()

        wait_until(is_on_its_way, 90, "the last trial is on its way")
        os.kill(place.supervisor(), signal.SIGTERM)
        assert view.wait(60) == 75
    return folder


def test_a_flipped_bit_falls_back_and_says_so(place: Place, undisturbed: Result) -> None:
    slow = {"step_ms": 60}
    folder = stop_in_the_last_trial(place, "run", roadmap(place, args=slow))
    assert (folder / "last.prev.pt").exists()
    flip(folder / "last.pt")
    stop_in_the_last_trial(place, "resume")
    assert any("t4: last.pt is damaged" in note for note in notes(place, "checkpoint"))
    for name in ("last.pt", "last.prev.pt"):
        if (folder / name).exists():
            flip(folder / name)
    done = place.run("resume", "--no-ui")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "t4: no checkpoint is usable: the trial starts again" in done.stdout
    assert result(place) == undisturbed
    assert all(failure["failure"] == "interrupted" for failure in failures(place))
    report = (place.runs / "tiny-1" / "report.md").read_text()
    assert "is damaged" in report and "starts again" in report
    assert place.run("verify", "tiny-1").returncode == 0
