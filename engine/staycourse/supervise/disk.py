"""A full disk is waited out: nothing is lost, nothing is skipped. One that takes nothing ends the session."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from staycourse.core.disk_forecast import disk_forecast
from staycourse.core.problems import UserError
from staycourse.core.text import byte_words
from staycourse.task.checking import Checked

_T = TypeVar("_T")
LEAST_FREE = 64 * 1024 * 1024
_PAUSE = 0.5
_FULL = (errno.ENOSPC, errno.EDQUOT)
_REFUSED = (errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.ESTALE)
_PROBE = 64 * 1024


class CannotWrite(UserError):
    """The run folder takes nothing more: the session is over, the trials that run are owed."""

    exit_code = 75


class Disk:
    """The disk of a run folder, as the supervisor writes to it.

    `say` is told of each wait once; `is_over` whether to wait no longer. `waits` counts the waits so far.
    """

    def __init__(self, folder: Path, say: Callable[[str], None], is_over: Callable[[], bool]) -> None:
        self._folder = folder
        self._say = say
        self._is_over = is_over
        self.waits = 0

    def waiting_out(self, action: Callable[[], _T]) -> _T:
        """Do the action, again and again while the disk is full. Whatever it does, it does wholly or not.

        Raises CannotWrite if waiting does not help, or `is_over` answers yes while the disk is full.
        """
        waited = False
        while True:
            try:
                return action()
            except (OSError, sqlite3.OperationalError) as error:
                code = _code(error, self._folder)
                if code not in _FULL:
                    raise self._refusal(code) if code in _REFUSED else error from None
            if not waited:
                self.waits += 1
                self._say(f"the disk is full: {self._missing()} in {self._folder}; waiting")
            waited = True
            if self._is_over():
                raise CannotWrite(f"told to stop while the disk is full: {self._missing()} in {self._folder}")
            time.sleep(_PAUSE)

    def _missing(self) -> str:
        missing = missing_bytes(self._folder)
        return f"{missing / 1e6:.0f} MB are missing" if missing else "no room is left for this user"

    def _refusal(self, code: int) -> CannotWrite:
        return CannotWrite(f"{self._folder} cannot be written any more ({os.strerror(code)})")


def forecast_words(checked: Checked, runs: Path) -> list[str]:
    """What the checkpoints of a campaign may take, and what is free; empty if the check could not tell."""
    forecast = disk_forecast(checked.roadmap, checked.facts)
    if forecast is None:
        return []
    place = next(folder for folder in (runs, *runs.absolute().parents) if folder.exists())
    free = shutil.disk_usage(place).free
    said = (
        f"checkpoints take {byte_words(forecast.trial)} of disk a trial, at most "
        f"{byte_words(forecast.peak)} at a time; {byte_words(free)} are free"
    )
    if forecast.peak > free:
        said += ": the run will wait for room; free some, or choose another place with --runs"
    return [said]


def missing_bytes(folder: Path, needed: int = LEAST_FREE) -> int:
    """How many bytes are missing until `needed` are free, 0 if they are."""
    return max(0, needed - shutil.disk_usage(folder).free)


def _code(error: OSError | sqlite3.OperationalError, folder: Path) -> int:
    """The error's number; SQLite keeps it for itself, so there the folder is tried."""
    if isinstance(error, OSError):
        return error.errno or 0
    primary = error.sqlite_errorcode & 0xFF
    if primary == sqlite3.SQLITE_FULL:
        return errno.ENOSPC
    if primary in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN):
        return _tried(folder) or errno.EIO
    return 0


def _tried(folder: Path) -> int:
    """Why a small file cannot be written into the folder, 0 if it can."""
    path = folder / f".probe.{os.getpid()}"
    try:
        with path.open("wb") as file:
            file.write(bytes(_PROBE))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return error.errno or errno.EIO
    finally:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
    return 0
