"""A folder in which `run` was killed before its seal is no run."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from tests.support.run_folder import new_run, python, sealed_run
from tests.support.tiny import Place

KILLED = """
import os, sys
from pathlib import Path
from staycourse.record.paths import RunPaths
from staycourse.record.store import Store
Store(RunPaths(Path(sys.argv[1])))
os._exit(9)
"""


def cut_off(folder: Path, where: str) -> None:
    paths = new_run(folder)
    if where == "before the database's first page":
        paths.database.touch()
    elif where == "before its tables":
        with closing(sqlite3.connect(paths.database)) as db:
            db.execute("PRAGMA journal_mode=WAL")
    else:
        python(KILLED, folder).wait()


@pytest.mark.parametrize(
    "where", ["before the database's first page", "before its tables", "before the seal"]
)
def test_it_is_named_for_what_it_is_and_stands_in_no_list(place: Place, where: str) -> None:
    cut_off(place.runs / "half-1", where)
    for words in (("resume",), ("attach", "--no-ui"), ("verify",), ("report",)):
        done = place.run(words[0], "half-1", *words[1:])
        assert done.returncode == 2, done
        assert done.stderr.startswith(f"{place.runs / 'half-1'} was never sealed: ")
        assert len(done.stderr.splitlines()) == 1
    assert place.run("resume", place.runs / "half-1").returncode == 2
    for words in (("runs",), ("resume", "--all")):
        done = place.run(*words)
        assert done.returncode == 0 and done.stdout.startswith("no run yet")


def test_a_run_without_its_head_is_one(place: Place) -> None:
    paths, store = sealed_run(place.runs / "small-1")
    store.close(final=True)
    paths.head.unlink()  # as if the kill had come between the seal and the head
    assert "\nsmall-1 " in place.run("runs").stdout
