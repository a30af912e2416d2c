"""Facts about the machine for the seal and the record."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

from tests.support import fake_nvml
from tests.support.fake_nvml import FakeGpu

from staycourse.hardware.environment import describe, describe_host
from staycourse.hardware.gpus import NvmlUnavailable

ROOT = Path(__file__).parents[2]
NO_GPU = NvmlUnavailable("none here")


def test_the_environment_is_plain_data_and_does_not_change() -> None:
    facts = describe([], NO_GPU)
    assert json.loads(json.dumps(facts)) == facts == describe([], NO_GPU)
    assert facts["python"] == platform.python_version()
    assert facts["gpus"] == []
    assert "driver" not in facts
    cpu = facts["cpu"]
    assert isinstance(cpu, dict) and cpu["model"]


def test_versions_are_those_installed() -> None:
    packages = describe([], NO_GPU, packages=["pytest", "no-such-package"])["packages"]
    assert isinstance(packages, dict)
    assert packages["torch"] == metadata.version("torch")
    assert packages["pytest"] == metadata.version("pytest")
    assert "no-such-package" not in packages


def test_gpus_are_described_by_name_and_driver_and_never_by_uuid(
    driver: Path, in_process: Callable[..., Any]
) -> None:
    fake_nvml.configure(driver, [FakeGpu()], driver="580.1", cuda=13010)
    script = """
        from staycourse.hardware.environment import describe
        show(describe(visible_gpus(nvml, {}), nvml))
    """
    facts = in_process(script, driver)
    assert facts["gpus"] == ["NVIDIA H100 80GB HBM3"]
    assert (facts["driver"], facts["cuda_driver"]) == ("580.1", "13.1")
    assert "1111" not in json.dumps(facts)


def test_the_host_is_plain_data() -> None:
    host = describe_host()
    assert json.loads(json.dumps(host)) == host
    assert host["hostname"] == platform.node()
    assert host["cpu_count"] == os.cpu_count()


def test_these_modules_import_nothing_heavy() -> None:
    """The supervisor and the command line import them."""
    script = """
import sys
import staycourse.hardware.environment, staycourse.hardware.gpus, staycourse.hardware.sampler
heavy = {"torch", "numpy", "pydantic", "nevergrad", "sklearn", "textual", "matplotlib"}
print(sorted(heavy & set(sys.modules)))
"""
    environ = os.environ | {"PYTHONPATH": str(ROOT / "engine")}
    done = subprocess.run([sys.executable, "-c", script], env=environ, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("[]\n", "")
