"""The files that a task reads while its functions are called, as Python itself tells of them."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from staycourse.task import data_files
from staycourse.task.data_files import Manifest
from staycourse.task.places import Places

MOST = 2000
_SEEN_AT_MOST = 100_000
_NOT_DATA = (".py", ".pyc", ".so")


class OpenedFiles:
    """Within `with opened:` it notes what is opened for reading; what is written, it notes always, for a
    file that the task itself makes is none of its data.

    Libraries that open files without Python (HDF5, SQLite, some readers of images) are not seen.
    """

    def __init__(self, places: Places) -> None:
        self._places = places
        self._depth = 0
        self._read: dict[str, None] = {}
        self._written: set[str] = set()
        sys.addaudithook(self._hear)  # there is no taking it back; an inspection's process is short

    def __enter__(self) -> OpenedFiles:
        self._depth += 1
        return self

    def __exit__(self, *_: object) -> None:
        self._depth -= 1

    @property
    def read(self) -> list[str]:
        """Absolute paths of what was read and never written, in the order in which it was first read."""
        return [path for path in list(self._read) if path not in self._written]

    def manifest(self, folder: Path, arguments: dict[str, Any]) -> Manifest:
        """The data's files as they are now. Where none was seen, those that the arguments name."""
        found = self._data(self.read)
        if not found:
            named = [value for value in arguments.values() if isinstance(value, str | os.PathLike) and value]
            absolute = [str(Path(value).absolute()) for value in named]
            found = self._data([path for path in absolute if path not in self._written])
        return take_readable(folder, found, "opened")

    def _data(self, paths: list[str]) -> list[Path]:
        kept = [path for path in paths if not path.endswith(_NOT_DATA) and not self._places.is_system(path)]
        return [Path(path) for path in kept if is_regular(path)]

    def _hear(self, event: str, args: tuple[Any, ...]) -> None:
        if event != "open" or isinstance(args[0], int) or len(self._read) > _SEEN_AT_MOST:
            return
        # Whatever is passed to open(), an error in here would be taken for the task's.
        with suppress(Exception):
            is_read = _reads(args[2])
            if is_read and not self._depth:
                return
            path = os.path.normpath(Path(os.fsdecode(args[0])).absolute())
            if is_read:
                self._read[path] = None
            else:
                self._written.add(path)


def take_readable(folder: Path, found: Sequence[Path], kind: str) -> Manifest:
    """The manifest of those that can be read, and of 2000 files at most."""
    found = list(found)
    while True:
        try:
            return data_files.take(folder, found[:MOST], kind, left_out=max(0, len(found) - MOST))
        except OSError as error:  # gone since, or never to be read
            left = [path for path in found if str(path) != str(error.filename)]
            found = left if len(left) < len(found) else []


def is_regular(path: str) -> bool:
    """Whether it is a file with an end, and there."""
    try:
        return Path(path).is_file()
    except (OSError, ValueError):
        return False


def _reads(flags: int) -> bool:
    """Whether a file is opened for what is in it already, as a memory map that may be written to is as well
    (numpy's default)."""
    access = flags & os.O_ACCMODE
    return access == os.O_RDONLY or (access == os.O_RDWR and not flags & (os.O_CREAT | os.O_TRUNC))
