"""`staycourse train`: one experiment by flags, in a folder that the same command goes on with."""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path

import pytest
from tests.support.commands import SCRIPTS
from tests.support.tiny import TASK, Place, wait_until

LENGTH = ("--epochs", "2", "--out", "one")
SETUP = ("--hp.lr=0.01", "--hp.batch_size=16", "--hp.dropout=0.1")


@pytest.fixture
def task(place: Place) -> Path:
    path = place.folder / "task.py"
    path.write_text(TASK)
    return path


def test_an_experiment_and_what_is_left_of_it(place: Place, task: Path) -> None:
    done = place.run("train", task, *LENGTH, "--lr", "0.01", "--batch-size=16", "--dropout=0.1", "--count=60")
    assert done.returncode == 0, done.stderr
    assert "epoch 1/2" in done.stdout and "completed after epoch 2" in done.stdout
    out = place.folder / "one"
    assert {path.name for path in out.iterdir()} == {
        "code", "trial", "experiment.json", "metrics.csv", "model.safetensors", "setup.json", "last.pt",
    }  # fmt: skip
    record = json.loads((out / "experiment.json").read_text())
    assert record["job"]["setup"] == {"lr": 0.01, "batch_size": 16, "dropout": 0.1}
    assert record["job"]["task"]["args"] == {"count": 60} and record["end"]["outcome"] == "completed"
    lines = (out / "metrics.csv").read_text().splitlines()
    assert lines[0] == "name,step,epoch,value" and sum(line.startswith("val_loss,") for line in lines) == 2


def test_a_finished_one_is_skipped_and_another_refused(place: Place, task: Path) -> None:
    assert place.run("train", task, *LENGTH, *SETUP).returncode == 0
    again = place.run("train", task, *LENGTH, *SETUP)
    assert (again.returncode, again.stdout) == (0, "one: finished already\n")
    other = place.run("train", task, *LENGTH, *SETUP, "--seed=1")
    assert other.returncode == 2 and "holds another experiment: seed differ" in other.stderr
    task.write_text(TASK + "\n")
    changed = place.run("train", task, *LENGTH, *SETUP)
    assert changed.returncode == 2 and "the task's code differs" in changed.stderr


@pytest.mark.slow
def test_one_that_was_stopped_goes_on_to_the_same_numbers(place: Place, task: Path) -> None:
    flags = ("--epochs", "8", *SETUP, "--args.step_ms=60")
    with place.started("train", task, "--out=two", *flags) as view:
        rows = place.folder / "two" / "trial" / "last.pt"
        assert view.stdout is not None
        wait_until(lambda: "epoch 2/8" in view.stdout.readline(), 60, "two epochs")
        view.send_signal(signal.SIGINT)
        assert view.wait(60) == 75
    assert rows.exists()
    done = place.run("train", task, "--out=two", *flags)
    assert done.returncode == 0 and "goes on after epoch" in done.stdout
    assert place.run("train", task, "--out=three", *flags).returncode == 0
    two, three = (place.folder / name for name in ("two", "three"))
    assert (two / "model.safetensors").read_bytes() == (three / "model.safetensors").read_bytes()
    assert (two / "metrics.csv").read_text() == (three / "metrics.csv").read_text()


@pytest.mark.slow
def test_a_forgotten_flag_can_be_added(place: Place, task: Path) -> None:
    failed = place.run("train", task, *LENGTH, "--hp.lr=0.01", "--args.fail_in=model")
    assert failed.returncode == 3 and "told to fail" in failed.stdout
    assert place.run("train", task, *LENGTH, "--hp.lr=0.01").returncode == 0


@pytest.mark.slow
def test_help_lists_every_flag_with_types_and_ranges(place: Place, task: Path) -> None:
    said = place.run("train", task, "--help").stdout
    assert "--count INT" in said and "samples; default: 80" in said
    assert "--dropout FLOAT" in said and "default in the code: 0.1" in said and "--no-split" in said
    roadmap = place.folder / "r.toml"
    roadmap.write_text(
        'name = "r"\n[task]\nfile = "task.py"\n[space]\nlr = { log = [1e-4, 1e-1] }\nbatch_size = 8\n'
        '[[phase]]\nkind = "probe"\ntrials = 2\nepochs = 2\n'
    )
    assert "0.0001..0.1 log; learning rate" in " ".join(place.run("train", roadmap, "--help").stdout.split())
    done = place.run("train", roadmap, *LENGTH, "--lr=0.01")
    assert done.returncode == 0, done.stderr
    record = json.loads((place.folder / "one" / "experiment.json").read_text())
    assert record["job"]["setup"] == {"batch_size": 8, "lr": 0.01}


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--lr=0.1", "--nothing=1"), "unrecognized arguments: --nothing=1"),
        (("--hp.lr=0.1", "--precision=fp8"), 'training.precision: expected "fp32"'),
        (("--hp.lr=0.1", "--hp.batch_size=0"), "0 is no batch size"),
        (("--hp.lr=0.1", "--hp.schedule=late"), "no schedule named 'late'"),
        (("--hp.lr=0.1", "--schedules=nonsense"), "schedules: expected a table"),
        (("--hp.lr=0.1", "--folder=nowhere"), "no such folder"),
    ],
)
def test_bad_usage_is_told_in_one_message(
    place: Place, task: Path, flags: tuple[str, ...], words: str
) -> None:
    done = place.run("train", task, *LENGTH, *flags)
    assert done.returncode == 2 and words in done.stderr and "Traceback" not in done.stderr
    assert not (place.folder / "one" / "trial").exists()


@pytest.mark.slow
def test_names_that_are_taken_are_told_apart(place: Place) -> None:
    task = place.folder / "task.py"
    task.write_text(TASK.replace('"--count"', '"--seed"').replace("args.count", "args.seed"))
    done = place.run("train", task, *LENGTH, *SETUP, "--seed=3", "--args.seed=50")
    assert done.returncode == 0, done.stderr
    record = json.loads((place.folder / "one" / "experiment.json").read_text())
    assert record["job"]["seed"] == 3 and record["job"]["task"]["args"] == {"seed": 50}


@pytest.mark.slow
def test_type_bool_is_refused_and_literals_are_warned_of(place: Place) -> None:
    task = place.folder / "task.py"
    bad = '    parser.add_argument("--tied", type=bool, default=True)\n'
    task.write_text(
        TASK.replace("def add_arguments(parser):\n", f"def add_arguments(parser):\n{bad}") + "\nlr = 0.5\n"
    )
    done = place.run("train", task, *LENGTH, *SETUP)
    assert done.returncode == 3 and "type=bool" in done.stdout
    assert "the literal learning rate 0.5" in done.stdout


def test_a_script_is_trained_through_its_roadmap(place: Place) -> None:
    shutil.copytree(SCRIPTS / "toy", place.folder / "toy")
    roadmap = place.folder / "toy" / "r.toml"
    roadmap.write_text(
        'name = "r"\n[task]\n'
        'command = "python toy.py --lr {lr} --epochs {epochs} --seed {seed} --save {checkpoint}"\n'
        "[task.metrics]\ntext = { epoch = 'epoch (\\d+)', val_loss = 'val_loss (\\S+)' }\n"
        '[space]\nlr = { log = [1e-4, 1e-1] }\n[[phase]]\nkind = "probe"\ntrials = 2\nepochs = 2\n'
    )
    done = place.run("train", roadmap, "--folder=toy", *LENGTH, "--lr=0.01", "--seed=4")
    assert done.returncode == 0, done.stderr
    assert "epoch 2/2  val_loss 1.504" in done.stdout
    assert (place.folder / "one" / "checkpoint").read_text() == "2 1.504000\n"
