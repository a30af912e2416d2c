"""Reading a run that somebody else writes, as its owner and as a colleague."""

import shutil
import sqlite3

import pytest
from tests.support.run_folder import (
    STARTED,
    ended,
    finished,
    planned,
    python,
    sealed_run,
    started,
    wait_for,
)

from staycourse.core import events as ev
from staycourse.record import ledger
from staycourse.record.damage import DamagedRun
from staycourse.record.reader import reading

READ = """
become_colleague()
with reader.reading(Path(sys.argv[1])) as db:
    print([entry.seq for entry in ledger.read(db)])
"""
READ_UNTIL_FINISHED = """
become_colleague()
entries = []
while not entries or entries[-1].kind != "run finished":
    with reader.reading(Path(sys.argv[1])) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        entries = list(ledger.read(db))
    assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1))
    assert all(one.hash == two.prev for one, two in zip(entries, entries[1:]))
    print(len(entries), flush=True)
"""


def seqs(paths, after=0):
    with reading(paths.database) as db:
        return [entry.seq for entry in ledger.read(db, after)]


def test_a_reader_sees_each_event_once_it_is_recorded(tmp_path):
    paths, store = sealed_run(tmp_path / "r-1")
    assert seqs(paths) == [1, 2, 3]
    store.append(planned())
    assert seqs(paths, after=3) == [4]
    with reading(paths.database) as db:
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    store.close(final=True)
    assert seqs(paths) == [1, 2, 3, 4]


def test_a_reader_can_write_nothing(tmp_path):
    paths, store = sealed_run(tmp_path / "r-1")
    with reading(paths.database) as db, pytest.raises(sqlite3.OperationalError, match="readonly"):
        db.execute("DELETE FROM ledger")
    store.close(final=True)
    before = paths.database.read_bytes()
    seqs(paths)
    assert paths.database.read_bytes() == before
    assert sorted(p.name for p in paths.root.iterdir()) == ["head", "roadmap.toml", "run.db", "trials"]


def test_readers_and_the_writer_do_not_wait_for_each_other(tmp_path):
    paths, store = sealed_run(tmp_path / "r-1")
    reader = python(
        """
        import sys
        from pathlib import Path
        from staycourse.record import ledger
        from staycourse.record.reader import reading
        seen, polls = 0, 0
        while seen < 400:
            with reading(Path(sys.argv[1])) as db:
                entries = list(ledger.read(db, seen))
            assert [e.seq for e in entries] == list(range(seen + 1, seen + 1 + len(entries)))
            seen += len(entries)
            polls += 1
            print(polls, flush=True)
        """,
        paths.database,
    )
    reader.stdout.readline()
    while store.head[0] < 400:
        store.append(ev.Noted("n", str(store.head[0])))
    finished(reader)
    store.close(final=True)


@pytest.mark.parametrize("number_of_readers", [1, 3])
def test_a_finished_run_is_left_without_a_log_also_while_views_poll_it(tmp_path, number_of_readers):
    paths, store = sealed_run(tmp_path / "r-1")
    readers = [
        python(
            """
            import sys
            from pathlib import Path
            from staycourse.record import ledger
            from staycourse.record.reader import reading
            kinds = []
            while "run finished" not in kinds:
                with reading(Path(sys.argv[1])) as db:
                    kinds = [e.kind for e in ledger.read(db)]
                print(len(kinds), flush=True)
            """,
            paths.database,
        )
        for _ in range(number_of_readers)
    ]
    for reader in readers:
        reader.stdout.readline()
    store.append(ev.Noted("n", "x"))
    store.append(ev.RunFinished(None))
    store.close(final=True)
    for reader in readers:
        finished(reader)

    assert not list(paths.root.glob("run.db-*"))
    assert paths.database.read_bytes()[18:20] == b"\x01\x01"  # the format for a rollback journal
    assert seqs(paths) == [1, 2, 3, 4, 5]


def test_a_run_that_is_only_suspended_stays_readable(tmp_path):
    paths, store = sealed_run(tmp_path / "r-1")
    store.append(ev.EngineStopped("SIGTERM"))
    store.close(final=False)
    assert seqs(paths) == [1, 2, 3, 4]


def test_a_colleague_without_write_permission_reads_a_finished_run(shared, as_colleague):
    paths, store = sealed_run(shared / "r-1")
    store.append(ev.RunFinished(None))
    store.close(final=True)
    _let_read(paths.root)
    before = sorted(p.name for p in paths.root.iterdir())
    assert finished(python(as_colleague + READ, paths.database)) == "[1, 2, 3, 4]"
    assert sorted(p.name for p in paths.root.iterdir()) == before


def test_a_colleague_without_write_permission_reads_a_running_run(shared, as_colleague):
    paths, store = sealed_run(shared / "r-1")
    store.append(planned())
    _let_read(paths.root)
    assert finished(python(as_colleague + READ, paths.database)) == "[1, 2, 3, 4]"
    store.append(started())
    assert finished(python(as_colleague + READ, paths.database)) == "[1, 2, 3, 4, 5]"
    store.close(final=True)


def test_a_colleague_reads_what_a_killed_engine_left_behind(shared, as_colleague):
    paths, store = sealed_run(shared / "r-1")
    store.append(planned())
    # As after kill -9 and a reboot: database and log as they were, no shared memory.
    left = shared / "r-2"
    left.mkdir()
    for name in ("run.db", "run.db-wal"):
        shutil.copy(paths.root / name, left / name)
    store.close(final=True)
    assert (left / "run.db-wal").stat().st_size > 0
    _let_read(left)
    assert finished(python(as_colleague + READ, left / "run.db")) == "[1, 2, 3, 4]"
    assert sorted(p.name for p in left.iterdir()) == ["run.db", "run.db-wal"]


def test_a_colleagues_copy_is_whole_while_the_writer_moves_its_log(shared, as_colleague):
    paths, store = sealed_run(shared / "r-1")
    (paths.root / "run.db-shm").chmod(0o600)  # so that the copy is the only way in
    for path in (paths.database, paths.root / "run.db-wal"):
        path.chmod(0o644)
    paths.root.chmod(0o755)
    reader = python(as_colleague + READ_UNTIL_FINISHED, paths.database)
    reader.stdout.readline()
    for number in range(2000):  # enough for the log to be moved several times
        store.append(planned(f"t{number}")) if number % 10 == 0 else store.flush()
        store.add_metrics(f"t{number // 10}", [("loss", number, 1, number / 7)])
    store.append(ev.RunFinished(None))
    finished(reader)
    store.close(final=True)


def test_a_run_that_may_not_be_read_says_so(shared, as_colleague):
    paths, store = sealed_run(shared / "r-1")
    store.close(final=True)
    paths.root.chmod(0o700)
    child = python(as_colleague + READ, paths.database)
    _, err = child.communicate(timeout=60)
    assert "PermissionError" in err or "unable to open database file" in err


def test_no_run_and_no_database_are_errors_not_new_files(tmp_path):
    with pytest.raises((sqlite3.Error, OSError)), reading(tmp_path / "run.db"):
        pass
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "run.db").write_text("no database at all, though long enough to look like one" * 20)
    with pytest.raises(DamagedRun, match="not a database"), reading(tmp_path / "run.db"):
        pass


def test_the_temporary_copy_does_not_stay(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    paths, store = sealed_run(tmp_path / "r-1")
    seqs(paths)
    store.append(STARTED, planned(), ended())
    wait_for(lambda: seqs(paths)[-1] == 6, "the events")
    store.close(final=True)
    assert list((tmp_path / "tmp").iterdir()) == []


def _let_read(folder):
    folder.chmod(0o755)
    for path in folder.iterdir():
        path.chmod(0o755 if path.is_dir() else 0o644)
