"""Checkpoints: two generations, each written whole or not at all, each refused unless its hash is on record.

`Checkpoints(folder).save(state)` writes `last.pt` (temporary file, fsync, rename, fsync of the folder) and
keeps the generation before as `last.prev.pt`. The hashes of recent generations stand in `checkpoints.json`,
written before the file gets its name, so that no crash leaves a good file without a hash.
`load()` gives the newest generation that is whole, and says where an older one had to do.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from staycourse.task.sources import sha256

LAST, PREVIOUS, BEST, BEST_BEFORE = "last.pt", "last.prev.pt", "best.pt", "best.prev.pt"
SIDECAR = "checkpoints.json"
# Far more than there are files: a crash between hash and rename leaves a hash without one, again and again.
_KEPT_HASHES = 64


@dataclass(frozen=True)
class Written:
    """A file that is safely on disk."""

    file: str
    sha256: str
    bytes: int
    seconds: float

    def facts(self) -> dict[str, Any]:
        return {"sha256": self.sha256, "bytes": self.bytes}


@dataclass(frozen=True)
class Loaded:
    """A generation that is whole: its content, the file it came from, and what was passed over on the way."""

    state: dict[str, Any]
    file: str
    best: dict[str, Any] | None
    notes: tuple[str, ...] = ()


class _Hashing:
    """A file that is hashed as it is written.

    An error is raised by `finish`, not by `write`: torch's writer, in C++, would end the process over it.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb", buffering=0)
        self._hash = hashlib.sha256()
        self._error: OSError | None = None
        self.bytes = 0

    def write(self, data: bytes) -> int:
        self._hash.update(data)
        self.bytes += len(data)
        left = memoryview(data).cast("B")
        try:
            while left and self._error is None:
                left = left[self._file.write(left) :]
        except OSError as error:
            self._error = error
        return len(data)

    def flush(self) -> None:
        pass

    def finish(self) -> str:
        """Content to disk; returns its SHA-256. Raises OSError if it is not there as a whole."""
        with self._file:
            if self._error is not None:
                raise self._error
            os.fsync(self._file.fileno())
        return self._hash.hexdigest()


class Checkpoints:
    """The checkpoint files of one trial's folder. Those of another trial than `trial` are not used."""

    def __init__(self, folder: Path, trial: str | None = None) -> None:
        self.folder = folder
        self._trial = trial
        self._best_changed = False
        self._best: dict[str, Any] | None = None
        self._best_sha: str | None = None

    def keep_best(self, best: dict[str, Any]) -> None:
        """Hold the weights of the best epoch so far; they are written with the next checkpoint."""
        self._best, self._best_changed = best, True

    def save(self, state: dict[str, Any]) -> tuple[Written, Written | None]:
        """Write the generation; returns what became of `last.pt`, and of `best.pt` if that changed."""
        began = time.perf_counter()
        self.folder.mkdir(parents=True, exist_ok=True)
        best = self._save_best()
        state = {**state, "best_sha256": self._best_sha}
        temporary = self.folder / f"{LAST}.tmp"
        sha, size = _write(temporary, state)
        self._record(sha)
        if (self.folder / LAST).exists():
            (self.folder / LAST).replace(self.folder / PREVIOUS)
        temporary.replace(self.folder / LAST)
        sync_folder(self.folder)
        return Written(LAST, sha, size, time.perf_counter() - began), best

    def load(self) -> Loaded | None:
        """The newest whole generation of this folder; None if there is none at all."""
        notes: list[str] = []
        loaded = self._newest(notes)
        if loaded is not None:
            self._take_over(loaded)
            return loaded
        if notes:
            for name in (LAST, PREVIOUS, BEST, BEST_BEFORE):
                (self.folder / name).unlink(missing_ok=True)
            return Loaded({}, "", None, (*notes, "no checkpoint is usable: the trial starts again"))
        return None

    def adopt(self, parent: Path, last_sha256: str | None = None) -> Loaded:
        """The newest whole generation of the trial to go on from, its `best.pt` copied here.

        Nothing of the parent's is changed. `last_sha256` is what its last event says of its `last.pt`:
        another file is not used. Without any usable generation the content is empty: then the trial
        begins where its parent began, and comes to the same numbers.
        """
        notes: list[str] = []
        loaded = Checkpoints(parent, parent.name)._newest(notes, last_sha256, is_own=False)
        notes = [f"of {parent.name}, from which it goes on: {note}" for note in notes]
        if loaded is None:
            gone = f"{parent.name} has no usable checkpoint: its training is done again from the beginning"
            return Loaded({}, "", None, (*notes, gone))
        if loaded.best is not None:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._best, self._best_sha = loaded.best, str(loaded.state["best_sha256"])
            self._record(self._best_sha)
            copy_durably(parent / BEST, self.folder / BEST)
        return Loaded(loaded.state, "parent", loaded.best, tuple(notes))

    def drop_older_best(self) -> None:
        """At a trial's end nothing can go back to a best before the last."""
        (self.folder / BEST_BEFORE).unlink(missing_ok=True)

    def best_facts(self) -> dict[str, Any] | None:
        """Hash and size of `best.pt` as last written."""
        if self._best_sha is None:
            return None
        return {"sha256": self._best_sha, "bytes": (self.folder / BEST).stat().st_size}

    def _save_best(self) -> Written | None:
        if not self._best_changed:
            return None
        began = time.perf_counter()
        temporary = self.folder / f"{BEST}.tmp"
        sha, size = _write(temporary, self._best)
        self._record(sha)
        if (self.folder / BEST).exists():
            (self.folder / BEST).replace(self.folder / BEST_BEFORE)
        temporary.replace(self.folder / BEST)
        sync_folder(self.folder)
        self._best_sha, self._best_changed = sha, False
        return Written(BEST, sha, size, time.perf_counter() - began)

    def _record(self, sha: str) -> None:
        hashes = [*(known for known in self._recorded() if known != sha), sha][-_KEPT_HASHES:]
        write_text(self.folder / SIDECAR, json.dumps({"sha256": hashes}))

    def _recorded(self) -> list[str]:
        try:
            hashes = json.loads((self.folder / SIDECAR).read_text())["sha256"]
        except (OSError, ValueError, KeyError, TypeError):
            return []
        return [str(item) for item in hashes]

    def _newest(
        self, notes: list[str], last_sha256: str | None = None, *, is_own: bool = True
    ) -> Loaded | None:
        """The newest generation that is whole; `notes` gets what was passed over."""
        for name, wanted in ((LAST, last_sha256), (PREVIOUS, None)):
            loaded = self._load_one(name, notes, wanted, is_own)
            if loaded is not None:
                return loaded
        return None

    def _load_one(self, name: str, notes: list[str], expected: str | None, is_own: bool) -> Loaded | None:
        path = self.folder / name
        if not path.exists():
            if name == LAST and (self.folder / PREVIOUS).exists():
                notes.append(f"{LAST} is missing: going on from {PREVIOUS}")
            return None
        found = sha256(path)
        if found not in self._recorded():
            notes.append(f"{name} is damaged (its hash is not on record) and was not used")
            return None
        if expected not in (None, found):
            notes.append(f"{name} was replaced (the ledger names another) and was not used")
            return None
        state = _read(path)
        if self._trial is not None and state.get("trial") != self._trial:
            notes.append(f"{name} is of another trial and was not used")
            return None
        best = None
        if (wanted := state.get("best_sha256")) is not None:
            best = self._best_of(wanted, (BEST, BEST_BEFORE) if is_own else (BEST,))
            if best is None:
                notes.append(f"{name} was not used: the best weights that belong to it are gone or damaged")
                return None
        return Loaded(state, name, best, tuple(notes))

    def _best_of(self, wanted: str, names: tuple[str, ...]) -> dict[str, Any] | None:
        """The best weights with that hash; they become `best.pt` again if a crash orphaned a newer one."""
        for name in names:
            path = self.folder / name
            if path.exists() and sha256(path) == wanted:
                if name == BEST_BEFORE:
                    path.replace(self.folder / BEST)
                    sync_folder(self.folder)
                return _read(self.folder / BEST)
        return None

    def _take_over(self, loaded: Loaded) -> None:
        self._best, self._best_sha = loaded.best, loaded.state.get("best_sha256")
        if loaded.file == PREVIOUS:
            # Or the next checkpoint would push the good generation out with the damaged one.
            (self.folder / LAST).unlink(missing_ok=True)
        if loaded.best is None:
            (self.folder / BEST).unlink(missing_ok=True)


def _write(path: Path, content: Any) -> tuple[str, int]:
    with removed_on_error(path):
        file = _Hashing(path)
        torch.save(content, file)  # type: ignore[arg-type]  # write and flush are all that it needs
        return file.finish(), file.bytes


def _read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return content


@contextlib.contextmanager
def removed_on_error(path: Path) -> Iterator[None]:
    """A half-written file goes: on a full disk it would be in its own way."""
    try:
        yield
    except Exception:
        path.unlink(missing_ok=True)
        raise


def write_text(path: Path, text: str) -> None:
    """Replace a text file, durably and as a whole."""
    temporary = path.with_name(f"{path.name}.tmp")
    with removed_on_error(temporary), temporary.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    sync_folder(path.parent)


def copy_durably(source: Path, target: Path) -> None:
    """Copy a file, durably and as a whole."""
    temporary = target.with_name(f"{target.name}.tmp")
    with removed_on_error(temporary):
        shutil.copyfile(source, temporary)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
    temporary.replace(target)
    sync_folder(target.parent)


def sync_folder(folder: Path) -> None:
    """Make renames in a folder durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
