"""`python -m staycourse.report RUN [-o FILE]`, as the supervisor and the command line start it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from staycourse.record.paths import RunPaths


def report(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", "staycourse.report", *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, **environment}
    )


def test_it_prints_where_the_report_is(finished: RunPaths, tmp_path: Path) -> None:
    target = tmp_path / "copy.md"
    result = report(finished.root, "-o", target)
    assert (result.returncode, result.stdout.strip()) == (0, str(target))
    assert target.read_text().startswith("# Tuning report of digits-1")


def test_a_run_is_found_by_its_name(finished: RunPaths) -> None:
    result = report("digits-1", STAYCOURSE_RUNS=str(finished.root.parent))
    assert result.stdout.strip() == str(finished.report)


def test_a_run_that_does_not_exist_is_one_message(tmp_path: Path) -> None:
    result = report("nowhere-1", STAYCOURSE_RUNS=str(tmp_path), XDG_STATE_HOME=str(tmp_path))
    assert result.returncode == 2
    assert "no run named 'nowhere-1'" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_place_that_cannot_be_written_is_one_message(finished: RunPaths, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = report(finished.root, "-o", tmp_path / "file" / "report.md")
    assert result.returncode == 2
    assert "-o FILE writes elsewhere" in result.stderr
    assert "Traceback" not in result.stderr


def test_torch_is_never_imported(finished: RunPaths, tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from staycourse.report import write_report;"
        "heavy = 'matplotlib' in sys.modules; from staycourse.record.paths import RunPaths;"
        "write_report(RunPaths(Path(sys.argv[1])), Path(sys.argv[2]));"
        "print(heavy, 'torch' in sys.modules)"
    )
    command = [sys.executable, "-c", program, str(finished.root), str(tmp_path / "r.md")]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout.split() == ["False", "False"]
