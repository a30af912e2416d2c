"""Summaries of runs: the same as the view has it, at a smaller cost, whatever stands against one of them."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.support.sample_run import engine_for, write_run

from staycourse.client import RunClient
from staycourse.record import watched_runs
from staycourse.record.index import enlist
from staycourse.record.paths import RunPaths
from staycourse.record.store import Store
from staycourse.record.summary import RunSummary, SummaryReader
from staycourse.record.watched_runs import WatchedRuns

STATES = ("sealed", "running", "suspended", "finished", "failed", "abandoned")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run in each state, none with an engine."""
    root = tmp_path_factory.mktemp("written")
    for state in STATES:
        write_run(root / f"{state}-1", state)
    return root


@pytest.fixture
def runs(written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of them, and a list of runs that is empty; what may have changed is looked at soon."""
    monkeypatch.setattr(watched_runs, "LIST_EVERY", 0.1)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    yield Path(shutil.copytree(written, tmp_path / "runs"))


def looked(
    watched: WatchedRuns, is_as_wanted: Callable[[dict[str, RunSummary]], bool]
) -> dict[str, RunSummary]:
    """The runs by name, as soon as they are as wanted."""
    deadline = time.monotonic() + 20
    while True:
        found = {run.name: run for run in watched.look()}
        if is_as_wanted(found):
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.05)


def all_read(found: dict[str, RunSummary]) -> bool:
    return len(found) == len(STATES) and all(run.status != "unread" for run in found.values())


@pytest.mark.parametrize("state", STATES)
def test_a_summary_says_what_the_view_says(runs: Path, state: str) -> None:
    summary = SummaryReader(runs / f"{state}-1").read()
    snapshot = RunClient(runs / f"{state}-1").poll()
    assert (summary.status, summary.reason, summary.phases) == (
        str(snapshot.status),
        snapshot.reason,
        snapshot.phases,
    )
    assert summary.phase == snapshot.phase
    assert summary.ended == sum(trial.status == "ended" for trial in snapshot.trials)
    assert summary.elapsed(datetime.now(UTC)) == pytest.approx(snapshot.elapsed, abs=1)
    assert summary.roadmap == "digits" and summary.is_readable
    assert (summary.winner is not None) == (state == "finished")


def test_a_run_that_goes_on_is_read_on(runs: Path) -> None:
    paths = RunPaths(runs / "running-1")
    reader = SummaryReader(paths.root)
    with engine_for(paths.root):
        first = reader.read()
        store = Store(paths)
        trial = next(t for t in store.state.trials.values() if t.end is None)
        store.add_progress(trial.id, step=1400, epoch=58, steps_per_epoch=24)
        store.flush()
        second = reader.read()
        store.close(final=False)
    assert first.is_engine_alive and first.status == "running" and first.eta is not None
    assert second.eta is not None and second.eta.seconds < first.eta.seconds
    assert second.phases == first.phases
    assert reader.read().status == "suspended"  # its engine is gone


def test_what_is_damaged_or_cannot_be_read_has_a_summary_too(runs: Path) -> None:
    (runs / "failed-1" / "run.db").write_bytes(b"nonsense")
    damaged = SummaryReader(runs / "failed-1").read()
    assert damaged.status == "damaged" and "run.db is damaged" in damaged.problem and not damaged.is_readable
    gone = SummaryReader(runs / "nowhere-1").read()
    assert gone.status == "unreadable" and gone.problem and not gone.is_readable


def test_all_runs_are_found_the_running_one_first(runs: Path, tmp_path: Path) -> None:
    elsewhere = Path(shutil.copytree(runs / "finished-1", tmp_path / "elsewhere" / "other-1"))
    enlist(elsewhere)
    (runs / "no-run").mkdir()
    for age, state in enumerate(STATES):
        os.utime(runs / f"{state}-1" / "roadmap.toml", (10**9 - age, 10**9 - age))
    with engine_for(runs / "failed-1"):
        watched = WatchedRuns(runs)
        found = looked(
            watched, lambda found: len(found) == 7 and all(r.status != "unread" for r in found.values())
        )
    names = list(found)
    assert names[0] == "failed-1"
    newest_first = [f"{state}-1" for state in STATES if state != "failed"]
    assert [name for name in names[1:] if name != "other-1"] == newest_first and "other-1" in names


def test_a_run_that_is_over_is_not_read_again_until_it_changes(runs: Path) -> None:
    database = runs / "finished-1" / "run.db"
    watched = WatchedRuns(runs)
    looked(watched, all_read)
    before = database.stat()
    database.write_bytes(b"x" * before.st_size)
    os.utime(database, ns=(before.st_atime_ns, before.st_mtime_ns))
    (runs / "failed-1" / "run.db").write_bytes(b"nonsense")
    looked(watched, lambda found: found["failed-1"].status == "damaged")
    looked(watched, all_read)
    assert looked(watched, all_read)["finished-1"].status == "finished"
    os.utime(database)
    looked(watched, lambda found: found["finished-1"].status == "damaged")


def test_runs_come_and_go_while_they_are_watched(runs: Path) -> None:
    watched = WatchedRuns(runs)
    looked(watched, all_read)
    shutil.rmtree(runs / "failed-1")
    shutil.copytree(runs / "finished-1", runs / "new-1")
    found = looked(watched, lambda found: "new-1" in found and "failed-1" not in found)
    assert len(found) == len(STATES)


def test_a_file_that_never_answers_does_not_hold_up_the_other_runs(runs: Path) -> None:
    """A named pipe that nobody writes to, as a file system that hangs."""
    pipe = runs / "abandoned-1" / "roadmap.toml"
    text = pipe.read_bytes()
    pipe.unlink()
    os.mkfifo(pipe)
    watched = WatchedRuns(runs, patience=0.1)
    found = looked(
        watched, lambda found: sum(run.status != "unread" for run in found.values()) == len(STATES) - 1
    )
    found = looked(watched, lambda found: bool(found["abandoned-1"].unanswered))
    assert not found["abandoned-1"].is_readable
    with pipe.open("wb") as waited_for:
        pipe.unlink()
        pipe.write_bytes(text)
        waited_for.write(text)
    found = looked(watched, lambda found: found["abandoned-1"].status == "abandoned")
    assert not found["abandoned-1"].unanswered
