"""The layers of docs/architecture.md hold, and the lint that says so can fail."""

from __future__ import annotations

import ast
import os
import pkgutil
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ENGINE = ROOT / "engine" / "staycourse"
# importlib and pkgutil only find the kinds of phase, which are files of the core itself.
ALLOWED_IN_CORE = {
    "__future__", "abc", "bisect", "collections", "dataclasses", "difflib", "enum", "fractions", "functools",
    "hashlib", "importlib", "itertools", "json", "math", "operator", "pkgutil", "pydantic", "pydantic_core",
    "re", "shlex", "statistics", "tomllib", "typing", "unicodedata",
}  # fmt: skip
# Alone, so that none is spared by what another has imported; the test after it walks through them all.
TORCH_FREE = ("staycourse.cli.main", "staycourse.client", "staycourse_tui.app")


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
        ("engine/staycourse/core/seeds.py", "from staycourse.record import clock", "core is pure"),
        ("engine/staycourse/report/facts.py", "from staycourse.training import loop", "never import torch"),
        ("engine/staycourse/supervise/engine.py", "import torch", "never import torch"),
        ("engine/staycourse/record/store.py", "from staycourse import client", "only those below it"),
        ("engine/staycourse/hardware/cpus.py", "from staycourse.cli import main", "only those below it"),
        (
            "engine/staycourse/record/store.py",
            "import staycourse_tui.app",
            "is imported by the command line alone",
        ),
        ("engine/staycourse/supervise/engine.py", "import pynvml", "only hardware talks to NVML"),
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
    broken = [said for said in done.stdout.splitlines() if " BROKEN" in said]
    assert any(contract in said for said in broken), done.stdout


@pytest.mark.parametrize("module", TORCH_FREE)
def test_views_and_the_supervisor_do_without_torch(module: str) -> None:
    code = f"import sys, {module}; sys.exit('torch' in sys.modules or 'nevergrad' in sys.modules)"
    assert subprocess.run([sys.executable, "-P", "-c", code], check=False).returncode == 0


def test_only_what_trains_searches_or_inspects_loads_torch() -> None:
    """Every module of these packages, those included that are written tomorrow."""
    packages = ("cli", "core", "hardware", "record", "report", "supervise")
    found = [
        name
        for package in packages
        for _, name, _ in pkgutil.walk_packages([str(ENGINE / package)], f"staycourse.{package}.")
    ]
    found += [name for _, name, _ in pkgutil.walk_packages([str(ROOT / "tui")])]
    assert {"staycourse.cli.main", "staycourse.supervise.engine", "staycourse_tui.app"} <= set(found)
    code = f"""
import importlib, sys
for name in ["staycourse.client", *{found!r}]:
    importlib.import_module(name)
    loaded = {{"torch", "nevergrad"}} & set(sys.modules)
    if loaded:
        sys.exit(f"{{name}} loads {{loaded}}")
"""
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_core_imports_only_what_computes() -> None:
    """The lint names what is forbidden; this names what is allowed, so that nothing new slips in."""
    for file in sorted((ENGINE / "core").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                root = name.partition(".")[0]
                is_allowed = root in ALLOWED_IN_CORE or name.startswith("staycourse.core")
                assert is_allowed, f"{file.name} imports {name}"


def test_the_core_touches_nothing_outside_itself() -> None:
    for file in sorted((ENGINE / "core").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                said = f"{file.name}:{node.lineno} calls {node.func.id}()"
                assert node.func.id not in ("open", "print", "input", "exec", "eval", "__import__"), said
