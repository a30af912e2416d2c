"""The parts against the seal: the roadmap, the task's files, what is on record of data and environment."""

from __future__ import annotations

import json
from pathlib import Path

from staycourse.core.canonical import digest
from staycourse.core.events import RunSealed
from staycourse.record.files import file_sha256
from staycourse.record.paths import RunPaths
from staycourse.record.seal import hash_code, lineage_digest, outside_digest, roadmap_digest, seal
from staycourse.record.verification.fault import Fault


def check_sources(paths: RunPaths, sealed: RunSealed) -> int:
    """How many sealed sources were looked at: the roadmap, the files in `code/`, the lists of the
    data's files and of those outside."""
    if seal(sealed.parts) != sealed.seal:
        raise Fault("event 1 (run sealed): the seal is not that of its parts")
    _check_roadmap(paths, sealed)
    _check_code(paths, sealed)
    recorded = {"data": sealed.facts.get("fingerprint", {}), "environment": sealed.environment}
    for part, value in recorded.items():
        if digest(value) != sealed.parts.get(part):
            raise Fault(f"event 1 (run sealed): what it says of the {part} is not what was sealed")
    taken_up = lineage_digest(sealed.lineage) if sealed.lineage else None
    if taken_up != sealed.parts.get("from"):
        raise Fault("event 1 (run sealed): what it says of the earlier run is not what was sealed")
    return len(sealed.code) + 1 + _check_manifest(paths, sealed) + _check_outside(paths, sealed)


def _check_manifest(paths: RunPaths, sealed: RunSealed) -> int:
    """The list of the data's files, where there is one; the data itself may be elsewhere by now."""
    kept = sealed.facts.get("data_files")
    if kept is None:
        return 0
    _check_kept(paths.data_files, kept["sha256"])
    return 1


def _check_outside(paths: RunPaths, sealed: RunSealed) -> int:
    """The list of the files that the task uses beside `code/`, where there is one."""
    kept, part = sealed.facts.get("outside"), sealed.parts.get("outside")
    if (kept["digest"] if kept else None) != part:
        raise Fault("event 1 (run sealed): what it says of the files outside the code is not what was sealed")
    if kept is None:
        return 0
    _check_kept(paths.outside, kept["sha256"])
    body = json.loads(paths.outside.read_text(encoding="utf-8"))
    if outside_digest(body) != part:
        raise Fault(f"{paths.outside.name} is not what was sealed")
    hashes = [[name, row[3]] for name, row in zip(body["names"], body["files"], strict=True)]
    if kept["files"] != hashes[: len(kept["files"])]:
        raise Fault("event 1 (run sealed): its list of files outside the code is not what was sealed")
    return 1


def _check_kept(path: Path, sha256: str) -> None:
    if not path.exists():
        raise Fault(f"{path.name} is missing")
    if file_sha256(path) != sha256:
        raise Fault(f"{path.name} was changed since it was sealed")


def first_change_of_code(paths: RunPaths, sealed: RunSealed) -> str | None:
    """The first file in `code/` that is not as it was sealed, in words."""
    found = hash_code(paths.code) if paths.code.is_dir() else {}
    for name in sorted(found.keys() | sealed.code.keys()):
        if name not in found:
            return f"code/{name} is missing"
        if name not in sealed.code:
            return f"code/{name} was not there when the run was sealed"
        if found[name] != sealed.code[name]:
            return f"code/{name} was changed since it was sealed"
    return None


def is_sealed_roadmap(paths: RunPaths, sealed: RunSealed) -> bool:
    """Whether roadmap.toml in the run folder says what was sealed."""
    try:
        return roadmap_digest(paths.roadmap.read_text(encoding="utf-8")) == sealed.parts.get("roadmap")
    except (OSError, ValueError):
        return False


def _check_roadmap(paths: RunPaths, sealed: RunSealed) -> None:
    if not paths.roadmap.exists():
        raise Fault("roadmap.toml is missing")
    if not is_sealed_roadmap(paths, sealed):
        raise Fault("roadmap.toml was changed since it was sealed")


def _check_code(paths: RunPaths, sealed: RunSealed) -> None:
    if change := first_change_of_code(paths, sealed):
        raise Fault(change)
    if digest(dict(sealed.code)) != sealed.parts.get("code"):
        raise Fault("event 1 (run sealed): its list of files is not what was sealed")
