"""At the limit of processes: who lives goes on, who cannot be forked is tried again."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.tiny import Place, wait_until, write_roadmap

from staycourse.supervise.spawner import Child, Spawner

# What fork(2) says there, in the fork server, as long as the file exists; it holds how many may pass.
LIMIT = """
import os, sys
if "staycourse.supervise.fork_server" in sys.orig_argv:
    fork, count = os.fork, []
    def limited():
        count.append(1)
        if os.path.exists({flag!r}) and len(count) > int(open({flag!r}).read()):
            raise BlockingIOError(11, "Resource temporarily unavailable")
        return fork()
    os.fork = limited
"""
WHY = "[Errno 11] Resource temporarily unavailable"


def limited(folder: Path, flag: Path, count: int) -> dict[str, str]:
    flag.write_text(str(count), encoding="utf-8")
    (folder / "limit").mkdir()
    (folder / "limit" / "sitecustomize.py").write_text(LIMIT.format(flag=str(flag)), encoding="utf-8")
    return {"PYTHONPATH": str(folder / "limit")}


def is_over(spawner: Spawner, child: Child) -> bool:
    spawner.receive()
    child.events.receive()
    return child.is_over


def test_a_refused_fork_costs_no_other_child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flag = tmp_path / "flag"
    monkeypatch.setenv(*limited(tmp_path, flag, 1).popitem())
    spawner = Spawner(tmp_path / "engine.log")
    first = spawner.fork("first", "search", tmp_path / "log")
    refused = spawner.fork("second", "search", tmp_path / "log")
    wait_until(lambda: is_over(spawner, refused), 60, "it was refused")
    assert refused.refused == WHY and not refused.is_own_end
    assert spawner.is_alive and first.pid and first.code is None
    flag.unlink()
    third = spawner.fork("third", "search", tmp_path / "log")
    wait_until(lambda: spawner.receive() and third.pid, 20, "the next one is forked")
    spawner.close()


@pytest.mark.slow
def test_a_trial_whose_worker_cannot_be_forked_waits(place: Place, tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    place.more = limited(tmp_path, flag, 3)  # search, look at the data, worker of one trial
    phases = [{"kind": "probe", "trials": 2, "epochs": 12}]
    path = write_roadmap(place.folder, phases=phases, args={"step_ms": 20}, data={"workers": 0})
    notes = "SELECT json_extract(body, '$.text') FROM ledger WHERE kind = 'noted' AND body LIKE '%worker%'"
    with place.started("run", path, "--no-ui", "--slots", "2", "--devices", "cpu") as view:
        wait_until(lambda: "trial ended" in place.kinds(), 60, "the first trial has ended")
        flag.unlink()
        assert view.wait(60) == 0
    assert place.rows(notes) == [(f"no worker can be forked for now: {WHY}",)]
    assert "attempt failed" not in place.kinds()
