"""A second look at the data and at what else the task uses, in a process of its own: is it as sealed?

Files are compared by content where size or time give cause to. Where samples were sealed, they are hashed
again as they were then, and decide: what a library opens without Python is seen in them alone.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from staycourse.core.job import DataSpec, TaskSpec
from staycourse.core.text import one_line
from staycourse.task import data_files
from staycourse.task.data_files import Manifest

_MOST_NAMED = 8
_SAMPLES = "the samples' content"


def main(orders_fd: int, events_fd: int) -> None:
    """Answers one line of JSON, a request of `answer`, with another; owns both descriptors."""
    from staycourse.training.output import print_to_log

    print_to_log()
    with os.fdopen(orders_fd, "rb") as orders, os.fdopen(events_fd, "wb") as events:
        try:
            told = answer(json.loads(orders.readline()))
        except (OSError, ValueError) as error:
            told = verdict([f"it cannot be looked at: {error}"], [])
        events.write(json.dumps(told).encode() + b"\n")


def answer(request: Mapping[str, Any]) -> dict[str, Any]:
    """The verdict on the data now.

    Request: {"manifest": path or null, "outside": path or null, "folder": the roadmap's, "fingerprint": the
    sealed facts, "task": as in a job, "validation": share held out, "seed": the roadmap's}.
    """
    folder = Path(request["folder"])
    others, touched = data_files.compare(folder, _manifest(request["outside"]))
    if others:
        return verdict([], touched, others=others)  # samples that other code makes would say nothing
    changed, same, beside = _of_data(request, folder)
    return verdict(changed, [*touched, *same], beside)


def _of_data(request: Mapping[str, Any], folder: Path) -> tuple[list[str], list[str], list[str]]:
    """(changed, same, beside) of the verdict."""
    manifest, sealed = _manifest(request["manifest"]), request["fingerprint"]
    changed, same = data_files.compare(folder, manifest)
    has_samples = sealed["method"].endswith(" samples")
    if manifest.kind == "covered" or not has_samples:
        return changed, same, []
    if changed and sealed["method"] != "all samples":
        return changed, same, []  # the samples that are not hashed may be those that differ
    try:
        is_same = _samples_now(request) == sealed["sha256"]
    except (Exception, SystemExit) as error:
        why = one_line(f"{type(error).__name__}: {error}")
        return changed or [f"its samples cannot be read: {why}"], same, []
    return ([], same, changed) if is_same else ([_SAMPLES, *changed], same, [])


def _manifest(path: str | None) -> Manifest:
    return Manifest.read(Path(path)) if path else Manifest("opened")


def verdict(
    changed: Sequence[str], same: Sequence[str], beside: Sequence[str] = (), others: Sequence[str] = ()
) -> dict[str, Any]:
    """`changed` is empty where the data is as sealed, `others` where the files outside the code are; `same`
    are files with a new time and their old content, `beside` those of the data that have changed and with
    them not one sample."""
    lists = {"changed": changed, "same": same, "beside": beside, "others": others}
    return {name: {"first": list(found[:_MOST_NAMED]), "count": len(found)} for name, found in lists.items()}


def _samples_now(request: Mapping[str, Any]) -> str:
    """SHA-256 of the samples, taken like the sealed one."""
    import torch

    from staycourse.task.contract import Task
    from staycourse.task.fingerprint import of_samples, sample_sets
    from staycourse.training import data

    torch.set_num_threads(1)
    os.chdir(request["folder"])
    task = Task.load(TaskSpec(**request["task"]))
    prepared = data.prepare(task, DataSpec(validation=request["validation"]), request["seed"])
    return of_samples(sample_sets(prepared), request["seed"], request["fingerprint"]["method"]).sha256
