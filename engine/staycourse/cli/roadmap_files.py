"""The roadmaps of a folder, and how each reads."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from staycourse.core.problems import UserError

if TYPE_CHECKING:
    from staycourse.core.roadmap import Roadmap

_MOST_BYTES = 1_000_000
_PHASE = re.compile(r"^\s*\[\[\s*phase\s*\]\]", re.MULTILINE)
_NAME = re.compile(r"^\s*name\s*=", re.MULTILINE)
_TASK = re.compile(r"^\s*\[\s*task\s*\]", re.MULTILINE)


@dataclass(frozen=True)
class _Known:
    """A file as it was read: what it says, None if it is no roadmap; `is_settled` unless an earlier run,
    which may change, has a say in it."""

    stamp: tuple[int, int]
    is_settled: bool
    found: Roadmap | UserError | None


class RoadmapFiles:
    """The roadmaps in a folder and in `roadmaps` below it, no deeper. Only what may have changed is read
    again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[Path, _Known] = {}

    def look(self) -> list[tuple[Path, Roadmap | UserError]]:
        """Each roadmap's path with what it says, or with what is wrong with it; other TOML files are left
        out. Raises OSError if the folder cannot be listed."""
        known = {}
        for path in self._paths():
            try:
                status = path.stat()
            except OSError:
                continue  # gone meanwhile
            stamp = (status.st_mtime_ns, status.st_size)
            before = self._known.get(path)
            is_same = before is not None and before.is_settled and before.stamp == stamp
            known[path] = before if before is not None and is_same else _read(path, stamp)
        self._known = known
        return [(path, one.found) for path, one in known.items() if one.found is not None]

    def _paths(self) -> list[Path]:
        below = self._folder / "roadmaps"
        folders = [self._folder, *([below] if below.is_dir() else [])]
        return [path for folder in folders for path in sorted(folder.iterdir()) if _is_toml(path)]


def _read(path: Path, stamp: tuple[int, int]) -> _Known:
    from staycourse.core.from_table import earlier_run
    from staycourse.task.checking import read_roadmap

    text = _text(path)
    if not _looks_like_one(text):
        return _Known(stamp, True, None)
    try:
        found: Roadmap | UserError = read_roadmap(path)[1]
    except UserError as error:
        found = error
    except Exception as error:  # a fault of ours: the other roadmaps are not to go with it
        found = UserError(f"{path}: {type(error).__name__}: {error}")
    return _Known(stamp, earlier_run(text) is None, found)


def _is_toml(path: Path) -> bool:
    return path.suffix == ".toml" and path.is_file()


def _text(path: Path) -> str:
    """The file's text; empty for one that cannot be read, or that is too long to be a roadmap."""
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except OSError:
        return ""
    return data.decode("utf-8", "replace") if len(data) <= _MOST_BYTES else ""


def _looks_like_one(text: str) -> bool:
    """Whether it has phases, or a name and a task; of a text that is no TOML, by its lines."""
    try:
        document = tomllib.loads(text.removeprefix("\ufeff"))
    except (ValueError, RecursionError):
        return bool(_PHASE.search(text) or (_NAME.search(text) and _TASK.search(text)))
    phases = document.get("phase")
    return isinstance(phases, list | dict) or ("name" in document and isinstance(document.get("task"), dict))
