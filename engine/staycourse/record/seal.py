"""The seal: one hash over roadmap, code, data and environment, taken before the first trial."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from staycourse.core.canonical import digest
from staycourse.record.files import file_sha256


def seal_parts(
    roadmap: str, code: Mapping[str, str], data: Mapping[str, Any], environment: Mapping[str, Any]
) -> dict[str, str]:
    """SHA-256 of each sealed part: the roadmap's values (comments and layout do not count), the task's
    files by name, the data's fingerprint, the environment."""
    return {
        "roadmap": digest(tomllib.loads(roadmap)),
        "code": digest(dict(code)),
        "data": digest(dict(data)),
        "environment": digest(dict(environment)),
    }


def seal(parts: Mapping[str, str]) -> str:
    """The seal over its parts, 64 hex digits."""
    return digest(dict(parts))


def short(full: str) -> str:
    """The first 8 hex digits, for screens."""
    return full[:8]


def hash_code(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below the folder, by its path in it."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(folder).as_posix(): file_sha256(path) for path in files}
