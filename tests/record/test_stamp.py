"""What leaves the run folder with the weights."""

from __future__ import annotations

import hashlib
from pathlib import Path

from staycourse.record.paths import RunPaths
from staycourse.record.stamp import final_files


def test_what_a_kill_has_left_is_none_of_the_final_files(tmp_path: Path) -> None:
    paths = RunPaths(tmp_path)
    paths.final.mkdir()
    paths.final_setup.write_text("{}")
    left = paths.final / ".setup.json.4711.tmp"
    left.write_text("{")
    (paths.final / ".hidden").touch()
    assert final_files(paths) == {"setup.json": hashlib.sha256(b"{}").hexdigest()}
    assert not left.exists()
