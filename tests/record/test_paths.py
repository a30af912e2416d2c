import os
import stat

import pytest
from tests.support.run_folder import finished, python

from staycourse.record.files import file_sha256, write_atomically
from staycourse.record.paths import RunPaths, next_run_folder, runs_folder, state_folder
from staycourse.record.seal import hash_code, seal, seal_parts, short


def test_every_file_of_a_run_lies_in_its_folder(tmp_path):
    paths = RunPaths(tmp_path / "digits-1")
    names = {
        name: str(getattr(paths, name).relative_to(paths.root))
        for name in (
            "roadmap",
            "code",
            "database",
            "log",
            "trials",
            "weights",
            "final_setup",
            "report",
            "figures",
        )
    }
    assert names == {
        "roadmap": "roadmap.toml",
        "code": "code",
        "database": "run.db",
        "log": "engine.log",
        "trials": "trials",
        "weights": "final/model.safetensors",
        "final_setup": "final/setup.json",
        "report": "report.md",
        "figures": "figures",
    }
    trial = [paths.trial("t1"), paths.checkpoint("t1"), paths.best("t1"), paths.trial_log("t1")]
    assert [str(p.relative_to(paths.root)) for p in trial] == [
        "trials/t1", "trials/t1/last.pt", "trials/t1/best.pt", "trials/t1/log.txt",
    ]  # fmt: skip
    assert paths.name == "digits-1"


def test_runs_are_numbered_after_the_highest_there_is(tmp_path):
    runs = tmp_path / "deep" / "runs"
    assert next_run_folder(runs, "a").name == "a-1"
    (runs / "a-7").write_text("a file in the way counts as well")
    (runs / "a-b-99").mkdir()
    (runs / "a-x").mkdir()
    assert next_run_folder(runs, "a").name == "a-8"
    assert next_run_folder(runs, "a-b").name == "a-b-100"


def test_a_run_is_its_users_own(tmp_path):
    assert stat.S_IMODE(next_run_folder(tmp_path, "a").stat().st_mode) == 0o700


def test_many_at_once_get_a_folder_each(tmp_path):
    script = """
        import sys
        from pathlib import Path
        from staycourse.record.paths import next_run_folder
        print("ready", flush=True)
        sys.stdin.readline()
        for _ in range(50):
            print(next_run_folder(Path(sys.argv[1]), "a").name)
        """
    children = [python(script, tmp_path / "runs") for _ in range(3)]
    for child in children:
        assert child.stdout.readline() == "ready\n"
    for child in children:
        child.stdin.write("\n")
        child.stdin.flush()
    names = [name for child in children for name in finished(child).split()]
    assert sorted(names) == sorted(f"a-{number}" for number in range(1, 151))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_an_error(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError):
        next_run_folder(tmp_path, "a")


def test_a_file_in_place_of_the_folder_is_an_error(tmp_path):
    (tmp_path / "runs").write_text("")
    with pytest.raises(OSError, match="runs"):
        next_run_folder(tmp_path / "runs", "a")


def test_where_runs_are_kept(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/somebody")
    monkeypatch.delenv("STAYCOURSE_RUNS", raising=False)
    assert runs_folder(None) == tmp_path / "runs"
    monkeypatch.setenv("STAYCOURSE_RUNS", "elsewhere")
    assert runs_folder(None) == tmp_path / "elsewhere"
    assert str(runs_folder("~/mine")) == "/home/somebody/mine"
    assert runs_folder("given") == tmp_path / "given"


def test_the_state_folder_follows_xdg(monkeypatch):
    monkeypatch.setenv("HOME", "/home/somebody")
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    assert str(state_folder()) == "/home/somebody/.local/state/staycourse"
    monkeypatch.setenv("XDG_STATE_HOME", "/state")
    assert str(state_folder()) == "/state/staycourse"


def test_a_reader_sees_the_old_file_or_the_new_one(tmp_path):
    path = tmp_path / "head"
    write_atomically(path, "old")
    reader = python(
        """
        import sys
        from pathlib import Path
        seen = set()
        print("reading", flush=True)
        while "end" not in seen:
            seen.add(Path(sys.argv[1]).read_text()[:3])
        assert seen <= {"old", "new", "end"}, seen
        """,
        path,
    )
    assert reader.stdout.readline() == "reading\n"
    for _ in range(300):
        write_atomically(path, "new" * 1000)
        write_atomically(path, "old", durable=True)
    write_atomically(path, "end")
    finished(reader)
    assert [p.name for p in tmp_path.iterdir()] == ["head"]


def test_the_seal_is_over_values_not_over_layout(tmp_path):
    one = seal_parts('a = 1\n[b]\nc = "x"\n', {"t.py": "f" * 64}, {"n": 1}, {"torch": "2"})
    two = seal_parts('# comment\nb.c = "x"\na   = 1', {"t.py": "f" * 64}, {"n": 1}, {"torch": "2"})
    assert one == two
    assert seal(one) == seal(dict(reversed(one.items())))
    assert len(seal(one)) == 64
    assert short(seal(one)) == seal(one)[:8]


@pytest.mark.parametrize("part", ["roadmap", "code", "data", "environment"])
def test_a_change_of_any_part_changes_the_seal_and_names_the_part(part):
    given = {"roadmap": "a = 1", "code": {"t.py": "1"}, "data": {"n": 1}, "environment": {"torch": "2"}}
    changed = given | {part: "a = 2" if part == "roadmap" else {"other": "3"}}
    before, after = seal_parts(**given), seal_parts(**changed)
    assert seal(before) != seal(after)
    assert [name for name in before if before[name] != after[name]] == [part]


def test_the_code_is_every_file_and_a_compiled_one_that_was_put_there(tmp_path):
    (tmp_path / "sub" / "__pycache__").mkdir(parents=True)
    (tmp_path / "sub" / "__pycache__" / "a.pyc").write_bytes(b"x")
    (tmp_path / "sub" / "a.py").write_text("x = 1\n")
    (tmp_path / "b.txt").write_text("")
    (tmp_path / "numpy").symlink_to("/elsewhere")
    hashes = hash_code(tmp_path)
    assert list(hashes) == ["b.txt", "numpy", "sub/__pycache__/a.pyc", "sub/a.py"]
    assert hashes["sub/a.py"] == file_sha256(tmp_path / "sub" / "a.py")
