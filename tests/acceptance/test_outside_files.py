"""An edit of code or files outside the task's folder suspends a run until it is undone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.support.results import metric_rows
from tests.support.tiny import TASK, Place, wait_until, write_roadmap

from staycourse.record.paths import RunPaths
from staycourse.record.verification import verify

pytestmark = pytest.mark.slow

SPACE = {"lr": {"log": [1e-3, 1e-1]}, "batch_size": 8}
PHASES = [{"kind": "grid", "points": {"lr": 3}, "epochs": 3}]
USES = f"import shapes\n{TASK}".replace(
    "    network = nn.Sequential(",
    '    import json\n    assert shapes.WIDTH == json.load(open("model.json"))["width"]\n'
    "    network = nn.Sequential(",
)


def roadmap(place: Place) -> Path:
    lib = place.folder / "lib"
    lib.mkdir(parents=True, exist_ok=True)
    (lib / "shapes.py").write_text("WIDTH = 4\n")
    (place.folder / "model.json").write_text('{"width": 4}')
    place.more = {"PYTHONPATH": str(lib)}
    return write_roadmap(place.folder, task=USES, space=SPACE, phases=PHASES, args={"step_ms": 20})


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    place = Place(tmp_path_factory.mktemp("undisturbed"))
    done = place.run("run", roadmap(place), "--no-ui")
    assert done.returncode == 0, done.stdout + done.stderr
    return metric_rows(place)


@pytest.mark.parametrize("name", ["lib/shapes.py", "model.json"])
def test_an_edit_in_mid_run_suspends_it(place: Place, undisturbed: list[Any], name: str) -> None:
    path, run = place.folder / name, RunPaths(place.runs / "tiny-1")
    with place.started("run", roadmap(place), "--no-ui") as view:
        wait_until(lambda: place.rows("SELECT 1 FROM metric WHERE trial = 't1'"), 60, "a trial trains")
        sealed = path.read_text()
        path.write_text(sealed.replace("4", "5"))
        said = view.communicate(timeout=120)[0]
    assert view.returncode == 75
    assert f"files that the task uses changed since the seal: {name} (content)" in said
    started = place.kinds().count("trial started")
    again = place.run("resume", "--no-ui")
    assert again.returncode == 75 and f"{name} (content)" in again.stdout
    assert place.kinds().count("trial started") == started
    path.write_text(sealed)
    done = place.run("resume", "--no-ui")
    assert done.returncode == 0, done.stdout + done.stderr
    assert metric_rows(place) == undisturbed and verify(run).fits
    named = "shapes" if name.startswith("lib") else name
    report = run.report.read_text()
    assert f"| `{named}` |" in report and "outside" in report
    run.outside.write_text(run.outside.read_text() + " ")
    assert "outside.json was changed since it was sealed" in verify(run).line
