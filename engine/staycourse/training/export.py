"""The trained weights as a user takes them away: `model.safetensors`, `setup.json`, `last.pt`."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import nn

from staycourse import __version__
from staycourse.core import schedules
from staycourse.core.canonical import plain
from staycourse.core.job import Job
from staycourse.task.sources import sha256
from staycourse.training.checkpoint import LAST, copy_durably, removed_on_error, sync_folder, write_text

WEIGHTS, SETUP = "model.safetensors", "setup.json"


def export(job: Job, model: nn.Module, epoch: int, step: int) -> dict[str, dict[str, Any]]:
    """Write all three into `job.final`, each as a whole; returns hash and size of the weights by name."""
    assert job.final is not None
    folder = Path(job.final)
    folder.mkdir(parents=True, exist_ok=True)
    last = Path(job.folder) / LAST
    _write_weights(folder / WEIGHTS, untied(model.state_dict()), last.stat().st_mode)
    write_text(
        folder / SETUP, json.dumps(plain(_setup(job, epoch, step)), indent=2, ensure_ascii=False) + "\n"
    )
    copy_durably(last, folder / LAST)
    size = (folder / WEIGHTS).stat().st_size
    return {WEIGHTS: {"sha256": sha256(folder / WEIGHTS), "bytes": size}}


def untied(state: dict[str, Any]) -> dict[str, torch.Tensor]:
    """Every tensor on the CPU, contiguous, with storage of its own.

    safetensors refuses shared storage; written once under each name, tied weights load with plain
    `model.load_state_dict(load_file(path))`.
    """
    return {
        name: tensor.detach().to("cpu", copy=True).contiguous()
        for name, tensor in state.items()
        if isinstance(tensor, torch.Tensor)
    }


def _write_weights(path: Path, tensors: dict[str, torch.Tensor], mode: int) -> None:
    """One metadata key at most: the order of several changes from process to process."""
    temporary = path.with_name(f"{path.name}.tmp")
    with removed_on_error(temporary):
        save_file(tensors, temporary, metadata={"format": "pt"})
        temporary.chmod(mode)  # safetensors lets nobody but the owner read
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
    temporary.replace(path)
    sync_folder(path.parent)


def _setup(job: Job, epoch: int, step: int) -> dict[str, Any]:
    return {
        "setup": dict(job.setup),
        "epochs": epoch,
        "steps": step,
        "horizon": job.horizon,
        "seed": job.seed,
        "repetition": job.repetition,
        "task": {"file": job.task.file, "args": dict(job.task.args)},
        "objective": {"metric": job.metric, "goal": job.goal},
        "schedules": schedules.to_json(job.schedules),
        "data": {k: v for k, v in dataclasses.asdict(job.data).items() if k != "resident"},
        "training": dataclasses.asdict(job.training),
        "trial": job.trial,
        "torch": torch.__version__,
        "staycourse": __version__,
        "weights": WEIGHTS,
    }
