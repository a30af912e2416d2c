"""A command task before it is sealed: what is copied of it, and what its script tells without being run."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from staycourse.core.problems import RoadmapError
from staycourse.task.checking import Checked, check

ROADMAP = """\
name = "c"
[task]
command = "{command}"
{task}
[task.metrics]
text = {{ val_loss = 'loss (\\S+)' }}
[space]
lr = {{ log = [1e-4, 1e-1] }}
[[phase]]
kind = "probe"
trials = 2
epochs = 2
"""
COMMAND = "python train.py --lr {lr} --epochs {epochs} --seed {seed}"
SCRIPT = "import argparse\nimport helpers\nfrom package import part\nprint('loss 1')\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "train.py").write_text(SCRIPT)
    (tmp_path / "helpers.py").write_text("import json\n")
    (tmp_path / "unused.py").write_text("")
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__init__.py").write_text("")
    (tmp_path / "package" / "part.py").write_text("")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.txt").write_text("a")
    return tmp_path


def checked(folder: Path, command: str = COMMAND, task: str = "", where: str = "c.toml") -> Checked:
    path = folder / where
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(ROADMAP.format(command=command, task=task))
    return check(path)


def refused(folder: Path, command: str = COMMAND, task: str = "") -> str:
    with pytest.raises(RoadmapError) as raised:
        checked(folder, command, task)
    return str(raised.value)


def copied(found: Checked) -> list[str]:
    paths = (path for path in found.code.rglob("*") if path.is_symlink() or path.is_file())
    return sorted(path.relative_to(found.code).as_posix() for path in paths)


def test_a_script_is_copied_with_the_modules_beside_it(folder: Path) -> None:
    found = checked(folder)
    assert copied(found) == ["helpers.py", "package/__init__.py", "package/part.py", "train.py"]
    command = found.facts["command"]
    assert (command["folder"], command["python"]) == ("", sys.executable)
    assert found.facts["metrics"] == ["val_loss"] and "torch" in found.facts["interpreter"]["packages"]


def test_a_script_above_the_roadmap_keeps_its_place(folder: Path) -> None:
    found = checked(folder, COMMAND.replace("train.py", "../train.py"), where="roadmaps/c.toml")
    assert "train.py" in copied(found) and found.facts["command"]["folder"] == "roadmaps"


def test_a_script_named_from_the_root_is_copied_and_run_from_the_copy(folder: Path) -> None:
    found = checked(folder, COMMAND.replace("train.py", f"{folder}/train.py"), where="far/away/c.toml")
    word = found.facts["command"]["words"][1]
    assert not word.startswith("/")
    assert (found.code / found.facts["command"]["folder"] / word).resolve().read_text() == SCRIPT
    assert any(name.endswith("helpers.py") for name in copied(found))


def test_a_module_is_found_by_its_name(folder: Path) -> None:
    (folder / "package" / "part.py").write_text("import helpers\n")
    found = checked(folder, COMMAND.replace("train.py", "-m package.part"))
    assert copied(found) == ["helpers.py", "package/__init__.py", "package/part.py"]


def test_more_files_and_links(folder: Path) -> None:
    (folder / "conf").mkdir()
    (folder / "conf" / "a.yaml").write_text("a: 1")
    (folder / "x.cfg").write_text("x")
    found = checked(folder, task='include = ["*.cfg", "conf"]\nlinks = ["data"]')
    assert {"conf/a.yaml", "x.cfg", "data"} <= set(copied(found))
    assert (found.code / "data").is_symlink() and (found.code / "data").resolve() == folder / "data"
    assert found.facts["fingerprint"]["files"] == 1 and found.facts["data_files"]["kind"] == "covered"


def test_what_the_copy_lacks_is_noted(folder: Path) -> None:
    notes = " ".join(checked(folder, COMMAND + " --data data --init=data/a.txt").notes)
    assert 'links = ["data"]' in notes and 'links = ["data/a.txt"]' in notes
    assert "the seal does not cover the data" in notes


@pytest.mark.parametrize(
    ("command", "task", "words"),
    [
        (COMMAND.replace("python", "no-such-program"), "", "no such program: no-such-program"),
        (COMMAND, 'python = "nowhere/bin/python"', "nowhere/bin/python does not run"),
        (COMMAND, 'include = ["*.nothing"]', "no file matches '*.nothing'"),
        (COMMAND, 'include = ["../x"]', "leads out of the roadmap's folder"),
        (COMMAND, 'links = ["nothing"]', "no such file or folder"),
        (COMMAND, 'weights = "/tmp/w.pt"', "each trial needs a place of its own"),
        (COMMAND, 'weights = "../w.pt"', "each trial needs a place of its own"),
    ],
)
def test_what_cannot_be_started_is_refused(folder: Path, command: str, task: str, words: str) -> None:
    assert words in refused(folder, command, task)


def test_a_script_that_is_no_python_is_refused_with_its_line(folder: Path) -> None:
    (folder / "train.py").write_text("import argparse\nthis is no python\n")
    assert "train.py, line 2: invalid syntax" in refused(folder)


def test_a_module_that_the_interpreter_lacks_is_refused_with_its_line(folder: Path) -> None:
    (folder / "train.py").write_text(
        "import argparse\ntry:\n    import maybe_not\nexcept ImportError:\n    pass\n"
    )
    checked(folder)
    (folder / "train.py").write_text("import argparse\nimport surely_not_there\n")
    said = refused(folder)
    assert "train.py, line 2: the interpreter has no module 'surely_not_there'" in said


BOOL = """import argparse
p = argparse.ArgumentParser()
p.add_argument('--tied', '-t', type=bool, default=True)
"""


@pytest.mark.parametrize("more", [" --tied true", " --tied=false", " -t {lr}"])
def test_a_flag_for_which_every_text_is_true_is_refused_if_it_is_used(folder: Path, more: str) -> None:
    (folder / "train.py").write_text(BOOL)
    assert 'train.py, line 3: --tied has type=bool, for which every text is true, "False"' in refused(
        folder, COMMAND + more
    )
    checked(folder)


def test_a_program_of_another_kind_needs_no_interpreter(folder: Path) -> None:
    (folder / "train.sh").write_text("#!/bin/sh\necho loss $1\n")
    found = checked(folder, "sh train.sh {lr} {epochs} {seed}")
    assert copied(found) == ["train.sh"] and "interpreter" not in found.facts
    assert "may not be executed" in refused(folder, "./train.sh {lr} {epochs} {seed}")
    (folder / "train.sh").chmod(0o755)
    found = checked(folder, "./train.sh {lr} {epochs} {seed}")
    assert os.access(found.code / "train.sh", os.X_OK)


def test_data_is_not_copied_by_mistake(folder: Path) -> None:
    with (folder / "big.cfg").open("wb") as file:
        file.truncate(600 * 2**20)
    assert "would be copied" in refused(folder, task='include = ["big.cfg"]')
