import json

import pytest

from staycourse.core import job as jobs
from staycourse.core.canonical import canonical_json
from staycourse.core.job import DataSpec, Job, StopSpec, TaskSpec
from staycourse.core.metric_names import resolve
from staycourse.core.schedules import Schedule

JOB = Job(
    "t1", "/run/trials/t1", TaskSpec("/run/code", "task.py", "/home", {"hidden": 3}), {"lr": 0.1, "o": "sgd"},
    seed=7, repetition=1, epochs=5, horizon=9, stop=StopSpec(3, 2, 1e-4, "val_acc"), trial_hours=1.5,
    data=DataSpec(share=0.5, workers="4/gpu"),
    schedules={"decay": Schedule({"lr": {40: 0.5}}, 2.0), "constant": Schedule()},
    cpus=(0, 1), parent="/run/trials/t0",
)  # fmt: skip


@pytest.mark.parametrize("job", [JOB, Job("t", "f", TaskSpec("c", "f", "d"), {}, 0, 0, 1, 1)])
def test_a_job_survives_json(job):
    assert jobs.from_json(json.loads(canonical_json(jobs.to_json(job)))) == job


def test_the_rules_of_a_job_in_the_order_of_asking():
    assert [rule.describe() for rule in JOB.rules()] == [
        "5 epochs at most",
        "no better val_acc for 3 epochs, by more than 0.0001, not before epoch 2",
        "1.5 hours at most",
    ]


@pytest.mark.parametrize(
    ("metric", "goal"),
    [("val_loss", "min"), ("accuracy", "max"), ("train_loss", "min"), ("val_wer", "min"), ("val_f1", "max")],
)
def test_another_metric_to_stop_by_has_the_goal_of_its_name(metric, goal):
    assert jobs.goal_of(metric, "accuracy", "max") == goal


def test_the_ranking_metric_keeps_its_goal_whatever_it_is_called():
    assert jobs.goal_of("odd_loss", "odd_loss", "max") == "max"


def test_metrics_are_found_with_and_without_the_prefix():
    assert resolve("val_acc", ["acc", "val_loss"]) == "acc"
    assert resolve("acc", ["val_acc"]) == "val_acc"
    assert resolve("val_acc", ["acc", "val_acc"]) == "val_acc"
    assert resolve("f1", ["acc"]) is None
