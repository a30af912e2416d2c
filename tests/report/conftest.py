from __future__ import annotations

from pathlib import Path

import pytest
from tests.report.eventful import eventful_run

from staycourse.record.paths import RunPaths
from staycourse.report import write_report


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> RunPaths:
    """A finished run of all five phases, reported. Not to be written to."""
    paths = eventful_run(tmp_path_factory.mktemp("runs") / "digits-1")
    write_report(paths)
    return paths


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Where a test may make a run."""
    return tmp_path / "digits-1"
