"""What `verify` says of a run whose engine was killed, and of what is left of one without its database."""

from __future__ import annotations

import shutil

import pytest
from tests.support.run_folder import sealed_run
from tests.support.tiny import Place


@pytest.mark.parametrize("left", ["head", "roadmap and code"])
def test_a_run_without_its_database_does_not_fit(place: Place, left: str) -> None:
    paths, store = sealed_run(place.runs / "small-1")
    store.close(final=True)
    paths.database.unlink()
    if left != "head":
        paths.head.unlink()
        paths.code.mkdir()
    for name in ("small-1", paths.root):
        done = place.run("verify", name)
        assert done.returncode == 4 and not done.stderr
        assert done.stdout == "small-1 does not fit: run.db is missing\n"
    shutil.rmtree(paths.root)
    paths.root.mkdir()
    assert "no run named 'small-1'" in place.run("verify", "small-1").stderr
