"""Bad input through the real command line: exit code 2, one clear message, nothing started, nothing left."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path
from typing import Any

import pytest
from tests.support.tiny import FINAL, PROBE, TASK, Place, wait_until, write_roadmap

from staycourse.core.problems import UserError
from staycourse.supervise.launch import prepare
from staycourse.supervise.options import Options
from staycourse.task.checking import check

SPACE = {"lr": {"log": [1e-3, 1e-1]}, "batch_size": 8, "dropout": {"range": [0.0, 0.3]}}
GRID = {"kind": "grid", "points": {"lr": 2}, "epochs": 2, "keep": 1}


def refused(place: Place, *words: str | Path) -> str:
    """What a command that must not do anything says; nothing may have come of it."""
    runs = place.run_folders()
    done = place.run(*words)
    assert done.returncode == 2, (done.returncode, done.stdout, done.stderr)
    assert "Traceback" not in done.stderr + done.stdout
    assert done.stderr.strip()
    assert place.run_folders() == runs
    # What a child leaves with may outlast the command for a moment.
    wait_until(lambda: not place.processes(), 5, "no process is left")
    assert not list((place.folder / "tmp").glob("staycourse-*"))
    return done.stderr


def refused_roadmap(place: Place, *, task: str = TASK, **changes: Any) -> str:
    """What `run` says of a roadmap that is probed only."""
    small = {"space": SPACE, "phases": [PROBE], **changes}
    return refused(place, "run", write_roadmap(place.folder, task=task, **small), "--no-ui")


# --- the roadmap's file --------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["run", "check", "rehearse", "plan"])
def test_a_missing_file(place: Place, command: str) -> None:
    assert refused(place, command, "nowhere.toml") == "nowhere.toml: no such file\n"


def test_files_that_cannot_be_roadmaps(place: Place) -> None:
    (place.folder / "folder.toml").mkdir()
    (place.folder / "binary.toml").write_bytes(b"\x7fELF\x02\x01\x01\xff\xfe")
    (place.folder / "empty.toml").touch()
    (place.folder / "broken.toml").write_text('name = "x"\n[task\nfile = "task.py"\n')
    os.mkfifo(place.folder / "pipe.toml")
    assert "folder.toml: a folder, not a roadmap file" in refused(place, "check", "folder.toml")
    assert "binary.toml: not UTF-8 text" in refused(place, "check", "binary.toml")
    assert "empty.toml: " in refused(place, "check", "empty.toml")
    assert "broken.toml: line 2: not TOML: " in refused(place, "run", "broken.toml", "--no-ui")
    assert "pipe.toml: not a regular file" in refused(place, "check", "pipe.toml")


def test_every_mistake_of_a_roadmap_at_once_each_with_line_path_and_remedy(place: Place) -> None:
    path = write_roadmap(place.folder)
    text = path.read_text()
    for old, new in (
        ("seed = 5", 'seed = "5"'),
        ('goal = "min"', 'gaol = "min"'),
        ("lr = { log = [0.001, 0.1] }", "lr = { log = [0.1, 0.001] }"),
        ("dropout = { range = [0.0, 0.3] }", "dropout = { log = [0, 0.3] }"),
        ("points = { lr = 2 }", "points = { width = 2 }"),
    ):
        assert old in text
        text = text.replace(old, new)
    path.write_text(text)
    said = refused(place, "run", path, "--no-ui")
    lines = said.strip().splitlines()
    assert len(lines) == 5, said
    for line, key, what, right in (
        (lines[0], "seed", "whole number", ""),
        (lines[1], "objective.gaol", "unknown key", "did you mean 'goal'?"),
        (lines[2], "space.lr", "0.1", "[0.001, 0.1]"),
        (lines[3], "space.dropout.log", "cannot begin at 0", "above 0"),
        (lines[4], "phase[3].points.width", "no hyperparameter 'width'", "known: "),
    ):
        number = int(re.search(r"tiny\.toml: line (\d+): ", line)[1])  # type: ignore[index]
        assert key.rpartition(".")[2] in text.splitlines()[number - 1], line
        assert key in line and what in line and right in line, (key, line)


def test_an_empty_space(place: Place) -> None:
    said = refused_roadmap(place, space={})
    assert "tiny.toml: " in said and "space: the space is empty (name at least one" in said


def test_batch_sizes_that_are_none(place: Place) -> None:
    for size, right in ((0, "whole"), (8.5, "whole"), ("big", "whole"), ({"log": [4, 16]}, "integer = true")):
        said = refused_roadmap(place, space={**SPACE, "batch_size": size})
        assert re.search(r"line \d+: space\.batch_size: ", said) and right in said, said


def test_final_before_anything_was_ranked(place: Place) -> None:
    said = refused_roadmap(place, phases=[PROBE, FINAL])
    assert re.search(r"line \d+: phase\[2\]: final comes before anything was ranked \(put a grid", said)


def test_what_later_work_brings_is_refused_not_ignored(place: Place) -> None:
    path = write_roadmap(place.folder, limits={"gpus_per_trial": 2})
    said = refused(place, "check", path)
    assert re.search(r"line \d+: limits\.gpus_per_trial: not yet", said), said


# --- the task file -------------------------------------------------------------------------------------


def test_no_task_file(place: Place) -> None:
    path = write_roadmap(place.folder)
    (place.folder / "task.py").unlink()
    said = refused(place, "check", path)
    assert "line 5: task.file: no such file: " in said and "relative to the roadmap's folder" in said
    (place.folder / "task.py").mkdir()
    assert "task.file: not a regular file: " in refused(place, "check", path)


def changed(old: str, new: str) -> str:
    assert old in TASK
    return TASK.replace(old, new)


BROKEN = {
    "raises on import": (
        changed("import torch\n", "import torch\nraise OSError('no licence')\n"),
        r"task\.file: importing task\.py raises OSError: no licence \(task\.py, line \d+\)",
    ),
    "is no Python": (
        changed("def dataset(args):", "def dataset(args:"),
        r"task\.file: importing task\.py raises SyntaxError: .*\(task\.py, line \d+\)",
    ),
    "imports what is not there": (
        changed("import torch\n", "import torch\nimport tensorflow_of_mars\n"),
        r"raises ModuleNotFoundError: No module named 'tensorflow_of_mars' \(task\.py, line \d+\)",
    ),
    "ends the process on import": (
        changed("import torch\n", "import torch\nsys.exit('usage: task.py')\n"),
        r"importing task\.py raises SystemExit: usage: task\.py",
    ),
    "kills the process": (
        changed("import torch\n", "import torch\nos.kill(os.getpid(), 11)\n"),
        r"task\.file: the check's process died: killed by SIGSEGV",
    ),
    "looks for its data beside its code": (
        changed("    points = torch.randn(args.count, 2)\n", "    points = torch.load(__file__ + '.pt')\n"),
        r"dataset\(\) raises FileNotFoundError: .*\(the task runs from a copy of its code, .*args\b",
    ),
    "lacks a function": (
        changed("def model(", "def network("),
        r"task\.file: task\.py has no function model\(\) \(def model\(args, hp, dataset\)",
    ),
    "has an argument of type=bool": (
        changed('"--prints", default=""', '"--prints", type=bool, default=False'),
        r"task\.args\.prints: .*every text that is not empty is true.*\(type=int, default=0, or action=",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_task_file_that(place: Place, case: str) -> None:
    task, message = BROKEN[case]
    said = refused_roadmap(place, task=task)
    assert re.search(message, said), said
    assert len(said.strip().splitlines()) == 1 and re.search(r"tiny\.toml: line \d+: ", said), said


DAEMON = """import torch
import subprocess
subprocess.Popen(["sleep", "300"])  # with the check's standard output and error
"""


def nobody_is_left(place: Place) -> None:
    """What a check has started is killed at its end, and dies a moment later."""
    wait_until(lambda: not place.processes(), 20, "what the check has started is gone")


def test_a_daemon_of_the_tasks_is_not_waited_for(place: Place) -> None:
    path = write_roadmap(place.folder, task=changed("import torch\n", DAEMON), space=SPACE, phases=[PROBE])
    done = place.run("check", path, timeout=60)
    assert done.returncode == 0, done.stderr
    nobody_is_left(place)
    path = write_roadmap(
        place.folder, task=changed("import torch\n", DAEMON + "sys.exit('no licence')\n"), space=SPACE
    )
    assert "no licence" in place.run("check", path, timeout=60).stderr
    path = write_roadmap(
        place.folder, task=changed("import torch\n", DAEMON + "os.abort()\n"), space=SPACE, phases=[PROBE]
    )
    assert "killed by SIGABRT" in place.run("check", path, timeout=60).stderr
    nobody_is_left(place)


def test_ctrl_c_ends_the_check_and_its_children(place: Place) -> None:
    task = changed("import torch\n", "import torch\nopen('imported', 'w').close()\ntime.sleep(300)\n")
    path = write_roadmap(place.folder, task=task)
    with place.started("check", path) as command:
        wait_until((place.folder / "imported").exists, 60, "the task is imported")
        command.send_signal(signal.SIGINT)
        assert command.wait(20) == 130
    nobody_is_left(place)
    assert not list((place.folder / "tmp").glob("staycourse-*"))


def test_arguments_that_the_task_has_not(place: Place) -> None:
    said = refused_roadmap(place, args={"coutn": 3, "step_ms": "quick"})
    assert re.search(r"line \d+: task\.args\.coutn: .*did you mean 'count'\?", said), said
    assert re.search(
        r"line \d+: task\.args\.step_ms: 'quick' is no valid value \(a value of type float", said
    )


def test_an_empty_data_set_and_one_smaller_than_a_batch(place: Place) -> None:
    assert "dataset() is empty" in refused_roadmap(place, args={"count": 0})
    said = refused_roadmap(place, args={"count": 9}, space={**SPACE, "batch_size": 16})
    assert re.search(r"space\.batch_size: the data set is smaller than a batch: .*7 samples", said), said


def test_what_only_running_the_task_can_tell(place: Place) -> None:
    """A metric that is never reported, in the objective and in a rule, and a hyperparameter read nowhere."""
    said = refused_roadmap(
        place,
        objective={"metric": "val_acuracy", "goal": "max"},
        space={**SPACE, "depth": {"choice": [1, 2]}},
        phases=[{**PROBE, "stop": {"patience": 1, "metric": "val_f1"}}],
    )
    assert re.search(
        r"line \d+: objective\.metric: .*never reports 'val_acuracy'.*did you mean 'accuracy'", said
    )
    assert re.search(
        r"line \d+: phase\[1\]\.stop\.metric: .*never reports 'val_f1'.*reports .*accuracy", said
    )
    assert re.search(r"line \d+: space\.depth: no function reads it", said), said


def test_optimizers_and_searches_that_nobody_knows(place: Place) -> None:
    said = refused_roadmap(
        place,
        space={**SPACE, "optimizer": {"choice": ["adamw", "adamv"]}},
        phases=[{"kind": "narrow", "trials": 3, "epochs": 1, "optimizer": "OnePlusTwo"}],
    )
    assert re.search(r"line \d+: .*torch\.optim has no optimizer 'adamv' \(did you mean", said), said
    assert re.search(r"line \d+: phase\[1\]\.optimizer: .*'OnePlusTwo'.*OnePlusOne", said), said


def test_data_that_answers_differently(place: Place) -> None:
    task = changed(
        "    points = torch.randn(args.count, 2)\n",
        "    points = torch.randn(args.count, 2, generator=torch.Generator().manual_seed(time.time_ns()))\n",
    )
    said = refused_roadmap(place, task=task)
    assert "different data" in said and "[data] exact = false" in said


# --- the command line and the run folder ---------------------------------------------------------------


def test_wrong_usage(place: Place) -> None:
    path = write_roadmap(place.folder)
    assert "unrecognized arguments: --no-gui" in refused(place, "run", path, "--no-gui")
    assert "invalid choice: 'rum'" in refused(place, "rum", path)
    assert "--slots" in refused(place, "run", path, "--slots", "0")
    assert "--reason" in refused(place, "abandon", "tiny-1")
    assert "no run named 'tiny-1'" in refused(place, "attach", "tiny-1", "--no-ui")
    assert "no run yet" in refused(place, "resume", "--no-ui")
    assert "no run named 'tiny-1'" in refused(place, "report", "tiny-1")


def test_devices_that_are_not_there(place: Place) -> None:
    path = write_roadmap(place.folder, space=SPACE, phases=[PROBE])
    said = refused(place, "run", path, "--no-ui", "--devices", "99")
    assert "99" in said


def test_a_run_folder_that_cannot_be_written(place: Place) -> None:
    path = write_roadmap(place.folder, space=SPACE, phases=[PROBE])
    (place.folder / "taken").write_text("a file stands where the runs should")
    taken = place.folder / "taken"
    said = refused(place, "run", path, "--no-ui", "--runs", taken)
    assert said == f"{taken}: the run folder cannot be written (File exists)\n"
    checked = check(path)
    for runs in (taken / "below", Path("/proc/runs")):
        with pytest.raises(UserError, match=f"^{runs}: the run folder cannot be written"):
            prepare(checked, runs, Options())


@pytest.mark.slow
def test_a_second_supervisor(place: Place) -> None:
    path = write_roadmap(place.folder, space=SPACE, phases=[PROBE], args={"step_ms": 2000})
    with place.started("run", path, "--no-ui"):
        wait_until(lambda: "trial started" in place.kinds(), 60, "a trial trains")
        pid = place.supervisor()
        for words in (("resume", "tiny-1", "--no-ui"), ("abandon", "tiny-1", "--reason", "no")):
            done = place.run(*words)
            assert done.returncode == 2, done
            assert f"tiny-1 already has a supervisor (process {pid})" in done.stderr, done.stderr
            assert "staycourse attach tiny-1" in done.stderr
    assert place.supervisor() == pid
    assert place.kinds().count("engine started") == 1
