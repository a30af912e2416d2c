"""Data that changes after the seal: touched, edited, taken away, put back."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from tests.support.results import metric_rows, notes, weights_hash
from tests.support.tiny import TASK, Place, wait_until, write_roadmap

from staycourse.supervise.launch import prepare, start_engine
from staycourse.supervise.options import Options
from staycourse.task.checking import check

pytestmark = pytest.mark.slow

SPACE = {"lr": {"log": [1e-3, 1e-1]}, "batch_size": 8}
PHASES = [{"kind": "grid", "points": {"lr": 2}, "epochs": 4}, {"kind": "final"}]
ARGS = {"step_ms": 50, "steps_log": "steps.log"}
CSV_TASK = TASK.replace(
    """    points = torch.randn(args.count, 2)
""",
    """    with open(args.table) as file:
        rows = [[float(word) for word in line.split(",")] for line in file if not line.startswith("#")]
    points = torch.tensor(rows)
""",
)
CSV_TASK = CSV_TASK.replace(
    "def add_arguments(parser):\n",
    'def add_arguments(parser):\n    parser.add_argument("--table", default="")\n',
)


def write_table(place: Place) -> Path:
    table = place.folder / "data" / "x.csv"
    table.parent.mkdir(parents=True, exist_ok=True)
    rows = [(((at * 37) % 80) / 40 - 1, ((at * 53) % 80) / 40 - 1) for at in range(80)]
    table.write_text("".join(f"{x:.4f},{y:.4f}\n" for x, y in rows))
    return table


def roadmap(place: Place, **changes: Any) -> Path:
    args = {"table": "data/x.csv", **ARGS}
    return write_roadmap(
        place.folder, **{"task": CSV_TASK, "space": SPACE, "phases": PHASES, "args": args, **changes}
    )


def result(place: Place) -> tuple[list[Any], str]:
    return metric_rows(place), weights_hash(place)


def steps(place: Place) -> int:
    """Training steps so far; an epoch has eight, the first trial thirty-two."""
    log = place.folder / "steps.log"
    return len(log.read_text().splitlines()) if log.exists() else 0


def bodies(place: Place, kind: str) -> list[dict[str, Any]]:
    return [
        json.loads(body)
        for (body,) in place.rows(f"SELECT body FROM ledger WHERE kind = '{kind}' ORDER BY seq")
    ]


def edited(table: Path) -> bytes:
    """Change the second point, the size kept; the content before."""
    before = table.read_bytes()
    lines = before.splitlines(keepends=True)
    table.write_bytes(b"".join([lines[0], b"9" + lines[1][1:], *lines[2:]]))
    return before


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Any], str]:
    here = Place(tmp_path_factory.mktemp("undisturbed"))
    write_table(here)
    done = here.run("run", roadmap(here), "--no-ui")
    assert done.returncode == 0, done.stdout + done.stderr
    assert notes(here, "data") == []
    return result(here)


@pytest.mark.parametrize("data", [None, {"files": ["data/*.csv"]}], ids=["opened by the task", "named"])
def test_a_change_in_mid_run_suspends_until_it_is_undone(
    place: Place, undisturbed: tuple[list[Any], str], data: dict[str, Any] | None
) -> None:
    table = write_table(place)
    with place.started("run", roadmap(place, data=data), "--no-ui") as view:
        wait_until(lambda: steps(place) >= 10, 60, "a trial is in its second epoch")
        before = edited(table)
        said, _ = view.communicate(timeout=60)
    assert view.returncode == 75
    assert "data changed since the seal: " in said
    assert "data/x.csv (" in said
    kinds = place.kinds()
    assert kinds[-1] == "run suspended"
    started = kinds.count("trial started")
    assert started == 1
    (failed,) = bodies(place, "attempt failed")
    assert failed["failure"] == "interrupted"

    again = place.run("resume", "--no-ui")
    assert again.returncode == 75
    assert "data/x.csv (" in again.stdout
    assert place.kinds().count("trial started") == started

    table.write_bytes(before)
    assert place.run("resume", "--no-ui").returncode == 0
    assert result(place) == undisturbed
    assert sum(body["differing"] for body in bodies(place, "trial ended")) == 0
    assert notes(place, "data") == ["data/x.csv: its time changed, its content did not"]


FEATURES_TASK = CSV_TASK.replace(
    """    points = torch.tensor(rows)
""",
    """    from safetensors.torch import load_file
    points = load_file("data/features.safetensors")["points"]
    assert rows == [[float(at)] for at in range(80)]
""",
)


def test_what_no_file_shows_is_compared_when_a_later_session_starts(
    place: Place, undisturbed: tuple[list[Any], str]
) -> None:
    """Some files were seen to be opened, and others are read by a library that does it without Python."""
    table = write_table(place)
    points = torch.tensor([[float(word) for word in line.split(",")] for line in table.open()])
    table.write_text("".join(f"{at}\n" for at in range(80)))
    features = table.parent / "features.safetensors"
    save_file({"points": points}, features)
    with place.started("run", roadmap(place, task=FEATURES_TASK), "--no-ui") as view:
        wait_until(lambda: steps(place) >= 4, 60, "a trial is on its way")
        os.kill(place.supervisor(), signal.SIGTERM)
        assert view.wait(60) == 75
    started = place.kinds().count("trial started")
    other = points.clone()
    other[7, 0] += 0.001
    save_file({"points": other}, features)
    os.utime(table)
    again = place.run("resume", "--no-ui")
    assert again.returncode == 75
    assert "data changed since the seal: the samples' content" in again.stdout
    assert place.kinds().count("trial started") == started

    save_file({"points": points}, features)
    assert place.run("resume", "--no-ui").returncode == 0
    assert result(place) == undisturbed
    assert notes(place, "data") == ["data/x.csv: its time changed, its content did not"]


def test_a_new_time_and_what_no_sample_shows_are_noted_once(
    place: Place, undisturbed: tuple[list[Any], str]
) -> None:
    table = write_table(place)
    with place.started("run", roadmap(place), "--no-ui") as view:
        for count in (4, 20):
            wait_until(lambda count=count: steps(place) >= count, 60, "trials go on")
            os.utime(table)
            wait_until(lambda: notes(place, "data"), 60, "the new time is seen")
        with table.open("a") as file:
            file.write("# a remark\n")
        assert view.wait(120) == 0
    time_alone, remark = notes(place, "data")
    assert time_alone == "data/x.csv: its time changed, its content did not"
    assert remark.startswith("data/x.csv (size ")
    assert remark.endswith(": it changed, the samples did not")
    assert result(place) == undisturbed
    assert place.kinds().count("trial started") == place.kinds().count("trial planned")


def test_a_change_between_check_and_start_is_seen(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The plan may stand on the screen for hours before somebody seals it."""
    monkeypatch.setenv("XDG_STATE_HOME", place.environment["XDG_STATE_HOME"])
    table = write_table(place)
    checked = check(roadmap(place))
    edited(table)
    start_engine(prepare(checked, place.runs, Options()), Options())
    wait_until(lambda: "run suspended" in place.kinds(), 60, "the run is suspended")
    assert bodies(place, "run suspended")[0]["reason"] == (
        "data changed since the seal: the samples' content, data/x.csv (content); "
        "put it back as it was, or abandon the run"
    )
    assert "trial started" not in place.kinds()


def test_data_that_is_gone_at_resume_is_named(place: Place) -> None:
    table = write_table(place)
    with place.started("run", roadmap(place, data={"files": ["data/*.csv"]}), "--no-ui") as view:
        wait_until(lambda: steps(place) >= 4, 60, "a trial is on its way")
        os.kill(place.supervisor(), 9)
        assert view.wait(60) == 75
    started = place.kinds().count("trial started")
    table.unlink()
    for at in range(5):
        (table.parent / f"new-{at}.csv").write_text("0,0\n")
    done = place.run("resume", "--no-ui")
    assert done.returncode == 75
    assert "data/new-0.csv (new), data/new-1.csv (new), data/new-2.csv (new) and 3 more" in done.stdout
    assert place.kinds().count("trial started") == started


def test_samples_without_a_file_are_compared_when_a_session_starts(place: Place) -> None:
    """What a library reads without Python's open, say: no file of it can be watched."""
    library = place.folder / "library.safetensors"
    save_file({"scale": torch.tensor(1.0)}, library)
    task = TASK.replace("    points = torch.randn(args.count, 2)\n", POINTS)
    path = write_roadmap(place.folder, task=task, space=SPACE, phases=PHASES, args=ARGS)
    with place.started("run", path, "--no-ui") as view:
        wait_until(lambda: steps(place) >= 4, 60, "a trial is on its way")
        os.kill(place.supervisor(), 9)
        assert view.wait(60) == 75
    save_file({"scale": torch.tensor(1.001)}, library)
    done = place.run("resume", "--no-ui")
    assert done.returncode == 75
    assert "data changed since the seal: the samples' content" in done.stdout
    save_file({"scale": torch.tensor(1.0)}, library)
    assert place.run("resume", "--no-ui").returncode == 0


POINTS = """    from safetensors.torch import load_file
    points = torch.randn(args.count, 2) * load_file("library.safetensors")["scale"]
"""
