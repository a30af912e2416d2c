"""A full disk is waited out: nothing is lost, nothing is skipped."""

from __future__ import annotations

import errno
import shutil
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

_T = TypeVar("_T")
LEAST_FREE = 64 * 1024 * 1024
_PAUSE = 2.0


def is_full(error: BaseException) -> bool:
    """Whether the error says that the disk, or the user's share of it, is full."""
    if isinstance(error, sqlite3.OperationalError):
        return "disk is full" in str(error) or "disk I/O error" in str(error)
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def missing_bytes(folder: Path, needed: int = LEAST_FREE) -> int:
    """How many bytes are missing until `needed` are free, 0 if they are."""
    return max(0, needed - shutil.disk_usage(folder).free)


def waiting_out(action: Callable[[], _T], folder: Path, say: Callable[[str], None]) -> _T:
    """Do the action, again and again while the disk is full; `say` is told once what is missing."""
    said = False
    while True:
        try:
            return action()
        except (OSError, sqlite3.OperationalError) as error:
            if not is_full(error):
                raise
            if not said:
                say(
                    f"the disk is full: {missing_bytes(folder) / 1e6:.0f} MB are missing in {folder}; waiting"
                )
                said = True
            time.sleep(_PAUSE)
