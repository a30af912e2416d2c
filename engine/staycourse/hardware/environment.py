"""What of this machine can change results (for the seal), and what merely tells where a run was made."""

from __future__ import annotations

import os
import platform
import socket
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

import psutil

from staycourse.core.text import one_line
from staycourse.hardware.cpus import allowed_cpus, memory_total
from staycourse.hardware.nvml import Nvml, NvmlUnavailable
from staycourse.hardware.visible import Gpu

# Whose version can change a number. Those of NVIDIA's libraries are here under each name they have had.
PACKAGES = (
    "staycourse",
    "torch",
    "numpy",
    "scipy",
    "nevergrad",
    "cma",
    "scikit-learn",
    "safetensors",
    "torchvision",
    "torchaudio",
    "triton",
    "nvidia-cublas",
    "nvidia-cublas-cu12",
    "nvidia-cudnn-cu12",
    "nvidia-cudnn-cu13",
)

# Instruction sets by which numerical libraries choose among kernels that round differently.
_INSTRUCTION_SETS = ("avx", "fma", "avx2", "avx512f", "avx512_bf16", "amx_tile", "asimd", "sve")


def describe(
    gpus: Sequence[Gpu], nvml: Nvml | NvmlUnavailable, packages: Sequence[str] = ()
) -> dict[str, object]:
    """JSON-able facts that results depend on; equal on two calls in the same environment.

    `packages` are distributions to record beside PACKAGES; those not installed are left out. Neither UUIDs
    nor host names are told: no result depends on them.
    """
    facts: dict[str, object] = {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "system": platform.system(),
        "machine": platform.machine(),
        "libc": " ".join(platform.libc_ver()).strip(),
        "cpu": _cpu(),
        "packages": _versions((*PACKAGES, *packages)),
        "gpus": [gpu.name for gpu in gpus],
    }
    if gpus and not isinstance(nvml, NvmlUnavailable):
        facts["driver"] = nvml.driver_version()
        facts["cuda_driver"] = nvml.cuda_driver_version()
    return facts


def describe_host() -> dict[str, object]:
    """JSON-able facts for the record alone: where the run was made."""
    return {
        "hostname": one_line(socket.gethostname()),
        "os": _os_name(),
        "kernel": platform.release(),
        "cpu_count": os.cpu_count() or 1,
        "cpus_allowed": len(allowed_cpus()),
        "memory_total_bytes": int(psutil.virtual_memory().total),
        "memory_allowed_bytes": memory_total(),
    }


def _versions(names: Sequence[str]) -> dict[str, str]:
    found = {}
    for name in names:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _os_name() -> str:
    try:
        return one_line(platform.freedesktop_os_release().get("PRETTY_NAME", platform.system()))
    except OSError:
        return platform.system()


def _cpu() -> dict[str, object]:
    """Model and instruction sets of the first CPU."""
    fields = _first_cpu()
    flags = fields.get("flags", fields.get("Features", "")).split()
    model = fields.get("model name") or platform.processor() or platform.machine()
    return {
        "model": one_line(model),
        "instruction_sets": [name for name in _INSTRUCTION_SETS if name in flags],
    }


def _first_cpu() -> dict[str, str]:
    """The first block of /proc/cpuinfo; empty where there is none."""
    fields: dict[str, str] = {}
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                key, colon, value = line.partition(":")
                if not colon:
                    break
                fields[key.strip()] = value.strip()
    except OSError:
        pass
    return fields
