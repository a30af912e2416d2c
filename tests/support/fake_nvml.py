"""A small libnvidia-ml.so.1, built with gcc, whose GPUs are described by a text file.

`build` it into a folder, `configure` it there, and start the process under test with `environment(folder)`.
The real bindings load it in that process as they would load the driver's own. Configuring it again takes
effect at the next call, also in a process that is already running.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "hardware" / "fake_nvml" / "nvml.c"
GIB = 1 << 30

NOT_SUPPORTED, DRIVER_NOT_LOADED, GPU_IS_LOST, VERSION_MISMATCH, UNKNOWN = 3, 9, 15, 18, 999


@dataclass(frozen=True)
class FakeProcess:
    """A process on a GPU; `memory` is in bytes, None for what the driver cannot tell."""

    pid: int
    memory: int | None
    graphics: bool = False

    def line(self) -> str:
        memory = "-" if self.memory is None else self.memory
        return f"process = {self.pid} {memory} {'g' if self.graphics else 'c'}"


@dataclass(frozen=True)
class FakeGpu:
    """What one GPU answers. A field that is None is a sensor that it has not (NVML says "not supported").

    `memory_used` is without `memory_reserved`. `errors`: NVML's codes by the name of a reading of nvml.c.
    `processes` None: the driver does not say. `parent`: this is a MIG instance of that GPU; list it last.
    """

    uuid: str = "GPU-11111111-0000-0000-0000-000000000000"
    name: str | bytes = "NVIDIA H100 80GB HBM3"
    memory_total: int | None = 80 * GIB
    memory_used: int = 0
    memory_reserved: int = GIB // 2
    util: int | None = 96
    power_mw: int | None = 412_500
    power_limit_mw: int | None = 700_000
    temperature: int | None = 61
    sm_clock_mhz: int | None = 1980
    processes: Sequence[FakeProcess] | None = ()
    errors: Mapping[str, int] = field(default_factory=dict)
    lost: bool = False
    hang_ms: int = 0
    parent: int | None = None

    def lines(self) -> list[bytes]:
        name = self.name if isinstance(self.name, bytes) else self.name.encode()
        numbers = ("memory_total", "memory_used", "memory_reserved", "util", "power_mw", "power_limit_mw")
        numbers += ("temperature", "sm_clock_mhz", "hang_ms", "parent")
        text = [f"{key} = {getattr(self, key)}" for key in numbers if getattr(self, key) is not None]
        text += [f"error.{key} = {code}" for key, code in self.errors.items()]
        text += ["lost = 1"] if self.lost else []
        if self.processes is not None:
            text += ["processes = 1", *(process.line() for process in self.processes)]
        return [b"gpu", b"uuid = " + self.uuid.encode(), b"name = " + name, *(line.encode() for line in text)]


def build(folder: Path, *, old_driver: bool = False) -> Path:
    """Compile the library into `folder`, with one default GPU; returns the folder."""
    library = folder / "libnvidia-ml.so.1"
    flags = ["-DOLD_DRIVER"] if old_driver else []
    command = ["gcc", "-std=c11", "-O1", "-Wall", "-Werror", "-shared", "-fPIC", *flags, "-o", str(library)]
    subprocess.run([*command, str(SOURCE), "-ldl"], check=True)
    configure(folder, [FakeGpu()])
    return folder


def configure(
    folder: Path,
    gpus: Sequence[FakeGpu] = (),
    *,
    driver: str = "580.159.04",
    cuda: int = 13000,
    init: int = 0,
) -> None:
    """Say what the library in `folder` answers from now on; `init` is the code that starting it ends with."""
    lines = [f"driver = {driver}".encode(), f"cuda = {cuda}".encode(), f"init = {init}".encode()]
    for gpu in gpus:
        lines += gpu.lines()
    fresh = folder / "nvml.conf.new"
    fresh.write_bytes(b"\n".join(lines) + b"\n")
    fresh.replace(folder / "nvml.conf")


def environment(folder: Path, **more: str) -> dict[str, str]:
    """This process's environment, but with the library of `folder` as the driver's, and no GPU hidden."""
    inherited = {key: value for key, value in os.environ.items() if key != "CUDA_VISIBLE_DEVICES"}
    paths = [str(folder.resolve()), inherited.get("LD_LIBRARY_PATH", "")]
    return inherited | {"LD_LIBRARY_PATH": os.pathsep.join(path for path in paths if path)} | more
