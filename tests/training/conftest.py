"""Fixtures of the training tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.trials import write_task

from staycourse.core.job import TaskSpec


@pytest.fixture
def blobs(tmp_path: Path) -> TaskSpec:
    return write_task(tmp_path)
