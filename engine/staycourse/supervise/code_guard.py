"""Workers import the sealed copy of the task's code, and only as it was sealed."""

from __future__ import annotations

import os

from staycourse.core.events import RunSealed
from staycourse.record.paths import RunPaths
from staycourse.record.verification.sources import first_change_of_code

_Signature = tuple[tuple[str, int, int, int, int], ...]


class CodeGuard:
    """Asked before a trial starts. The files are hashed again only when something about them has moved."""

    def __init__(self, paths: RunPaths, sealed: RunSealed) -> None:
        self._paths, self._sealed = paths, sealed
        self._good: _Signature | None = None

    def change(self) -> str | None:
        """The first file of `code/` that is not as it was sealed, in words; None if all are."""
        signature = self._signature()
        if signature == self._good:
            return None
        change = first_change_of_code(self._paths, self._sealed)
        self._good = signature if change is None else None
        return change

    def _signature(self) -> _Signature:
        found = []
        for folder, folders, files in os.walk(self._paths.code):
            for name in [*files, *folders]:
                path = os.path.join(folder, name)  # noqa: PTH118  # asked before every trial
                status = os.lstat(path)
                # An mtime can be set back, the time of the entry cannot.
                times = status.st_mtime_ns, status.st_ctime_ns
                found.append((path, *times, status.st_size, status.st_ino))
        return tuple(sorted(found))
