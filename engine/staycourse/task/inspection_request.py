"""What the child processes of a check are asked about a roadmap.

The request (keys with a default may be left out):

    task         {"code": folder of the copy, "file": path in it, "folder": the roadmap's, "args": {…}}
    space        `core.space.to_json` of the roadmap's space
    schedules    `core.schedules.to_json` of the roadmap's schedules; default {}
    horizons     the numbers of epochs that its phases make schedules for; default [1]
    setups       further set-ups to try, in part or whole, those of a `compare` phase say; default []
    seed         the roadmap's
    metrics      [{"name": …, "path": key path}]: metrics that the roadmap asks for; or plain names
    largest_batch  the largest batch size that may come up; default: of the space
    validation   share held out; default 0.2
    shares       shares of the data that phases take; default [1.0]
    files        `[data] files`; default []
    trusted      `[data] trusted`; default false
    buffer       `[data] buffer`, in bytes; default 1 GiB
    epoch_steps  the updates that count as an epoch; default null
    exact        `[data] exact`; default true
    training     fields of `core.job.TrainingSpec`; default {}
    device       "cpu" or "cuda:0"; default "cpu"
    origin       the folder that the task was copied from; default: the roadmap's
    fingerprint_method  that of an earlier fingerprint, to take this one alike; default null
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from staycourse.core import schedules
from staycourse.core import space as spaces
from staycourse.core.phases.base import Phase
from staycourse.core.problems import KeyPath
from staycourse.core.roadmap import Roadmap
from staycourse.core.space import Choice, Fixed, Interval


def inspection_request(roadmap: Roadmap, folder: Path, code: Path, task_file: Path) -> dict[str, Any]:
    """The request that `staycourse.task.inspection` documents."""
    return {
        "task": {
            "code": str(code),
            "file": task_file.name,
            "folder": str(folder),
            "args": dict(roadmap.task.args),
            "has_files": bool(roadmap.data.files),
        },
        "space": spaces.to_json(roadmap.space),
        "schedules": schedules.to_json(roadmap.schedules),
        "horizons": sorted({planned.epochs_per_trial for planned in roadmap.plan()}),
        "setups": [setup for phase in roadmap.phases for setup in _named_setups(phase)],
        "seed": roadmap.seed,
        "metrics": _metrics(roadmap),
        "largest_batch": _largest_batch(roadmap),
        "validation": roadmap.data.validation,
        "shares": sorted({_share(phase) for phase in roadmap.phases}),
        "files": [_filled(pattern, roadmap) for pattern in roadmap.data.files],
        "trusted": roadmap.data.trusted,
        "buffer": roadmap.data.buffer,
        "epoch_steps": roadmap.training.epoch,
        "exact": roadmap.data.exact,
        "training": roadmap.training.model_dump(exclude={"epoch", "validate_every"}),
        "device": "cpu",
        "origin": str(task_file.parent),
    }


def search_request(roadmap: Roadmap, phase: Phase) -> dict[str, Any]:
    """The request that `staycourse.search.repeatable` takes."""
    spec = phase.search()
    assert spec is not None
    return {
        "space": spaces.to_json(roadmap.space),
        "optimizer": spec.optimizer,
        "seed": 0,
        "goal": roadmap.objective.goal,
        "budget": spec.budget,
        "parallel": spec.parallel,
    }


def _named_setups(phase: Phase) -> list[dict[str, Any]]:
    """The set-ups of a compare phase, which need not be options of the space's ranges."""
    return [named.values for named in getattr(phase, "setups", [])]


def _metrics(roadmap: Roadmap) -> list[dict[str, Any]]:
    """Every metric that the roadmap names, with its key path."""
    found: list[tuple[str, KeyPath]] = [(roadmap.objective.metric, ("objective", "metric"))]
    for at, phase in enumerate(roadmap.phases):
        stop, finish = getattr(phase, "stop", None), getattr(phase, "finish", None)
        if stop is not None and stop.metric:
            found.append((stop.metric, ("phase", at, "stop", "metric")))
        if finish is not None and finish.stop is not None and finish.stop.metric:
            found.append((finish.stop.metric, ("phase", at, "finish", "stop", "metric")))
    return [{"name": name, "path": list(path)} for name, path in found]


def _largest_batch(roadmap: Roadmap) -> int | None:
    """The largest batch that a set-up may ask for before any schedule grows it; None for the default."""
    if "batch_size" not in roadmap.space.names:
        return None
    h = roadmap.space.get("batch_size")
    if isinstance(h, Interval):
        sizes = [int(here.high) for here in roadmap.space.ranges(h).values()]
    else:
        assert isinstance(h, (Choice, Fixed))
        options = h.options if isinstance(h, Choice) else (h.value,)
        sizes = [int(option) for option in options if not isinstance(option, str)]
    for phase in roadmap.phases:
        points = getattr(phase, "points", {}).get("batch_size")
        sizes += [int(p) for p in points if not isinstance(p, str)] if isinstance(points, list) else []
    return max(sizes, default=None)


def _share(phase: Phase) -> float:
    share = getattr(phase, "data", 1.0)
    return float(share) if isinstance(share, (int, float)) else 1.0


def _filled(pattern: str, roadmap: Roadmap) -> str:
    """`{args.name}` replaced by the task's argument of that name."""
    for name, value in roadmap.task.args.items():
        pattern = pattern.replace("{args." + name + "}", str(value))
    return pattern
