"""Fixtures of the training tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.fork_servers import fork_server
from tests.support.trials import write_task

from staycourse.core.job import TaskSpec
from staycourse.supervise.spawner import Spawner


@pytest.fixture
def blobs(tmp_path: Path) -> TaskSpec:
    return write_task(tmp_path)


@pytest.fixture(scope="module")
def spawner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spawner]:
    """One fork server for the tests of a file."""
    with fork_server(tmp_path_factory.mktemp("spawner")) as spawner:
        yield spawner
