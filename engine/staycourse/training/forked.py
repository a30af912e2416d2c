"""What a process that fetches samples does first, right after it was forked."""

from __future__ import annotations

import contextlib
import fcntl
import multiprocessing.util
import os
import stat
import tempfile
from pathlib import Path

from staycourse.hardware.lifetime import die_with_parent

# Of Linux's socket addresses, the closing zero left out; and what multiprocessing adds to a folder's name.
_LONGEST_ADDRESS = 107
_SOCKET_NAME = len("/pymp-12345678/listener-12345678")


def settle(parent: int) -> None:
    """Die with the process that trains, have sockets where there is room for their names, and files that are
    this process's own."""
    die_with_parent(parent)
    _take_short_folder()
    _open_files_anew()


def _take_short_folder() -> None:
    """Have sockets in another folder where the name of the temporary one, TMPDIR, is too long for a socket's
    address. Batches would never arrive, and the trial hang."""
    if len(os.fsencode(tempfile.gettempdir())) + _SOCKET_NAME <= _LONGEST_ADDRESS:
        return
    usual, tempfile.tempdir = tempfile.tempdir, "/tmp"
    try:
        multiprocessing.util.get_temp_dir()  # made once a process, and removed at its end
    finally:
        tempfile.tempdir = usual


def _open_files_anew() -> None:
    """Open once more each file that the process before the fork has open for reading.

    A data set opens its file at its first sample, which was fetched before the fork. A descriptor that was
    inherited shares its position with all others: processes that seek and read would get one another's data.
    """
    for link in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):  # closed by now, or it may not be opened any more
            _open_anew(int(link.name))


def _open_anew(descriptor: int) -> None:
    flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
    if flags & os.O_ACCMODE != os.O_RDONLY or not stat.S_ISREG(os.fstat(descriptor).st_mode):
        return
    anew = os.open(f"/proc/self/fd/{descriptor}", flags | os.O_CLOEXEC)
    try:
        os.lseek(anew, os.lseek(descriptor, 0, os.SEEK_CUR), os.SEEK_SET)
        os.dup2(anew, descriptor, inheritable=os.get_inheritable(descriptor))
    finally:
        os.close(anew)
