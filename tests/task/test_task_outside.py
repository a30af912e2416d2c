"""What a task uses from outside its folder is sealed, and nothing else is."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from tests.support.tiny import TASK, write_roadmap

from staycourse.core.canonical import digest
from staycourse.supervise.options import Options
from staycourse.supervise.sealing import sealed_parts
from staycourse.task.checking import Checked, check

SPACE = {"lr": {"log": [1e-3, 1e-1]}, "batch_size": 8}
PHASES = [{"kind": "grid", "points": {"lr": 2}, "epochs": 2}]
USES = TASK.replace(
    "STEPS = {",
    """sys.path.insert(0, "../added")
import on_path.net
import added_module
import yaml_like
exec(open("conf.py").read())
STEPS = {""",
    1,
).replace(
    "    network = nn.Sequential(",
    """    import json
    import lazily
    import tempfile
    json.load(open("model.json"))
    for path in (tempfile.gettempdir() + "/scratch.json", ".cache/kernels.json"):
        open(path).close()
    open("written.json", "w").close()
    open("written.json").close()
    network = nn.Sequential(""",
)
TABLE = '    open("table.csv").close()\n    points = torch.randn'
USES = USES.replace("    points = torch.randn", TABLE, 1)
NAMES = ["added_module", "conf.py", "lazily", "model.json", "on_path", "on_path.net"]


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The roadmap's folder, others beside it, and a temporary folder apart from all."""
    work, lib, added, site = (tmp_path / name for name in ("work", "lib", "added", "venv/lib/site-packages"))
    temporary = tmp_path / "temporary"
    for folder in (work / ".cache", lib / "on_path", added, site, temporary):
        folder.mkdir(parents=True)
    (lib / "on_path" / "__init__.py").write_text("")
    (lib / "on_path" / "net.py").write_text("WIDTH = 4\n")
    (lib / "lazily.py").write_text("x = 1\n")
    (added / "added_module.py").write_text("x = 1\n")
    (site / "yaml_like.py").write_text("x = 1\n")
    for name in ("model.json", ".cache/kernels.json"):
        (work / name).write_text("{}")
    (work / "conf.py").write_text("y = 1\n")
    (work / "table.csv").write_text("1\n")
    (temporary / "scratch.json").write_text("{}")
    monkeypatch.setenv("PYTHONPATH", f"{lib}:{site}")
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    return work


def checked(work: Path) -> Checked:
    return check(write_roadmap(work, task=USES, space=SPACE, phases=PHASES))


@pytest.mark.slow
def test_modules_elsewhere_and_files_of_the_functions_are_in_the_seal(work: Path) -> None:
    before = checked(work)
    assert sorted(name for name, _ in before.facts["outside"]["files"]) == NAMES
    (note,) = [note for note in before.notes if "outside the copy" in note]
    assert "and 3 more" in note and "sealed by content and watched, not copied" in note
    seal = sealed_parts(before, Options())
    assert seal.parts["outside"] == before.facts["outside"]["digest"]
    edits = ("conf.py", "model.json", "../added/added_module.py", "../lib/on_path/net.py", "../lib/lazily.py")
    seals = {digest(dict(seal.parts))}
    for at, name in enumerate(edits, start=2):
        (work / name).write_text((work / name).read_text() + "\n")
        seals.add(digest(dict(sealed_parts(checked(work), Options()).parts)))
        assert len(seals) == at, name


def test_a_task_without_such_files_has_no_such_part(tmp_path: Path) -> None:
    plain = check(write_roadmap(tmp_path, space=SPACE, phases=PHASES))
    assert "outside" not in plain.facts and "outside" not in sealed_parts(plain, Options()).parts
    assert not [note for note in plain.notes if "outside the copy" in note]


@pytest.mark.slow
def test_a_module_may_lie_elsewhere_and_the_seal_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = f"import shapes\n{TASK}"
    found = []
    for name in ("here", "there"):
        lib = tmp_path / name
        lib.mkdir()
        (lib / "shapes.py").write_text("WIDTH = 4\n")
        monkeypatch.setenv("PYTHONPATH", os.fspath(lib))
        path = write_roadmap(tmp_path / "work", task=task, space=SPACE, phases=PHASES)
        found.append(check(path).facts["outside"])
    assert found[0]["digest"] == found[1]["digest"] and found[0]["manifest"] != found[1]["manifest"]
