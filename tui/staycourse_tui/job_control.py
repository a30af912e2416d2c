"""Which process has the terminal, and whether there is a shell that would continue a stopped one."""

from __future__ import annotations

import os
import signal
from pathlib import Path


def is_in_front(fileno: int) -> bool:
    """Whether this process is in the terminal's foreground. Raises OSError where the terminal is gone."""
    return os.tcgetpgrp(fileno) == os.getpgrp()


def has_shell() -> bool:
    """Whether a shell with job control stands above this process: without one a stop would be for good, as
    after `ssh -t host staycourse`, where the view is all that runs on its terminal."""
    group, parent = os.getpgrp(), os.getppid()
    try:
        while parent > 0 and os.getpgid(parent) == group:
            parent = _parent_of(parent)
        return parent > 0 and os.getsid(parent) == os.getsid(0)
    except OSError:
        return False


def stop_group() -> None:
    """Stop this process and all that the shell has started with it, a script around it too, until the shell
    says that they go on."""
    os.killpg(os.getpgrp(), signal.SIGSTOP)


def _parent_of(pid: int) -> int:
    # pid (command) state parent: the command may contain anything, brackets included
    return int(Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[1])
