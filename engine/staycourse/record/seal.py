"""The seal: one hash over roadmap, code, data and environment, taken before the first trial."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from staycourse.core.canonical import digest
from staycourse.record.files import file_sha256


def seal_parts(
    roadmap: str,
    code: Mapping[str, str],
    data: Mapping[str, Any],
    environment: Mapping[str, Any],
    lineage: Mapping[str, Any] | None = None,
    outside: str | None = None,
) -> dict[str, str]:
    """SHA-256 of each sealed part: the roadmap's values (comments and layout do not count), the task's
    files by name, the data's fingerprint, the environment; "from" where an earlier run is taken up, "outside"
    where the task uses files beside the copy of its code."""
    taken_up = {"from": lineage_digest(lineage)} if lineage else {}
    used = {"outside": outside} if outside else {}
    return (taken_up | used) | {
        "roadmap": roadmap_digest(roadmap),
        "code": digest(dict(code)),
        "data": digest(dict(data)),
        "environment": digest(dict(environment)),
    }


def lineage_digest(lineage: Mapping[str, Any]) -> str:
    """SHA-256 of what is taken up of an earlier run: its name, seal, head and handoff. Where it lies and how
    it is told of does not count."""
    return digest({name: lineage[name] for name in ("run", "seal", "head", "handoff")})


def outside_digest(body: Mapping[str, Any]) -> str:
    """SHA-256 of what `outside.json` says of the files that a task uses beside its copy: their names, sizes
    and hashes. Where a module lies and how old a file is do not count."""
    rows = [
        [name, size, sha256] for name, (_, size, _, sha256) in zip(body["names"], body["files"], strict=True)
    ]
    return digest([body["piece"], sorted(rows)])


def roadmap_digest(text: str) -> str:
    """SHA-256 of what a roadmap says: its comments and layout do not count. ValueError if it is not TOML."""
    return digest(tomllib.loads(text))


def seal(parts: Mapping[str, str]) -> str:
    """The seal over its parts, 64 hex digits."""
    return digest(dict(parts))


def short(full: str) -> str:
    """The first 8 hex digits, for screens."""
    return full[:8]


def hash_code(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below the folder, by its path in it; for a link, of where it leads.

    Compiled files count as well: Python would take one that somebody has put there for the source.
    """
    return {
        path.relative_to(folder).as_posix(): _hash_entry(path)
        for path in sorted(folder.rglob("*"))
        if path.is_symlink() or path.is_file()
    }


def _hash_entry(path: Path) -> str:
    if path.is_symlink():
        return digest(["link", str(path.readlink())])
    return file_sha256(path)
