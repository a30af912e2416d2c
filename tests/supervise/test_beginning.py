"""What a session does before its first turn."""

from __future__ import annotations

from pathlib import Path

from tests.support.run_folder import SEALED, STARTED, ended, new_run, planned, started

from staycourse.core import events as ev
from staycourse.hardware.gpus import open_nvml
from staycourse.record.store import Store
from staycourse.supervise.beginning import take_up
from staycourse.supervise.options import Options


def test_checkpoints_that_a_kill_has_left_are_dropped_after_all(tmp_path: Path) -> None:
    paths = new_run(tmp_path / "r-1")
    store = Store(paths)
    store.append(SEALED)
    store.append(STARTED, ev.PhaseOpened(0), planned(), planned("t2"), started(), ended())
    store.append(ev.CheckpointsDropped(0, ["t1"], 1))
    for trial in ("t1", "t2"):
        paths.trial(trial).mkdir()
        paths.checkpoint(trial).touch()
    take_up(store, [], open_nvml(), Options())
    assert not paths.checkpoint("t1").exists()
    assert paths.checkpoint("t2").exists()
    store.close(final=True)
