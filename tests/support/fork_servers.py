"""A fork server for tests: its start is what takes long, so that the tests of a file share one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from staycourse.supervise.spawner import Spawner


@contextmanager
def fork_server(folder: Path) -> Iterator[Spawner]:
    """One that runs, with its log in the folder; closed at the end, and its children with it."""
    spawner = Spawner(folder / "engine.log")
    spawner.start()
    try:
        yield spawner
    finally:
        spawner.close()
