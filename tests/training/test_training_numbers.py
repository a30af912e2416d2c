"""The numbers of a trial against a textbook loop and a hand count."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.support.trials import BLOBS, make_job, train, write_task
from torch import nn

from staycourse.core.job import Job, TaskSpec
from staycourse.core.schedules import Schedule
from staycourse.training.checkpoint import Checkpoints
from staycourse.training.loop import Loop
from staycourse.training.messages import Events, Orders
from staycourse.training.trial import Trial

# No randomness in a step, so that a textbook loop can follow it.
PLAIN = BLOBS.replace('hp.get("dropout", 0.1)', "0.0")


class Collected:
    """Keeps what is said."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, int], float] = {}

    def send(self, message: dict[str, Any]) -> None:
        if message["type"] == "metrics":
            self.rows |= {(name, step): value for name, step, _, value in message["rows"]}


def run(job: Job) -> tuple[Trial, dict[tuple[str, int], float]]:
    """A trial in this process; returns it and its metric rows."""
    torch.set_num_threads(1)
    trial, said = Trial.prepare(job), Collected()
    Loop(trial, Checkpoints(Path(job.folder)), Events(said), Orders(None)).run()
    trial.loader.close()
    return trial, said.rows


def test_training_equals_a_textbook_loop_to_the_last_bit(tmp_path: Path) -> None:
    job = make_job(
        tmp_path / "t", write_task(tmp_path, PLAIN), setup={"lr": 0.01, "batch_size": 8, "optimizer": "SGD"}
    )
    trial, rows = run(job)
    other = Trial.prepare(job)
    model, optimizer = other.model, torch.optim.SGD(other.model.parameters(), lr=0.01)
    x, y = other.data.train.dataset.tensors
    at = torch.tensor(other.data.train.indices)
    losses = []
    for epoch in (1, 2, 3):
        order = at[other.randomness.order(epoch, len(at))]
        for batch in order.split(8):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x[batch]), y[batch])
            loss.backward()
            optimizer.step()
            losses.append((loss.item(), len(batch)))
    assert all(torch.equal(a, b) for a, b in zip(trial.model.parameters(), model.parameters(), strict=True))
    assert [rows["train_loss_step", step] for step in range(1, 34)] == [value for value, _ in losses]
    for epoch in (1, 2, 3):
        these = losses[11 * (epoch - 1) : 11 * epoch]
        assert [size for _, size in these] == [8] * 10 + [2]
        mean = sum(value * size for value, size in these) / 82
        assert rows["train_loss", 11 * epoch] == pytest.approx(mean, rel=1e-15)


def test_validation_is_averaged_by_sample_count(tmp_path: Path) -> None:
    job = make_job(tmp_path / "t", write_task(tmp_path, PLAIN), epochs=1)
    trial, rows = run(job)
    assert trial.data.validation is not None
    x, y = trial.data.validation.dataset.tensors
    held = torch.tensor(trial.data.validation.indices)
    assert len(held) == 21, "an unequal last batch"
    trial.model.eval()
    with torch.no_grad():
        every = nn.functional.cross_entropy(trial.model(x[held]), y[held], reduction="none").double()
        right = (trial.model(x[held]).argmax(1) == y[held]).double()
    assert rows["val_loss", 11] == pytest.approx(every.mean().item(), rel=1e-6)
    assert rows["accuracy", 11] == pytest.approx(right.mean().item(), rel=1e-6)


def test_windows_are_means_of_their_steps(tmp_path: Path) -> None:
    job = make_job(tmp_path / "t", write_task(tmp_path, PLAIN), epochs=1, args={"count": 1005})
    _, rows = run(job)
    steps = sorted(step for name, step in rows if name == "train_loss_step")
    assert steps == [*range(6, 101, 6), 101], "804 samples in 101 steps, windows of ceil(101 / 20)"
    weighted = sum(rows["train_loss_step", step] * 48 for step in steps[:-1])
    last = 36 * rows["train_loss_step", 101]
    assert rows["train_loss", 101] == pytest.approx((weighted + last) / 804, rel=1e-12)


def test_schedules_against_a_hand_count(tmp_path: Path) -> None:
    setup = {"lr": 0.08, "batch_size": 8, "schedule": "hybrid", "weight_decay": 0.1}
    steps = {"lr": {2: 0.5, 4: 0.1}, "batch_size": {1: 2, 3: 1.5}, "weight_decay": {3: 0.0}}
    job = make_job(
        tmp_path / "t",
        write_task(tmp_path, PLAIN),
        setup=setup,
        schedules={"hybrid": Schedule(steps)},
        epochs=5,
    )
    trial, rows = run(job)
    sizes = [8, 16, 16, 24, 24]
    steps = [math.ceil(82 / size) for size in sizes]
    ends = [sum(steps[: at + 1]) for at in range(5)]
    assert [rows["batch_size", end] for end in ends] == sizes
    assert [rows["lr", end] for end in ends] == [0.08, 0.08, 0.04, 0.04, 0.08 * (0.5 * 0.1)]
    assert max(step for _, step in rows) == ends[-1] == 11 + 6 + 6 + 4 + 4
    assert trial.optimizer.param_groups[0]["weight_decay"] == 0.0


def test_a_schedule_may_change_what_the_task_reads(tmp_path: Path) -> None:
    source = (
        PLAIN + "def evaluate(model, loader, hp):\n    return {'seen': hp['temperature'], 'count': hp['k']}\n"
    )
    setup = {"lr": 0.01, "batch_size": 8, "temperature": 4.0, "k": 10, "schedule": "cool"}
    schedules = {"cool": Schedule({"temperature": {1: 0.5}, "k": {2: 0.25}})}
    job = make_job(tmp_path / "t", write_task(tmp_path, source), setup=setup, schedules=schedules)
    _, rows = run(job)
    assert [rows["seen", 11 * epoch] for epoch in (1, 2, 3)] == [4.0, 2.0, 2.0]
    assert [rows["count", 11 * epoch] for epoch in (1, 2, 3)] == [10, 10, 2]


def test_a_last_batch_of_one_sample_is_left_out_of_training_and_said(tmp_path: Path) -> None:
    source = PLAIN.replace("nn.ReLU()", "nn.BatchNorm1d(args.hidden)")
    told = train(make_job(tmp_path / "t", write_task(tmp_path, source), args={"count": 101}, epochs=2))
    assert told.one("ready")["train_samples"] == 81
    assert any("single sample" in note for note in told.one("ready")["notes"])
    assert told.one("ended")["step"] == 20


def test_validating_every_few_epochs_validates_the_last_one_too(tmp_path: Path) -> None:
    job = make_job(tmp_path / "t", write_task(tmp_path, PLAIN), validate_every=3, epochs=7, horizon=7)
    _, rows = run(job)
    assert sorted(step // 11 for name, step in rows if name == "val_loss") == [3, 6, 7]


def test_a_miniature_has_short_epochs_and_checkpoints_at_each(tmp_path: Path, blobs: TaskSpec) -> None:
    told = train(make_job(tmp_path / "t", blobs, batches_per_epoch=2, epochs=2))
    assert told.one("ended")["step"] == 4
    assert [message["epoch"] for message in told.all("checkpoint")] == [1, 2]


def test_the_objective_can_be_named_with_or_without_its_prefix(tmp_path: Path) -> None:
    told = train(make_job(tmp_path / "t", write_task(tmp_path, PLAIN), metric="val_accuracy", goal="max"))
    curve = told.curve("accuracy")
    best = max(range(3), key=lambda at: curve[at])
    assert told.one("ended")["best"] == {"epoch": best + 1, "value": curve[best]}
    assert [value for _, value in told.one("ended")["curve"]] == curve


def test_a_metric_that_is_never_reported_is_an_error(tmp_path: Path, blobs: TaskSpec) -> None:
    failed = train(make_job(tmp_path / "t", blobs, metric="acuracy", goal="max")).one("failed")
    assert "'acuracy' is never reported" in failed["error"]
    assert "did you mean 'accuracy'?" in failed["error"]


def test_a_teacher_is_frozen_and_not_checkpointed(tmp_path: Path) -> None:
    source = PLAIN.replace("def loss(model, batch, hp):", "def loss(model, batch, hp, teacher, epoch):") + (
        "def teacher(args): return nn.Linear(4, 2)\n"
        "def evaluate(model, loader, teacher, epoch):\n"
        "    return {'frozen': not any(p.requires_grad for p in teacher.parameters()), 'at': epoch}\n"
    )
    told = train(make_job(tmp_path / "t", write_task(tmp_path, source), epochs=2))
    assert (told.curve("frozen"), told.curve("at")) == ([1, 1], [1, 2])
    saved = torch.load(tmp_path / "t/last.pt", weights_only=True)
    assert not any("teacher" in name for name in saved["model"])
