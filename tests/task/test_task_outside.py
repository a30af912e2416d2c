"""What a task uses from outside its folder is sealed, and nothing else is."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.support.tiny import TASK, write_roadmap

from staycourse.core.canonical import digest
from staycourse.record.files import file_sha256
from staycourse.record.store import Store
from staycourse.record.verification.fault import Fault
from staycourse.record.verification.sources import check_sources
from staycourse.supervise.launch import prepare
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


BOTH = TASK.replace("def model(args, hp):", 'def model(args, hp):\n    open("conf.json").close()', 1).replace(
    "def dataset(args):", 'def dataset(args):\n    open("conf.json").close()\n    open("x.csv").close()', 1
)


def test_a_file_that_data_and_model_share_counts_unless_the_data_covers_it(tmp_path: Path) -> None:
    """The samples do not tell what the model takes from it."""
    for name in ("conf.json", "x.csv"):
        (tmp_path / name).write_text("1\n")
    options = {"task": BOTH, "space": SPACE, "phases": PHASES}
    shared = check(write_roadmap(tmp_path, **options))
    assert [name for name, _ in shared.facts["outside"]["files"]] == ["conf.json"]
    assert [name for name, *_ in shared.facts["data_files"]["files"]] == ["conf.json", "x.csv"]
    covered = check(write_roadmap(tmp_path, data={"files": ["conf.json", "x.csv"]}, **options))
    assert "outside" not in covered.facts


def forgeries(facts: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
    said = "event 1 (run sealed): what it says of the files outside the code is not what was sealed"
    yield {**facts, "outside": {**facts["outside"], "digest": "0" * 64}}, said
    yield {name: value for name, value in facts.items() if name != "outside"}, said
    listed = {**facts["outside"], "files": [["conf.json", "0" * 64]]}
    said = "event 1 (run sealed): its list of files outside the code is not what was sealed"
    yield {**facts, "outside": listed}, said


def test_what_the_record_says_of_them_has_to_be_what_was_sealed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "conf.json").write_text("1\n")
    (tmp_path / "x.csv").write_text("1\n")
    seen = check(write_roadmap(tmp_path, task=BOTH, space=SPACE, phases=PHASES))
    paths = prepare(seen, tmp_path / "runs", Options())
    store = Store(paths)
    sealed = store.state.sealed
    assert sealed is not None and check_sources(paths, sealed) == 4
    for facts, said in forgeries(dict(sealed.facts)):
        with pytest.raises(Fault, match=re.escape(said)):
            check_sources(paths, replace(sealed, facts=facts))
    body = json.loads(paths.outside.read_text())
    body["files"][0][3] = "0" * 64
    paths.outside.write_text(json.dumps(body))
    forged = {**sealed.facts["outside"], "sha256": file_sha256(paths.outside)}
    with pytest.raises(Fault, match=r"outside\.json is not what was sealed"):
        check_sources(paths, replace(sealed, facts={**sealed.facts, "outside": forged}))
    paths.outside.unlink()
    with pytest.raises(Fault, match=r"outside\.json is missing"):
        check_sources(paths, sealed)
    store.close(final=False)


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
