"""A fork server of a test's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from staycourse.supervise.spawner import Spawner


@pytest.fixture
def spawner(tmp_path: Path) -> Iterator[Spawner]:
    spawner = Spawner(tmp_path / "engine.log")
    spawner.start()
    yield spawner
    spawner.close()
