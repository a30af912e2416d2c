"""`resume` of a run that is over does what a kill has kept its engine from doing."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from tests.faults.small_disk import SmallDisk, mount
from tests.support.run_folder import python
from tests.support.tiny import Place

from staycourse.core.events import RunAbandoned, RunFailed, RunFinished
from staycourse.record.lock import RunLock
from staycourse.record.paths import RunPaths
from staycourse.supervise.settling import settle

ENDS = {
    "finished": RunFinished(None),
    "abandoned": RunAbandoned("wrong loss"),
    "failed": RunFailed(0, "none left"),
}
KILLED = """
import os, sys
from pathlib import Path
from tests.support.run_folder import sealed_run
from staycourse.core.events import RunAbandoned, RunFailed, RunFinished
paths, store = sealed_run(Path(sys.argv[1]))
store._write_head = lambda: None
store.append({end!r})
os.kill(os.getpid(), 9)
"""


def killed(folder: Path, end: object) -> RunPaths:
    """A run whose engine was killed between its last event and its head."""
    python(KILLED.format(end=end), folder).wait()
    paths = RunPaths(folder)
    assert head(paths) == 3 and is_in_wal_mode(paths)
    return paths


def head(paths: RunPaths) -> int:
    return int(paths.head.read_text().split()[0])


def is_in_wal_mode(paths: RunPaths) -> bool:
    return paths.database.read_bytes()[18:20] == b"\2\2"


@pytest.mark.parametrize("end", ENDS)
def test_head_mode_and_report_are_made_up_for(place: Place, end: str) -> None:
    paths = killed(place.runs / "small-1", ENDS[end])
    done = place.run("resume", *(["small-1"] if end == "finished" else ["--all"]))
    assert done.returncode == 0, done.stderr
    assert head(paths) == 4 and not is_in_wal_mode(paths)
    assert not paths.database.with_name("run.db-wal").exists()
    assert paths.report.exists()


def test_an_engine_that_lives_does_it_itself(tmp_path: Path) -> None:
    paths = killed(tmp_path / "small-1", ENDS["finished"])
    lock = RunLock(paths.lock)
    lock.acquire()
    settle(paths)
    lock.release()
    assert head(paths) == 3 and is_in_wal_mode(paths)


def test_a_head_alone_that_is_behind_is_written(tmp_path: Path) -> None:
    """As on a network file system, where there is no WAL."""
    paths = killed(tmp_path / "small-1", ENDS["finished"])
    with sqlite3.connect(paths.database) as db:
        db.execute("PRAGMA journal_mode=DELETE")
    settle(paths)
    assert head(paths) == 4


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    with SmallDisk.mounted(tmp_path / "disk", 20) as disk:
        paths = killed(disk.path / "small-1", ENDS["finished"])
        mount("-o", "remount,ro", disk.path)
        place = Place(tmp_path)
        done = place.run("resume", paths.root)
        assert done.returncode == 0 and not done.stderr
        assert "small-1 is finished" in done.stdout and "cannot be written" in done.stdout
