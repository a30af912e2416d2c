"""`staycourse init`: a script's own arguments become a roadmap that can be checked at once."""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path

import pytest
from tests.support.commands import SCRIPTS
from tests.support.tiny import Place

CLICK = '''
import sys
# a parser that cannot be looked into: click
HELP = """Usage: train.py [OPTIONS]

Options:
  --lr FLOAT              learning rate  [default: 0.002]
  -e, --epochs INTEGER    how long  [default: 5]
  --optimizer [sgd|adam]  which one
  --tied                  tie weights
  --help                  Show this message and exit.
"""
if "--help" in sys.argv:
    print(HELP)
    sys.exit(0)
open("trained", "w").close()
'''
HOSTILE = """
import argparse
p = argparse.ArgumentParser()
p.add_argument("--lr", type=float, default=0.1, help="a\\x1b[2J\\nname = 'x'  # $(touch x) ü")
p.add_argument("--we ird", type=int, default=3)
p.add_argument("--epochs", type=int, default=3)
p.add_argument("--tied", type=bool, default=True)
args = p.parse_args()
open("trained", "w").close()
"""


def made(place: Place, script: Path, *more: str) -> tuple[str, dict]:
    done = place.run("init", script, *more)
    assert done.returncode == 0, done.stderr
    assert not list(place.folder.rglob("trained")), "the script was run beyond its arguments"
    text = script.with_suffix(".toml").read_text()
    checked = place.run("check", script.with_suffix(".toml"))
    assert checked.returncode == 0, checked.stderr
    return done.stdout, tomllib.loads(text)


@pytest.mark.parametrize("more", [(), ("--no-run",)])
def test_a_script_is_asked_or_read(place: Place, more: tuple[str, ...]) -> None:
    shutil.copytree(SCRIPTS / "images", place.folder / "my images")
    said, roadmap = made(place, place.folder / "my images" / "main.py", *more)
    assert ("its source" if more else "its parser") in said and "staycourse check" in said
    assert list(roadmap["space"]) == ["batch_size", "lr", "optimizer", "dropout"]
    assert roadmap["space"]["optimizer"] == {"choice": ["adadelta", "sgd"]}
    assert roadmap["task"]["flags"] == {
        "resume": "--resume {checkpoint}", "data": "--subset {data}", "all": "--no-val",
    }  # fmt: skip
    command = roadmap["task"]["command"]
    assert command.startswith("python main.py --epochs {epochs} --seed {seed} --save {checkpoint} ")
    assert "--lr {lr}" in command and [phase["kind"] for phase in roadmap["phase"]][-1] == "final"


def test_the_help_of_another_parser_is_read(place: Place) -> None:
    script = place.folder / "train.py"
    script.write_text(CLICK)
    said, roadmap = made(place, script)
    assert "its --help" in said
    assert roadmap["space"] == {
        "lr": {"log": [6.67e-05, 0.02]}, "optimizer": {"choice": ["sgd", "adam"]},
    }  # fmt: skip
    assert roadmap["task"]["command"] == "python train.py --epochs {epochs} --lr {lr} --optimizer {optimizer}"


def test_hostile_words_stay_comments(place: Place) -> None:
    script = place.folder / "a b$(x).py"
    script.write_text(HOSTILE)
    _, roadmap = made(place, script)
    assert roadmap["name"] == "a-b-x" and list(roadmap["space"]) == ["lr"]
    assert "\x1b" not in script.with_suffix(".toml").read_text()


def test_nothing_is_written_over_and_a_missing_script_is_told(place: Place) -> None:
    script = place.folder / "train.py"
    script.write_text(CLICK)
    script.with_suffix(".toml").write_text("mine")
    for words in (("init", script), ("init", place.folder / "none.py")):
        done = place.run(*words)
        assert done.returncode == 2 and "Traceback" not in done.stderr
    assert script.with_suffix(".toml").read_text() == "mine"
