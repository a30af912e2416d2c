"""The layers of docs/architecture.md hold, and the lint that says so can fail."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TORCH_FREE = (
    "staycourse.cli.main", "staycourse.cli.run", "staycourse.cli.headless", "staycourse.client",
    "staycourse.report.document", "staycourse.supervise.__main__", "staycourse.supervise.rehearsal",
    "staycourse.search.request", "staycourse_tui.app", "staycourse_tui.screens.run",
)  # fmt: skip


def lint(root: Path) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-c",
        "from importlinter.cli import lint_imports_command as run; run()",
        "--no-cache",
    ]
    path = os.pathsep.join(str(root / part) for part in ("engine", "tui"))
    return subprocess.run(
        command, cwd=root, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False
    )


def test_the_layers_hold() -> None:
    done = lint(ROOT)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("file", "line", "contract"),
    [
        ("engine/staycourse/core/seeds.py", "import os", "core is pure"),
        ("engine/staycourse/client.py", "import torch", "never import torch"),
        ("tui/staycourse_tui/formatting.py", "from staycourse.record import paths", "client and core only"),
    ],
)
def test_a_wrong_import_breaks_a_contract(tmp_path: Path, file: str, line: str, contract: str) -> None:
    for part in ("engine", "tui"):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / ".importlinter", tmp_path)
    changed = tmp_path / file
    changed.write_text(changed.read_text().replace("from __future__ import annotations\n", f"{line}\n", 1))
    done = lint(tmp_path)
    assert done.returncode == 1
    broken = [said for said in done.stdout.splitlines() if said.endswith("BROKEN")]
    assert any(contract in said for said in broken), done.stdout


@pytest.mark.parametrize("module", TORCH_FREE)
def test_views_and_the_supervisor_do_without_torch(module: str) -> None:
    code = f"import sys, {module}; sys.exit('torch' in sys.modules or 'nevergrad' in sys.modules)"
    assert subprocess.run([sys.executable, "-P", "-c", code], check=False).returncode == 0
