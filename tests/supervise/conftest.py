"""A fork server that the tests of a file share: its start is what takes long."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.support.fork_servers import fork_server
from tests.support.tiny import wait_until

from staycourse.supervise.spawner import Child, Spawner


@pytest.fixture(scope="module")
def _spawner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spawner]:
    with fork_server(tmp_path_factory.mktemp("spawner")) as spawner:
        yield spawner


@pytest.fixture
def spawner(_spawner: Spawner) -> Iterator[Spawner]:
    """Without children; what a test leaves of them is killed, and its end heard before the next has some."""
    yield _spawner
    for child in list(_spawner.children.values()):
        _spawner.kill(child)
        wait_until(lambda child=child: _is_over(_spawner, child), 20, "its end is heard")
        _spawner.let_go(child)


def _is_over(spawner: Spawner, child: Child) -> bool:
    spawner.receive()
    return child.code is not None
