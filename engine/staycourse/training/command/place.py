"""The folder of a script's trial: a copy of the sealed code to run in, and what earlier attempts have left.

Each trial has a copy of its own. Scripts write beside themselves (checkpoints, logs, caches), and neither the
sealed copy nor another trial's files may be touched by that.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from staycourse.core.command import CommandSpec, placeholders, split
from staycourse.core.job import Job
from staycourse.task.command.files import Pattern
from staycourse.task.command.reading import METRICS_FILE
from staycourse.task.sources import sha256
from staycourse.training.checkpoint import write_text

STATE = "command.json"
_LOG = "log.txt"
_CHECKPOINT = "{checkpoint}"


class Place:
    """`folder` is the trial's, `work` the copy in it, `cwd` where in there the script runs."""

    def __init__(self, job: Job, values: Mapping[str, str]) -> None:
        assert job.task.command is not None
        self._job, self._spec, self._values = job, job.task.command, dict(values)
        self.folder = Path(job.folder)
        self.work = self.folder / "work"
        self.cwd = self.work / self._spec.folder
        self.metrics = self.folder / METRICS_FILE
        self.notes: list[str] = []

    def prepare(self) -> tuple[dict[str, Any] | None, bool]:
        """Make the folder ready; the state from which the script goes on, None if it starts over, and
        whether that is an earlier attempt's own."""
        state, is_own = self._state(), True
        if state is None and self._job.parent is not None and self._spec.can_resume:
            state, is_own = self._adopt(), False
        if state is None:
            self._clear()
        self.metrics.unlink(missing_ok=True)
        self._copy_code()
        return state, is_own

    def save(self, state: Mapping[str, Any]) -> None:
        """Keep what has been told so far, durably and as a whole."""
        write_text(self.folder / STATE, json.dumps(state))

    def left(self) -> list[Path]:
        """The files that the script has left, sorted: its weights, and what it resumes from."""
        found: set[Path] = set()
        for pattern in self._patterns():
            for path in Pattern(self.cwd, pattern, self._values).paths():
                found.update(_files(path))
        inside = self.folder.resolve()
        return sorted(path for path in found if path.resolve().is_relative_to(inside))

    def weights(self) -> list[Path]:
        """The weights alone: files, and folders with files in them."""
        pattern = weights_of(self._spec)
        found = Pattern(self.cwd, pattern, self._values).paths() if pattern else []
        return [path for path in found if _files(path)]

    @property
    def has_weights(self) -> bool:
        """Whether it is known where the script leaves weights."""
        return weights_of(self._spec) is not None

    def name(self, path: Path) -> str:
        """A file's path in the trial's folder."""
        return path.relative_to(self.folder).as_posix()

    def tidy(self) -> None:
        """Remove the copy of the code; what the script has written stays."""
        code = Path(self._job.task.code)
        for source in _entries(code):
            copy = self.work / source.relative_to(code)
            with contextlib.suppress(OSError):
                if copy.is_symlink() or _is_same(source, copy):
                    copy.unlink()
        for folder, _, _ in os.walk(self.work, topdown=False):
            with contextlib.suppress(OSError):
                Path(folder).rmdir()

    def _state(self) -> dict[str, Any] | None:
        """That of an earlier attempt, where the script can go on from what it has left."""
        if not self._spec.can_resume or not self.left():
            return None
        return _read(self.folder / STATE)

    def _adopt(self) -> dict[str, Any] | None:
        """Copy what the parent has left, each file as it is on record; None if one of them is not."""
        parent, files = Path(str(self._job.parent)), self._job.parent_files
        self._clear()
        for name, recorded in files.items():
            source, target = parent / name, self.folder / name
            if not source.is_file() or sha256(source) != recorded:
                self.notes.append(f"{name} of the trial before is missing or damaged: started over")
                return None
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
        return _read(self.folder / STATE) if self.left() else None

    def _clear(self) -> None:
        """An attempt that starts over is not to meet, or be read by, what an earlier one has left."""
        for path in self.folder.iterdir():
            if path.name == _LOG:
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)

    def _copy_code(self) -> None:
        code = Path(self._job.task.code)
        for source in _entries(code):
            target = self.work / source.relative_to(code)
            target.parent.mkdir(parents=True, exist_ok=True)
            if target.is_symlink() or target.is_file():
                target.unlink()
            shutil.copy2(source, target, follow_symlinks=False)
        self.cwd.mkdir(parents=True, exist_ok=True)

    def _patterns(self) -> Iterator[str]:
        """What is kept: the weights, and each word of the flag by which the script resumes."""
        if weights := weights_of(self._spec):
            yield weights
        flag = self._spec.flags.get("resume")
        for word in split(flag) if isinstance(flag, str) else ():
            if {"trial_dir", "checkpoint"}.intersection(placeholders(word)):
                yield word


def weights_of(spec: CommandSpec) -> str | None:
    """Where the weights are: as declared, else the checkpoint that the script was told of."""
    if spec.weights is not None:
        return spec.weights
    texts = [*spec.words, *(flag for flag in spec.flags.values() if isinstance(flag, str))]
    return _CHECKPOINT if any("checkpoint" in placeholders(text) for text in texts) else None


def _read(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _entries(folder: Path) -> list[Path]:
    """Files and links below the folder; links are not followed."""
    found = []
    for root, folders, files in os.walk(folder):
        names = [*files, *(name for name in folders if (Path(root) / name).is_symlink())]
        found += [Path(root) / name for name in names]
    return found


def _files(path: Path) -> list[Path]:
    """The regular files of a match: itself, or all below it; links are left out."""
    if path.is_symlink():
        return []
    if path.is_file():
        return [path]
    return [found for found in _entries(path) if found.is_file() and not found.is_symlink()]


def _is_same(source: Path, copy: Path) -> bool:
    first, second = source.stat(), copy.stat()
    return (first.st_size, first.st_mtime_ns) == (second.st_size, second.st_mtime_ns)
