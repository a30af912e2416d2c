"""The watch on files outside the copy, turn by turn, with real comparisons."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.tiny import TASK, wait_until, write_roadmap

from staycourse.record.paths import RunPaths
from staycourse.record.store import Store
from staycourse.supervise.data_watch import DataWatch
from staycourse.supervise.launch import prepare
from staycourse.supervise.options import Options
from staycourse.supervise.spawner import Child, Spawner
from staycourse.task.checking import Checked, check

pytestmark = pytest.mark.slow

SPACE = {"lr": {"log": [1e-3, 1e-1]}, "batch_size": 8}
PHASES = [{"kind": "grid", "points": {"lr": 2}, "epochs": 2}]
USES = TASK.replace("def model(args, hp):", 'def model(args, hp):\n    open("model.json").close()', 1)


class Prompted(Spawner):
    """Calls `before_fork` first, for what happens between a look and the comparison that follows."""

    before_fork: Callable[[], Any] | None = None

    def fork(self, *args: Any, **kwargs: Any) -> Child:
        if self.before_fork is not None:
            self.before_fork()
        return super().fork(*args, **kwargs)


class Watched:
    """A sealed run without an engine: `turn` is what one does in every turn of its loop."""

    def __init__(self, checked: Checked, paths: RunPaths) -> None:
        self.store = Store(paths)
        self.spawner = Prompted(paths.log, paths.root)
        self.watch = DataWatch(checked.roadmap, self.store, self.spawner)
        self.spawner.start()

    def turn(self) -> str | None:
        self.spawner.receive()
        return self.watch.turn()

    def is_clear(self) -> bool:
        reason = self.turn()
        assert reason is None, reason
        return self.watch.is_clear

    def close(self) -> None:
        self.watch.close()
        self.spawner.close()
        self.store.close(final=False)


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "model.json").write_text("4")
    checked = check(write_roadmap(tmp_path, task=USES, space=SPACE, phases=PHASES))
    watched = Watched(checked, prepare(checked, tmp_path / "runs", Options()))
    yield watched
    watched.close()


def test_a_file_that_was_away_for_a_moment_is_watched_on(watched: Watched, tmp_path: Path) -> None:
    """An editor that puts a new file in the old one's place, a branch that is checked out and left again."""
    path, aside = tmp_path / "model.json", tmp_path / "model.json.orig"
    wait_until(watched.is_clear, 60, "trials may start")
    path.rename(aside)
    watched.spawner.before_fork = lambda: aside.exists() and aside.rename(path)
    wait_until(lambda: watched.is_clear() and path.exists(), 60, "trials may start again")
    path.write_text("5")
    assert wait_until(watched.turn, 60, "the edit is seen") == (
        "files that the task uses changed since the seal: model.json (content); "
        "put it back as it was, or abandon the run"
    )
