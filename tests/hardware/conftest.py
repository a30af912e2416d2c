"""A stand-in for the NVIDIA driver, and a way to run code in a process that has it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.support import fake_nvml

ROOT = Path(__file__).parents[2]
PREAMBLE = """
import json, os, sys
from pathlib import Path
from tests.support.fake_nvml import FakeGpu, FakeProcess, GIB, configure
from staycourse.hardware.gpus import *
from staycourse.hardware.sampler import Sampler
nvml = open_nvml()
def show(value): print(json.dumps(value))
"""


@pytest.fixture(scope="session")
def built_nvml(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fake_nvml.build(tmp_path_factory.mktemp("nvml"))


@pytest.fixture
def driver(built_nvml: Path, tmp_path: Path) -> Path:
    """A folder with the fake driver's library, the test's own to configure."""
    return Path(shutil.copytree(built_nvml, tmp_path / "driver"))


@pytest.fixture
def in_process() -> Callable[..., Any]:
    return run_in_process


def run_in_process(script: str, driver: Path, *, before: Sequence[str] = (), **environ: str) -> Any:
    """Run `script` in a fresh process whose NVIDIA driver is `driver`; what it gives to show() comes back.

    `before`: a command to run Python under.
    """
    paths = [str(ROOT), str(ROOT / "engine")]
    code = PREAMBLE + f"driver = Path({str(driver)!r})\n" + textwrap.dedent(script)
    done = subprocess.run(
        [*before, sys.executable, "-c", code],
        env=fake_nvml.environment(driver, PYTHONPATH=":".join(paths), **environ),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return json.loads(done.stdout)
