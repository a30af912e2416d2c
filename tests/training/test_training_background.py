"""Large checkpoints are written beside the training: same numbers, nothing half, nothing lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from tests.support.trials import BLOBS, RunningWorker, Told, make_job, train, write_task

# 24 MB with AdamW's moments: large enough for the helper thread.
LARGE = (
    BLOBS.replace("nn.Linear(4, args.hidden), nn.ReLU(), dropout,", "Wide(args.hidden), dropout,")
    + """
class Wide(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        wide = nn.Linear(4, 1000), nn.ReLU(), nn.Linear(1000, 2000), nn.Linear(2000, hidden)
        self.layers = nn.Sequential(*wide)
        self.norm = nn.BatchNorm1d(hidden)
    def forward(self, x): return self.norm(self.layers(x))
"""
)
OFTEN: dict[str, Any] = {"epochs": 2, "checkpoint_every": 0.0, "setup": {"lr": 0.001, "batch_size": 16}}


def state(folder: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = torch.load(folder / "last.pt", weights_only=True)
    return loaded


def test_training_goes_on_while_a_checkpoint_is_written(tmp_path: Path) -> None:
    task = write_task(tmp_path, LARGE)
    job = {**OFTEN, "epochs": 8}
    rare = train(make_job(tmp_path / "rare", task, **{**job, "checkpoint_every": 1e9}))
    often = train(make_job(tmp_path / "often", task, **{**job, "checkpoint_every": 0.1}))
    assert often.rows() == rare.rows()
    assert all(
        torch.equal(value, state(tmp_path / "rare")["model"][name])
        for name, value in state(tmp_path / "often")["model"].items()
    )
    seen, overtaken, steps = 0, 0, []
    for message in often.messages:
        if message["type"] == "metrics":
            seen = max(seen, *(row[1] for row in message["rows"]))
        elif message["type"] == "checkpoint":
            steps.append(message["step"])
            overtaken += seen > message["step"]
    assert steps == sorted(steps)
    assert overtaken > 0, "no step was made while one was written"


@pytest.mark.parametrize("step", [3, 8])
def test_a_kill_while_a_checkpoint_is_written_loses_that_one_alone(tmp_path: Path, step: int) -> None:
    task = write_task(tmp_path, LARGE)
    whole = train(make_job(tmp_path / "whole", task, **OFTEN))
    first = train(make_job(tmp_path / "t", task, **OFTEN, kill_at_step=step))
    assert first.status == -9
    second = train(make_job(tmp_path / "t", task, **OFTEN, attempt=2))
    assert second.one("ready")["step"] <= step
    assert Told(first.messages + second.messages).rows() == whole.rows()
    assert all(
        torch.equal(value, state(tmp_path / "whole")["model"][name])
        for name, value in state(tmp_path / "t")["model"].items()
    )


def test_an_order_to_stop_leaves_the_newest_state_on_disk(tmp_path: Path) -> None:
    task = write_task(tmp_path, LARGE)
    job = {**OFTEN, "epochs": 2000}
    worker = RunningWorker(make_job(tmp_path / "t", task, **job))
    worker.wait_for("checkpoint")
    worker.order({"order": "stop"})
    told = worker.finish()
    assert told.one("interrupted")["step"] == state(tmp_path / "t")["state"]["step"]


def test_a_written_copy_is_what_a_state_dict_holds(tmp_path: Path) -> None:
    """With the versions of its modules, without which old layers load differently."""
    train(make_job(tmp_path / "t", write_task(tmp_path, LARGE), **{**OFTEN, "epochs": 1}))
    for name in ("last.pt", "last.prev.pt"):
        model = torch.load(tmp_path / "t" / name, weights_only=False)["model"]
        assert model._metadata["0.norm"]["version"] == 2
