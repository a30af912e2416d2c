"""The weights that a script has left, as a user takes them away: its own files, `setup.json` beside them."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

from staycourse import __version__
from staycourse.core.canonical import plain
from staycourse.core.job import Job
from staycourse.training.checkpoint import sync_folder, write_text
from staycourse.training.command.place import Place, weights_of
from staycourse.training.export import SETUP


def export(job: Job, place: Place, epoch: int) -> bool:
    """Copy them into `job.final`, a folder as a folder. False if the script has left none where it should."""
    assert job.final is not None and job.task.command is not None
    final, weights = Path(job.final), place.weights()
    if not weights and weights_of(job.task.command) is not None:
        return False
    final.mkdir(parents=True, exist_ok=True)
    names = [_copy(path, final) for path in weights]
    setup = _setup(job, epoch, names)
    write_text(final / SETUP, json.dumps(plain(setup), indent=2, ensure_ascii=False) + "\n")
    return True


def _copy(source: Path, final: Path) -> str:
    """Under its own name; what an attempt before has left there is replaced."""
    target = final / source.name
    if target.is_dir():
        shutil.rmtree(target)
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copyfile(source, target)
    for path in [target, *target.rglob("*")]:
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
    sync_folder(final)
    return source.name


def _setup(job: Job, epoch: int, weights: list[str]) -> dict[str, Any]:
    assert job.task.command is not None
    spec = job.task.command
    return {
        "setup": dict(job.setup),
        "epochs": epoch,
        "horizon": job.horizon,
        "seed": job.seed,
        "repetition": job.repetition,
        "task": {
            "command": list(spec.words),
            "flags": spec.flags,
            "env": dict(spec.env),
            "python": spec.python,
        },
        "objective": {"metric": job.metric, "goal": job.goal},
        "data": {"share": job.data.share, "split": job.data.split},
        "trial": job.trial,
        "staycourse": __version__,
        "weights": weights,
    }
