"""Trainings that are held up, and one that is not, as their supervisor sees them."""

from __future__ import annotations

import json
import re

import pytest
from tests.support.tiny import Place, write_roadmap

from staycourse.client import RunClient

pytestmark = pytest.mark.slow

TASK = '''
"""One of three habits: data that takes its time, values kept with their graphs, or neither."""

import time

import torch
from torch import nn
from torch.utils.data import Dataset

SLOW = []
KEPT = []


class Points(Dataset):
    def __init__(self):
        self.points = torch.randn(100, 512)

    def __len__(self):
        return len(self.points)

    def __getitem__(self, index):
        if SLOW:
            time.sleep(0.007)
        return self.points[index], int(self.points[index].sum() > 0)


def dataset(args):
    return Points()


def model(args, hp):
    SLOW.extend(["yes"] * (hp["habit"] == "slow data"))
    return nn.Sequential(nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 2))


def loss(model, batch, hp, stage):
    points, labels = batch
    if stage == "train":
        time.sleep(0.005 if hp["habit"] == "slow data" else 0.05)
        if hp["habit"] == "keeps losses":
            KEPT.append(model(points.repeat(50, 1)).square().mean())
            time.sleep(0.0008 * len(KEPT))
    return nn.functional.cross_entropy(model(points), labels)
'''
HABITS = ["slow data", "keeps losses", "neither"]


def test_each_habit_is_told_of_its_own_trial_in_ledger_report_and_views(place: Place) -> None:
    path = write_roadmap(
        place.folder,
        task=TASK,
        space={"lr": 1e-3, "batch_size": 8, "habit": {"choice": HABITS}},
        data={"workers": 0},
        limits={"slots": 3},
        phases=[{"kind": "grid", "points": {"habit": HABITS}, "epochs": 7, "keep": 1}],
    )
    done = place.run("run", path, "--no-ui")
    assert done.returncode == 0, done.stdout + done.stderr
    bodies = [
        json.loads(body) for (body,) in place.rows("SELECT body FROM ledger WHERE kind = 'slow-down seen'")
    ]
    told: dict[str, dict[str, str]] = {}
    for body in bodies:
        told.setdefault(body["trial"], {}).setdefault(body["slowdown"], body["text"])
    assert set(told) == {"t1", "t2"} and set(told["t1"]) == {"starved"}
    starved = told["t1"]["starved"]
    assert re.match(r"starved: \d\d% of a step waits for data; no workers, \d+ would do", starved)
    assert f"t1: {starved}" in done.stdout
    # On a busy machine memory is seen to grow before time is.
    assert set(told["t2"]) <= {"growing", "growing memory"}
    for text in told["t2"].values():
        assert re.search(r"memory .*\d to [\d.]+ [MG]iB.*: losses kept with their graphs\?$", text)

    trials = {trial.id: trial for trial in RunClient(place.runs / "tiny-1").poll().trials}
    assert len(trials["t1"].slowdowns) == 1 and trials["t2"].slowdowns and trials["t3"].slowdowns == ()
    names = {name for (name,) in place.rows("SELECT DISTINCT name FROM timing WHERE trial = 't3'")}
    assert names >= {"epoch_s", "epoch_trend", "epoch_rss_bytes", "validation_wait_s"}
    report = (place.runs / "tiny-1" / "report.md").read_text(encoding="utf-8")
    assert "2 of 3 trials were held up" in report and "set `workers` under `[data]`" in report
    verified = place.run("verify", "tiny-1")
    assert verified.returncode == 0, verified.stdout
