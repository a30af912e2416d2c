"""Processes that have outlived those to whom they belong: found and killed, before anybody takes their place.

Everything below a run's fork server carries the run in its environment, and a worker begins a session of its
own. By the one they are known to the supervisor of a later session, by the other to the one whose children
they have become. The fork server tells the processes of one worker from another's by that worker's pid, which
they carry as well. What clears its environment, leaves its session and loses supervisor and fork server at
the same instant is not found.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from staycourse.hardware.lifetime import is_subreaper

MARK = "STAYCOURSE_RUN"
FORK_MARK = "STAYCOURSE_FORK"
NO_FORK = "0" * 10
_PATIENCE = 10.0
_PAUSE = 0.005
_libc = ctypes.CDLL(None)
_libc.getenv.restype = ctypes.c_void_p


def mark(run: Path) -> str:
    """The run as its processes carry it: the folder's device and inode, which moving it does not change,
    and its path, for a reader."""
    found = run.stat()
    return f"{found.st_dev}:{found.st_ino}:{run}"


def mark_fork() -> None:
    """Have all that comes of this process, itself a fork of the server, carry its pid.

    A change of `os.environ` reaches only what executes another program; what is forked without that shows
    the memory in which the server was given its variables, so the pid is written there as well.
    """
    own = f"{os.getpid():0{len(NO_FORK)}}"
    place = _libc.getenv(FORK_MARK.encode())
    if place and ctypes.string_at(place) == NO_FORK.encode():
        ctypes.memmove(place, own.encode(), len(own))
    os.environ[FORK_MARK] = own


def fork_of(pid: int) -> int:
    """The fork of which a process has come: by its mark, or by the session of which that is the leader."""
    start = f"{FORK_MARK}=".encode()
    found = next((v for v in _variables(pid) if v.startswith(start)), b"").removeprefix(start)
    return int(found) if found.isdigit() and int(found) else _session(pid) or 0


def kill_marked(run: Path) -> int:
    """Kill every process that carries the run's mark, this one excepted; how many there were.

    Raises RuntimeError if one of them does not die.
    """
    start = f"{MARK}={mark(run).rpartition(':')[0]}:".encode()
    return _kill_until_none(lambda: [p for p in psutil.process_iter() if _carries(p.pid, start)])


def kill_adopted() -> int:
    """Kill and reap what the death of a fork server has made children of this process; how many there were.

    What this process starts itself stays in its session, and what comes of a worker is in another. Does
    nothing in a process that adopts nobody. Raises RuntimeError if one of them does not die.
    """
    return _kill_until_none(_adopted) if is_subreaper() else 0


def _kill_until_none(find: Callable[[], list[psutil.Process]]) -> int:
    """Again and again, for who is killed may just have started another."""
    deadline, killed = time.monotonic() + _PATIENCE, set()
    while family := find():
        if time.monotonic() > deadline:
            raise RuntimeError(f"processes that do not die: {sorted(member.pid for member in family)}")
        for member in family:
            killed.add(member.pid)
            with contextlib.suppress(psutil.Error):
                member.kill()
            with contextlib.suppress(ChildProcessError):
                os.waitpid(member.pid, os.WNOHANG)
        time.sleep(_PAUSE)
    return len(killed)


def _carries(pid: int, start: bytes) -> bool:
    return pid != os.getpid() and any(variable.startswith(start) for variable in _variables(pid))


def _variables(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []


def _adopted() -> list[psutil.Process]:
    own = os.getsid(0)
    return [
        member
        for child in psutil.Process().children()
        if _session(child.pid) not in (own, None)
        for member in (child, *_below(child))
    ]


def _session(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return None


def _below(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.Error:
        return []
