"""The picture of a run, made by a command."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_the_app_exports_a_picture_of_itself(sample_runs: dict[str, Path], tmp_path: Path) -> None:
    out = tmp_path / "app.svg"
    command = [sys.executable, "-m", "staycourse_tui.export", str(sample_runs["finished"]), str(out)]
    root = Path(__file__).parents[2]
    environment = {"PYTHONPATH": f"{root / 'engine'}:{root / 'tui'}", "PATH": "/usr/bin:/bin"}
    subprocess.run([*command, "--size", "100x30", "--keys", "2"], check=True, env=environment, timeout=60)
    svg = out.read_text(encoding="utf-8")
    assert svg.startswith("<svg") and "finished-1" in svg and "torch" not in svg
