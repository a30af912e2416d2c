"""What Linux tells of processes, and their end."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import psutil


def started_at(pid: int) -> float:
    """When a process began, in seconds since the machine did, plus a number of that boot's own; 0.0 if
    there is none.

    With the pid it names a process for good: pids come round again, pairs do not. The time of day would
    not do: all processes' moves with the clock when that is set.
    """
    try:
        # The name in brackets may hold anything; the start is the twentieth field behind it.
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return 0.0
    return _boot() + int(fields[19]) / os.sysconf("SC_CLK_TCK")


@cache
def _boot() -> float:
    """A number that another boot of this machine, or another machine, hardly has."""
    try:
        return int(Path("/proc/sys/kernel/random/boot_id").read_text()[:4], 16) * 1e7
    except (OSError, ValueError):
        return 0.0


def is_running(pid: int) -> bool:
    """Whether there is a process of that id which is not dead, be it reaped or not."""
    try:
        return psutil.Process(pid).status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    except psutil.NoSuchProcess:
        return False


def kill_tree(pid: int, started: float | None = None) -> None:
    """SIGKILL a process and all its descendants; nothing if `started` tells that it is another one."""
    try:
        process = psutil.Process(pid)
        if started is not None and abs(started_at(pid) - started) > 0.02:
            return
        family = [process, *process.children(recursive=True)]
    except psutil.Error:
        return
    for member in family:
        try:
            member.kill()
        except psutil.Error:
            continue
    psutil.wait_procs(family, timeout=5)


def oom_kills() -> int:
    """How many processes the kernel has killed for want of memory since boot."""
    try:
        with open("/proc/vmstat", encoding="ascii") as file:
            return next((int(line.split()[1]) for line in file if line.startswith("oom_kill ")), 0)
    except OSError:
        return 0
