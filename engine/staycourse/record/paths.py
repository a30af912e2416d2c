"""Every file name of a run, in one place."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from staycourse.core.problems import UserError


@dataclass(frozen=True)
class RunPaths:
    """The run folder and what lies in it."""

    root: Path

    @property
    def name(self) -> str:
        return self.root.name

    @property
    def roadmap(self) -> Path:
        return self.root / "roadmap.toml"

    @property
    def code(self) -> Path:
        return self.root / "code"

    @property
    def data_files(self) -> Path:
        """The files behind the data as they were when the run was sealed."""
        return self.root / "data.json"

    @property
    def outside(self) -> Path:
        """The files that the task uses beside `code`, as they were when the run was sealed."""
        return self.root / "outside.json"

    @property
    def database(self) -> Path:
        return self.root / "run.db"

    @property
    def head(self) -> Path:
        return self.root / "head"

    @property
    def lock(self) -> Path:
        return self.root / "lock"

    @property
    def log(self) -> Path:
        return self.root / "engine.log"

    @property
    def data_log(self) -> Path:
        """What the task prints while its data is compared with the seal, or loaded for all trials."""
        return self.root / "data.log"

    @property
    def shards(self) -> Path:
        """What is in each of the data's shard files, so that only one process has to look."""
        return self.root / "shards.json"

    @property
    def teacher(self) -> Path:
        """What a teacher has said of each sample, shared by all trials; gone when the run ends."""
        return self.root / "teacher"

    @property
    def trials(self) -> Path:
        return self.root / "trials"

    def trial(self, trial: str) -> Path:
        return self.trials / trial

    def trial_log(self, trial: str) -> Path:
        return self.trial(trial) / "log.txt"

    def checkpoint(self, trial: str) -> Path:
        return self.trial(trial) / "last.pt"

    def best(self, trial: str) -> Path:
        return self.trial(trial) / "best.pt"

    def checkpoint_hashes(self, trial: str) -> Path:
        """Hashes of the recent generations, written before a checkpoint gets its name."""
        return self.trial(trial) / "checkpoints.json"

    def checkpoint_files(self, trial: str) -> list[Path]:
        """What a trial has left: two generations to train on from, and of the best weights."""
        names = ("last.pt", "last.prev.pt", "best.pt", "best.prev.pt", "checkpoints.json")
        return [path for name in names if (path := self.trial(trial) / name).exists()]

    @property
    def final(self) -> Path:
        return self.root / "final"

    @property
    def weights(self) -> Path:
        return self.final / "model.safetensors"

    @property
    def final_setup(self) -> Path:
        return self.final / "setup.json"

    @property
    def report(self) -> Path:
        return self.root / "report.md"

    @property
    def figures(self) -> Path:
        return self.root / "figures"


def runs_folder(option: str | None) -> Path:
    """Where runs are kept: `--runs`, else STAYCOURSE_RUNS, else `runs` in the current folder. Raises NoHome
    where that begins with a `~` that stands for nothing."""
    return _expanded(option or os.environ.get("STAYCOURSE_RUNS") or "runs").resolve()


def next_run_folder(runs: Path, name: str) -> Path:
    """Create `<name>-<n>` with the next free n, mode 0700. Raises OSError if that is impossible."""
    runs.mkdir(parents=True, exist_ok=True)
    taken = [
        int(match[1])
        for entry in runs.iterdir()
        if (match := re.fullmatch(re.escape(name) + r"-(\d+)", entry.name))
    ]
    number = max(taken, default=0) + 1
    while True:
        folder = runs / f"{name}-{number}"
        try:
            folder.mkdir(mode=0o700)
        except FileExistsError:
            number += 1
        else:
            return folder


class NoHome(UserError):
    """A path begins with a home folder that is not to be found."""


def state_folder() -> Path:
    """The user's state folder (XDG). Raises NoHome where there is none, as for a container's bare user id."""
    return _expanded(os.environ.get("XDG_STATE_HOME") or "~/.local/state") / "staycourse"


def _expanded(path: str) -> Path:
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise NoHome(
            f"{path}: there is no such home folder (HOME or XDG_STATE_HOME would name one)"
        ) from None
