"""One short campaign, followed in peace once; every fault's run has to end with the same numbers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.faults.campaign import roadmap
from tests.faults.small_disk import SmallDisk
from tests.support.results import Result, result
from tests.support.tiny import Place


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    here = Place(tmp_path)
    yield here
    here.close()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """A real file system of 160 MB in memory, empty: room for what the campaign keeps (60 MB at most), and
    for what has to be free for a trial to start (90 MB)."""
    with SmallDisk.mounted(tmp_path / "disk", megabytes=160) as small:
        yield small


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Result:
    place = Place(tmp_path_factory.mktemp("undisturbed"))
    done = place.run("run", roadmap(place), "--no-ui")
    assert done.returncode == 0, done.stdout + done.stderr
    return result(place)
