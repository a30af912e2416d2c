"""The app without a command: which roadmaps it finds, and what becomes of a check that nobody waits for."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from tests.support.run_folder import sealed_run
from tests.support.sample_run import ROADMAP
from tests.support.tiny import PROBE, TASK, Place, wait_until, write_roadmap

from staycourse.cli.home import home
from staycourse.cli.roadmap_files import RoadmapFiles
from staycourse.core.problems import RoadmapError, UserError
from staycourse.core.roadmap import Roadmap

SPACE = {"lr": {"log": [1e-3, 1e-1]}, "batch_size": 8}


def test_roadmaps_are_told_from_other_toml_files(tmp_path: Path) -> None:
    files = {
        "good.toml": ROADMAP,
        "marked.toml": "\ufeff" + ROADMAP,
        "no-phase.toml": 'name = "x"\n[task]\nfile = "task.py"\n',
        "one-phase.toml": '[phase]\nkind = "probe"\n',
        "torn.toml": 'name = "x\n[[phase]]\nkind = "probe"\n',
        "roadmaps/other.toml": ROADMAP,
        "pyproject.toml": '[project]\nname = "x"\n[task]\n',
        "broken-settings.toml": '[tool]\nname = "x\n',
        "empty.toml": "",
        "notes.txt": ROADMAP,
        "roadmaps/deeper/far.toml": ROADMAP,
        "elsewhere/far.toml": ROADMAP,
        "huge.toml": ROADMAP + "#" * 1_000_000,
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    os.mkfifo(tmp_path / "pipe.toml")
    (tmp_path / "gone.toml").symlink_to("nowhere")
    (tmp_path / "folder.toml").mkdir()
    found = {str(path.relative_to(tmp_path)): read for path, read in RoadmapFiles(tmp_path).look()}
    assert list(found) == [
        "good.toml", "marked.toml", "no-phase.toml", "one-phase.toml", "torn.toml", "roadmaps/other.toml",
    ]  # fmt: skip
    wrong = {name for name, read in found.items() if isinstance(read, RoadmapError)}
    assert wrong == {"no-phase.toml", "one-phase.toml", "torn.toml"}
    assert isinstance(found["good.toml"], Roadmap)
    assert "line 1: not TOML" in str(found["torn.toml"])


def test_a_file_that_is_no_text_is_an_error_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "latin.toml").write_bytes(ROADMAP.replace("digits.py", "zählen.py").encode("latin-1"))
    ((path, read),) = RoadmapFiles(tmp_path).look()
    assert isinstance(read, UserError) and "not UTF-8 text" in str(read)


def test_only_what_has_changed_is_read_again(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.toml").write_text(ROADMAP, encoding="utf-8")
    (tmp_path / "c.toml").write_text(ROADMAP + '[from]\nrun = "digits-1"\n', encoding="utf-8")
    files = RoadmapFiles(tmp_path)
    first = [read for _, read in files.look()]
    (tmp_path / "b.toml").write_text(ROADMAP.replace("seed = 7", "seed = 8"), encoding="utf-8")
    second = [read for _, read in files.look()]
    assert second[0] is first[0] and second[1] is not first[1]
    assert second[2] is not first[2]  # what it builds on may have changed
    assert isinstance(second[1], Roadmap) and second[1].seed == 8


def test_a_check_ends_in_an_offer_that_can_be_sealed(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_roadmap(place.folder, space=SPACE, phases=[PROBE])
    monkeypatch.chdir(place.folder)
    shown = home(place.runs)
    ((found, read),) = shown.roadmaps()
    assert str(found) == path.name and isinstance(read, Roadmap)
    offer = shown.check(found)
    assert offer.source == "tiny.toml" and offer.roadmap.name == "tiny" and len(offer.will_be) == 64
    assert not place.runs.exists()
    (place.folder / "task.py").write_text("def model(args, hp):\n    pass\n")
    with pytest.raises(RoadmapError, match="task.py has no function dataset"):
        shown.check(found)


def test_a_check_that_nobody_waits_for_is_ended_with_what_it_has_started(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = place.folder / "started"
    endless = (
        "def dataset(args):\n"
        "    import subprocess\n"
        "    subprocess.Popen(['sleep', '600'])\n"
        f"    open({str(started)!r}, 'w').close()\n"
        "    time.sleep(600)\n"
    )
    path = write_roadmap(place.folder, task=TASK + endless, space=SPACE, phases=[PROBE])
    for name in ("XDG_STATE_HOME", "TMPDIR"):
        monkeypatch.setenv(name, place.environment[name])
    shown = home(place.runs)
    ended: list[Exception] = []

    def check() -> None:
        try:
            shown.check(path)
        except UserError as error:
            ended.append(error)

    waiting = threading.Thread(target=check)
    waiting.start()
    wait_until(started.exists, 60, "the data is being made")
    wait_until(lambda: len(place.processes()) >= 2, 20, "its own process and the task's are there")
    others = set(place.processes())
    shown.cancel()
    waiting.join(20)
    assert len(ended) == 1 and "SIGKILL" in str(ended[0])
    wait_until(lambda: not others & set(place.processes()), 20, "what the check has started is gone")


def test_runs_elsewhere_may_be_named_before_the_command_or_behind_it(place: Place, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    sealed_run(elsewhere / "far-1")[1].close(final=True)
    assert "far-1" not in place.run("runs").stdout
    for words in (
        ("--runs", elsewhere, "runs"),
        ("runs", "--runs", elsewhere),
        (f"--runs={elsewhere}", "runs"),
    ):
        assert "far-1" in place.run(*words).stdout, words
    bare = place.run("--runs", elsewhere)
    assert bare.returncode == 2 and "usage: staycourse" in bare.stdout
