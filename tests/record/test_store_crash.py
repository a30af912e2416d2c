"""A writer that is killed at any instant leaves a run that can be taken up again."""

import hashlib
import json
import random
import sqlite3
import time

import pytest
from tests.support.run_folder import finished, new_run, python, sealed_run, wait_for

from staycourse.core import events as ev
from staycourse.record.store import Store

WRITER = """
import sys
from pathlib import Path
from staycourse.core import events as ev
from staycourse.record.paths import RunPaths
from staycourse.record.store import Store
from tests.support.run_folder import SEALED, ended, planned, started

store = Store(RunPaths(Path(sys.argv[1])))
first = len(store.state.trials) + 1
if first == 1:
    store.append(SEALED)
for number in range(first, first + 100_000):
    trial = f"t{number}"
    store.append(planned(trial), started(trial))
    for epoch in range(1, 4):
        store.add_metrics(trial, [("loss", epoch * 10 + k, epoch, 1 / (epoch * 10 + k)) for k in range(10)])
        store.add_progress(trial, step=epoch * 10, epoch=epoch, steps_per_epoch=10)
        store.flush()
    store.append(ended(trial))
    print(*store.head, flush=True)
"""


def check(paths, acknowledged):
    """Nothing torn, nothing lost that was acknowledged; the store that was opened again."""
    store = Store(paths)
    database = sqlite3.connect(paths.database)
    assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    ledger = database.execute("SELECT seq, time, kind, body, prev, hash FROM ledger ORDER BY seq").fetchall()
    prev = "0" * 64
    for place, (seq, when, kind, body, before, hash_) in enumerate(ledger, start=1):
        text = json.dumps([seq, when, kind, body, prev], separators=(",", ":"), ensure_ascii=False)
        assert (seq, before, hash_) == (place, prev, hashlib.sha256(text.encode()).hexdigest())
        prev = hash_
    hashes = {seq: hash_ for seq, *_, hash_ in ledger}
    for line in acknowledged:
        seq, hash_ = line.split()
        assert hashes[int(seq)] == hash_
    seq, hash_ = paths.head.read_text().split()
    assert hashes[int(seq)] == hash_  # the chain may be longer than the head, never shorter
    for trial in store.state.trials.values():
        (status, epoch) = database.execute(
            "SELECT status, epoch FROM trial WHERE id=?", (trial.id,)
        ).fetchone()
        values = database.execute("SELECT step, value FROM metric WHERE trial=?", (trial.id,)).fetchall()
        assert all(value == 1 / step for step, value in values)
        assert len(values) % 10 == 0  # whole batches
        if trial.end is not None:
            assert (status, len(values)) == ("ended", 30)
        else:
            assert len(values) == 10 * epoch
    database.close()
    return store


@pytest.mark.parametrize("seed", [1])
def test_killed_at_random_instants_again_and_again(tmp_path, seed):
    rng = random.Random(seed)
    paths, trials = new_run(tmp_path / "r-1"), 0
    for _ in range(6):
        child = python(WRITER, paths.root)
        first = child.stdout.readline()
        moment = time.monotonic() + rng.uniform(0, 0.15)
        wait_for(lambda moment=moment: time.monotonic() > moment, "the instant to kill at")
        child.kill()
        rest, _ = child.communicate()
        lines = (first + rest).splitlines()
        store = check(
            paths, [line for line in lines if len(line.split()) == 2 and len(line.split()[1]) == 64]
        )
        assert len(store.state.trials) > trials
        trials = len(store.state.trials)
        store.close(final=False)


def test_a_chain_longer_than_its_head_is_taken_up(tmp_path):
    paths, store = sealed_run(tmp_path / "r-1")
    behind = paths.head.read_text()
    store.append(ev.Noted("n", "x"))
    paths.head.write_text(behind)  # as if killed between the commit and the move of the head
    store.close(final=False)
    again = Store(paths)
    again.append(ev.Noted("n", "y"))
    assert paths.head.read_text() == f"5 {again.head[1]}\n"
    again.close(final=True)


def test_a_strangers_lock_is_waited_out(tmp_path):
    paths, store = sealed_run(tmp_path / "r-1")
    stranger = python(
        """
        import sqlite3, sys
        database = sqlite3.connect(sys.argv[1], isolation_level=None)
        database.execute("BEGIN IMMEDIATE")
        print("locked", flush=True)
        sys.stdin.readline()
        database.execute("ROLLBACK")
        """,
        paths.database,
    )
    assert stranger.stdout.readline() == "locked\n"
    writer = python(
        """
        import sys
        from pathlib import Path
        from staycourse.core import events as ev
        from staycourse.record.paths import RunPaths
        from staycourse.record.store import Store
        store = Store(RunPaths(Path(sys.argv[1])))
        print("opened", flush=True)
        store.append(ev.Noted("n", "waited"))
        store.close(final=False)
        """,
        paths.root,
    )
    store.close(final=False)
    stranger.stdin.write("\n")
    finished(stranger)
    finished(writer)
    assert Store(paths).state.notes == ("waited",)


def test_a_reader_in_mid_read_does_not_keep_a_finished_run_from_being_taken_up(tmp_path):
    paths, store = sealed_run(tmp_path / "r-1")
    store.close(final=True)  # rollback journal: opening for writing has to change that
    reader = python(
        """
        import sqlite3, sys
        database = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True, isolation_level=None)
        database.execute("BEGIN")
        database.execute("SELECT * FROM ledger").fetchall()
        print("reading", flush=True)
        sys.stdin.readline()
        """,
        paths.database,
    )
    assert reader.stdout.readline() == "reading\n"
    writer = python(
        """
        import sys
        from pathlib import Path
        from staycourse.core import events as ev
        from staycourse.record.paths import RunPaths
        from staycourse.record.store import Store
        print("opening", flush=True)
        store = Store(RunPaths(Path(sys.argv[1])))
        store.append(ev.Noted("n", "x"))
        store.close(final=True)
        """,
        paths.root,
    )
    assert writer.stdout.readline() == "opening\n"
    moment = time.monotonic() + 0.5
    wait_for(lambda: time.monotonic() > moment or writer.poll() is not None, "the writer to wait")
    reader.stdin.write("\n")
    finished(reader)
    finished(writer)
    assert Store(paths).state.notes == ("x",)
