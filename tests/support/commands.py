"""Command tasks for tests: jobs of the toy script, which trains nothing and takes a moment."""

from __future__ import annotations

import random
import shutil
import sys
from pathlib import Path
from typing import Any

from tests.support.trials import make_job

from staycourse.core.command import CommandSpec, split
from staycourse.core.job import DataSpec, Job, TaskSpec

WORDS = ["the", "cat", "sat", "on", "a", "mat", "and", "ran", "to", "see", "dogs", "far", "away"]
SCRIPTS = Path(__file__).parent / "scripts"
COMMAND = "python toy.py --lr {lr} --epochs {epochs} --seed {seed} --save {checkpoint}"
TEXT = {"epoch": r"epoch (\d+)", "val_loss": r"val_loss (\S+)"}


def toy(folder: Path, command: str = COMMAND, **changes: Any) -> TaskSpec:
    """The toy script as a sealed copy holds it, driven by this command; `changes` are fields of its spec."""
    code = folder / "code"
    code.mkdir(parents=True, exist_ok=True)
    shutil.copy2(SCRIPTS / "toy" / "toy.py", code)
    metrics = changes.pop("metrics", {"text": TEXT})
    spec = CommandSpec(split(command), python=sys.executable, metrics=metrics, **changes)
    return TaskSpec(str(code), "", str(folder), command=spec)


def toy_job(folder: Path, task: TaskSpec, **changes: Any) -> Job:
    """A job of five epochs, in a trial folder as the engine makes it."""
    (folder / "trials" / "t1").mkdir(parents=True, exist_ok=True)
    data = DataSpec(**changes.pop("data", {}))
    values = {"setup": {"lr": 0.01}, "epochs": 5, "horizon": 5, **changes}
    return make_job(folder / "trials" / "t1", task, data=data, **values)


def script_folder(folder: Path, name: str) -> Path:
    """The roadmap of one of the example scripts, in a folder of its own with the data that it reads."""
    own = folder / name
    shutil.copytree(SCRIPTS / name, own)
    if name == "lm":
        draw = random.Random(1)
        (own / "data" / "text").mkdir(parents=True)
        for part, count in (("train", 600), ("valid", 150)):
            text = " ".join(draw.choice(WORDS) for _ in range(count))
            (own / "data" / "text" / f"{part}.txt").write_text(text)
    return own / "roadmap.toml"
