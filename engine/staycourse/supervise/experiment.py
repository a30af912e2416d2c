"""From flags to a job: one experiment in a folder of the user's, and what is kept of it there.

`code/` holds the task's files, `trial/` its checkpoints and its log; `experiment.json` says what was asked
for and what came of it, `metrics.csv` has every value, and the weights lie there as in a run's `final/`.
"""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from staycourse import __version__
from staycourse.core import job as jobs
from staycourse.core.canonical import plain
from staycourse.core.experiment import experiment, stop_spec
from staycourse.core.job import Job, TaskSpec
from staycourse.core.problems import RoadmapError, UserError
from staycourse.core.roadmap import Roadmap
from staycourse.core.sections import Task
from staycourse.record.files import write_atomically
from staycourse.record.seal import hash_code
from staycourse.supervise.alone import Told
from staycourse.task.checking import read_roadmap
from staycourse.task.command.checking import check_command
from staycourse.task.literals import literal_warnings
from staycourse.task.sources import copy_sources, local_modules, sha256

# What says where and how something is done, and not what comes of it.
_NO_RESULT = ("trial", "folder", "device", "cpus", "final", "teacher_outputs", "attempt", "checkpoint_every")


@dataclass(frozen=True)
class Place:
    """The folder of an experiment."""

    folder: Path

    @property
    def code(self) -> Path:
        return self.folder / "code"

    @property
    def trial(self) -> Path:
        return self.folder / "trial"

    @property
    def log(self) -> Path:
        return self.trial / "log.txt"

    @property
    def record(self) -> Path:
        return self.folder / "experiment.json"

    def read(self) -> dict[str, Any]:
        """What is on record; empty if nothing is."""
        try:
            found = json.loads(self.record.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def is_finished_with(self, words: Sequence[str], task: Path) -> bool:
        """Whether the very same flags have come to their end here, with the same code: nothing is loaded for
        that."""
        known = self.read()
        is_same = known.get("flags") == list(words) and known.get("end", {}).get("outcome") == "completed"
        return is_same and known.get("source") == _source(task)

    def forget_what_came_to_nothing(self) -> None:
        """Make room for other settings where nothing was trained: a flag was forgotten, say."""
        left = [self.trial / name for name in ("last.pt", "command.json")]
        has_nothing = not self.read().get("end", {}).get("files") and not any(path.exists() for path in left)
        if self.record.exists() and has_nothing:
            shutil.rmtree(self.code, ignore_errors=True)
            shutil.rmtree(self.trial, ignore_errors=True)
            self.record.unlink()

    def begin(self, body: Mapping[str, Any]) -> None:
        """Put on record what is asked for. Raises UserError where something else was."""
        known = self.read()
        if known and known.get("job") != plain(body["job"]):
            changed = _changed(known.get("job", {}), plain(body["job"]))
            said = f"{self.folder} holds another experiment: {', '.join(changed[:5])} differ"
            raise UserError(f"{said}; --out names another folder")
        self.trial.mkdir(parents=True, exist_ok=True)
        write_atomically(
            self.record, json.dumps(plain({**known, **body}), indent=2, ensure_ascii=False) + "\n"
        )

    def keep(self, told: Told) -> None:
        """Every value as CSV, and how it ended."""
        text = io.StringIO()
        rows = csv.writer(text, lineterminator="\n")
        rows.writerow(("name", "step", "epoch", "value"))
        rows.writerows((name, step, *value) for (name, step), value in sorted(told.rows.items()))
        write_atomically(self.folder / "metrics.csv", text.getvalue())
        end = {key: value for key, value in (told.last or {}).items() if key != "type"}
        body = {**self.read(), "facts": told.facts, "end": end}
        write_atomically(self.record, json.dumps(plain(body), indent=2, ensure_ascii=False) + "\n")


def task_file(path: Path, task: Task) -> Path | None:
    """The task's file, of a roadmap or itself; None for a command."""
    if path.suffix != ".toml":
        return path.resolve()
    return (path.parent / task.file).expanduser().resolve() if task.file is not None else None


def prepare(
    path: Path,
    task: Task,
    values: Mapping[str, Any],
    place: Place,
    words: Sequence[str],
    say: Callable[[str], object],
) -> Job:
    """The job that the values describe, its code copied, put on record; `say` is told of what is probably not
    meant. Raises UserError, RoadmapError."""
    is_command = task.command is not None
    document = {**values, "setup": values.get("hp", {})}
    made = experiment(document, is_command=is_command, source="staycourse train")
    folder = Path(values["folder"]).resolve()
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder")
    place.forget_what_came_to_nothing()
    spec = (
        _command(path, folder, place)
        if is_command
        else _file(path, task, values, folder, place, made.data.files)
    )
    epochs = values.get("stop_epoch") or values["epochs"]
    job = Job(
        trial=place.folder.name,
        folder=str(place.trial.resolve()),
        task=spec,
        setup=made.setup,
        seed=values["seed"],
        repetition=values["repetition"],
        epochs=epochs,
        horizon=max(epochs, values["epochs"]),
        metric=made.objective.metric,
        goal=made.objective.goal,
        stop=stop_spec(values),
        trial_hours=made.limits.trial_hours,
        data=made.data_spec(share=values["data_share"], split=values["split"]),
        training=replace(made.training_spec(), at_once=values.get("at_once")),
        schedules=made.schedules,
        validate_every=made.training.validate_every,
        checkpoint_every=made.limits.checkpoint_every,
        threads=made.limits.threads,
        device=values["device"],
        final=str(place.folder.resolve()),
        teacher_outputs=str((place.trial / "teacher").resolve()),
    )
    for warning in () if is_command else literal_warnings(_files(place)):
        say(f"warning: {warning}")
    place.begin(
        {"flags": list(words), "source": _source(path), "job": _identity(job, place), "version": __version__}
    )
    return job


def _files(place: Place) -> dict[str, Path]:
    return {path.relative_to(place.code).as_posix(): path for path in sorted(place.code.rglob("*.py"))}


def _file(
    path: Path, task: Task, values: Mapping[str, Any], folder: Path, place: Place, files: Sequence[str]
) -> TaskSpec:
    file = task_file(path, task)
    assert file is not None
    if not file.is_file():
        raise UserError(f"{file}: no such file")
    if not place.code.exists():
        copy_sources(file, place.code)
    elif hash_code(place.code) != _source(path if path.suffix != ".toml" else file):
        said = f"{place.folder} holds another experiment: the task's code differs"
        raise UserError(f"{said}; --out names another folder")
    args = values.get("args", {})
    return TaskSpec(str(place.code.resolve()), file.name, str(folder), args, has_files=bool(files))


def _command(path: Path, folder: Path, place: Place) -> TaskSpec:
    _, roadmap, _ = read_roadmap(path)
    if place.code.exists():
        shutil.rmtree(place.code)
    place.code.mkdir(parents=True)
    checked = check_command(_without_data(roadmap), folder, place.code)
    if checked.problems:
        raise RoadmapError(str(path), checked.problems)
    spec = TaskSpec(str(place.code.resolve()), "", str(folder), command=checked.facts["command"])
    return jobs.from_json(jobs.to_json(Job("", "", spec, {}, 0, 0, 1, 1))).task


def _without_data(roadmap: Roadmap) -> Roadmap:
    """Whether the data's files are here is the script's to find out."""
    return replace(roadmap, data=roadmap.data.model_copy(update={"files": []}))


def _identity(job: Job, place: Place) -> dict[str, Any]:
    """All that results depend on."""
    body = {name: value for name, value in jobs.to_json(job).items() if name not in _NO_RESULT}
    body["task"] = {**asdict(job.task), "code": hash_code(place.code)}
    for name in ("workers", "pin_memory"):
        del body["data"][name]
    return body


def _source(path: Path) -> dict[str, str]:
    """SHA-256 of the task's files, by reading alone."""
    if path.suffix == ".toml":
        return {path.name: sha256(path)}
    return {name: sha256(file) for name, file in local_modules(path.resolve()).items()}


def _changed(before: Mapping[str, Any], after: Mapping[str, Any], at: str = "") -> list[str]:
    found: list[str] = []
    for name in dict.fromkeys([*before, *after]):
        old, new = before.get(name), after.get(name)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            found += _changed(old, new, f"{at}{name}.")
        elif old != new:
            found.append(f"{at}{name}")
    return found
