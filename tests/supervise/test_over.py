"""An engine that gets the lock of a run that is over by then leaves it as it is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.run_folder import sealed_run

from staycourse.core import events as ev
from staycourse.record.store import Store


def engine(run: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", "staycourse.supervise", str(run)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("end", "code", "words"),
    [
        (ev.RunFinished(None, {}), 0, "finished already"),
        (ev.RunAbandoned("wrong loss"), 2, "r-1 was abandoned (wrong loss); it cannot be resumed"),
    ],
)
def test_nothing_follows_the_end_of_a_run(tmp_path: Path, end: ev.Event, code: int, words: str) -> None:
    paths, store = sealed_run(tmp_path / "r-1")
    store.append(end)
    head = store.head
    with pytest.raises(AssertionError):
        store.append(ev.Noted("n", "too late"))
    store.close(final=True)
    done = engine(paths.root)
    assert done.returncode == code
    assert words in done.stderr.strip().splitlines()[-1]
    assert not paths.database.with_name("run.db-wal").exists(), "a colleague could not open it any more"
    store = Store(paths)
    assert store.head == head
    store.close(final=True)
