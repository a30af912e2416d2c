"""Whole campaigns on a GPU: the real command line, the real driver, somebody else on the card."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from tests.support.results import metric_rows, notes, weights_hash
from tests.support.tiny import TASK, Place, wait_until, write_roadmap

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.timeout(240),
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU"),
]

ON_GPU = ("--no-ui", "--devices", "0")
PHASES = [
    {"kind": "probe", "trials": 2, "epochs": 3},
    {"kind": "narrow", "trials": 2, "epochs": 2, "data": 0.5},
    {"kind": "confirm", "seeds": 2, "epochs": 4},
    {"kind": "final"},
]
HOLD = """
import sys, torch
held = torch.ones(3 << 30, dtype=torch.uint8, device="cuda:0")
torch.cuda.synchronize()
print("held", flush=True)
sys.stdin.readline()
"""
BEFORE = "    points, labels = batch\n    STEPS"
GREED = """    points, labels = batch
    if points.is_cuda and hp["lr"] > 0.03:
        torch.empty(1 << 42, dtype=torch.uint8, device=points.device)
    STEPS"""
HUNGRY = TASK.replace(BEFORE, GREED)
CONVOLUTIONS = TASK.replace(
    "    network = nn.Sequential(nn.Linear(2, 4), nn.Tanh(),",
    "    network = nn.Sequential(nn.Unflatten(1, (1, 1, 2)), nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(),\n"
    "        nn.Conv2d(16, 16, 3, padding=1), nn.Flatten(), nn.Linear(32, 4), nn.Tanh(),",
)
assert CONVOLUTIONS != TASK


def roadmap(place: Place, **changes: Any) -> Path:
    return write_roadmap(place.folder, **{"phases": PHASES, "args": {"step_ms": 10}} | changes)


def result(place: Place) -> tuple[list[Any], str]:
    return metric_rows(place), weights_hash(place)


@contextmanager
def somebody_else() -> Iterator[int]:
    """Another program that holds 3 GiB of the first GPU; its process id."""
    command = [sys.executable, "-c", HOLD]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "held\n"
        try:
            yield process.pid
        finally:
            process.kill()


def test_a_campaign_trains_on_the_gpu_and_records_it(place: Place) -> None:
    done = place.run("run", roadmap(place), *ON_GPU)
    assert done.returncode == 0, done.stdout + done.stderr
    name = torch.cuda.get_device_name(0)
    assert {slot for (slot,) in place.rows("SELECT DISTINCT slot FROM trial")} == {"gpu0"}
    read = dict(place.rows("SELECT name, MAX(value) FROM hardware WHERE device = 'gpu0' GROUP BY name"))
    assert read["memory_used_bytes"] > 100e6 and read["temperature_celsius"] > 10 and read["power_watts"] > 20
    assert name in (place.runs / "tiny-1" / "report.md").read_text(encoding="utf-8")
    assert load_file(place.runs / "tiny-1" / "final" / "model.safetensors")
    assert place.run("verify", "tiny-1").returncode == 0
    assert not notes(place, "device")  # it never waits for itself


@pytest.mark.parametrize("task", [TASK, CONVOLUTIONS], ids=["linear", "convolutions"])
def test_a_kill_changes_no_bit_on_the_same_gpu(tmp_path: Path, task: str) -> None:
    undisturbed, disturbed = Place(tmp_path / "undisturbed"), Place(tmp_path / "disturbed")
    changes = {"task": task, "limits": {"checkpoint_every": "1s"}}
    try:
        done = undisturbed.run("run", roadmap(undisturbed, **changes), *ON_GPU)
        assert done.returncode == 0, done.stdout + done.stderr
        with disturbed.started("run", roadmap(disturbed, **changes), *ON_GPU):
            ended = "SELECT 1 FROM trial WHERE status = 'ended'"
            wait_until(lambda: len(disturbed.rows(ended)) >= 3, 60, "three trials have ended")
            os.kill(pid := disturbed.supervisor(), signal.SIGKILL)
            wait_until(lambda: pid not in disturbed.processes(), 20, "the supervisor is dead")
        done = disturbed.run("resume", *ON_GPU)
        assert done.returncode == 0, done.stdout + done.stderr
        assert result(disturbed) == result(undisturbed)
    finally:
        undisturbed.close()
        disturbed.close()


def test_a_gpu_that_somebody_is_on_is_waited_for_and_then_used(place: Place) -> None:
    with somebody_else() as pid, place.started("run", roadmap(place), *ON_GPU) as view:
        said = wait_until(lambda: notes(place, "device"), 60, "it says whom it waits for")
        assert said[0].startswith("waiting for gpu0: GPU 0 (") and "is in use by" in said[0]
        assert str(pid) in said[0] or "outside this container" in said[0]
        assert not place.rows("SELECT 1 FROM trial WHERE status = 'running'")
        os.kill(pid, signal.SIGKILL)
        assert view.wait(120) == 0
    assert notes(place, "device")[-1] == "gpu0 is free"


def test_running_out_of_device_memory_is_infeasible_and_the_phase_goes_on(place: Place) -> None:
    space = {"lr": {"choice": [0.01, 0.05]}, "batch_size": 8, "optimizer": "adamw"}
    phases = [{"kind": "grid", "points": {"lr": [0.01, 0.05]}, "epochs": 2, "keep": 1}, {"kind": "final"}]
    path = roadmap(place, task=HUNGRY, space=space, phases=phases)
    done = place.run("run", path, *ON_GPU)
    assert done.returncode == 0, done.stdout + done.stderr
    outcomes = dict(place.rows("SELECT json_extract(setup, '$.lr'), outcome FROM trial WHERE phase = 0"))
    assert outcomes == {0.01: "completed", 0.05: "out of memory"}, outcomes
