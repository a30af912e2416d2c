"""What the last lines of a script that has failed say of it."""

from __future__ import annotations

from collections.abc import Sequence

from staycourse.core.outcome import Failure

_NO_MEMORY = ("out of memory", "OutOfMemoryError", "MemoryError", "can't allocate memory", "ALLOC_FAILED")
_NO_ROOM = ("No space left on device", "Disk quota exceeded")
_LOOKED_AT = 20


def failure_of(code: int, lines: Sequence[str]) -> tuple[Failure, str]:
    """The kind of failure, and its error in one line: the last that the script has printed."""
    kind = Failure.OUT_OF_MEMORY if _any(_NO_MEMORY, lines) else Failure.ERROR
    last = next((line for line in reversed(lines) if line), "it printed nothing")
    return kind, f"exit code {code}: {last}"


def has_no_room(lines: Sequence[str]) -> bool:
    """Whether it was the disk's fault."""
    return _any(_NO_ROOM, lines)


def _any(words: Sequence[str], lines: Sequence[str]) -> bool:
    return any(word in line for word in words for line in lines[-_LOOKED_AT:])
