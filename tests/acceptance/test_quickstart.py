"""The quickstart from file to weights and report, as a user would run it; once for this file.

What kills on the way change is asked of smaller campaigns: test_chaos, and tests/supervise/test_kills.
"""

from __future__ import annotations

import importlib.util
import json
import tomllib
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from tests.support.tiny import Place

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

ROADMAP = Path(__file__).parents[2] / "roadmaps" / "quickstart.toml"
RUN = "quickstart-1"


@dataclass(frozen=True)
class Campaign:
    """A finished quickstart: where it lies, and its exit code."""

    place: Place
    code: int

    @property
    def folder(self) -> Path:
        return self.place.runs / RUN


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Campaign]:
    place = Place(tmp_path_factory.mktemp("quickstart"))
    done = place.run("run", ROADMAP, "--no-ui", timeout=400)
    yield Campaign(place, done.returncode)
    place.close()


def task_of(campaign: Campaign) -> tuple[ModuleType, Namespace, dict[str, Any]]:
    """The sealed task's module, its arguments as the roadmap sets them, and the winning set-up."""
    spec = importlib.util.spec_from_file_location("sealed_digits", campaign.folder / "code" / "digits.py")
    assert spec is not None and spec.loader is not None
    task = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(task)
    parser = ArgumentParser()
    task.add_arguments(parser)
    args = parser.parse_args([])
    vars(args).update(tomllib.loads((campaign.folder / "roadmap.toml").read_text())["task"]["args"])
    return task, args, json.loads((campaign.folder / "final" / "setup.json").read_text())["setup"]


def test_it_ends_with_0(finished: Campaign) -> None:
    assert finished.code == 0


def test_the_weights_read_digits_that_no_phase_has_seen(finished: Campaign) -> None:
    task, args, setup = task_of(finished)
    model = task.model(args, setup)
    model.load_state_dict(load_file(finished.folder / "final" / "model.safetensors"))
    images, labels = task.test_set(args).tensors
    assert len(labels) == 300
    seen = {bytes(image.numpy()) for image in task.dataset(args).tensors[0]}
    fresh = torch.tensor([bytes(image.numpy()) not in seen for image in images])
    assert fresh.sum() >= 295
    with torch.no_grad():
        right = model.eval()(images).argmax(dim=1) == labels
    # A constant learning rate still moves the last weights to and fro by some percent.
    assert right[fresh].float().mean() >= 0.9


def test_the_report_names_every_phase_and_its_figures_exist(finished: Campaign) -> None:
    report = (finished.folder / "report.md").read_text()
    for number, kind in enumerate(("probe", "narrow", "grid", "confirm", "final"), start=1):
        assert f"Phase {number}: {kind}" in report
    assert "Loss floor" in report and "load_file" in report and "staycourse run" in report
    head = (finished.folder / "head").read_text().split()
    assert head[1] in report
    named = [part.split(")")[0] for part in report.split("](figures/")[1:]]
    assert len(named) >= 5
    for name in named:
        assert "<svg" in (finished.folder / "figures" / name).read_text()[:1000]


def test_every_phase_and_every_trial_is_on_record(finished: Campaign) -> None:
    kinds = finished.place.kinds(RUN)
    assert kinds[0] == "run sealed" and kinds[-1] == "run finished"
    assert kinds.count("phase closed") == 5
    assert kinds.count("trial planned") == kinds.count("trial ended") > 10
    assert kinds.count("engine started") == 1 and "attempt failed" not in kinds
