"""A guardian for the app: it gives the terminal back where the app cannot, because it was killed.

The app runs in a child process. The guardian stands where a shell expects the command: it stops and goes on
when the app does, passes on what it is told by signal, and ends with the app's exit code. It is killed
itself: then the kernel tells the app, which leaves.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import signal
import sys
import time
from collections.abc import Callable
from typing import NoReturn

from staycourse.cli.output import say
from staycourse.cli.terminal import Terminal
from staycourse.cli.terminal_mark import TerminalMark
from staycourse.hardware.lifetime import die_with_parent

_PASSED_ON = {signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGTSTP}
_HEARD = _PASSED_ON | {signal.SIGCHLD}
# Blocked too: as long as SIGTTOU is, the terminal's attributes can be set from wherever the guardian stands.
_BLOCKED = _HEARD | {signal.SIGTTOU}
_PATIENCE = 10.0  # seconds that an app may take to leave
_BOARD = 16384
_WAS_BROKEN = "an earlier view was killed and kept this terminal; if anything is odd here, `reset` mends it"

Show = Callable[[Callable[[str], None]], int]
Farewell = Callable[[signal.Signals, str], None]


def guard(show: Show, farewell: Farewell) -> int:
    """Call `show` in a child process and answer with its exit code, 128 and the signal if one killed it.

    `show` is given a function that notes a text for later; `farewell` is called after a kill, in this
    process, once the terminal is usable again, with the signal and the text noted last (empty if none was).
    """
    terminal, mark = Terminal(), TerminalMark()
    was_broken = mark.is_left()
    if was_broken:
        terminal.mend()
    board = mmap.mmap(-1, _BOARD)
    view, before = _fork(show, board)
    mark.put(os.getpid(), view)
    code = os.waitstatus_to_exitcode(_wait(view))
    is_usable = terminal.is_given_back() or terminal.give_back()
    mark.remove()
    _hear_again(before)
    with contextlib.suppress(OSError):
        if is_usable and code < 0 and -code != signal.SIGHUP:
            farewell(signal.Signals(-code), os.fsdecode(board[:].rstrip(b"\0")))
        if is_usable and was_broken:
            say(_WAS_BROKEN)
    return code if code >= 0 else 128 - code


def _fork(show: Show, board: mmap.mmap) -> tuple[int, set[int]]:
    """The child's process id, and the signals that were blocked before."""
    sys.stdout.flush()
    sys.stderr.flush()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _BLOCKED)
    guardian = os.getpid()
    view = os.fork()
    if view == 0:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        _be_the_view(show, board, guardian)
    return view, {int(number) for number in before}


def _be_the_view(show: Show, board: mmap.mmap, guardian: int) -> NoReturn:
    """Leave without what Python does at its end: temporary files and all else belong to the guardian."""

    def note(text: str) -> None:
        data = os.fsencode(text)[:_BOARD]
        board[:] = data + bytes(_BOARD - len(data))

    code = 1
    try:
        die_with_parent(guardian, signal.SIGTERM)
        code = show(note)
        if os.getppid() != guardian:
            TerminalMark().remove()
        with contextlib.suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
    finally:
        os._exit(code)


def _hear_again(blocked: set[int]) -> None:
    """From here on a signal ends this process, for the terminal may not read what is left to be said; one
    that has come already was meant for the app."""
    while signal.sigtimedwait(_HEARD, 0) is not None:
        pass
    signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


def _wait(view: int) -> int:
    """Until the child has ended; its wait status."""
    deadline = None
    while True:
        heard = _next_signal(deadline)
        if heard is None:
            os.kill(view, signal.SIGKILL)
            deadline = None
        elif heard.si_signo == signal.SIGCHLD:
            if (status := _look_at(view)) is not None:
                return status
        elif heard.si_code <= 0:  # sent by a process; what comes from the terminal comes to both
            os.kill(view, heard.si_signo)
            if heard.si_signo == signal.SIGTERM:
                deadline = deadline or time.monotonic() + _PATIENCE


def _next_signal(deadline: float | None) -> signal.struct_siginfo | None:
    if deadline is None:
        return signal.sigwaitinfo(_HEARD)
    return signal.sigtimedwait(_HEARD, max(0.0, deadline - time.monotonic()))


def _look_at(view: int) -> int | None:
    """The child's wait status if it has ended. While it is stopped this process is stopped too, so that a
    shell takes its terminal back; it goes on when the shell says so."""
    pid, status = os.waitpid(view, os.WNOHANG | os.WUNTRACED)
    if pid == 0:
        return None
    if not os.WIFSTOPPED(status):
        return status
    os.kill(os.getpid(), signal.SIGSTOP)
    os.kill(view, signal.SIGCONT)
    return None
