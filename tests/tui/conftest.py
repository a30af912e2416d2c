"""Run folders that several tests of the app look at; nothing changes them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.sample_run import engine_for, write_run

STATES = ("sealed", "empty", "running", "silent", "suspended", "finished", "failed", "abandoned")


@pytest.fixture(autouse=True)
def _no_choice_of_whoever_tests(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither settings nor a terminal's colours reach the apps that are tested."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.getbasetemp() / "no-settings"))
    for name in ("NO_COLOR", "COLORFGBG", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def sample_runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    """A run in each state; those called "empty" and "running" have a living engine."""
    root = tmp_path_factory.mktemp("runs")
    runs = {
        state: write_run(root / f"{state}-1", "running" if state == "silent" else state) for state in STATES
    }
    runs["gpus"] = write_run(root / "gpus-1", "running", gpus=8)
    with engine_for(runs["empty"]), engine_for(runs["running"]), engine_for(runs["gpus"]):
        yield runs
