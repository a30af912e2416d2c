"""Which files count as those that somebody has put there for a task."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import pytest

from staycourse.task.places import Places


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/tmp/.x/work/conf.json", True),  # hidden and temporary, but so is all of the work
        ("/tmp/.x/work/.cache/conf.json", False),
        ("/tmp/.x/tasks/conf.json", True),
        ("/tmp/.x/lib/net.py", True),  # added to the path of modules
        ("/tmp/.x/other/conf.json", False),
        ("/tmp/scratch.json", False),
        ("/home/ada/weights.json", True),
        ("/home/ada/.cache/weights.json", False),
        ("/tmp/.x/work/code/task.py", False),
        ("/tmp/.x/work/venv/lib/python3.11/site-packages/net.py", False),
        ("/tmp/.x/work/__pycache__/net.cpython-311.pyc", False),
        ("/proc/meminfo", False),
        ("/dev/shm/weights.json", True),
    ],
)
def test_work_counts_and_caches_and_installations_do_not(
    monkeypatch: pytest.MonkeyPatch, path: str, expected: bool
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/tmp")
    monkeypatch.setattr(sys, "path", ["/tmp/.x/lib", "/tmp/.x/work/code", *sys.path])
    places = Places(Path("/tmp/.x/work/code"), (Path("/tmp/.x/work"), Path("/tmp/.x/tasks")))
    assert places.counting()(path) is expected


def test_a_temporary_folder_within_the_work_is_none_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/home/ada/work/tmp")
    counts = Places(Path("/home/ada/work/tmp/code"), (Path("/home/ada/work"),)).counting()
    assert counts("/home/ada/work/conf.json") and not counts("/home/ada/work/tmp/conf.json")


def test_work_below_the_prefix_of_python_is_no_part_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """In containers it often lies in /usr/src."""
    monkeypatch.setattr(sys, "base_prefix", "/usr")
    places = Places(Path("/tmp/code"), (Path("/usr/src/work"),))
    assert not places.is_system("/usr/src/work/x.csv") and places.is_system("/usr/lib/python3/x.csv")
    elsewhere = Places(Path("/tmp/code"), (Path("/home/ada/work"),))
    assert elsewhere.is_system("/usr/src/work/x.csv")
