"""`[training]`: what each option does to the weights, and that none of it is lost in a crash."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from tests.support.trials import BLOBS, Told, make_job, train, write_task

from staycourse.core.job import TaskSpec, TrainingSpec

SGD = {"lr": 0.1, "batch_size": 16, "optimizer": "sgd"}
NO_DROPOUT = SGD | {"dropout": 0.0}


def state_of(folder: Path) -> dict[str, Any]:
    state: dict[str, Any] = torch.load(folder / "last.pt", weights_only=True)
    return state


def weights(folder: Path) -> torch.Tensor:
    return torch.cat([value.flatten() for value in state_of(folder)["model"].values()])


def trained(folder: Path, task: TaskSpec, training: TrainingSpec | None = None, **changes: Any) -> Told:
    values: dict[str, Any] = {"setup": NO_DROPOUT, "epochs": 2, **changes}
    told = train(make_job(folder, task, training=training or TrainingSpec(), **values))
    assert told.all("ended"), told.messages
    return told


@pytest.mark.parametrize("at_once", [1, 3, 5, 16])
def test_fewer_samples_at_once_make_the_same_updates(tmp_path: Path, blobs: TaskSpec, at_once: int) -> None:
    whole = trained(tmp_path / "whole", blobs)
    parts = trained(tmp_path / "parts", blobs, TrainingSpec(at_once=at_once))
    assert parts.one("ended")["step"] == whole.one("ended")["step"]
    assert parts.curve("val_loss") == pytest.approx(whole.curve("val_loss"), rel=1e-4)
    assert torch.allclose(weights(tmp_path / "parts"), weights(tmp_path / "whole"), atol=1e-6)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_validation_that_memory_does_not_hold_is_cut_as_well(
    tmp_path: Path, blobs: TaskSpec, workers: int
) -> None:
    """Only then: the batch at which it fits is known from no training."""
    hungry = BLOBS.replace(
        "def loss(",
        "def loss(model, batch, stage):\n"
        "    if stage == 'validation' and len(batch[0]) > 5:\n"
        "        raise torch.OutOfMemoryError('CUDA out of memory')\n"
        "    return loss_of(model, batch, None)\n\n"
        "def loss_of(",
    )
    (tmp_path / "hungry").mkdir()
    task = write_task(tmp_path / "hungry", hungry)
    cut = TrainingSpec(at_once=3)
    told = trained(tmp_path / "cut", task, cut, data={"workers": workers})
    whole = trained(tmp_path / "whole", blobs, cut, data={"workers": workers})
    assert told.curve("val_loss") == pytest.approx(whole.curve("val_loss"), rel=1e-5)
    assert told.curve("train_loss") == whole.curve("train_loss")
    (failed,) = train(make_job(tmp_path / "t", task, setup=NO_DROPOUT)).all("failed")
    assert failed["failure"] == "out of memory"


def test_accumulated_batches_make_the_update_of_one_large_batch(tmp_path: Path, blobs: TaskSpec) -> None:
    large = trained(tmp_path / "large", blobs)
    small = trained(
        tmp_path / "small", blobs, TrainingSpec(accumulate=4), setup=NO_DROPOUT | {"batch_size": 4}
    )
    assert small.one("ended")["step"] == large.one("ended")["step"]
    assert torch.allclose(weights(tmp_path / "small"), weights(tmp_path / "large"), atol=1e-6)


def test_no_pass_of_several_samples_is_left_with_one(tmp_path: Path) -> None:
    """Batch normalisation refuses a single sample: 82 samples in updates of 8 end in one of 2."""
    norm = BLOBS.replace("nn.ReLU()", "nn.BatchNorm1d(args.hidden), nn.ReLU()")
    task = write_task(tmp_path, norm)
    for at_once in (2, 3, 5, 7):
        trained(
            tmp_path / f"t-{at_once}",
            task,
            TrainingSpec(at_once=at_once),
            setup=NO_DROPOUT | {"batch_size": 8},
            epochs=1,
        )


def test_clipping_bounds_what_an_update_changes(tmp_path: Path, blobs: TaskSpec) -> None:
    one_step = {"epochs": 1, "batches_per_epoch": 1}
    trained(tmp_path / "start", blobs, setup=NO_DROPOUT | {"lr": 0.0}, **one_step)
    trained(tmp_path / "free", blobs, **one_step)
    trained(tmp_path / "clipped", blobs, TrainingSpec(grad_clip=0.01), **one_step)
    start = weights(tmp_path / "start")
    moved = {name: (weights(tmp_path / name) - start).norm().item() for name in ("free", "clipped")}
    assert moved["clipped"] == pytest.approx(0.1 * 0.01, rel=1e-3)
    assert moved["free"] > 5 * moved["clipped"]


def test_averaged_weights_are_what_is_validated_and_kept(tmp_path: Path, blobs: TaskSpec) -> None:
    plain = trained(tmp_path / "plain", blobs, epochs=3)
    told = trained(tmp_path / "ema", blobs, TrainingSpec(ema=0.9), epochs=3, final=str(tmp_path / "final"))
    assert torch.equal(weights(tmp_path / "plain"), weights(tmp_path / "ema")), "training goes on as without"
    assert told.curve("train_loss") == plain.curve("train_loss")
    assert told.curve("val_loss") != plain.curve("val_loss")
    state = state_of(tmp_path / "ema")
    average = {
        name.removeprefix("module."): value
        for name, value in state["stepper"]["average"].items()
        if name.startswith("module.")
    }
    assert all(not torch.equal(average[name], value) for name, value in state["model"].items())
    best = torch.load(tmp_path / "ema" / "best.pt", weights_only=True)
    assert best["epoch"] == 3
    assert all(torch.equal(best["model"][name], value) for name, value in average.items())


OPTIONS = {
    "accumulate": TrainingSpec(accumulate=3),
    "at-once": TrainingSpec(at_once=3),
    "clip": TrainingSpec(grad_clip=0.1),
    "ema": TrainingSpec(ema=0.95),
    "bf16": TrainingSpec(precision="bf16"),
    "fp16": TrainingSpec(precision="fp16", grad_clip=1.0, ema=0.9),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_a_kill_and_a_resume_change_nothing(tmp_path: Path, blobs: TaskSpec, name: str) -> None:
    often: dict[str, Any] = {"checkpoint_every": 0.0, "epochs": 2, "setup": {"lr": 0.01, "batch_size": 8}}
    whole = train(make_job(tmp_path / "whole", blobs, training=OPTIONS[name], **often))
    killed = make_job(tmp_path / "t", blobs, training=OPTIONS[name], **often, kill_at_step=4)
    assert train(killed).status == -9
    again = train(make_job(tmp_path / "t", blobs, training=OPTIONS[name], **often, attempt=2))
    assert again.one("ready")["step"] == 4
    assert again.rows() == whole.rows()
    assert torch.equal(weights(tmp_path / "t"), weights(tmp_path / "whole"))


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_lower_precision_is_used_in_training_and_in_validation(
    tmp_path: Path, precision: str, blobs: TaskSpec
) -> None:
    seen = """
inner = loss
def loss(model, batch, hp):
    x, y = batch
    TYPES.add((model.training, str(model(x).dtype)))
    print(sorted(TYPES))
    return inner(model, batch, hp)
TYPES = set()
"""
    task = write_task(tmp_path, BLOBS + seen)
    told = trained(tmp_path / "t", task, TrainingSpec(precision=precision), epochs=1)
    expected = {"bf16": "torch.bfloat16", "fp16": "torch.float16"}[precision]
    assert f"[(False, '{expected}'), (True, '{expected}')]" in told.log
    assert all(value.dtype is torch.float32 for value in state_of(tmp_path / "t")["model"].values())
    whole = trained(tmp_path / "fp32", blobs, epochs=1)
    assert told.curve("val_loss") == pytest.approx(whole.curve("val_loss"), rel=0.05)


def test_an_update_that_overflows_in_fp16_is_left_out_and_the_scale_halved(tmp_path: Path) -> None:
    """The loss itself is a number; the gradient that is scaled up is none in half precision."""
    steep = BLOBS.replace("cross_entropy(model(x), y)", "cross_entropy(300 * model(x), y)")
    told = trained(tmp_path / "t", write_task(tmp_path, steep), TrainingSpec(precision="fp16"), epochs=1)
    assert told.one("ended")["outcome"] == "completed"
    scales = told.curve("loss_scale")
    assert scales
    assert scales[-1] < 65536.0
    assert weights(tmp_path / "t").isfinite().all()


@pytest.mark.slow
def test_a_compiled_model_trains_to_the_same_loss_and_keeps_its_names(tmp_path: Path) -> None:
    pytest.importorskip("torch._inductor")
    task = write_task(tmp_path)
    plain = trained(tmp_path / "plain", task, epochs=1)
    told = trained(tmp_path / "compiled", task, TrainingSpec(compile=True, ema=0.5), epochs=1)
    assert told.curve("train_loss") == pytest.approx(plain.curve("train_loss"), rel=1e-3)
    assert state_of(tmp_path / "compiled")["model"].keys() == state_of(tmp_path / "plain")["model"].keys()


@pytest.mark.parametrize("steps", [1, 7])
def test_a_loss_that_is_no_number_is_never_applied(tmp_path: Path, steps: int) -> None:
    source = (
        BLOBS
        + f"""
inner, STEPS = loss, []
def loss(model, batch, hp):
    STEPS.append(model.training)
    return inner(model, batch, hp) * (float("inf") if sum(STEPS) == {steps} else 1)
"""
    )
    told = train(make_job(tmp_path / "t", write_task(tmp_path, source), args={"count": 1000}))
    ended = told.one("ended")
    assert (ended["outcome"], ended["step"]) == ("diverged", steps)
    assert f"loss is inf at step {steps} (epoch 1)" in ended["detail"]
    assert ("last finite loss was" in ended["detail"]) is (steps > 1)
    assert "lr 0.01, batch size 8" in ended["detail"]
    assert weights(tmp_path / "t").isfinite().all(), "the update that would spoil them was not made"
