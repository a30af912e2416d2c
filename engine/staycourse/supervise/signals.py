"""Signals from outside: which of them do nothing, and processes that one of them has stopped."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

# What would end a process by default and tells of no fault of its own; and the terminal's stops.
_IGNORED = {
    *(signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGPIPE),
    *(signal.SIGALRM, signal.SIGVTALRM, signal.SIGPROF, signal.SIGPOLL, signal.SIGPWR),
    *(signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU),
}


def ignore_all_but_sigterm() -> None:
    """In the supervisor; its fork server and the workers inherit it. SIGKILL and SIGSTOP cannot be ignored,
    and signals of a fault (SIGSEGV, SIGABRT, SIGBUS, ...) are left to end what they are sent to."""
    for number in _IGNORED | set(range(signal.SIGRTMIN, signal.SIGRTMAX + 1)):
        signal.signal(number, signal.SIG_IGN)


def block_none() -> None:
    """A caller's mask is inherited: with SIGTERM in it the engine would hear of no stop, with SIGCHLD its
    fork server of no death."""
    signal.pthread_sigmask(signal.SIG_SETMASK, [])


def continue_stopped(pids: Iterable[int]) -> list[int]:
    """Send SIGCONT to those of the processes that a signal has stopped; which they are.

    One that a debugger holds is left to it.
    """
    stopped = [pid for pid in pids if _state(pid) == "T"]
    for pid in stopped:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGCONT)
    return stopped


def _state(pid: int) -> str:
    """The process's state letter (proc(5)); empty if it is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
        # pid (command) state: the command may contain anything, brackets included
        return stat.rpartition(b")")[2].split()[0].decode()
    except (OSError, IndexError):
        return ""
