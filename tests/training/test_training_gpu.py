"""Trials on a GPU: the same contracts, on the device."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tests.support.trials import BLOBS, Told, make_job, train, write_task

from staycourse.core.job import TrainingSpec
from staycourse.training.device import to_device

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU"),
]


@pytest.mark.parametrize("workers", [0, 2])
def test_a_kill_and_a_resume_on_a_gpu(tmp_path: Path, workers: int) -> None:
    task = write_task(tmp_path, BLOBS)
    job = {"device": "cuda:0", "data": {"workers": workers}, "checkpoint_every": 0.0}
    whole = train(make_job(tmp_path / "whole", task, **job))
    first = train(make_job(tmp_path / "t", task, **job, kill_at_step=15))
    second = train(make_job(tmp_path / "t", task, **job, attempt=2))
    assert second.one("ready")["pin_memory"]
    assert second.one("ready")["device_name"] == torch.cuda.get_device_name(0)
    assert Told(first.messages + second.messages).rows() == whole.rows()


def test_timing_rows_tell_the_gpus_part_of_a_step(tmp_path: Path) -> None:
    slow = "import time\n" + BLOBS.replace(
        "    x, y = batch\n    return nn", "    x, y = batch\n    time.sleep(0.002)\n    return nn"
    )
    told = train(make_job(tmp_path / "t", write_task(tmp_path, slow), device="cuda:0", epochs=60))
    rows = told.rows("timing")
    values = {name: [v for (row, _), (_, v) in rows.items() if row == name] for name, _ in rows}
    assert len(values["epoch_device_memory_bytes"]) == len(values["epoch_rss_bytes"]) == 60
    assert all(value > 0 for value in values["epoch_device_memory_bytes"])
    for step, wait, copy, compute in zip(
        *(values[name] for name in ("step_ms", "wait_ms", "copy_ms", "compute_ms")), strict=True
    ):
        assert min(wait, copy, compute) >= 0 and wait + copy + compute <= 1.5 * step


def test_initial_weights_do_not_depend_on_the_device(tmp_path: Path) -> None:
    source = BLOBS + "def optimizer(model): return torch.optim.SGD(model.parameters(), lr=0.0)\n"
    task = write_task(tmp_path, source)
    for device in ("cpu", "cuda:0"):
        train(make_job(tmp_path / device, task, device=device, epochs=1))
    states = [torch.load(tmp_path / d / "last.pt", map_location="cpu")["model"] for d in ("cpu", "cuda:0")]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_running_out_of_device_memory_has_its_own_name(tmp_path: Path) -> None:
    hungry = "    x, y = batch\n    torch.empty(1 << 50, device=x.device)\n    return nn"
    task = write_task(tmp_path, BLOBS.replace("    x, y = batch\n    return nn", hungry))
    failed = train(make_job(tmp_path / "t", task, device="cuda:0")).one("failed")
    assert failed["failure"] == "out of memory"


def test_batches_of_any_make_are_moved() -> None:
    device = torch.device("cuda:0")
    moved = to_device({"a": [torch.ones(1), "text"], "b": (3, torch.ones(2))}, device)
    assert moved["a"][0].is_cuda
    assert moved["b"][1].is_cuda
    assert moved["a"][1] == "text"


@pytest.mark.parametrize("source", ["rows", "items"])
def test_every_data_path_gives_the_same_rows_on_a_gpu(tmp_path: Path, source: str) -> None:
    """Rows of tensors lie on the device; samples are fetched, pinned, and copied beside the work."""
    text = BLOBS
    if source == "items":
        text = BLOBS.replace(
            "return TensorDataset(x, (x.sum(1) > 0).long())", "return list(zip(x, x.sum(1) > 0))"
        )
        text = text.replace("cross_entropy(model(x), y)", "cross_entropy(model(x), y.long())")
    task = write_task(tmp_path, text)
    told = {
        str(workers): train(
            make_job(tmp_path / str(workers), task, device="cuda:0", data={"workers": workers})
        )
        for workers in (0, 2, "auto")
    }
    assert told["auto"].one("ready")["data_path"] == ("resident" if source == "rows" else "workers")
    assert told["0"].rows() == told["2"].rows() == told["auto"].rows()


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_lower_precision_trains_and_resumes_on_a_gpu(tmp_path: Path, precision: str) -> None:
    task = write_task(tmp_path, BLOBS)
    training = TrainingSpec(precision=precision, grad_clip=1.0, ema=0.9)
    job = {"device": "cuda:0", "training": training, "checkpoint_every": 0.0}
    whole = train(make_job(tmp_path / "whole", task, **job))
    first = train(make_job(tmp_path / "t", task, **job, kill_at_step=15))
    second = train(make_job(tmp_path / "t", task, **job, attempt=2))
    assert Told(first.messages + second.messages).rows() == whole.rows()
