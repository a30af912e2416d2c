"""The files that a task reads while its data set is made, as Python itself tells of them."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from staycourse.task import data_files
from staycourse.task.data_files import Manifest

MOST = 2000
_SEEN_AT_MOST = 100_000
_NOT_DATA = (".py", ".pyc", ".so")
# Where data is put that has to be read fast.
_SHARED_MEMORY = "/dev/shm/"
_SYSTEM = ("/proc", "/dev", "/sys", "/etc", "/lib", "/usr/lib", "/usr/share")


class OpenedFiles:
    """Within `with opened:` it notes what is opened for reading; what is written, it notes always, for a
    file that the task itself makes is none of its data.

    Libraries that open files without Python (HDF5, SQLite, some readers of images) are not seen.
    """

    def __init__(self, code: Path) -> None:
        prefixes = {sys.prefix, sys.base_prefix, sys.exec_prefix, os.path.realpath(sys.prefix)} - {"/"}
        self._outside = tuple(f"{path.rstrip('/')}/" for path in (*prefixes, *_SYSTEM, str(code)))
        self._is_listening = False
        self._read: dict[str, None] = {}
        self._written: set[str] = set()
        sys.addaudithook(self._hear)  # there is no taking it back; an inspection's process is short

    def __enter__(self) -> OpenedFiles:
        self._is_listening = True
        return self

    def __exit__(self, *_: object) -> None:
        self._is_listening = False

    def manifest(self, folder: Path, arguments: dict[str, Any]) -> Manifest:
        """The files that were read, as they are now. Where none was seen, those that the arguments name."""
        found = self._files(arguments)
        while True:
            try:
                return data_files.take(folder, found[:MOST], "opened", left_out=max(0, len(found) - MOST))
            except OSError as error:  # gone since, or never to be read
                left = [path for path in found if str(path) != str(error.filename)]
                found = left if len(left) < len(found) else []

    def _files(self, arguments: dict[str, Any]) -> list[Path]:
        found = self._kept(list(self._read))
        if not found:
            named = [value for value in arguments.values() if isinstance(value, str | os.PathLike) and value]
            found = self._kept([str(Path(value).absolute()) for value in named])
        return found

    def _kept(self, paths: list[str]) -> list[Path]:
        kept = [p for p in paths if p not in self._written and not p.endswith(_NOT_DATA)]
        return [Path(p) for p in kept if not self._is_system(p) and _is_regular(p)]

    def _is_system(self, path: str) -> bool:
        return path.startswith(self._outside) and not path.startswith(_SHARED_MEMORY)

    def _hear(self, event: str, args: tuple[Any, ...]) -> None:
        if event != "open" or isinstance(args[0], int) or len(self._read) > _SEEN_AT_MOST:
            return
        # Whatever is passed to open(), an error in here would be taken for the task's.
        with suppress(Exception):
            is_read = _reads(args[2])
            if is_read and not self._is_listening:
                return
            path = str(Path(os.fsdecode(args[0])).absolute())
            if is_read:
                self._read[path] = None
            else:
                self._written.add(path)


def _reads(flags: int) -> bool:
    """Whether a file is opened for what is in it already, as a memory map that may be written to is as well
    (numpy's default)."""
    access = flags & os.O_ACCMODE
    return access == os.O_RDONLY or (access == os.O_RDWR and not flags & (os.O_CREAT | os.O_TRUNC))


def _is_regular(path: str) -> bool:
    try:
        return Path(path).is_file()
    except (OSError, ValueError):
        return False
