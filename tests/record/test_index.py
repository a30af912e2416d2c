import os

import pytest
from tests.support.run_folder import finished, python, sealed_run

from staycourse.record.index import NoSuchRun, all_runs, enlist, find, listed, runs_in
from staycourse.record.paths import state_folder


@pytest.fixture(autouse=True)
def places(tmp_path, monkeypatch):
    """A user of its own, working in an empty folder."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("STAYCOURSE_RUNS", raising=False)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path


def make(folder, age=0.0):
    paths, store = sealed_run(folder)
    store.close(final=True)
    stamp = 1_800_000_000 - age
    os.utime(paths.roadmap, (stamp, stamp))
    return paths.root


def test_nothing_is_listed_at_first():
    assert listed() == []
    assert all_runs() == []
    with pytest.raises(NoSuchRun) as raised:
        find(None)
    assert str(raised.value) == "no run yet (known runs: none yet)"


def test_runs_are_found_from_anywhere_newest_first(places):
    old = make(places / "elsewhere" / "a-1", age=100)
    new = make(places / "other" / "b-1")
    for run in (new, old, old):
        enlist(run)
    assert listed() == [new, old]
    assert find(None).root == new
    assert find("a-1").root == old


def test_runs_here_and_listed_ones_are_told_once(places):
    here = make(places / "work" / "runs" / "a-1", age=10)
    enlist(here)
    far = make(places / "far" / "c-1", age=5)
    enlist(far)
    assert all_runs() == [far, here]
    assert all_runs(str(places / "far")) == [far, here]
    assert runs_in(places / "nowhere") == []


def test_a_run_that_is_gone_is_not_listed(places):
    run = make(places / "x" / "a-1")
    enlist(run)
    (run / "run.db").unlink()
    assert listed() == []


def test_a_run_is_found_by_its_folder(places, monkeypatch):
    run = make(places / "x" / "a-1")
    assert find(str(run)).root == run
    monkeypatch.chdir(places / "x")
    assert find("a-1").root == run
    assert find("a-1/").root == run
    assert find("./a-1").root == run


def test_a_name_that_is_not_known_names_those_that_are(places):
    enlist(make(places / "x" / "a-1"))
    with pytest.raises(NoSuchRun, match=r"no run named 'b-1' \(known runs: a-1\)"):
        find("b-1")
    for odd in ("", ".", "..", "/", "a\x00b", "x" * 5000):
        with pytest.raises(NoSuchRun):
            find(odd)


def test_rubbish_in_the_state_folder_is_no_run(places):
    run = make(places / "x" / "a-1")
    enlist(run)
    folder = state_folder() / "runs"
    (folder / "0bad").write_bytes(b"\xff\xfe\x00")
    (folder / "1empty").write_text("")
    (folder / "2folder").mkdir()
    (folder / "3gone").symlink_to("nowhere")
    assert listed() == [run]


def test_a_state_folder_that_cannot_be_written_costs_the_listing_alone(places):
    (places / "state").write_text("a file in the way")
    enlist(make(places / "x" / "a-1"))
    assert listed() == []


def test_runs_of_a_colleague_that_may_not_be_entered_are_passed_over(shared, as_colleague):
    private, public = make(shared / "a-1"), make(shared / "b-1")
    private.chmod(0o700)
    public.chmod(0o755)
    script = (
        as_colleague
        + """
os.environ["XDG_STATE_HOME"] = "/nonexistent"
os.chdir("/")
become_colleague()
print([run.name for run in index.all_runs(sys.argv[1])])
try:
    index.find(sys.argv[2])
except index.NoSuchRun as error:
    print(str(error).partition("'")[0])
"""
    )
    said = finished(python(script, shared, private))
    assert said.splitlines() == ["['b-1']", "no run named"]
