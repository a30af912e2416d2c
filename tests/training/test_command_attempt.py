"""One attempt at a trial of a command task: real scripts in real worker processes."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from tests.faults.small_disk import SmallDisk
from tests.support.commands import COMMAND, TEXT, toy, toy_job
from tests.support.trials import RunningWorker, Told, until

from staycourse.core.job import StopSpec
from staycourse.task.sources import sha256

RESUME = {"resume": "--resume {checkpoint}"}


def told(folder: Path, more: str = "", spec: dict[str, Any] | None = None, **changes: Any) -> Told:
    """What the worker says of the toy script with more flags."""
    task = toy(folder, f"{COMMAND} {more}", **(spec or {}))
    return RunningWorker(toy_job(folder, task, **changes)).finish()


def trial(folder: Path) -> Path:
    return folder / "trials" / "t1"


def test_a_script_is_followed_to_its_end(tmp_path: Path) -> None:
    said = told(tmp_path)
    ended = said.one("ended")
    assert (ended["outcome"], ended["rule"], ended["epoch"]) == ("completed", "epochs", 5)
    assert ended["detail"] == "all 5 epochs done"
    assert [epoch for epoch, _ in ended["curve"]] == [1, 2, 3, 4, 5]
    assert ended["curve"][0][1] == pytest.approx(2.0) and ended["best"]["epoch"] == 5
    assert said.curve("val_loss") == [value for _, value in ended["curve"]]
    assert said.status == 0 and "from 1 with --lr 0.01 --epochs 5 --seed 7" in said.log
    use = said.one("loading")
    assert (
        use["exit_code"] == 0 and use["last_lines"][-1].startswith("epoch 5") and use["peak_rss_bytes"] > 1e6
    )
    assert "toy.py --lr 0.01" in said.one("ready")["command"]


def test_what_it_has_left_is_on_record_by_its_hash(tmp_path: Path) -> None:
    files = told(tmp_path).one("ended")["files"]
    assert sorted(files) == ["checkpoint", "command.json"]
    for name, facts in files.items():
        assert sha256(trial(tmp_path) / name) == facts["sha256"]


def test_each_trial_runs_in_a_copy_that_it_may_litter(tmp_path: Path) -> None:
    told(tmp_path, "--litter model.bin", {"weights": "model.bin"}).one("ended")
    assert [path.name for path in (tmp_path / "code").iterdir()] == ["toy.py"]
    assert [path.name for path in (trial(tmp_path) / "work").iterdir()] == ["model.bin"]


def test_patience_ends_it_with_sigterm_after_its_checkpoint(tmp_path: Path) -> None:
    stop = StopSpec(patience=2)
    said = told(tmp_path, "--plateau 2 --sleep 0.2 --save-after 0.3", epochs=50, horizon=50, stop=stop)
    ended = said.one("ended")
    assert (ended["rule"], ended["epoch"], ended["best"]["epoch"]) == ("patience", 4, 2)
    assert said.one("loading")["exit_code"] == -signal.SIGTERM
    assert (trial(tmp_path) / "checkpoint").read_text().startswith("4 ")


def test_a_script_that_is_only_told_the_horizon_is_ended_where_the_trial_ends(tmp_path: Path) -> None:
    said = told(tmp_path, "--sleep 0.2 --save-after 0.3", epochs=3, horizon=50)
    assert (said.one("ended")["rule"], said.one("ended")["epoch"]) == ("epochs", 3)
    assert (trial(tmp_path) / "checkpoint").read_text().startswith("3 ")


def test_one_that_is_told_where_it_ends_is_left_to_end(tmp_path: Path) -> None:
    command = COMMAND.replace("{epochs}", "{stop_epoch}")
    task = toy(tmp_path, f"{command} --save-after 0.3")
    said = RunningWorker(toy_job(tmp_path, task, epochs=3, horizon=50)).finish()
    assert said.one("loading")["exit_code"] == 0 and said.one("ended")["epoch"] == 3


@pytest.mark.slow
def test_who_ignores_sigterm_is_killed_and_takes_its_group_along(tmp_path: Path, monkeypatch: Any) -> None:
    said = told(tmp_path, "--stubborn --plateau 1 --sleep 0.05", epochs=999, horizon=999, stop=StopSpec(1))
    assert said.one("ended")["rule"] == "patience"
    assert said.one("loading")["exit_code"] == -signal.SIGKILL


def test_epochs_may_be_counted_from_0(tmp_path: Path) -> None:
    ended = told(tmp_path, "--zero", epochs=3, horizon=3).one("ended")
    assert [epoch for epoch, _ in ended["curve"]] == [1, 2, 3] and ended["epoch"] == 3


def test_results_may_come_by_the_file_that_the_environment_names(tmp_path: Path) -> None:
    ended = told(tmp_path, "--metrics", {"metrics": {}}).one("ended")
    assert [epoch for epoch, _ in ended["curve"]] == [1, 2, 3, 4, 5]


def test_a_script_that_ends_early_by_itself_has_completed_and_says_so(tmp_path: Path) -> None:
    ended = told(tmp_path, "--fail-at 4 --how exit").one("ended")
    assert (ended["outcome"], ended["rule"], ended["epoch"]) == ("completed", "script", 3)
    assert ended["detail"] == "the script ended by itself after 3 of 5 epochs"


def test_a_loss_that_is_no_number_ends_it_as_diverged(tmp_path: Path) -> None:
    ended = told(tmp_path, "--fail-at 3 --how nan --sleep 0.05", epochs=999, horizon=999).one("ended")
    assert (ended["outcome"], ended["rule"]) == ("diverged", "divergence")
    assert ended["detail"] == "val_loss is nan (epoch 3)"


@pytest.mark.parametrize(
    ("how", "failure", "error"),
    [
        ("error", "error", "exit code 1: RuntimeError: it was told to fail"),
        ("memory", "out of memory", "exit code 1: torch.OutOfMemoryError: CUDA out of memory."),
        ("quiet", "error", "the script ended without a val_loss: it told of nothing that"),
    ],
)
def test_a_failure_is_told_by_its_last_line(tmp_path: Path, how: str, failure: str, error: str) -> None:
    said = told(tmp_path, f"--fail-at 2 --how {how}")
    failed = said.one("failed")
    assert failed["failure"] == failure and failed["error"].startswith(error)
    assert failed["epoch"] == (0 if how == "quiet" else 1) and said.status == 0


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_a_script_that_dies_of_a_signal_takes_its_worker_along(
    tmp_path: Path, number: signal.Signals
) -> None:
    how = "kill" if number is signal.SIGKILL else "segv"
    said = told(tmp_path, f"--fail-at 2 --how {how}")
    assert said.status == -number and not said.all("failed") + said.all("ended")


def test_a_full_disk_is_not_its_fault(tmp_path: Path) -> None:
    with SmallDisk.mounted(tmp_path / "small", 8) as disk:
        said = told(disk.path, "--fail-at 2 --how disk")
    assert said.status == -signal.SIGKILL and "no room on the disk" in said.one("waiting")["why"]


def test_another_full_disk_is_a_failure_for_nobody_knows_when_it_has_room(tmp_path: Path) -> None:
    assert "No space left" in told(tmp_path, "--fail-at 2 --how disk").one("failed")["error"]


def test_a_script_that_leaves_with_an_error_when_it_is_ended_has_not_failed(tmp_path: Path) -> None:
    said = told(tmp_path, "--sleep 0.2 --grumpy", epochs=2, horizon=50)
    assert (said.one("ended")["rule"], said.one("loading")["exit_code"]) == ("epochs", 3)


def test_an_order_to_stop_that_comes_after_the_end_takes_nothing_back(tmp_path: Path) -> None:
    task = toy(tmp_path, COMMAND.replace("{epochs}", "{stop_epoch}") + " --save-after 3")
    worker = RunningWorker(toy_job(tmp_path, task, epochs=1, horizon=50))
    worker.wait_for("metrics")
    worker.order({"order": "stop"})
    assert worker.finish().one("ended")["epoch"] == 1


def test_a_shell_script_finds_the_interpreter_as_python(tmp_path: Path) -> None:
    task = toy(tmp_path, COMMAND.replace("python toy.py", "sh run.sh"))
    (tmp_path / "code" / "run.sh").write_text('exec python toy.py "$@"\n')
    assert RunningWorker(toy_job(tmp_path, task)).finish().one("ended")["epoch"] == 5


def test_a_program_that_is_not_there_is_a_failure(tmp_path: Path) -> None:
    task = toy(tmp_path)
    assert task.command is not None
    spec = replace(task.command, words=("./nothing.sh",))
    said = RunningWorker(toy_job(tmp_path, replace(task, command=spec))).finish()
    assert said.one("failed")["error"] == "./nothing.sh cannot be started: No such file or directory"


def test_a_share_and_no_split_are_said_by_flags(tmp_path: Path) -> None:
    flags = {"data": "--subset {data}", "all": "--no-val"}
    said = told(tmp_path, spec={"flags": flags}, data={"share": 0.5, "split": False}, epochs=3, horizon=3)
    assert "--subset 0.5 --no-val" in said.log
    assert (said.one("ended")["epoch"], said.one("ended")["curve"]) == (3, [])


def test_flags_of_a_value_and_of_what_exists_are_appended(tmp_path: Path) -> None:
    flags = {"tied": {"true": "--tied"}, "kind": "--kind {kind}"}
    setup = {"lr": 0.01, "tied": True, "kind": "fancy"}
    assert "--tied --kind fancy" in told(tmp_path / "a", spec={"flags": flags}, setup=setup).log
    setup = {"lr": 0.01, "tied": False}
    assert "--tied" not in told(tmp_path / "b", spec={"flags": flags}, setup=setup).log


def test_an_order_to_stop_ends_the_script_and_the_next_attempt_resumes(tmp_path: Path) -> None:
    task = toy(tmp_path, f"{COMMAND} --sleep 0.1", flags=RESUME)
    job = toy_job(tmp_path, task, epochs=8, horizon=8)
    worker = RunningWorker(job)
    worker.wait_for("checkpoint")
    worker.order({"order": "stop"})
    first = worker.finish()
    assert first.status == 0 and first.one("interrupted")["epoch"] >= 1
    second = RunningWorker(replace(job, attempt=2)).finish()
    assert second.one("ready")["resumed_from"] and "--resume" in second.one("ready")["command"]
    whole = told(tmp_path / "whole", "--sleep 0", {"flags": RESUME}, epochs=8, horizon=8)
    assert second.one("ended")["curve"] == whole.one("ended")["curve"]
    assert second.rows() == whole.rows()


def test_a_killed_worker_leaves_nobody_and_the_script_resumes(tmp_path: Path) -> None:
    task = toy(tmp_path, f"{COMMAND} --sleep 0.1", flags=RESUME)
    job = toy_job(tmp_path, task, epochs=6, horizon=6)
    worker = RunningWorker(job)
    worker.wait_for("checkpoint")
    (script,) = psutil.Process(worker.process.pid).children()
    os.kill(worker.process.pid, signal.SIGKILL)
    worker.finish()
    until(lambda: not script.is_running() or script.status() == psutil.STATUS_ZOMBIE)
    ended = RunningWorker(replace(job, attempt=2)).finish().one("ended")
    assert [epoch for epoch, _ in ended["curve"]] == [1, 2, 3, 4, 5, 6]


def test_one_that_cannot_resume_starts_over_without_what_was_left(tmp_path: Path) -> None:
    task = toy(tmp_path, f"{COMMAND} --fail-at 4 --fail-flag {tmp_path / 'failed'} --how kill --litter x")
    job = toy_job(tmp_path, task)
    assert RunningWorker(job).finish().status == -signal.SIGKILL
    second = RunningWorker(replace(job, attempt=2)).finish()
    assert second.one("ready")["resumed_from"] is None and "from 1 with" in second.log
    assert [epoch for epoch, _ in second.one("ended")["curve"]] == [1, 2, 3, 4, 5]


def test_a_trial_goes_on_from_what_its_parent_has_left(tmp_path: Path) -> None:
    task = toy(tmp_path, f"{COMMAND} --sleep 0.2", flags=RESUME)
    parent = toy_job(tmp_path, task, epochs=3, horizon=6)
    files = RunningWorker(parent).finish().one("ended")["files"]
    hashes = {name: facts["sha256"] for name, facts in files.items()}
    child = replace(
        parent,
        trial="t2",
        folder=str(tmp_path / "trials" / "t2"),
        epochs=6,
        parent=parent.folder,
        parent_files=hashes,
    )
    said = RunningWorker(child).finish()
    assert "from 4 with" in said.log
    assert [epoch for epoch, _ in said.one("ended")["curve"]] == [1, 2, 3, 4, 5, 6]
    assert {epoch for epoch, _ in said.rows().values()} == {4, 5, 6}


def test_a_damaged_checkpoint_of_the_parent_is_not_gone_on_from(tmp_path: Path) -> None:
    task = toy(tmp_path, flags=RESUME)
    parent = toy_job(tmp_path, task, epochs=3, horizon=6)
    files = RunningWorker(parent).finish().one("ended")["files"]
    hashes = {name: facts["sha256"] for name, facts in files.items()}
    (Path(parent.folder) / "checkpoint").write_text("2 forged\n")
    folder = str(tmp_path / "trials" / "t2")
    child = replace(parent, trial="t2", folder=folder, epochs=6, parent=parent.folder, parent_files=hashes)
    said = RunningWorker(child).finish()
    assert "from 1 with" in said.log and "missing or damaged" in said.one("ready")["checkpoint_notes"][0]


def test_the_weights_are_taken_away_with_a_description(tmp_path: Path) -> None:
    said = told(tmp_path, final=str(tmp_path / "final"))
    said.one("ended")
    assert (tmp_path / "final" / "checkpoint").read_text().startswith("5 ")
    setup = json.loads((tmp_path / "final" / "setup.json").read_text())
    assert setup["weights"] == ["checkpoint"] and setup["setup"] == {"lr": 0.01} and setup["epochs"] == 5


def test_weights_that_are_not_where_they_should_be_are_a_failure(tmp_path: Path) -> None:
    said = told(tmp_path, spec={"weights": "elsewhere.pt"}, final=str(tmp_path / "final"))
    assert "left no weights" in said.one("failed")["error"]


def test_a_script_that_saves_at_its_end_has_to_be_told_of_it(tmp_path: Path) -> None:
    more = {"epochs": 2, "horizon": 9, "final": str(tmp_path / "final")}
    said = told(tmp_path, "--sleep 0.1", {"weights": "never.pt"}, **more)
    assert said.one("failed")["error"].endswith(
        "by the end of epoch 2; one that saves at its end needs {stop_epoch}"
    )


def test_control_sequences_and_bars_do_no_harm(tmp_path: Path) -> None:
    task = toy(tmp_path)
    (tmp_path / "code" / "toy.py").write_text(
        "import sys\n"
        "for epoch in range(1, 4):\n"
        "    for at in range(100):\n"
        "        sys.stderr.write(f'\\r{at}% |####| val_loss 9')\n"
        "    print(f'\\x1b[2J\\x1b]0;owned\\x07epoch {epoch} val_loss {1 / epoch} \\x1b[31m')\n"
    )
    said = RunningWorker(toy_job(tmp_path, task, epochs=3, horizon=3)).finish()
    assert [value for _, value in said.one("ended")["curve"]] == [1.0, 0.5, 1 / 3]
    assert "\x1b" not in json.dumps(said.one("loading")["last_lines"]) and TEXT
