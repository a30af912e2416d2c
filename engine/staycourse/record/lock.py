"""One supervisor a run: a lock of the operating system's that dies with its holder."""

from __future__ import annotations

import errno
import fcntl
import os
import struct
from pathlib import Path
from typing import IO

from staycourse.core.problems import UserError

# struct flock of 64-bit Linux: type, whence, start, length, process id.
_FLOCK = "hhqqi4x"
_held_here: set[tuple[int, Path]] = set()  # by process id: a fork inherits this, not the lock


class RunIsTaken(UserError):
    """Another process holds the run's lock."""


class RunLock:
    """A POSIX record lock on the run's `lock` file.

    Unlike flock's it is not inherited by forked children and is right on NFS; it is released when this
    process ends, or closes any descriptor of that file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path.resolve()
        self._file: IO[str] | None = None

    def acquire(self) -> None:
        """Take the lock. Raises RunIsTaken, with the holder's process id, if another process has it;
        OSError if the file cannot be written or locked."""
        assert (os.getpid(), self._path) not in _held_here, "this process has the lock already"
        # Readable to whom the run folder lets in: they see by it whether the engine lives.
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        file = os.fdopen(descriptor, "r+")
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = file.read().strip() or "unknown"
            file.close()
            if error.errno not in (errno.EACCES, errno.EAGAIN):
                raise
            run = self._path.parent.name
            raise RunIsTaken(
                f"{run} already has a supervisor (process {holder}): staycourse attach {run} shows it"
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        self._file = file
        _held_here.add((os.getpid(), self._path))

    def release(self) -> None:
        """Give the lock back."""
        if self._file is not None:
            _held_here.discard((os.getpid(), self._path))
            self._file.close()
            self._file = None


def is_held(path: Path) -> bool:
    """Whether a process holds the lock; for views. Asks without taking it, not even for a moment, so that
    a supervisor which starts meanwhile is not refused. False where the file cannot be read."""
    if (os.getpid(), path.resolve()) in _held_here:
        return True  # and to open the file here would give the lock up, see RunLock
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        asked = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        answer = fcntl.fcntl(descriptor, fcntl.F_GETLK, asked)
    finally:
        os.close(descriptor)
    return bool(struct.unpack(_FLOCK, answer)[0] != fcntl.F_UNLCK)
