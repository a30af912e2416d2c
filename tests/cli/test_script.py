"""`staycourse script`: a run's experiments as a shell script that ends in the same weights."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.tiny import FINAL, Place, write_roadmap

from staycourse.core.value_text import value_of

HOSTILE = ["$(touch x)", "`touch x`", "a'b\"c", "--rm -rf", "a\nb", "日本; touch x", "\\", "#", "true", "1"]


def shell(place: Place, text: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a script in an empty folder, with this interpreter's staycourse."""
    folder.mkdir(exist_ok=True)
    command = folder.parent / "staycourse"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -P -m staycourse.cli.main "$@"\n')
    command.chmod(0o755)
    script = folder.parent / "script.sh"
    script.write_text(text)
    environment = {**place.environment, "STAYCOURSE": str(command)}
    return subprocess.run(
        ["bash", str(script)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )


@pytest.mark.slow
def test_a_runs_script_ends_in_the_same_weights_and_can_be_run_again(place: Place) -> None:
    grid = {"kind": "grid", "points": {"lr": 2}, "epochs": 2, "keep": 1, "finish": {"epochs": 4}}
    space = {"lr": {"log": [1e-3, 1e-1]}, "batch_size": 16, "dropout": 0.1, "schedule": "late"}
    schedules = {"late": {"lr": {2: 0.5}}}
    confirm = {"kind": "confirm", "seeds": 2, "epochs": 4}
    path = write_roadmap(place.folder, space=space, schedules=schedules, phases=[grid, confirm, FINAL])
    assert place.run("run", path, "--no-ui").returncode == 0
    script = place.run("script", "tiny-1").stdout
    trials = place.rows("SELECT id FROM trial")
    assert script.count("\nexperiment --out=") == len(trials)
    first = shell(place, script, place.folder / "empty")
    assert first.returncode == 0, first.stdout + first.stderr
    assert first.stdout.splitlines()[-1].endswith("model.safetensors: OK")
    final = place.folder / "empty" / f"t{len(trials)}" / "model.safetensors"
    assert final.read_bytes() == (place.runs / "tiny-1" / "final" / "model.safetensors").read_bytes()
    again = shell(place, script, place.folder / "empty")
    assert again.returncode == 0 and again.stdout.count("finished already") == len(trials)


def test_a_roadmaps_script_has_what_is_fixed_and_says_what_is_not(place: Place) -> None:
    compare = {
        "kind": "compare",
        "seeds": 1,
        "epochs": 3,
        "setup": [{"name": "a", "lr": 0.1}, {"name": "b", "lr": 0.2}],
    }
    probe = {"kind": "probe", "trials": 4, "epochs": 3}
    path = write_roadmap(place.folder, space={"lr": {"log": [0.01, 1.0]}}, phases=[compare, probe])
    lines = place.run("script", path).stdout.splitlines()
    assert [line for line in lines if line.startswith("experiment ")] == [
        "experiment --out=1-compare-1 --epochs=3 --hp.lr=0.1",
        "experiment --out=1-compare-2 --epochs=3 --hp.lr=0.2",
    ]
    assert "# set-ups proposed by quasi-random, one after another, from:" in lines
    assert "# 3 epochs at most each, on 100% of the data" in lines


def test_hostile_values_do_no_harm(place: Place) -> None:
    """The experiments are run by a command that only tells of its arguments."""
    setups = [{"name": f"s{at}", "kind": value} for at, value in enumerate(HOSTILE)]
    kind = {"choice": HOSTILE}
    compare = {"kind": "compare", "seeds": 1, "epochs": 3, "setup": setups}
    folder = place.folder / "a $(touch x) 'b'"
    path = write_roadmap(
        folder, space={"lr": 0.1, "kind": kind}, phases=[compare], args={"prints": HOSTILE[0]}
    )
    script = place.run("script", path)
    assert script.returncode == 0, script.stderr
    seen = place.folder / "seen"
    tell = place.folder / "tell.py"
    tell.write_text(f"import json, sys\nopen({str(seen)!r}, 'a').write(json.dumps(sys.argv[1:]) + chr(10))\n")
    command = place.folder / "tell"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} {tell} "$@"\n')
    command.chmod(0o755)
    empty = place.folder / "empty"
    empty.mkdir()
    done = subprocess.run(
        ["bash", "-s"], input=script.stdout, cwd=empty, env={**os.environ, "STAYCOURSE": str(command)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0 and not list(empty.iterdir()) and not (place.folder / "x").exists()
    told = [json.loads(line) for line in seen.read_text().splitlines()]
    flag = "--hp.kind="
    kinds = [word.removeprefix(flag) for words in told for word in words if word.startswith(flag)]
    assert [value_of(text) for text in kinds] == HOSTILE
    assert all(words[1].startswith(str(folder)) for words in told)
