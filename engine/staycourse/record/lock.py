"""One supervisor a run: a lock of the operating system's that dies with its holder."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from weakref import WeakValueDictionary

from staycourse.core.problems import UserError
from staycourse.core.text import one_line
from staycourse.record.mounts import local_locks_only, mount_of

# struct flock of 64-bit Linux: type, whence, start, length, process id.
_FLOCK = "hhqqi4x"
_TAKEN = (errno.EACCES, errno.EAGAIN)
_WITHOUT_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP)
_MOST_TEXT = 300
# By process id, for a fork inherits this and not the lock; gone with the object, which has the file.
_held_here: WeakValueDictionary[tuple[int, Path], RunLock] = WeakValueDictionary()


class RunIsTaken(UserError):
    """Another process holds the run's lock."""


class NoLocks(UserError):
    """The file system cannot keep two supervisors apart."""


@dataclass(frozen=True)
class Holder:
    """Who took the lock last, as the file says: a process id, and the host on which it means something."""

    pid: int
    host: str

    @property
    def is_here(self) -> bool:
        return self.host in ("", _host())

    def __str__(self) -> str:
        return f"process {self.pid}" if self.is_here else f"process {self.pid} on {self.host}"


class RunLock:
    """A POSIX record lock on the run's `lock` file.

    Unlike flock's it is not inherited by forked children and is right on NFS; it is released when this
    process ends, or closes any descriptor of that file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path.resolve()
        self._file: IO[str] | None = None

    def acquire(self) -> None:
        """Take the lock. Raises RunIsTaken, with the holder's process id, if another process has it; NoLocks
        where a lock would not hold; OSError if the file cannot be written."""
        assert (os.getpid(), self._path) not in _held_here, "this process has the lock already"
        _refuse_local_locks(self._path.parent)
        # Readable to whom the run folder lets in: they see by it whether the engine lives.
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        file = os.fdopen(descriptor, "r+")
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            file.truncate(0)
            file.write(f"{os.getpid()} {_host()}")
            file.flush()
            os.fsync(file.fileno())  # a network file system keeps it on this host otherwise
        except OSError as error:
            with contextlib.suppress(OSError):
                file.close()
            raise self._refusal(error) from None
        self._file = file
        _held_here[(os.getpid(), self._path)] = self

    def release(self) -> None:
        """Give the lock back."""
        if self._file is not None:
            _held_here.pop((os.getpid(), self._path), None)
            self._file.close()
            self._file = None

    def _refusal(self, error: OSError) -> OSError | UserError:
        if error.errno in _WITHOUT_LOCKS:
            return _no_locks(self._path.parent, error)
        if error.errno not in _TAKEN:
            return error
        return _taken(self._path)


def holder_of(path: Path) -> Holder | None:
    """Who took the lock last, whether or not it still holds it; None where the file does not say.

    Not for the process that has the lock: it would give it up, see RunLock.
    """
    try:
        text = path.read_bytes()[:_MOST_TEXT].decode("utf-8", "replace")
    except OSError:
        return None
    pid, _, host = text.partition(" ")
    return Holder(int(pid), one_line(host)) if pid.isascii() and pid.isdigit() else None


def is_held(path: Path) -> bool:
    """Whether a process holds the lock, on whatever host; for views. Asks without taking it, not even for a
    moment, so that a supervisor which starts meanwhile is not refused. False where the file cannot be read
    or its file system has no locks, so that nobody can hold one."""
    if (os.getpid(), path.resolve()) in _held_here:
        return True  # and to open the file here would give the lock up, see RunLock
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        asked = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        answer = fcntl.fcntl(descriptor, fcntl.F_GETLK, asked)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return bool(struct.unpack(_FLOCK, answer)[0] != fcntl.F_UNLCK)


def refuse_if_held(path: Path) -> None:
    """Raise RunIsTaken, with the holder's process id, if a process holds the lock; never takes it."""
    if is_held(path):
        raise _taken(path)


def _taken(path: Path) -> RunIsTaken:
    run, holder = path.parent.name, holder_of(path) or "process unknown"
    return RunIsTaken(f"{run} already has a supervisor ({holder}): staycourse attach {run} shows it")


def refuse_without_locks(folder: Path) -> None:
    """Try a lock in a folder that is to hold runs. Raises NoLocks where it would not keep two supervisors
    apart, on this host or on two; OSError if the folder cannot be written."""
    _refuse_local_locks(folder)
    probe = folder / f".lock.{os.getpid()}.tmp"
    descriptor = os.open(probe, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise (_no_locks(folder, error) if error.errno in _WITHOUT_LOCKS else error) from None
    finally:
        os.close(descriptor)
        probe.unlink(missing_ok=True)


def _refuse_local_locks(folder: Path) -> None:
    mount = mount_of(folder)
    if mount is not None and (why := local_locks_only(mount)):
        raise NoLocks(
            f"{folder}: {mount.point} ({mount.kind}) keeps file locks to this host ({why}): a supervisor on "
            f"another host would not be noticed. {_ELSEWHERE}"
        )


def _no_locks(folder: Path, error: OSError) -> NoLocks:
    mount = mount_of(folder)
    where = f"{mount.point} ({mount.kind})" if mount is not None else "this file system"
    return NoLocks(
        f"{folder}: {where} has no file locks ({error.strerror}): two supervisors could follow one run. "
        f"{_ELSEWHERE}"
    )


_ELSEWHERE = "Choose another folder with --runs, or move the run there, or mount it with locks"


def _host() -> str:
    return os.uname().nodename
