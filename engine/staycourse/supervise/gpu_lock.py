"""Two runs do not share a GPU by accident: who trains on one holds a lock that every user's runs look at.

One file a GPU in a folder that all may write to, its name from the GPU's UUID, locked with flock(2): the
kernel gives the lock back at its holder's death. It reaches as far as that folder does, so a container with
one of its own is outside; there the memory on the GPU is what is seen (see supervise.slots.waits_for).
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pwd
import re
import secrets
import stat
from collections.abc import Callable, Sequence
from pathlib import Path

from staycourse.core.text import one_line
from staycourse.hardware.gpus import Gpu

FOLDERS = (Path("/run/lock"), Path("/tmp"))  # the same for everybody: not the user's own
_FOR_ALL = 0o1777
_FLAGS = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
_MOST_TEXT, _MOST_WORD, _TRIES = 1000, 60, 5


class GpuLocks:
    """The locks of one supervisor, each held until it is given back or the process ends.

    `say` is told once of a GPU that cannot be locked: it is used all the same.
    """

    def __init__(self, run: str, say: Callable[[str], None], folders: Sequence[Path] = FOLDERS) -> None:
        self._run, self._say, self._folders = run, say, folders
        self._held: dict[str, int] = {}  # a descriptor by UUID, -1 for what cannot be locked
        self._told: set[str] = set()

    def take(self, gpu: Gpu) -> str | None:
        """None once the GPU is this run's; else who has it, in a sentence:
        `run digits-2 (process 4711, user ann) has it`."""
        held = self._held.get(gpu.uuid)
        if held is not None:
            self._keep_young(held)
            return None
        try:
            descriptor = _locked(lock_file(self._folders, gpu))
        except BlockingIOError as taken:
            return str(taken.strerror)
        except OSError as error:
            self._tell(gpu, error)
            descriptor = -1
        self._held[gpu.uuid] = descriptor
        self._sign(descriptor)
        return None

    def give_back(self, gpu: Gpu) -> None:
        """Let others have it; nothing if it is not held."""
        descriptor = self._held.pop(gpu.uuid, -1)
        if descriptor >= 0:
            os.close(descriptor)

    def close(self) -> None:
        """Let others have all of them."""
        for descriptor in self._held.values():
            if descriptor >= 0:
                os.close(descriptor)
        self._held.clear()

    def _tell(self, gpu: Gpu, error: OSError) -> None:
        if gpu.uuid not in self._told:
            self._told.add(gpu.uuid)
            why = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
            self._say(f"GPU {gpu.index} is not locked against other runs ({why}); it is used all the same")

    def _sign(self, descriptor: int) -> None:
        """Say in the file whose it is; where that cannot be written, the lock holds without."""
        words = {"run": self._run, "pid": os.getpid(), "user": _user()}
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, json.dumps(words).encode() + b"\n", 0)

    def _keep_young(self, descriptor: int) -> None:
        """Services that clear temporary folders go by a file's age."""
        with contextlib.suppress(OSError):
            os.utime(descriptor)


def lock_file(folders: Sequence[Path], gpu: Gpu) -> Path:
    """Where everybody on this machine looks for that GPU's lock. Raises OSError if there is no such place."""
    for folder in folders:
        with contextlib.suppress(OSError):
            mode = folder.stat().st_mode
            if stat.S_ISDIR(mode) and mode & _FOR_ALL == _FOR_ALL:
                return folder / f"staycourse-{re.sub('[^A-Za-z0-9-]', '_', gpu.uuid)}.lock"
    raise FileNotFoundError(0, "no folder that all users may write to", " ".join(map(str, folders)))


def _locked(path: Path) -> int:
    """A descriptor that holds the file's lock. Raises BlockingIOError with the holder in words; OSError if
    the file is no lock file."""
    for _ in range(_TRIES):
        descriptor = _opened(path)
        try:
            _refuse_odd(descriptor, path)
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            words = _holder(descriptor)
            os.close(descriptor)
            raise BlockingIOError(error.errno, words) from None
        except OSError:
            os.close(descriptor)
            raise
        if _is_still(descriptor, path):
            return descriptor
        os.close(descriptor)  # it was removed meanwhile: nobody else would look at it
    raise FileNotFoundError(0, "it is removed again and again", str(path))


def _opened(path: Path) -> int:
    """The file, made if there is none. Where fs.protected_regular holds, another user's file may not be
    opened with O_CREAT; one that may only be read can be locked as well."""
    for _ in range(_TRIES):
        with contextlib.suppress(FileNotFoundError):
            try:
                return os.open(path, os.O_RDWR | _FLAGS)
            except PermissionError:
                return os.open(path, os.O_RDONLY | _FLAGS)
        _make(path)
    raise FileNotFoundError(0, "it is removed again and again", str(path))


def _make(path: Path) -> None:
    """An empty file that all may write, whatever this process's umask, there at once or not at all."""
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_EXCL | _FLAGS, 0o600)
    try:
        os.fchmod(descriptor, 0o666)
        with contextlib.suppress(FileExistsError):
            os.link(fresh, path)
    finally:
        os.close(descriptor)
        fresh.unlink(missing_ok=True)


def _refuse_odd(descriptor: int, path: Path) -> None:
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        raise OSError(0, "it is no file", str(path))


def _is_still(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat(follow_symlinks=False))
    except OSError:
        return False


def _holder(descriptor: int) -> str:
    """Who has the lock, by the file's own words, which anybody may have written."""
    try:
        said = json.loads(os.pread(descriptor, _MOST_TEXT, 0))
        run, user = one_line(str(said["run"]), _MOST_WORD), one_line(str(said["user"]), _MOST_WORD)
        return f"run {run} (process {int(said['pid'])}, user {user}) has it"
    except (OSError, ValueError, TypeError, KeyError):
        return "another run has it"


def _user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
