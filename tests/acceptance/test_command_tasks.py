"""Scripts in the style of well-known examples, under roadmaps of all phases that a command can do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.support.commands import script_folder
from tests.support.tiny import Place

from staycourse.client import RunClient

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def follow(place: Place, name: str) -> Path:
    """The run folder of a script's whole campaign, which is verified."""
    done = place.run("run", script_folder(place.folder, name), "--no-ui", timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    verified = place.run("verify", f"{name}-1")
    assert verified.returncode == 0, verified.stdout
    return place.runs / f"{name}-1"


def test_a_language_model_that_prints_a_table(place: Place) -> None:
    run = follow(place, "lm")
    outcomes = place.rows("SELECT DISTINCT outcome FROM trial", "lm-1")
    assert outcomes == [("completed",)]
    client = RunClient(run)
    client.poll()
    kinds = [phase.kind for phase in client.state.sealed and client.roadmap.phases]
    assert kinds == ["probe", "grid", "compare", "confirm", "final"]
    assert (run / "code" / "data" / "text").is_symlink() and (run / "code" / "data.py").is_file()
    sealed = client.state.sealed
    assert sealed is not None and sealed.facts["fingerprint"]["files"] == 2
    setup = json.loads((run / "final" / "setup.json").read_text())
    report = (run / "report.md").read_text()
    assert "## The script" in report and "python main.py --lr {lr}" in report
    assert "The script cannot resume: t5 started over" in report and "final/checkpoint" in report
    assert "The final training held data back, as declared" in report
    assert setup["weights"] == ["checkpoint"] and (run / "final" / "checkpoint").stat().st_size > 1000


def test_subcommands_key_value_arguments_and_dictionaries(place: Place) -> None:
    run = follow(place, "keyval")
    assert (run / "code" / "conf" / "base.json").is_file()
    assert {path.name for path in (run / "final" / "out").iterdir()} == {"weights.bin", "config.json"}
    config = json.loads((run / "final" / "out" / "config.json").read_text())
    winner = json.loads((run / "final" / "setup.json").read_text())
    assert config["optim.lr"] == winner["setup"]["lr"] and config["train.epochs"] == winner["epochs"]
    curves = place.rows("SELECT name, count(*) FROM metric WHERE trial = 't1' GROUP BY name", "keyval-1")
    assert dict(curves).keys() == {"val_loss", "train_loss"}
