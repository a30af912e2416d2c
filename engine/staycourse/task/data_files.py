"""The files behind the data: their sizes, hashes of their content, and what has changed since.

Small data is hashed as a whole, big data in pieces. A file's time is kept as a hint of where to look again:
it is no part of any digest, so that the same data copied elsewhere has the same seal.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from staycourse.core.text import one_line

WHOLE_BYTES = 256 * 2**20
PIECE = 64 * 2**10
# Of more files than these an even spread is read, and of the others the size is all that counts.
MOST_READ = 20_000
# A disk reads no less at a time.
_LEAST_PIECE = 4 * 2**10

Stamp = tuple[int, int]


@dataclass(frozen=True)
class DataFile:
    """`path` starts at the roadmap's folder, or is absolute outside of it; `time` is in ns; `sha256` is that
    of the content or of pieces of it, empty where the size is all that is known."""

    path: str
    size: int
    time: int
    sha256: str

    @property
    def stamp(self) -> Stamp:
        return self.size, self.time


@dataclass(frozen=True)
class Manifest:
    """`kind` is "covered" (the files that `patterns` match) or "opened" (those that the task was seen to
    open). `piece` is 0 where whole files are hashed, else the size of each of three pieces in bytes."""

    kind: str
    files: tuple[DataFile, ...] = ()
    patterns: tuple[str, ...] = ()
    piece: int = 0
    left_out: int = 0

    @property
    def digest(self) -> str:
        """SHA-256 over names, sizes and hashes."""
        sha = hashlib.sha256()
        for file in self.files:
            sha.update(os.fsencode(file.path) + f"\0{file.size}\0{file.sha256}\0".encode())
        return sha.hexdigest()

    @property
    def total_bytes(self) -> int:
        return sum(file.size for file in self.files)

    @property
    def files_read(self) -> int:
        return sum(file.sha256 != "" for file in self.files)

    @property
    def bytes_read(self) -> int:
        read = [file.size for file in self.files if file.sha256]
        return sum(min(size, 3 * self.piece) for size in read) if self.piece else sum(read)

    def to_json(self) -> dict[str, Any]:
        rows = [[file.path, file.size, file.time, file.sha256] for file in self.files]
        return {**asdict(self), "files": rows, "patterns": list(self.patterns)}

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Manifest:
        files = tuple(DataFile(*row) for row in body["files"])
        return cls(body["kind"], files, tuple(body["patterns"]), body["piece"], body["left_out"])

    @classmethod
    def read(cls, path: Path) -> Manifest:
        """That of a run folder. Raises OSError, ValueError."""
        try:
            return cls.from_json(json.loads(path.read_text(encoding="utf-8")))
        except (KeyError, TypeError) as error:
            raise ValueError(f"{path.name} is no list of data files ({error})") from error


def take(
    folder: Path, paths: Iterable[Path], kind: str, patterns: Sequence[str] = (), left_out: int = 0
) -> Manifest:
    """The manifest of files as they are now. Raises OSError for one that cannot be read."""
    named = sorted((name_of(folder, path), path, path.stat()) for path in set(paths))
    total = sum(stat.st_size for _, _, stat in named)
    read = {i * len(named) // MOST_READ for i in range(MOST_READ)} if len(named) > MOST_READ else None
    count = len(named) if read is None else len(read)
    piece = 0 if total <= WHOLE_BYTES else max(_LEAST_PIECE, min(PIECE, WHOLE_BYTES // (3 * count)))
    files = []
    for at, (name, path, stat) in enumerate(named):
        is_read = not piece or read is None or at in read
        sha256 = hash_file(path, stat.st_size, piece) if is_read else ""
        files.append(DataFile(name, *_stamp_of(stat), sha256))
    return Manifest(kind, tuple(files), tuple(patterns), piece, left_out)


def fingerprint_facts(manifest: Manifest) -> dict[str, Any]:
    """What the seal says of data that is known by its files; see `fingerprint.Fingerprint`."""
    return {
        "sha256": manifest.digest,
        "method": "sampled content" if manifest.piece else "content",
        "bytes": manifest.bytes_read,
        "samples": 0,
        "files": len(manifest.files),
        "total_bytes": manifest.total_bytes,
        "files_read": manifest.files_read,
        "piece": manifest.piece,
        "of": 0,
    }


def filled(pattern: str, args: Any) -> str:
    """A pattern with `{args.name}` replaced by the task's argument; where the roadmap does not set it, by its
    default."""
    for name, value in vars(args).items():
        pattern = pattern.replace("{args." + name + "}", str(value))
    return pattern


def matches(folder: Path, pattern: str) -> list[Path]:
    """The files that a pattern of `[data] files` matches; `..` may lead out of the folder. What lies in the
    folder of a run is none of the data: the run would stop over its own checkpoints."""
    path = Path(pattern).expanduser()
    root, rest = (Path(path.anchor), path.relative_to(path.anchor)) if path.is_absolute() else (folder, path)
    if ".." in rest.parts:
        root = root.joinpath(*[part for part in rest.parts if part == ".."])
        rest = Path(*[part for part in rest.parts if part != ".."])
    is_of_a_run = {root: False}
    found = (path for path in root.glob(str(rest)) if path.is_file())
    return sorted(path for path in found if not _is_of_a_run(path.parent, is_of_a_run))


def _is_of_a_run(folder: Path, known: dict[Path, bool]) -> bool:
    """Whether it is the folder of a run or below one; `known` are answers given before."""
    if folder not in known:
        above = folder != folder.parent and _is_of_a_run(folder.parent, known)  # up to where it is known
        known[folder] = above or (folder / "run.db").exists()
    return known[folder]


def name_of(folder: Path, path: Path) -> str:
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else str(path)


def hash_file(path: Path, size: int, piece: int) -> str:
    """SHA-256 of the content, or of three pieces: first, middle, last."""
    with path.open("rb") as file:
        if not piece or size <= 3 * piece:
            return hashlib.file_digest(file, "sha256").hexdigest()
        sha = hashlib.sha256()
        for at in (0, size // 2 - piece // 2, size - piece):
            file.seek(at)
            sha.update(file.read(piece))
        return sha.hexdigest()


def look(folder: Path, manifest: Manifest, known: Mapping[str, Stamp]) -> dict[str, Stamp | None]:
    """Files of which size or time is not `known`, with what they have now: None for one that is missing or
    cannot be looked at. Nothing is read."""
    names = set(known)
    for pattern in manifest.patterns:
        names.update(name_of(folder, path) for path in matches(folder, pattern))
    stamps = {name: stamp(folder, name) for name in names}
    return {name: now for name, now in stamps.items() if now is None or now != known.get(name)}


def compare(folder: Path, manifest: Manifest) -> tuple[list[str], list[str]]:
    """(what has changed, `data/x.csv (size 12 → 14 bytes)` each; files with a new time and the old content).

    Content is read only where size and time give cause to.
    """
    sealed = {file.path: file for file in manifest.files}
    changed, same = [], []
    for name in sorted(look(folder, manifest, {name: file.stamp for name, file in sealed.items()})):
        words = _difference(folder, name, sealed.get(name), manifest.piece)
        if words:
            changed.append(f"{one_line(name)} ({words})")
        else:
            same.append(one_line(name))
    return changed, same


def _difference(folder: Path, name: str, sealed: DataFile | None, piece: int) -> str:
    """Empty where size and content are as they were."""
    path = folder / name
    try:
        size = path.stat().st_size
        if sealed is None:
            return "new"
        if size != sealed.size:
            return f"size {sealed.size:,} → {size:,} bytes"
        return "content" if sealed.sha256 and hash_file(path, size, piece) != sealed.sha256 else ""
    except FileNotFoundError:
        return "missing"
    except OSError as error:
        return f"cannot be read: {error.strerror}"


def stamp(folder: Path, name: str) -> Stamp | None:
    """Size and time of a file now; None if it is missing or cannot be looked at."""
    try:
        return _stamp_of((folder / name).stat())
    except OSError:
        return None


def _stamp_of(stat: os.stat_result) -> Stamp:
    """The later of two times, for the one of the content can be set back and the one of the entry cannot."""
    return stat.st_size, max(stat.st_mtime_ns, stat.st_ctime_ns)
