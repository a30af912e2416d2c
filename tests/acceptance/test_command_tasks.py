"""Scripts in the style of well-known examples, under roadmaps of all phases that a command can do."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
from pathlib import Path

import pytest
from tests.support.commands import SCRIPTS
from tests.support.tiny import Place, wait_until

from staycourse.client import RunClient

pytestmark = pytest.mark.slow

WORDS = ["the", "cat", "sat", "on", "a", "mat", "and", "ran", "to", "see", "dogs", "far", "away"]


def script(place: Place, name: str) -> Path:
    """The script's folder beside this place, with the data that it reads; its roadmap."""
    folder = place.folder / name
    shutil.copytree(SCRIPTS / name, folder)
    if name == "lm":
        draw = random.Random(1)
        (folder / "data" / "text").mkdir(parents=True)
        for part, count in (("train", 600), ("valid", 150)):
            text = " ".join(draw.choice(WORDS) for _ in range(count))
            (folder / "data" / "text" / f"{part}.txt").write_text(text)
    return folder / "roadmap.toml"


def follow(place: Place, name: str) -> Path:
    """The run folder of a script's whole campaign, which is verified."""
    done = place.run("run", script(place, name), "--no-ui", timeout=280)
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


def test_an_image_classifier_is_killed_with_all_its_engine_and_comes_out_the_same(place: Place) -> None:
    roadmap = script(place, "images")
    done = place.run("run", roadmap, "--no-ui", timeout=280)
    assert done.returncode == 0, done.stdout + done.stderr
    with place.started("run", roadmap, "--no-ui"):
        ended = "SELECT count(*) FROM trial WHERE status = 'ended'"
        wait_until(lambda: place.rows(ended, "images-2") > [(1,)], 120, "two trials have ended")
        wait_until(lambda: place.rows("SELECT 1 FROM metric WHERE trial = 't3'", "images-2"), 60, "t3 trains")
        os.kill(place.supervisor("images-2"), signal.SIGKILL)
        scripts = [pid for pid in place.processes() if _is_script(pid)]
        wait_until(lambda: not any(map(_is_script, scripts)), 20, "no script outlives its engine")
    assert place.run("resume", "images-2", "--no-ui", timeout=280).returncode == 0
    for run in ("images-1", "images-2"):
        assert place.run("verify", run).returncode == 0
    curves = "SELECT trial, name, step, epoch, value FROM metric ORDER BY trial, name, step"
    assert place.rows(curves, "images-1") == place.rows(curves, "images-2")
    final = [place.runs / run / "final" / "checkpoint" for run in ("images-1", "images-2")]
    assert final[0].read_bytes() == final[1].read_bytes()


def _is_script(pid: int) -> bool:
    try:
        return b"main.py" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
