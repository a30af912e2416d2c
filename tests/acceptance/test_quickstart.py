"""The quickstart from file to weights and report, undisturbed and killed on the way.

Both campaigns run once for this file, one after the other, as a user would run them.
"""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import time
import tomllib
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from tests.support.results import metric_rows, weights_hash
from tests.support.tiny import Place, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

ROADMAP = Path(__file__).parents[2] / "roadmaps" / "quickstart.toml"
RUN = "quickstart-1"


class Campaign:
    """A finished quickstart: where it lies, its exit code, and how long it took in seconds, without those
    in which something on this machine waited for a processor."""

    def __init__(self, place: Place, code: int, seconds: float) -> None:
        self.place, self.code, self.seconds = place, code, seconds

    @property
    def folder(self) -> Path:
        return self.place.runs / RUN

    def rows(self) -> list[tuple[Any, ...]]:
        return metric_rows(self.place, RUN)

    def weights_hash(self) -> str:
        return weights_hash(self.place, RUN)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Campaign]:
    place = Place(tmp_path_factory.mktemp("undisturbed"))
    began = time.monotonic() - waited_for_cpu()
    done = place.run("run", ROADMAP, "--no-ui", timeout=400)
    yield Campaign(place, done.returncode, time.monotonic() - waited_for_cpu() - began)
    place.close()


@pytest.fixture(scope="module")
def disturbed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Campaign]:
    """A view is killed in mid-run, and the supervisor twice: while it searches, and later in a trial."""
    place = Place(tmp_path_factory.mktemp("disturbed"))
    with place.started("run", ROADMAP, "--no-ui") as view:
        wait_until(lambda: "trial started" in place.kinds(RUN), 60, "a trial trains")
        view.kill()
        view.wait()
    pid = place.supervisor(RUN)
    trials = len(place.rows("SELECT 1 FROM trial WHERE status = 'ended'", RUN))
    wait_until(lambda: len(ended(place)) > trials, 60, "the run goes on without its view")
    assert place.supervisor(RUN) == pid and pid in place.processes()
    for phase, count in ((1, 3), (3, 1)):
        wait_until(lambda p=phase, c=count: len(ended(place, p)) >= c, 200, f"phase {phase + 1} trains")
        kill_supervisor(place)
        with place.started("resume", "--no-ui") as view:
            sessions = place.kinds(RUN).count("engine started") + 1
            wait_until(lambda n=sessions: place.kinds(RUN).count("engine started") >= n, 60, "it resumes")
    done = place.run("attach", RUN, "--no-ui", timeout=300)
    yield Campaign(place, done.returncode, 0.0)
    place.close()


def waited_for_cpu() -> float:
    """Seconds since boot in which some process had to wait for a processor; 0 where nobody counts them."""
    pressure = Path("/proc/pressure/cpu")
    return int(pressure.read_text().split()[4].removeprefix("total=")) / 1e6 if pressure.exists() else 0.0


def ended(place: Place, phase: int | None = None) -> list[str]:
    rows = place.rows("SELECT body FROM ledger WHERE kind = 'trial planned'", RUN)
    of_phase = {b["trial"] for (body,) in rows for b in [json.loads(body)] if phase in (None, b["phase"])}
    over = place.rows("SELECT body FROM ledger WHERE kind = 'trial ended'", RUN)
    return [trial for (body,) in over if (trial := json.loads(body)["trial"]) in of_phase]


def kill_supervisor(place: Place) -> None:
    """SIGKILL; everything that it had started is gone within moments."""
    os.kill(place.supervisor(RUN), signal.SIGKILL)
    wait_until(lambda: not place.processes(), 20, "no worker outlives its supervisor")


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


def test_it_ends_with_0(undisturbed: Campaign) -> None:
    assert undisturbed.code == 0


def test_the_weights_read_digits_that_no_phase_has_seen(undisturbed: Campaign) -> None:
    task, args, setup = task_of(undisturbed)
    model = task.model(args, setup)
    model.load_state_dict(load_file(undisturbed.folder / "final" / "model.safetensors"))
    images, labels = task.test_set(args).tensors
    assert len(labels) == 300
    seen = {bytes(image.numpy()) for image in task.dataset(args).tensors[0]}
    fresh = torch.tensor([bytes(image.numpy()) not in seen for image in images])
    assert fresh.sum() >= 295
    with torch.no_grad():
        right = model.eval()(images).argmax(dim=1) == labels
    # A constant learning rate still moves the last weights to and fro by some percent.
    assert right[fresh].float().mean() >= 0.9


def test_the_report_names_every_phase_and_its_figures_exist(undisturbed: Campaign) -> None:
    report = (undisturbed.folder / "report.md").read_text()
    for number, kind in enumerate(("probe", "narrow", "grid", "confirm", "final"), start=1):
        assert f"Phase {number}: {kind}" in report
    assert "Loss floor" in report and "load_file" in report and "staycourse run" in report
    head = (undisturbed.folder / "head").read_text().split()
    assert head[1] in report
    named = [part.split(")")[0] for part in report.split("](figures/")[1:]]
    assert len(named) >= 5
    for name in named:
        assert "<svg" in (undisturbed.folder / "figures" / name).read_text()[:1000]


def test_every_phase_and_every_trial_is_on_record(undisturbed: Campaign) -> None:
    kinds = undisturbed.place.kinds(RUN)
    assert kinds[0] == "run sealed" and kinds[-1] == "run finished"
    assert kinds.count("phase closed") == 5
    assert kinds.count("trial planned") == kinds.count("trial ended") == len(ended(undisturbed.place))
    assert kinds.count("engine started") == 1 and "attempt failed" not in kinds


def test_a_killed_and_resumed_run_ends_with_the_same_bits(undisturbed: Campaign, disturbed: Campaign) -> None:
    assert disturbed.code == 0
    assert disturbed.place.kinds(RUN).count("engine started") == 3
    assert disturbed.rows() == undisturbed.rows()
    assert disturbed.weights_hash() == undisturbed.weights_hash()
    setup = "SELECT body FROM ledger WHERE kind = 'trial planned' ORDER BY seq"
    assert disturbed.place.rows(setup, RUN) == undisturbed.place.rows(setup, RUN)


def test_no_replayed_step_came_out_differently(disturbed: Campaign) -> None:
    ends = disturbed.place.rows("SELECT body FROM ledger WHERE kind = 'trial ended'", RUN)
    assert all(json.loads(body)["differing"] == 0 for (body,) in ends)
    assert "Interruptions" in (disturbed.folder / "report.md").read_text()
