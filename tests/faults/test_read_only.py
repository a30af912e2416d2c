"""A run folder that can no longer be written: one short message, nothing lost, and resume goes on."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.faults.campaign import roadmap, trains
from tests.faults.small_disk import SmallDisk, mount, unmount
from tests.support.results import Result, notes, result
from tests.support.tiny import Place, wait_until

pytestmark = pytest.mark.slow


@pytest.fixture
def failing(tmp_path: Path) -> Iterator[Path]:
    """A real ext4 that can be told to fail, as it does by itself when its disk does: it is read-only then,
    whoever has files open (a plain `remount,ro` is refused while somebody writes)."""
    image, path = tmp_path / "image", tmp_path / "failing"
    path.mkdir()
    image.write_bytes(b"")
    os.truncate(image, 300_000_000)
    made = subprocess.run(["mkfs.ext4", "-q", "-F", str(image)], capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.skip(f"no ext4 can be made here: {made.stderr}")
    mount("-o", "loop,errors=remount-ro", image, path)
    try:
        yield path
    finally:
        unmount(path)


def says_one_line(words: str) -> bool:
    return len(words.strip().splitlines()) == 1 and "Traceback" not in words


def test_read_only_in_mid_run(failing: Path, tmp_path: Path, undisturbed: Result) -> None:
    place = Place(failing, more={"TMPDIR": str(tmp_path)})
    try:
        with place.started("run", roadmap(place), "--no-ui") as view:
            wait_until(lambda: trains(place), 60, "a trial is on its way")
            mount("-o", "remount,abort", failing)
            said, complaint = view.communicate(timeout=60)
        assert view.returncode == 75, said + complaint
        assert "suspended (its engine left without a word" in said.splitlines()[-1]
        assert "`staycourse resume tiny-1` goes on" in said.splitlines()[-1]
        assert "Traceback" not in said + complaint
        elsewhere = Place(tmp_path / "elsewhere", more={"STAYCOURSE_RUNS": str(place.runs)})
        done = elsewhere.run("resume", "tiny-1", "--no-ui")
        assert done.returncode == 2
        assert says_one_line(done.stderr) and "cannot be written" in done.stderr
        place.close()
        unmount(failing)
        mount("-o", "loop", tmp_path / "image", failing)
        done = place.run("resume", "--no-ui")
        assert done.returncode == 0, done.stdout + done.stderr
        assert result(place) == undisturbed
        assert place.run("verify", "tiny-1").returncode == 0
    finally:
        place.close()


def test_read_only_before_resume(disk: SmallDisk, tmp_path: Path) -> None:
    place = Place(disk.path)
    try:
        with place.started("run", roadmap(place), "--no-ui") as view:
            wait_until(lambda: trains(place), 60, "a trial is on its way")
            os.kill(place.supervisor(), signal.SIGTERM)
            assert view.wait(60) == 75
        wait_until(lambda: not place.processes(), 30, "nobody writes any more")
        mount("-o", "remount,ro", disk.path)
        elsewhere = Place(tmp_path / "elsewhere", more={"STAYCOURSE_RUNS": str(place.runs)})
        for words in (("resume", "tiny-1", "--no-ui"), ("abandon", "tiny-1", "--reason", "none")):
            done = elsewhere.run(*words)
            assert done.returncode == 2, words
            assert says_one_line(done.stderr) and "cannot be written (Read-only file system)" in done.stderr
        assert elsewhere.run("attach", "tiny-1", "--no-ui").returncode == 75
        assert "suspended" in elsewhere.run("runs").stdout
        mount("-o", "remount,rw", disk.path)
        done = place.run("resume", "--no-ui")
        assert done.returncode == 0, done.stdout + done.stderr
        assert not notes(place, "checkpoint")
    finally:
        place.close()
