"""The interpreter that a command names: what it is, and what is installed for it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from staycourse.core.problems import UserError
from staycourse.core.text import one_line

WORDS = ("python", "python3")
_PATIENCE_S = 60.0
# Asked in the interpreter itself, which may be of any version and knows nothing of this package.
_TELL = """
import importlib.metadata, importlib.util, json, platform, sys
asked = json.load(sys.stdin)
missing = []
for name in asked:
    try:
        found = importlib.util.find_spec(name) is not None
    except Exception:
        found = False
    if not found:
        missing.append(name)
packages = {}
for each in importlib.metadata.distributions():
    name = each.metadata["Name"]
    if name:
        packages.setdefault(name.lower().replace("_", "-"), each.version)
print(json.dumps({"python": platform.python_version(), "packages": packages, "missing": missing}))
"""


def interpreter(declared: str | None, folder: Path) -> str:
    """The absolute path of the interpreter that stands for `python`: the declared one, else the one that
    runs staycourse. Links are kept, for a virtual environment is known by its own."""
    if declared is None:
        return sys.executable
    expanded = str(Path(declared).expanduser())
    if os.sep not in expanded:
        return shutil.which(expanded) or expanded
    return os.path.normpath(folder / expanded)


def describe(python: str, modules: Iterable[str] = ()) -> dict[str, Any]:
    """{"python": version, "packages": {name: version}, "missing": those of `modules` that it does not find}.

    Raises UserError where it cannot be run.
    """
    return dict(_described(python, tuple(sorted(modules))))


@cache
def _described(python: str, modules: tuple[str, ...]) -> Mapping[str, Any]:
    try:
        answer = subprocess.run(
            [python, "-I", "-c", _TELL],
            input=json.dumps(modules),
            capture_output=True,
            text=True,
            timeout=_PATIENCE_S,
            check=True,
        )
        told: dict[str, Any] = json.loads(answer.stdout)
    except subprocess.CalledProcessError as error:
        last = (error.stderr or "").strip().splitlines()[-1:] or ["it said nothing"]
        raise UserError(f"{python} does not run: {one_line(last[0])}") from None
    except (OSError, subprocess.TimeoutExpired, ValueError) as error:
        raise UserError(f"{python} does not run: {one_line(str(error))}") from None
    return told
