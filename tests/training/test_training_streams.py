"""Data sets without an order: what an epoch is, that a resume goes on, and what cannot be done with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from tests.support.trials import BLOBS, make_job, train, write_task

from staycourse.core.job import DataSpec
from staycourse.task.contract import Task
from staycourse.training.data import DataError, EpochError, prepare

STREAM = (
    BLOBS.replace("    return TensorDataset(x, (x.sum(1) > 0).long())", "    return Stream(args), held(x)")
    + """
import random
def held(x): return TensorDataset(x[:20], (x[:20].sum(1) > 0).long())
class Stream(torch.utils.data.IterableDataset):
    def __init__(self, args): self.args, self.epoch = args, 0
    def set_epoch(self, epoch): self.epoch = epoch
    def __iter__(self):
        print("pass of epoch", self.epoch)
        for _ in range(self.args.count):
            x = torch.randn(4) + random.random()
            yield x, int(x.sum() > 2)
"""
)
SETUP = {"lr": 0.01, "batch_size": 8, "dropout": 0.2}


def spec(**more: Any) -> dict[str, Any]:
    return {"workers": 0, "epoch_steps": 10, **more}


def bits(folder: Path) -> list[bytes]:
    state = torch.load(folder / "last.pt", weights_only=True)["model"]
    return [value.numpy().tobytes() for value in state.values()]


def test_an_epoch_has_as_many_updates_as_it_counts(tmp_path: Path) -> None:
    """103 samples a pass, 80 an epoch: one pass each, in the middle of which the epoch ends."""
    told = train(make_job(tmp_path / "t", write_task(tmp_path, STREAM), data=spec(), setup=SETUP))
    assert told.one("ready")["data_path"] == "stream"
    assert told.one("ended")["step"] == 30
    assert len(told.curve("val_loss")) == 3
    assert [f"pass of epoch {n}" in told.log for n in (1, 2, 3)] == [True] * 3
    assert told.log.count("pass of epoch") == 3 + 1, "one more to look at the first sample"


def test_a_pass_that_ends_is_followed_by_another(tmp_path: Path) -> None:
    job = make_job(
        tmp_path / "t", write_task(tmp_path, STREAM), data=spec(), setup=SETUP, args={"count": 33}, epochs=1
    )
    told = train(job)
    assert told.one("ended")["step"] == 10
    assert told.log.count("pass of epoch 1") == 3


@pytest.mark.parametrize("step", [1, 13, 20])
def test_readers_and_interruptions_change_nothing(tmp_path: Path, step: int) -> None:
    task = write_task(tmp_path, STREAM)
    often: dict[str, Any] = {"epochs": 3, "setup": SETUP, "checkpoint_every": 0.0}
    whole = train(make_job(tmp_path / "whole", task, data=spec(), **often))
    read_ahead = spec(workers=1)
    killed = make_job(tmp_path / "t", task, data=read_ahead, **often, kill_at_step=step)
    assert train(killed).status == -9
    again = train(make_job(tmp_path / "t", task, data=read_ahead, **often, attempt=2))
    assert again.one("ready")["step"] == step
    assert again.rows() == whole.rows()
    assert bits(tmp_path / "t") == bits(tmp_path / "whole")


def test_a_stream_that_tells_its_length_needs_no_epoch(tmp_path: Path) -> None:
    source = STREAM + "Stream.__len__ = lambda self: self.args.count\n"
    data = spec(epoch_steps=None)
    told = train(make_job(tmp_path / "t", write_task(tmp_path, source), data=data, setup=SETUP, epochs=2))
    assert told.one("ended")["step"] == 2 * 13


def test_the_final_training_takes_the_stream_alone(tmp_path: Path) -> None:
    data = spec(split=False)
    told = train(make_job(tmp_path / "t", write_task(tmp_path, STREAM), data=data, setup=SETUP, epochs=1))
    assert told.one("ended")["step"] == 10
    assert told.one("ready")["validation_samples"] == 0


@pytest.mark.parametrize(
    ("source", "steps", "error", "said"),
    [
        (STREAM, None, EpochError, 'epoch = "500 steps"'),
        (BLOBS, 10, EpochError, "the data has an end"),
        (STREAM.replace("Stream(args), held(x)", "Stream(args)"), 10, DataError, "nothing can be held out"),
        (STREAM.replace("held(x)\n", "Stream(args)\n", 1), 10, DataError, "with a length and an order"),
    ],
)
def test_what_does_not_fit_together_is_told(
    tmp_path: Path, source: str, steps: int | None, error: type[DataError], said: str
) -> None:
    task = Task.load(write_task(tmp_path, source))
    with pytest.raises(error) as caught:
        prepare(task, DataSpec(epoch_steps=steps), seed=1)
    assert said in str(caught.value)
