"""A script that can resume: its engine is killed within a campaign, and its numbers are the same."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.commands import script_folder
from tests.support.tiny import Place, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def test_an_image_classifier_is_killed_with_all_its_engine_and_comes_out_the_same(place: Place) -> None:
    roadmap = script_folder(place.folder, "images")
    with place.started("run", roadmap, "--no-ui"):
        ended = "SELECT count(*) FROM trial WHERE status = 'ended'"
        wait_until(lambda: place.rows(ended, "images-1") > [(1,)], 120, "two trials have ended")
        wait_until(lambda: place.rows("SELECT 1 FROM metric WHERE trial = 't3'", "images-1"), 60, "t3 trains")
        os.kill(place.supervisor("images-1"), signal.SIGKILL)
        scripts = [pid for pid in place.processes() if _is_script(pid)]
        wait_until(lambda: not any(map(_is_script, scripts)), 20, "no script outlives its engine")
    assert place.run("resume", "images-1", "--no-ui", timeout=600).returncode == 0
    assert place.run("verify", "images-1").returncode == 0
    ends = place.rows("SELECT body FROM ledger WHERE kind = 'trial ended'", "images-1")
    assert len(ends) > 6 and all('"differing":0' in body for (body,) in ends)
    (last,) = place.rows("SELECT id FROM trial ORDER BY rowid DESC LIMIT 1", "images-1")[0]
    assert f"{last}/checkpoint: OK" in _final_again(place)


def _final_again(place: Place) -> str:
    """What the run's shell script says that trains its last experiment once more, in an empty folder."""
    text = place.run("script", "images-1").stdout
    head, final = text.partition("# phase 1 of")[0], text.partition("# phase 5 of")[2]
    command = place.folder / "staycourse"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -P -m staycourse.cli.main "$@"\n')
    command.chmod(0o755)
    empty = place.folder / "empty"
    empty.mkdir()
    done = subprocess.run(
        ["bash", "-s"],
        input=f"{head}# phase 5 of{final}",
        cwd=empty,
        env={**place.environment, "STAYCOURSE": str(command)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _is_script(pid: int) -> bool:
    try:
        return b"main.py" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
