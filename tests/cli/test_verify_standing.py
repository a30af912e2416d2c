"""What `verify` says of a run whose engine was killed, and of what is left of one without its database."""

from __future__ import annotations

import shutil

import pytest
from tests.support.run_folder import STARTED, sealed_run
from tests.support.tiny import PROBE, Place, write_roadmap

from staycourse.core.events import PhaseOpened
from staycourse.record.lock import RunLock
from staycourse.record.store import Store
from staycourse.record.verification import verify
from staycourse.supervise.launch import prepare
from staycourse.supervise.options import Options
from staycourse.task.checking import check

SPACE = {"lr": {"log": [1e-3, 1e-1]}, "batch_size": 8, "dropout": {"range": [0.0, 0.3]}}


def test_a_run_whose_engine_was_killed_is_suspended(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", place.environment["XDG_STATE_HOME"])
    checked = check(write_roadmap(place.folder, space=SPACE, phases=[PROBE]))
    paths = prepare(checked, place.runs, Options())
    store = Store(paths)
    store.append(STARTED, PhaseOpened(0))
    store.close(final=False)
    verified = verify(paths)
    assert verified.fits and verified.line.endswith("the run is suspended")
    lock = RunLock(paths.lock)
    lock.acquire()
    assert verify(paths).line.endswith("the run is running")
    lock.release()


@pytest.mark.parametrize("left", ["head", "roadmap and code"])
def test_a_run_without_its_database_does_not_fit(place: Place, left: str) -> None:
    paths, store = sealed_run(place.runs / "small-1")
    store.close(final=True)
    paths.database.unlink()
    if left != "head":
        paths.head.unlink()
        paths.code.mkdir()
    for name in ("small-1", paths.root):
        done = place.run("verify", name)
        assert done.returncode == 4 and not done.stderr
        assert done.stdout == "small-1 does not fit: run.db is missing\n"
    shutil.rmtree(paths.root)
    paths.root.mkdir()
    assert "no run named 'small-1'" in place.run("verify", "small-1").stderr
