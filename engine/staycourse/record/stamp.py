"""What leaves the run folder with the weights: it carries the seal and the head of the chain."""

from __future__ import annotations

import json

from staycourse.record.files import file_sha256, write_atomically
from staycourse.record.paths import RunPaths


def stamp_setup(paths: RunPaths, seal: str, head: tuple[int, str]) -> None:
    """Put the seal and the (seq, hash) of the newest event into `final/setup.json`, where there is one."""
    if not paths.final_setup.exists():
        return
    setup = json.loads(paths.final_setup.read_text(encoding="utf-8"))
    setup |= {"run": paths.name, "seal": seal, "head": {"seq": head[0], "hash": head[1]}}
    text = json.dumps(setup, indent=2, ensure_ascii=False) + "\n"
    write_atomically(paths.final_setup, text, durable=True)


def final_files(paths: RunPaths) -> dict[str, str]:
    """Path and SHA-256 of each file below `final/`, but for hidden ones there: what a kill has left half
    written is removed."""
    for left in paths.final.glob(".*.tmp"):
        left.unlink()
    found = {path.relative_to(paths.final).as_posix(): path for path in sorted(paths.final.rglob("*"))}
    return {name: file_sha256(path) for name, path in found.items() if path.is_file() and name[0] != "."}
