"""Optimizers by name, with what of the set-up is an argument of theirs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from tests.support.trials import BLOBS, make_job, train, write_task

from staycourse.core.problems import UserError
from staycourse.task.contract import Setup, Task
from staycourse.training import optimizers


def build(tmp_path: Path, setup: dict[str, Any], source: str = BLOBS) -> torch.optim.Optimizer:
    task = Task.load(write_task(tmp_path, source))
    return optimizers.build(task, torch.nn.Linear(3, 3), Setup(setup))


@pytest.mark.parametrize(
    "name", ["sgd", "SGD", "Adam", "adamw", "RMSprop", "rmsprop", "nadam", "Adagrad", "Rprop"]
)
def test_any_class_of_torch_by_its_name(tmp_path: Path, name: str) -> None:
    optimizer = build(tmp_path, {"optimizer": name, "lr": 0.125, "batch_size": 4, "dropout": 0.5})
    assert type(optimizer).__name__.lower() == name.lower()
    assert optimizer.param_groups[0]["lr"] == 0.125


def test_what_is_an_argument_goes_to_it_and_nothing_else(tmp_path: Path) -> None:
    setup = {
        "optimizer": "sgd",
        "momentum": 0.9,
        "nesterov": True,
        "weight_decay": 0.01,
        "lr": 0.1,
        "amsgrad": True,
    }
    (group,) = build(tmp_path, setup).param_groups
    assert (group["momentum"], group["nesterov"], group["weight_decay"]) == (0.9, True, 0.01)
    assert "amsgrad" not in group


def test_defaults_are_adamw_and_its_own_rate(tmp_path: Path) -> None:
    optimizer = build(tmp_path, {})
    assert isinstance(optimizer, torch.optim.AdamW)
    assert (
        optimizer.param_groups[0]["lr"]
        == torch.optim.AdamW([torch.ones(1, requires_grad=True)]).defaults["lr"]
    )
    assert optimizers.batch_size(Setup({})) == 32


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(optimizers.UnknownOptimizer, match="did you mean 'adamw'"):
        optimizers.find("adamww")
    with pytest.raises(optimizers.UnknownOptimizer, match="several times a step"):
        optimizers.find("LBFGS")


def test_the_tasks_own_optimizer_wins(tmp_path: Path) -> None:
    source = BLOBS + "def optimizer(model, hp): return torch.optim.SGD(model.parameters(), lr=hp.lr * 2)\n"
    optimizer = build(tmp_path, {"optimizer": "adam", "lr": 0.25}, source)
    assert isinstance(optimizer, torch.optim.SGD)
    assert optimizer.param_groups[0]["lr"] == 0.5
    with pytest.raises(UserError, match="returns int"):
        build(tmp_path, {}, BLOBS + "def optimizer(model, hp): return 3\n")


def test_a_model_without_anything_to_train_is_refused(tmp_path: Path) -> None:
    task = Task.load(write_task(tmp_path, BLOBS))
    with pytest.raises(UserError, match="no parameter"):
        optimizers.build(task, torch.nn.ReLU(), Setup({}))


def test_frozen_parameters_are_left_out(tmp_path: Path) -> None:
    source = BLOBS.replace("    return nn.Sequential(", "    nn_ = nn.Sequential(").replace(
        "nn.Linear(args.hidden, 2))\n",
        "nn.Linear(args.hidden, 2))\n    nn_[0].requires_grad_(False)\n    return nn_\n",
    )
    told = train(make_job(tmp_path / "t", write_task(tmp_path, source), epochs=1))
    assert told.one("ready")["parameters"] == 8 * 2 + 2
