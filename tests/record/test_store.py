import contextlib
import hashlib
import json
import math
import sqlite3

import pytest
from tests.support.run_folder import SEALED, STARTED, ended, new_run, planned, sealed_run, started

from staycourse.core import events as ev
from staycourse.core.state import TrialStatus
from staycourse.record.store import Store


def rows(paths, sql, *values):
    connection = sqlite3.connect(paths.database)
    try:
        return connection.execute(sql, values).fetchall()
    finally:
        connection.close()


def test_the_chain_can_be_recomputed_by_anyone(tmp_path):
    paths, store = sealed_run(tmp_path / "r-1")
    store.append(planned(), started())
    store.append(ev.Noted("device", 'ünïcode, "quotes" and a\nline'))
    store.append(ended())
    store.close(final=True)

    prev = "0" * 64
    ledger = rows(paths, "SELECT seq, time, kind, body, prev, hash FROM ledger ORDER BY seq")
    for place, (seq, time, kind, body, before, hash_) in enumerate(ledger, start=1):
        text = json.dumps([seq, time, kind, body, prev], separators=(",", ":"), ensure_ascii=False)
        assert (seq, before) == (place, prev)
        assert hash_ == hashlib.sha256(text.encode()).hexdigest()
        assert body == json.dumps(json.loads(body), separators=(",", ":"), sort_keys=True, ensure_ascii=False)
        prev = hash_
    assert [kind for _, _, kind, *_ in ledger] == [
        "run sealed", "engine started", "phase opened", "trial planned", "trial started", "noted",
        "trial ended",
    ]  # fmt: skip
    assert paths.head.read_text() == f"7 {prev}\n"
    assert store.head == (7, prev)


def test_the_head_file_moves_with_every_commit(tmp_path):
    paths, store = sealed_run(tmp_path / "r-1")
    for number in range(5):
        store.append(ev.Noted("n", str(number)))
        seq, hash_ = paths.head.read_text().split()
        assert (int(seq), hash_) == store.head
    store.close(final=False)


def test_a_head_that_cannot_be_written_is_written_later(tmp_path):
    paths, store = sealed_run(tmp_path / "r-1")
    paths.head.unlink()
    paths.head.mkdir()  # in the way
    store.append(ev.Noted("n", "x"))
    assert store.state.notes == ("x",)
    paths.head.rmdir()
    store.flush()
    assert paths.head.read_text().split()[0] == "4"
    store.close(final=True)


def test_times_are_utc_and_never_without_zone(tmp_path):
    paths, store = sealed_run(tmp_path / "r-1")
    store.add_hardware([("cpu", "load_percent", 3.0)])
    store.close(final=True)
    for (time,) in rows(paths, "SELECT time FROM ledger UNION SELECT time FROM hardware"):
        assert time.endswith("Z")
        assert len(time) == len("2026-01-31T12:00:00.000Z")


def test_a_store_opened_again_goes_on_where_it_was(tmp_path):
    paths, store = sealed_run(tmp_path / "r-1")
    store.append(planned(), started())
    state, head = store.state, store.head
    store.close(final=False)

    again = Store(paths)
    assert (again.state, again.head) == (state, head)
    again.append(STARTED)
    assert again.state.trials["t1"].status is TrialStatus.OWED
    assert rows(paths, "SELECT prev FROM ledger WHERE seq = ?", again.head[0]) == [(head[1],)]
    again.close(final=True)


def test_several_events_are_recorded_together_or_not_at_all(tmp_path):
    paths, store = sealed_run(tmp_path / "r-1")
    store.append(planned())
    before, state = store.head, store.state
    store.add_metrics("t1", [("val_loss", 10, 1, 0.5)])
    with pytest.raises(sqlite3.IntegrityError):
        store.append(ev.Noted("n", "x"), planned())  # a trial is planned once

    assert (store.head, store.state) == (before, state)
    assert rows(paths, "SELECT count(*) FROM ledger") == [(4,)]
    store.append(ev.Noted("n", "y"))
    assert rows(paths, "SELECT value FROM metric") == [(0.5,)]  # what was pending is not lost
    store.close(final=True)


def test_the_trial_table_follows_the_ledger(tmp_path):
    paths, store = sealed_run(tmp_path / "r-1")
    status = (
        "SELECT status, attempts, slot, epoch, step, outcome, best_value, parent FROM trial WHERE id = 't2'"
    )
    seen = []
    for events in (
        [planned("t1"), planned("t2", parent="t1")],
        [started("t2")],
        [ev.AttemptFailed("t2", 1, "crashed", "x", 3, False)],
        [ev.TrialStarted("t2", 2, "cpu-1", 5, 1.0)],
        [STARTED],
        [ended("t2")],
    ):
        store.append(*events)
        seen += rows(paths, status)
    assert seen == [
        ("planned", 0, "", 0, 0, None, None, "t1"),
        ("running", 1, "cpu-1", 0, 0, None, None, "t1"),
        ("owed", 1, "cpu-1", 0, 0, None, None, "t1"),
        ("running", 2, "cpu-1", 0, 0, None, None, "t1"),
        ("owed", 2, "cpu-1", 0, 0, None, None, "t1"),
        ("ended", 2, "cpu-1", 2, 20, "completed", 0.5, "t1"),
    ]
    store.add_progress("t1", step=7, epoch=1, steps_per_epoch=5)
    store.add_checkpoint("t1", 6, "f" * 64)
    store.add_facts("t1", {"samples": 100})
    store.flush()
    columns = "step, epoch, steps_per_epoch, checkpoint_step, checkpoint_sha256, facts"
    assert rows(paths, f"SELECT {columns} FROM trial WHERE id='t1'") == [
        (7, 1, 5, 6, "f" * 64, '{"samples":100}')
    ]
    store.close(final=True)


def test_batches_wait_for_a_flush_or_an_event(tmp_path):
    paths, store = sealed_run(tmp_path / "r-1")
    store.append(planned())
    store.add_metrics("t1", [("val_loss", 10, 1, 0.5)])
    assert rows(paths, "SELECT count(*) FROM metric") == [(0,)]
    store.flush()
    assert rows(paths, "SELECT count(*) FROM metric") == [(1,)]
    store.add_metrics("t1", [("val_loss", 20, 2, 0.4)])
    store.append(ended())
    assert rows(paths, "SELECT step, epoch, value FROM metric ORDER BY step") == [(10, 1, 0.5), (20, 2, 0.4)]
    store.close(final=True)


def test_a_row_computed_again_is_compared_and_the_one_that_stands_is_kept(tmp_path):
    paths, store = sealed_run(tmp_path / "r-1")
    store.append(planned())
    first = [("train_loss", step, 1, step / 7) for step in range(10)]
    store.add_metrics("t1", [*first, ("acc", 3, 1, math.nan)])
    store.flush()
    store.add_metrics("t1", [*first[5:], ("acc", 3, 1, math.nan)])  # equal
    store.add_metrics(
        "t1", [("train_loss", 4, 1, 99.0), ("train_loss", 3, 2, 3 / 7)]
    )  # another value, another epoch
    store.add_metrics("t1", [("train_loss", 10, 1, 1.0)])  # new
    store.add_metrics("t2", [("train_loss", 4, 1, 1.0), ("train_loss", 4, 1, 1.0)])
    store.flush()

    assert store.replayed == {"t1": (6, 2), "t2": (1, 0)}
    assert rows(
        paths, "SELECT epoch, value FROM metric WHERE trial='t1' AND name='train_loss' AND step IN (3,4)"
    ) == [
        (1, 3 / 7),
        (1, 4 / 7),
    ]
    store.close(final=True)


def test_what_an_earlier_session_computed_otherwise_is_still_told(tmp_path):
    paths, store = sealed_run(tmp_path / "r-1")
    store.append(planned())
    store.add_metrics("t1", [("val_acc", 4, 1, 0.5), ("val_acc", 8, 2, math.nan), ("lr", 4, 1, 0.1)])
    store.close(final=False)
    store = Store(paths)
    assert store.count_unlike("t1", "acc", [[1, 0.5], [2, "nan"], [3, 0.75]]) == 0
    assert store.count_unlike("t1", "acc", [[1, 0.25], [2, 1.0]]) == 2
    store.close(final=True)


def test_a_failed_transaction_counts_no_replayed_row_twice(tmp_path):
    _, store = sealed_run(tmp_path / "r-1")
    store.append(planned())
    store.add_metrics("t1", [("a", 1, 1, 0.5)])
    store.flush()
    store.add_metrics("t1", [("a", 1, 1, 0.5)])
    with pytest.raises(sqlite3.IntegrityError):
        store.append(planned())
    assert store.replayed == {}
    store.flush()
    assert store.replayed == {"t1": (1, 0)}
    store.close(final=True)


def test_a_timing_measured_again_is_replaced(tmp_path):
    paths, store = sealed_run(tmp_path / "r-1")
    store.add_timing("t1", [("samples_per_s", 10, 1, 100.0)])
    store.add_timing("t1", [("samples_per_s", 10, 1, 200.0)])
    store.flush()
    assert rows(paths, "SELECT value FROM timing") == [(200.0,)]
    store.close(final=True)


def test_numbers_that_sqlite_lacks_are_stored_as_text(tmp_path):
    paths, store = sealed_run(tmp_path / "r-1")
    store.append(planned())
    values = [math.nan, math.inf, -math.inf, 0.1, 5e-324, 1.7976931348623157e308]
    store.add_metrics("t1", [("a", step, 1, value) for step, value in enumerate(values)])
    store.append(ev.TrialEnded("t1", "diverged", "divergence", "x", 1, 1, [], 1.0, 1, math.nan))
    assert [value for (value,) in rows(paths, "SELECT value FROM metric ORDER BY step")] == [
        "nan", "inf", "-inf", 0.1, 5e-324, 1.7976931348623157e308,
    ]  # fmt: skip
    assert rows(paths, "SELECT best_value FROM trial") == [("nan",)]
    store.close(final=True)


def test_the_digest_of_metrics_covers_each_value_and_no_order_of_writing(tmp_path):
    digests = []
    values = [("a", 1, 1, 0.1), ("a", 2, 1, math.nan), ("b", 1, 1, 3.0)]
    for name, written in (
        ("x", values),
        ("y", values[::-1]),
        ("z", [*values[:2], ("b", 1, 1, 3.0000000000000004)]),
        ("w", values[:2]),
    ):
        _, store = sealed_run(tmp_path / name)
        store.add_metrics("t1", written)
        store.add_metrics("t2", [("a", 1, 1, 9.9)])
        digests.append(store.prove_metrics("t1"))
        store.close(final=True)
    assert digests[0] == digests[1]
    assert len(set(digests[1:])) == 3


def test_the_digest_is_of_the_rows_as_they_were_written(tmp_path):
    digests = []
    for name, change in (
        ("x", "SELECT 1"),
        ("y", "UPDATE metric SET value = 0"),
        ("z", "DELETE FROM metric"),
    ):
        paths, store = sealed_run(tmp_path / name)
        store.add_metrics("t1", [("a", step, 1, step / 3) for step in range(5)])
        store.flush()
        with contextlib.closing(sqlite3.connect(paths.database)) as somebody, somebody:
            somebody.execute(change)
        digests.append(store.prove_metrics("t1"))
        store.close(final=True)
    assert len(set(digests)) == 1


def test_hardware_is_thinned_after_an_hour(tmp_path):
    paths, store = sealed_run(tmp_path / "r-1")
    writer = sqlite3.connect(paths.database)
    old = [(f"2026-01-31T12:00:{second:02}.500Z", "gpu-0", "load_percent", 1.0) for second in range(60)]
    writer.executemany("INSERT INTO hardware VALUES (?, ?, ?, ?)", old)
    writer.commit()
    writer.close()
    store.add_hardware([("gpu-0", "load_percent", 50.0)])
    store.flush()
    store.thin_hardware()
    kept = [time for (time,) in rows(paths, "SELECT time FROM hardware ORDER BY time")]
    assert [time[17:19] for time in kept[:-1]] == ["00", "10", "20", "30", "40", "50"]
    assert len(kept) == 7
    assert store.last_sign_of_life() >= kept[-1]
    store.close(final=True)


def test_the_newest_sign_of_life_is_an_event_or_a_sample(tmp_path):
    paths = new_run(tmp_path / "r-1")
    store = Store(paths)
    assert store.last_sign_of_life() is None
    store.append(SEALED)
    (event,) = rows(paths, "SELECT time FROM ledger")[0]
    assert store.last_sign_of_life() == event
    store.close(final=True)


def test_any_sqlite_client_can_read_the_version_and_the_tables(tmp_path):
    paths, store = sealed_run(tmp_path / "r-1")
    store.close(final=True)
    assert rows(paths, "PRAGMA user_version") == [(1,)]
    assert rows(paths, "PRAGMA integrity_check") == [("ok",)]
    names = {name for (name,) in rows(paths, "SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert names == {"ledger", "trial", "metric", "proof", "timing", "hardware"}


def test_a_database_of_a_later_version_is_not_touched(tmp_path):
    paths, store = sealed_run(tmp_path / "r-1")
    store.close(final=True)
    writer = sqlite3.connect(paths.database)
    writer.execute("PRAGMA user_version=99")
    writer.close()
    before = paths.database.read_bytes()
    with pytest.raises(OSError, match="later version of staycourse"):
        Store(paths)
    assert paths.database.read_bytes() == before
