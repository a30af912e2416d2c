"""An environment that changes between two sessions: chained, reported, and the run goes on."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from tests.support import fake_nvml
from tests.support.fake_nvml import FakeGpu
from tests.support.tiny import TASK, Place, wait_until, write_roadmap

pytestmark = pytest.mark.slow

SPACE = {"lr": {"log": [1e-3, 1e-1]}, "batch_size": 8}
PHASES = [{"kind": "grid", "points": {"lr": 2}, "epochs": 4}, {"kind": "final"}]


def install(folder: Path, version: str) -> None:
    """A distribution `thing` with one module, as pip would leave it; another version of it goes."""
    for old in folder.glob("*"):
        shutil.rmtree(old) if old.is_dir() else old.unlink()
    about = folder / f"thing-{version}.dist-info"
    about.mkdir(parents=True)
    (folder / "thing.py").write_text(f"VERSION = '{version}'\n")
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: thing\nVersion: {version}\n")
    (about / "RECORD").write_text(f"thing.py,,\n{about.name}/METADATA,,\n{about.name}/RECORD,,\n")


def events(place: Place) -> list[tuple[str, dict[str, Any]]]:
    rows = place.rows("SELECT kind, body FROM ledger ORDER BY seq")
    return [(kind, json.loads(body)) for kind, body in rows]


def changes(place: Place) -> list[dict[str, Any]]:
    return [body["changes"] for kind, body in events(place) if kind == "environment changed"]


def test_a_package_of_the_task_is_upgraded_between_kill_and_resume(place: Place) -> None:
    library = place.folder / "library"
    install(library, "1.0")
    place.more = {"PYTHONPATH": str(library), "PYTHONDONTWRITEBYTECODE": "1"}
    path = write_roadmap(
        place.folder,
        task=TASK.replace("import torch\n", "import thing\nimport torch\n", 1),
        space=SPACE,
        phases=PHASES,
        args={"step_ms": 40, "steps_log": "steps.log"},
    )
    log = place.folder / "steps.log"
    with place.started("run", path, "--no-ui") as view:
        wait_until(lambda: "trial ended" in place.kinds(), 60, "the first trial has ended")
        seen = len(log.read_text().splitlines())
        wait_until(lambda: len(log.read_text().splitlines()) > seen + 2, 60, "the second one trains")
        os.kill(place.supervisor(), 9)
        assert view.wait(60) == 75
    sealed = events(place)[0][1]
    assert sealed["environment"]["packages"]["thing"] == "1.0"
    install(library, "2.0")
    done = place.run("resume", "--no-ui")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the environment has changed: packages.thing 1.0 → 2.0" in done.stdout
    assert changes(place) == [{"packages.thing": ["1.0", "2.0"]}]
    kinds = place.kinds()
    at = kinds.index("environment changed")
    assert kinds[at - 1] == "engine started"
    assert kinds.index("trial started", at) > at

    report = (place.runs / "tiny-1" / "report.md").read_text()
    (line,) = [line for line in report.splitlines() if "packages.thing 1.0 → 2.0" in line and "|" in line]
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert cells[2:] == ["t1", "t2", "t3"]
    assert "exact" in report


def test_a_driver_update_is_noticed_on_resume(place: Place) -> None:
    driver = place.folder / "driver"
    driver.mkdir()
    fake_nvml.build(driver)
    fake_nvml.configure(driver, [FakeGpu()], driver="570.86.15", cuda=12080)
    own = fake_nvml.environment(driver)
    place.more = {"LD_LIBRARY_PATH": own["LD_LIBRARY_PATH"], "CUDA_VISIBLE_DEVICES": "0"}
    path = write_roadmap(place.folder, space=SPACE, phases=[{**PHASES[0], "points": {"lr": 4}}, PHASES[1]])
    # No such GPU is there to train on: what counts is what the engine meets when it begins.
    assert place.run("run", path, "--no-ui").returncode == 75
    sealed = events(place)[0][1]
    assert sealed["environment"]["driver"] == "570.86.15"
    assert changes(place) == []
    fake_nvml.configure(driver, [FakeGpu()], driver="580.159.04", cuda=13000)
    place.run("resume", "--no-ui")
    assert changes(place) == [{"cuda_driver": ["12.8", "13.0"], "driver": ["570.86.15", "580.159.04"]}]
    # The new one is what the next session is compared with.
    place.run("resume", "--no-ui")
    assert len(changes(place)) == 1
    assert place.kinds().count("engine started") == 3
