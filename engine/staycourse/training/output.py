"""What user code prints: to the trial's log, of a bounded size, and no reason to fail on a full disk."""

from __future__ import annotations

import errno
import io
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

LIMIT = 64 * 1024 * 1024
CUT = b"[the log was longer than 64 MB and was cut here]\n"
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


class Log(io.RawIOBase):
    """A file descriptor that is open for appending. A log that grows beyond 64 MB begins anew; what the
    disk has no room for is dropped."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor

    def write(self, data: ReadableBuffer, /) -> int:
        with memoryview(data) as whole:
            self._write(whole[-LIMIT:])
            return whole.nbytes

    def _write(self, data: memoryview) -> None:
        try:
            if os.fstat(self._descriptor).st_size + len(data) > LIMIT:
                os.ftruncate(self._descriptor, 0)
                os.write(self._descriptor, CUT)
            while data:
                data = data[os.write(self._descriptor, data) :]
        except OSError as error:
            if error.errno not in _NO_ROOM:
                raise


def print_to_log() -> None:
    """Let Python's standard output and error go through a `Log`. What C code prints does not: the
    supervisor looks after that."""
    sys.stdout = io.TextIOWrapper(io.BufferedWriter(Log(1)), "utf-8", "replace", line_buffering=True)
    sys.stderr = io.TextIOWrapper(io.BufferedWriter(Log(2)), "utf-8", "replace", line_buffering=True)
