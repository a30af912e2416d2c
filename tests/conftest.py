"""A place of its own for each test, in which the real commands run; what is left running is ended. And
the option that stores screens anew."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.tiny import Place

# Test processes that run side by side ignore Ctrl-C, and under nohup hang-ups; what they start must not
# inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture(autouse=True)
def import_path() -> Iterator[None]:
    """Loading a task puts its folder on the path, where another test's modules must not be met."""
    before = list(sys.path)
    yield
    sys.path[:] = before


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-snapshots", action="store_true", help="store the screens as they are shown")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    here = Place(tmp_path)
    yield here
    here.close()
