"""What the last lines of a script that has failed say of it."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from staycourse.core.outcome import Failure

_NO_MEMORY = ("out of memory", "OutOfMemoryError", "MemoryError", "can't allocate memory", "ALLOC_FAILED")
_NO_ROOM = ("No space left on device", "Disk quota exceeded")
_LOOKED_AT = 20
_LEAST_FREE = 1 << 30


def failure_of(code: int, lines: Sequence[str]) -> tuple[Failure, str]:
    """The kind of failure, and its error in one line: the last that the script has printed."""
    kind = Failure.OUT_OF_MEMORY if _any(_NO_MEMORY, lines) else Failure.ERROR
    last = next((line for line in reversed(lines) if line), "it printed nothing")
    return kind, f"exit code {code}: {last}"


def has_no_room(lines: Sequence[str], folder: Path) -> bool:
    """Whether it was the fault of the disk that the folder is on; of another one nobody here can tell when it
    has room again."""
    return _any(_NO_ROOM, lines) and shutil.disk_usage(folder).free < _LEAST_FREE


def _any(words: Sequence[str], lines: Sequence[str]) -> bool:
    return any(word in line for word in words for line in lines[-_LOOKED_AT:])
