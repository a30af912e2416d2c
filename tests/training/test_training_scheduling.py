"""Schedules as they are followed: torch's own sequences, warm-ups by the update, what cannot be followed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from tests.support.trials import BLOBS, Told, make_job, train, write_task

from staycourse.core.job import TaskSpec
from staycourse.core.schedules import Schedule
from staycourse.task.contract import Setup
from staycourse.training.scheduling import BadSchedule, Scheduled

HORIZON = 12
OURS: dict[str, dict[str, Any]] = {
    "StepLR": {"step_size": 4},
    "MultiStepLR": {"milestones": [3, 7], "gamma": 0.5},
    "ConstantLR": {"factor": 0.25, "total_iters": 3},
    "LinearLR": {"start_factor": 1.0, "end_factor": 0.1},
    "ExponentialLR": {"gamma": 0.9},
    "PolynomialLR": {"power": 2.0},
    "CosineAnnealingLR": {"eta_min": 1e-5},
    "CosineAnnealingWarmRestarts": {"T_0": 3, "T_mult": 2},
    "CyclicLR": {"base_lr": 0.01, "max_lr": 0.2, "step_size_up": 3},
    "OneCycleLR": {"pct_start": 0.25},
}
GIVEN_BY_US: dict[str, dict[str, Any]] = {
    "LinearLR": {"total_iters": HORIZON},
    "PolynomialLR": {"total_iters": HORIZON},
    "CosineAnnealingLR": {"T_max": HORIZON},
    "OneCycleLR": {"total_steps": HORIZON, "max_lr": [0.125, 0.0625]},
}


def optimizer(kind: str = "sgd") -> torch.optim.Optimizer:
    """Two parameter groups of their own learning rates."""
    weights = [torch.nn.Parameter(torch.zeros(2)) for _ in range(2)]
    groups = [{"params": [weights[0]]}, {"params": [weights[1]], "lr": 0.0625}]
    if kind == "adam":
        return torch.optim.Adam(groups, lr=0.125)
    return torch.optim.SGD(groups, lr=0.125, momentum=0.9)


def groups_of(of: torch.optim.Optimizer) -> list[dict[str, Any]]:
    names = ("lr", "momentum", "betas")
    return [{name: group[name] for name in names if name in group} for group in of.param_groups]


@pytest.mark.parametrize("kind", ["sgd", "adam"])
@pytest.mark.parametrize("name", OURS)
def test_every_epoch_has_what_torch_itself_sets(name: str, kind: str) -> None:
    mine, theirs = optimizer(kind), optimizer(kind)
    scheduled = Scheduled(Schedule(torch=name, settings=OURS[name]), mine, Setup({}), HORIZON)
    scheduler = getattr(torch.optim.lr_scheduler, name)(theirs, **OURS[name], **GIVEN_BY_US.get(name, {}))
    seen = []
    for epoch in range(HORIZON):
        scheduled.apply(epoch)
        assert groups_of(mine) == groups_of(theirs), epoch
        seen.append(groups_of(mine)[0]["lr"])
        theirs.step()
        if epoch < HORIZON - 1:
            scheduler.step()
    assert len(set(seen)) > 1


def test_an_epochs_values_depend_on_nothing_that_was_set_before() -> None:
    schedule = Schedule(torch="OneCycleLR", settings={"pct_start": 0.25})
    there = optimizer()
    scheduled = Scheduled(schedule, there, Setup({}), HORIZON)
    straight = []
    for epoch in range(HORIZON):
        scheduled.apply(epoch)
        straight.append(groups_of(there))
    for epoch in (7, 2, 11, 0):
        scheduled.apply(epoch)
        assert groups_of(there) == straight[epoch]


def test_torchs_begins_when_the_warm_up_is_over_and_ends_at_the_horizon() -> None:
    there, alone = optimizer(), optimizer()
    warm = Scheduled(Schedule(warmup=2.5, torch="CosineAnnealingLR"), there, Setup({}), 12)
    cold = Scheduled(Schedule(torch="CosineAnnealingLR"), alone, Setup({}), 9)
    for epoch in range(3, 12):
        warm.apply(epoch)
        cold.apply(epoch - 3)
        assert groups_of(there) == groups_of(alone), epoch
    warm.apply(1)
    assert groups_of(there) == groups_of(optimizer())


def test_a_warm_up_rises_with_every_update_and_says_when_it_is_over() -> None:
    there = optimizer()
    scheduled = Scheduled(Schedule({"lr": {2: 0.5}}, 1.5), there, Setup({}), 5)
    rates = []
    for epoch in range(3):
        scheduled.apply(epoch)
        warm = scheduled.warming(epoch, 4)
        for batch in range(4):
            if warm is not None:
                warm(batch)
            rates.append([group["lr"] for group in there.param_groups])
    factors = [1 / 6, 2 / 6, 3 / 6, 4 / 6, 5 / 6, 1, 1, 1, 0.5, 0.5, 0.5, 0.5]
    assert [rate[0] for rate in rates] == pytest.approx([0.125 * factor for factor in factors])
    assert [rate[1] for rate in rates] == pytest.approx([0.0625 * factor for factor in factors])
    assert scheduled.warming(2, 4) is None


def test_a_rate_held_as_a_tensor_keeps_its_place() -> None:
    weight = torch.nn.Parameter(torch.zeros(2))
    there = torch.optim.Adam([weight], lr=torch.tensor(0.125))
    held = there.param_groups[0]["lr"]
    scheduled = Scheduled(Schedule({"lr": {2: 0.5}}, 1.0), there, Setup({}), 5)
    warm = scheduled.warming(0, 2)
    assert warm is not None
    warm(0)
    assert there.param_groups[0]["lr"] is held
    assert float(held) == 0.0625
    scheduled.apply(2)
    assert float(held) == 0.0625
    scheduled.apply(1)
    assert float(held) == 0.125


@pytest.mark.parametrize("horizon", [1, 2, 3])
@pytest.mark.parametrize("name", OURS)
def test_a_rehearsals_few_epochs_are_enough(name: str, horizon: int) -> None:
    settings = {**OURS[name], **({"pct_start": 0.5} if name == "OneCycleLR" else {})}
    for warmup in (0.0, 2.0):
        Scheduled(Schedule({}, warmup, name, settings), optimizer(), Setup({}), horizon).apply(0)


BAD = [
    (
        Schedule({"temperature": {3: 0.5}}),
        "temperature",
        "changes 'temperature', which neither optimizer nor",
    ),
    (Schedule({"momentum": {3: 0.5}}, 0.0, "OneCycleLR"), "momentum", "and OneCycleLR changes it too"),
    (
        Schedule(torch="CosineAnnealingLR", settings={"eta_mni": 1}),
        "eta_mni",
        "sets 'eta_mni', which CosineAnnealingLR does not have (did you mean 'eta_min'?)",
    ),
    (Schedule(torch="StepLR"), "torch", "lacks what StepLR needs: step_size"),
    (Schedule(torch="CyclicLR", settings={"scale_fn": "x"}), "scale_fn", "CyclicLR does not have"),
    (Schedule(torch="StepLR", settings={"step_size": 0}), "torch", "StepLR divides by zero"),
    (Schedule(torch="StepLR", settings={"step_size": "x"}), "torch", "StepLR refuses"),
    (Schedule(torch="OneCycleLR", settings={"total_steps": 5}), "torch", "refuses over 12 epochs: Tried to"),
]


@pytest.mark.parametrize(("schedule", "key", "said"), BAD)
def test_what_cannot_be_followed_says_which_key_and_why(schedule: Schedule, key: str, said: str) -> None:
    with pytest.raises(BadSchedule) as error:
        Scheduled(schedule, optimizer(), Setup({"lr": 0.1}), HORIZON)
    assert said in str(error.value)
    assert error.value.key == key


def test_a_cycle_of_momentum_needs_an_optimizer_with_one() -> None:
    there = torch.optim.Adagrad([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    with pytest.raises(BadSchedule, match="cycle_momentum"):
        Scheduled(Schedule(torch="OneCycleLR"), there, Setup({}), HORIZON)
    settings = {"cycle_momentum": False}
    Scheduled(Schedule(torch="OneCycleLR", settings=settings), there, Setup({}), HORIZON)


SCHEDULES = {
    "warm": Schedule({"lr": {3: 0.5}}, 2.5),
    "cycle": Schedule({"batch_size": {2: 2}}, 0.5, "OneCycleLR", {"pct_start": 0.4}),
}


def weights(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = torch.load(folder / "last.pt", weights_only=True)["model"]
    return found


@pytest.mark.parametrize(("schedule", "step"), [("warm", 16), ("cycle", 3), ("cycle", 29)])
def test_a_kill_and_a_resume_change_nothing(
    tmp_path: Path, blobs: TaskSpec, schedule: str, step: int
) -> None:
    """Eleven updates an epoch: in the midst of a warm-up, and behind it under torch's schedule."""
    setup = {"lr": 0.05, "batch_size": 8, "schedule": schedule, "optimizer": "adam"}
    job: dict[str, Any] = {
        "setup": setup, "schedules": SCHEDULES, "epochs": 4, "horizon": 5, "checkpoint_every": 0.0
    }  # fmt: skip
    whole = train(make_job(tmp_path / "whole", blobs, **job))
    killed = tmp_path / "killed"
    first = train(make_job(killed, blobs, **job, kill_at_step=step))
    assert first.status == -9
    second = train(make_job(killed, blobs, **job, kill_at_step=step, attempt=2))
    assert second.one("ready")["step"] == step
    assert Told(first.messages + second.messages).rows() == whole.rows()
    mine, theirs = weights(tmp_path / "whole"), weights(killed)
    assert all(torch.equal(mine[name], theirs[name]) for name in mine)


def test_a_warm_up_is_trained_with_not_only_said(tmp_path: Path, blobs: TaskSpec) -> None:
    """Without momentum the first update moves the weights by the first factor of what it else would."""
    source = BLOBS + (
        "inner = loss\n"
        "def loss(model, batch, hp):\n"
        "    if model.training: SEEN.append([p.detach().clone() for p in model.parameters()])\n"
        "    if len(SEEN) == 2 and not AT.exists(): torch.save(SEEN, AT)\n"
        "    return inner(model, batch, hp)\n"
        "from pathlib import Path\nSEEN = []\n"
    )
    moved = {}
    for name in ("constant", "warm"):
        task = write_task(tmp_path / name, source + f"AT = Path({str(tmp_path / f'{name}.pt')!r})\n")
        setup = {"lr": 0.5, "batch_size": 8, "schedule": name, "optimizer": "sgd"}
        train(make_job(tmp_path / name / "t", task, setup=setup, schedules=SCHEDULES, epochs=1, horizon=5))
        before, after = torch.load(tmp_path / f"{name}.pt")
        moved[name] = after[0] - before[0]
    expected = moved["constant"] * (1 / 11) / 2.5
    assert torch.allclose(moved["warm"], expected, rtol=1e-3, atol=1e-7)
    assert moved["constant"].abs().max() > 1e-4


def test_a_growing_batch_keeps_the_order_of_the_samples(tmp_path: Path) -> None:
    source = BLOBS + (
        "SEEN = []\n"
        "inner = loss\n"
        "def loss(model, batch, hp):\n"
        "    if model.training:\n"
        "        SEEN.append(batch[0])\n"
        "        torch.save(torch.cat(SEEN), AT)\n"
        "    return inner(model, batch, hp)\n"
        "from pathlib import Path\n"
    )
    seen, steps = [], []
    growing = {"grow": Schedule({"batch_size": {1: 2, 2: 2}})}
    for name in ("constant", "grow"):
        task = write_task(tmp_path / name, source + f"AT = Path({str(tmp_path / f'{name}.pt')!r})\n")
        setup = {"lr": 0.01, "batch_size": 8, "schedule": name}
        job = make_job(
            tmp_path / name / "t", task, setup=setup, schedules=growing, epochs=3, args={"count": 100}
        )
        steps.append(train(job).one("ended")["step"])
        seen.append(torch.load(tmp_path / f"{name}.pt"))
    assert torch.equal(*seen)
    assert steps == [30, 10 + 5 + 3]
