"""What Linux tells of processes, and their end."""

from __future__ import annotations

import psutil


def started_at(pid: int) -> float:
    """When a process began (seconds since the epoch, as psutil tells it); 0.0 if there is none.

    With the pid it names a process for good: pids come round again, pairs do not.
    """
    try:
        return psutil.Process(pid).create_time()
    except psutil.Error:
        return 0.0


def kill_tree(pid: int, started: float | None = None) -> None:
    """SIGKILL a process and all its descendants; nothing if `started` tells that it is another one."""
    try:
        process = psutil.Process(pid)
        if started is not None and abs(process.create_time() - started) > 0.02:
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
