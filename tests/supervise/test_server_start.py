"""A fork server that cannot start suspends the run, and what takes long to begin delays no stop."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
from tests.support.run_folder import sealed_run
from tests.support.tiny import TASK, Place, wait_until, write_roadmap

from staycourse.supervise.attempt import Attempt
from staycourse.supervise.channel import Inbox, Outbox
from staycourse.supervise.hangs import Hangs
from staycourse.supervise.slots import Slot
from staycourse.supervise.spawner import Child, Spawner

PHASES = [{"kind": "probe", "trials": 1, "epochs": 10_000}]
SLOW = "import time\nopen({!r}, 'w').close()\ntime.sleep(600)"


def torch_that(does: str, folder: Path) -> dict[str, str]:
    """An environment in which another torch lies in the way of the right one."""
    (folder / "in-the-way").mkdir()
    (folder / "in-the-way" / "torch.py").write_text(does, encoding="utf-8")
    return {"PYTHONPATH": str(folder / "in-the-way")}


def lost(spawner: Spawner, child: Child) -> bool:
    spawner.receive()
    return child.code is not None


def test_servers_that_die_before_they_can_fork_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(*torch_that("raise ImportError('no such library')", tmp_path).popitem())
    spawner = Spawner(tmp_path / "engine.log")
    for count in (1, 2):
        child = spawner.fork(f"child-{count}", "search", tmp_path / "log")
        wait_until(lambda child=child: lost(spawner, child), 20, "the server died")
        assert child.is_lost and not child.pid
        assert (spawner.failed_starts, spawner.start_failure) == (count, "ImportError: no such library")
    monkeypatch.undo()
    child = spawner.fork("child-3", "search", tmp_path / "log")
    wait_until(lambda: spawner.receive() and child.pid, 60, "a server has started")
    assert not spawner.failed_starts
    spawner.close()


def suspended(place: Place, **changes: object) -> Place:
    """A run that has been stopped while its trial trained."""
    path = write_roadmap(place.folder, phases=PHASES, args={"step_ms": 20}, **changes)
    with place.started("run", path, "--no-ui") as view:
        wait_until(lambda: place.rows("SELECT 1 FROM metric"), 60, "a trial trains")
        os.kill(place.supervisor(), signal.SIGTERM)
        assert view.wait(60) == 75
    return place


def test_a_server_that_still_starts_is_ended_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = tmp_path / "begun"
    monkeypatch.setenv(*torch_that(SLOW.format(str(begun)), tmp_path).popitem())
    spawner = Spawner(tmp_path / "engine.log")
    spawner.start()
    wait_until(begun.exists, 20, "the import has begun")
    begin = time.monotonic()
    spawner.close()
    assert time.monotonic() - begin < 5


def test_a_worker_that_waits_for_the_server_does_not_hang(tmp_path: Path) -> None:
    paths, store = sealed_run(tmp_path / "r-1")
    spawner = Spawner(paths.log)
    child = Child("t1-1", Outbox(os.open(os.devnull, os.O_WRONLY)), Inbox(os.open(os.devnull, os.O_RDONLY)))
    attempt = Attempt("t1", 1, Slot("cpu"), child, moved=time.monotonic() - 100)
    hangs = Hangs(4.0, store, spawner)
    hangs.look([attempt])
    assert not attempt.is_hung
    child.pid = os.getpid()
    hangs.look([attempt])
    assert attempt.is_hung
    spawner.let_go(child)
    store.close(final=False)


@pytest.mark.slow
def test_a_torch_that_cannot_be_imported_suspends_the_run(place: Place, tmp_path: Path) -> None:
    data = tmp_path / "data.txt"
    data.touch()
    before = suspended(place, data={"files": [str(data)]}).kinds()
    place.more = torch_that("raise ImportError('libcudart is\\x1b[31m missing')", tmp_path)
    done = place.run("resume", "--no-ui")
    assert done.returncode == 75
    assert "the fork server does not start: ImportError: libcudart is missing" in done.stdout
    assert place.kinds()[len(before) :] == ["engine started", "run suspended"]


@pytest.mark.slow
def test_sigterm_does_not_wait_for_an_import(place: Place, tmp_path: Path) -> None:
    before = suspended(place).kinds()
    begun = tmp_path / "begun"
    place.more = torch_that(SLOW.format(str(begun)), tmp_path)
    with place.started("resume", "--no-ui") as view:
        wait_until(begun.exists, 60, "the import has begun")
        begin = time.monotonic()
        os.kill(place.supervisor(), signal.SIGTERM)
        assert view.wait(60) == 75
    assert time.monotonic() - begin < 8
    assert place.kinds()[len(before) :] == ["engine started", "engine stopped"]


@pytest.mark.slow
def test_sigterm_does_not_wait_for_a_model(place: Place, tmp_path: Path) -> None:
    """The task takes long once the run's folder is there: its check is over by then."""
    begun = tmp_path / "begun"
    wait = f"""    fail(args, "model", 0, 0, hp)
    if os.path.exists({str(place.runs)!r}):
        mark({str(begun)!r})
        time.sleep(600)
"""
    task = TASK.replace('    fail(args, "model", 0, 0, hp)\n', wait)
    path = write_roadmap(place.folder, task=task, phases=PHASES)
    with place.started("run", path, "--no-ui") as view:
        wait_until(begun.exists, 60, "the model is made")
        begin = time.monotonic()
        os.kill(place.supervisor(), signal.SIGTERM)
        assert view.wait(60) == 75
    assert time.monotonic() - begin < 8
    assert place.kinds()[-2:] == ["attempt failed", "engine stopped"]
    body = "SELECT json_extract(body, '$.failure') FROM ledger WHERE kind = 'attempt failed'"
    assert place.rows(body) == [("interrupted",)]
