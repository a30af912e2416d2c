"""Who else is on a GPU: a shared GPU is waited for, by name, not fought over."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from staycourse.core.text import one_line
from staycourse.hardware.nvml import GpuProcess, Nvml, NvmlUnavailable
from staycourse.hardware.visible import Gpu

GIB = 1 << 30

# Memory that no visible process explains counts as somebody's from here on. A driver's own reserve stays
# below it, also where the driver cannot tell the reserve apart.
UNEXPLAINED_BYTES = 1 * GIB

# A desktop draws on its GPU all day; programs that only draw are no occupants until they hold more than this.
DESKTOP_BYTES = 2 * GIB

# NVIDIA's multi-process service sits on every GPU that it serves; its clients are listed by themselves.
_SERVICES = ("nvidia-cuda-mps",)

# The inode that Linux gives to the first process namespace of a machine, always.
_HOST_NAMESPACE = "pid:[4026531836]"


@dataclass(frozen=True)
class Occupant:
    """A process of somebody else's on a GPU.

    `pid` 0: memory is held, but no process is to be seen. `user` and `command` are empty where they cannot be
    read. `memory_bytes` is None where the driver does not say.
    """

    pid: int
    user: str
    command: str
    memory_bytes: int | None


def occupants(nvml: Nvml | NvmlUnavailable, gpu: Gpu, own_pids: Collection[int]) -> list[Occupant]:
    """Foreign processes that hold memory on `gpu`, those with most memory first.

    `own_pids`: this run's processes that may be using this very GPU (workers and their children), dead ones
    included while the driver may still list them.
    """
    device = None if isinstance(nvml, NvmlUnavailable) else nvml.device(gpu.uuid)
    if device is None:
        return []
    before = device.memory()
    listed = device.processes()
    after = device.memory()
    foreign = _foreign(listed or [], own_pids)
    found = [occupant for process in foreign if (occupant := _occupant(process)) is not None]
    found = _without_desktop(found, foreign)
    if before and after:
        # Asked on both sides of the list, so that what starts or ends in between is not taken for hidden.
        hidden = _hidden_bytes(min(before.used, after.used), listed, foreign, own_pids)
        found += [Occupant(0, "", "", hidden)] if hidden > UNEXPLAINED_BYTES else []
    return sorted(found, key=lambda occupant: -(occupant.memory_bytes or 0))


def describe_wait(gpu: Gpu, occupants: Sequence[Occupant]) -> str:
    """One sentence: `GPU 0 (NVIDIA H100) is in use by python (pid 123, user ann, 30.1 GiB)`."""
    who = "; ".join(_describe(occupant) for occupant in occupants) or "nobody"
    return f"GPU {gpu.index} ({gpu.name}) is in use by {who}"


def _describe(occupant: Occupant) -> str:
    facts = [f"pid {occupant.pid}"] if occupant.pid else []
    facts += [f"user {occupant.user}"] if occupant.user else []
    if occupant.memory_bytes is not None:
        facts.append(f"{occupant.memory_bytes / GIB:.1f} GiB")
    name = occupant.command or ("a process" if occupant.pid else "a process that is not visible from here")
    return f"{name} ({', '.join(facts)})" if facts else name


def _foreign(listed: Sequence[GpuProcess], own_pids: Collection[int]) -> list[GpuProcess]:
    """The listed processes that are not ours.

    Inside a container the driver still reports the host's process ids, which cannot be compared with ours.
    There, as many of the processes as we have alive are taken for ours, those with most memory.
    """
    others = [process for process in listed if process.pid not in own_pids]
    if not _in_container() or len(others) < len(listed):
        return others
    alive = sum(psutil.pid_exists(pid) for pid in own_pids)
    return sorted(others, key=lambda process: -(process.memory or 0))[alive:]


def _in_container() -> bool:
    try:
        return str(Path("/proc/self/ns/pid").readlink()) != _HOST_NAMESPACE
    except OSError:
        return False


def _occupant(process: GpuProcess) -> Occupant | None:
    """Who that is; None for a process that has just ended and for NVIDIA's own services."""
    if _in_container():
        # The host's process ids mean other processes here, or none.
        return Occupant(process.pid, "", "a process outside this container", process.memory)
    if not _exists(process):
        return None
    user = command = ""
    try:
        inspected = psutil.Process(process.pid)
        command = one_line(inspected.name(), 60)
        user = one_line(inspected.username(), 60)
    except (psutil.Error, OSError):
        pass  # another user's process may be hidden (mount option hidepid)
    return None if command.startswith(_SERVICES) else Occupant(process.pid, user, command, process.memory)


def _without_desktop(found: list[Occupant], processes: Sequence[GpuProcess]) -> list[Occupant]:
    drawing = {process.pid for process in processes if process.graphics_only}
    held = sum(occupant.memory_bytes or 0 for occupant in found if occupant.pid in drawing)
    return found if held > DESKTOP_BYTES else [each for each in found if each.pid not in drawing]


def _hidden_bytes(
    used: int, listed: Sequence[GpuProcess] | None, foreign: Sequence[GpuProcess], own_pids: Collection[int]
) -> int:
    """Memory in use that no listed process holds; 0 where ours might be what is not listed."""
    shown = listed or []
    ours_listed = len(foreign) < len(shown)
    if not ours_listed and any(psutil.pid_exists(pid) for pid in own_pids):
        return 0
    if any(process.memory is None for process in shown):
        return 0
    return used - sum(process.memory or 0 for process in shown if process not in foreign or _exists(process))


def _exists(process: GpuProcess) -> bool:
    return _in_container() or psutil.pid_exists(process.pid)
