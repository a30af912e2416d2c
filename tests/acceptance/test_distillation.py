"""Distillation from many files, from the generator of the data to verified weights, by the ready task."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from tests.support.tiny import Place

TASKS = Path(__file__).parents[2] / "roadmaps" / "tasks"
SIZES = ("--speakers", "6", "--per-speaker", "20", "--frames", "16", "--bands", "12", "--shards", "3",
         "--held-out", "20", "--teacher-per-speaker", "60", "--teacher-width", "24")  # fmt: skip
ARGS = "features = 'spectra', weights = 'spectra/teacher.safetensors', bands = 12, speakers = 6"
ROADMAP = f"""
name = "mini"
task = {{ file = "{TASKS / "distill.py"}", args = {{ {ARGS}, width = 6, teacher-width = 24 }} }}
data = {{ files = ["{{args.features}}/shard-*.npz"], buffer = "1 MiB" }}

[space]
lr = {{ log = [3e-3, 3e-2] }}
batch_size = 16
alpha = 0.9
temperature = 2.0

[[phase]]
kind = "grid"
points = {{ lr = [0.01] }}
epochs = 6
keep = 1

[[phase]]
kind = "compare"
seeds = 1
epochs = 12

[[phase.setup]]
name = "taught"

[[phase.setup]]
name = "untaught"
alpha = 0.0

[[phase]]
kind = "final"
"""


@pytest.fixture
def generator(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """`make_spectra.py`, to be called in this process with small sizes."""
    monkeypatch.syspath_prepend(str(TASKS))
    yield importlib.import_module("make_spectra")
    for name in ("make_spectra", "distill"):
        sys.modules.pop(name, None)


def test_all_data_and_the_teacher_are_drawn_from_the_seed(
    generator: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads, made = torch.get_num_threads(), []
    for number, seed in enumerate(("0", "0", "1")):
        out = tmp_path / str(number)
        monkeypatch.setattr(sys, "argv", ["make_spectra.py", *SIZES, "--out", str(out), "--seed", seed])
        generator.main()
        made.append({path.name: path.read_bytes() for path in out.iterdir()})
    torch.set_num_threads(threads)
    assert made[0] == made[1]
    assert all(made[0][name] != made[2][name] for name in made[0])


@pytest.mark.slow
def test_a_student_learns_from_a_teacher_that_is_asked_once(place: Place) -> None:
    spectra = place.folder / "spectra"
    command = [sys.executable, str(TASKS / "make_spectra.py"), "--out", str(spectra), *SIZES]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    assert sorted(path.name for path in spectra.iterdir()) == [
        "held-out.npz", "shard-000.npz", "shard-001.npz", "shard-002.npz", "teacher.safetensors"
    ]  # fmt: skip
    roadmap = place.folder / "mini.toml"
    roadmap.write_text(ROADMAP, encoding="utf-8")
    checked = place.run("check", roadmap)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    done = place.run("run", roadmap, "--no-ui")
    assert done.returncode == 0, done.stdout + done.stderr

    folder = place.runs / "mini-1"
    report = (folder / "report.md").read_text()
    assert "The teacher was asked once a sample, and its outputs (2.8 KiB) served 4 trials" in report
    assert "Side by side" in report
    facts = [json.loads(text) for (text,) in place.rows("SELECT facts FROM trial", "mini-1")]
    assert {fact["data_path"] for fact in facts} <= {"stream", "resident"}
    assert len({fact["teacher_sha256"][0] for fact in facts}) == 1
    assert not (folder / "teacher").exists()
    assert place.run("verify", "mini-1").returncode == 0

    sys.path.insert(0, str(folder / "code"))
    from distill import SpeakerNet

    student = SpeakerNet(12, 6, 6)
    student.load_state_dict(load_file(folder / "final" / "model.safetensors"))
    held_out = np.load(spectra / "held-out.npz")
    with torch.no_grad():
        named = student.eval()(torch.from_numpy(held_out["features"])).argmax(1)
    assert (named.numpy() == held_out["speaker"]).mean() > 2 / 6
