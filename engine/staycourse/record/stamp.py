"""The seal and the head of the chain, written into what leaves the run folder with the weights."""

from __future__ import annotations

import json

from staycourse.record.files import write_atomically
from staycourse.record.paths import RunPaths


def stamp_setup(paths: RunPaths, seal: str, head: tuple[int, str]) -> None:
    """Put the seal and the (seq, hash) of the newest event into `final/setup.json`, where there is one."""
    if not paths.final_setup.exists():
        return
    setup = json.loads(paths.final_setup.read_text(encoding="utf-8"))
    setup |= {"run": paths.name, "seal": seal, "head": {"seq": head[0], "hash": head[1]}}
    text = json.dumps(setup, indent=2, ensure_ascii=False) + "\n"
    write_atomically(paths.final_setup, text, durable=True)
