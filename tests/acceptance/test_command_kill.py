"""A script that can resume: its engine is killed within a campaign, and its numbers are the same."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from tests.support.commands import script_folder
from tests.support.tiny import Place, wait_until

pytestmark = pytest.mark.slow


def test_an_image_classifier_is_killed_with_all_its_engine_and_comes_out_the_same(place: Place) -> None:
    roadmap = script_folder(place.folder, "images")
    done = place.run("run", roadmap, "--no-ui", timeout=280)
    assert done.returncode == 0, done.stdout + done.stderr
    with place.started("run", roadmap, "--no-ui"):
        ended = "SELECT count(*) FROM trial WHERE status = 'ended'"
        wait_until(lambda: place.rows(ended, "images-2") > [(1,)], 120, "two trials have ended")
        wait_until(lambda: place.rows("SELECT 1 FROM metric WHERE trial = 't3'", "images-2"), 60, "t3 trains")
        os.kill(place.supervisor("images-2"), signal.SIGKILL)
        scripts = [pid for pid in place.processes() if _is_script(pid)]
        wait_until(lambda: not any(map(_is_script, scripts)), 20, "no script outlives its engine")
    assert place.run("resume", "images-2", "--no-ui", timeout=280).returncode == 0
    for run in ("images-1", "images-2"):
        assert place.run("verify", run).returncode == 0
    curves = "SELECT trial, name, step, epoch, value FROM metric ORDER BY trial, name, step"
    assert place.rows(curves, "images-1") == place.rows(curves, "images-2")
    final = [place.runs / run / "final" / "checkpoint" for run in ("images-1", "images-2")]
    assert final[0].read_bytes() == final[1].read_bytes()


def _is_script(pid: int) -> bool:
    try:
        return b"main.py" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
