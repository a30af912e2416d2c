"""A run as views see it, while it grows under the real writer."""

import math
import sqlite3
from dataclasses import replace

import pytest
from tests.support.run_folder import (
    SEALED,
    STARTED,
    ended,
    finished,
    new_run,
    planned,
    python,
    sealed_run,
    started,
)

from staycourse.client import RunClient
from staycourse.core import events as ev
from staycourse.core import handoff as handoffs
from staycourse.core.handoff import Handoff, Ranked
from staycourse.core.state import RunStatus
from staycourse.record.damage import DamagedRun
from staycourse.record.lock import RunLock
from staycourse.record.store import Store


@pytest.fixture
def run(tmp_path):
    paths, store = sealed_run(tmp_path / "small-1")
    yield paths, store
    store.close(final=False)


@pytest.fixture
def engine(run):
    """The lock as a living supervisor holds it: by another process."""
    child = python(
        """
        import sys
        from pathlib import Path
        from staycourse.record.lock import RunLock
        lock = RunLock(Path(sys.argv[1]))
        lock.acquire()
        print("held", flush=True)
        sys.stdin.readline()
        """,
        run[0].lock,
    )
    assert child.stdout.readline() == "held\n"
    yield child
    child.kill()
    child.communicate()


def without_curves(state):
    """The state as a view keeps it."""
    ends = {t.id: t.end and replace(t.end, curve=[], files={}) for t in state.trials.values()}
    return replace(state, trials={t.id: t._replace(end=ends[t.id]) for t in state.trials.values()})


def handed_on(roadmap):
    setup = {"lr": 0.1, "width": 8, "optimizer": "adam", "depth": 2}
    return handoffs.to_json(Handoff(roadmap.space, (Ranked(setup, 0.25, ("t2",), 9),), setup, 12))


def test_a_run_that_was_just_sealed(run, engine):
    shot = RunClient(run[0].root).poll()

    assert (shot.name, shot.seal, shot.status, shot.is_engine_alive) == (
        "small-1",
        "ab" * 32,
        "running",
        True,
    )
    assert [(p.kind, p.status, p.trials, p.ended) for p in shot.phases] == [
        ("probe", "running", 6, 0), ("grid", "waiting", 6, 0), ("final", "waiting", 1, 0),
    ]  # fmt: skip
    assert (shot.trials, shot.live, shot.eta, shot.best_trial) == ((), (), None, None)
    assert shot.phase.kind == "probe"
    assert [line.text for line in shot.log] == [
        "sealed abababab",
        "engine started (process 4711)",
        "phase 1/3 probe begins",
    ]
    assert 0 <= shot.engine_age < 60
    assert 0 <= shot.elapsed < 60


def test_a_run_without_a_living_engine_is_suspended_whatever_its_ledger_says(run):
    shot = RunClient(run[0].root).poll()
    assert (shot.status, shot.is_engine_alive) == (RunStatus.SUSPENDED, False)


def test_polls_follow_a_growing_run(run, engine):
    paths, store = run
    client = RunClient(paths.root)
    client.poll()

    store.append(planned("t1"), planned("t2"), started("t1"))
    store.add_metrics(
        "t1", [("val_loss", 10, 1, 2.0), ("val_loss", 20, 2, 1.5), ("train_loss", 20, 2, math.inf)]
    )
    store.add_timing("t1", [("samples_per_s", 20, 2, 1000.0)])
    store.add_progress("t1", step=25, epoch=2, steps_per_epoch=10)
    store.add_hardware([("cpu", "load_percent", 70.0), ("gpu-0", "load_percent", 90.0)])
    store.flush()
    shot = client.poll()

    one, two = shot.trials
    assert (one.id, one.status, one.epoch, one.step, one.steps_per_epoch, one.slot) == (
        "t1",
        "running",
        2,
        25,
        10,
        "cpu-1",
    )
    assert (two.id, two.status, two.epoch) == ("t2", "planned", 0)
    assert one.rules == ("12 epochs at most",)
    (live,) = shot.live
    assert live.metrics == {"val_loss": 1.5, "train_loss": math.inf}
    assert (live.timing, live.nearness) == ({"samples_per_s": 1000.0}, ("epoch 2/12",))
    assert shot.hardware.devices == {"cpu": {"load_percent": 70.0}, "gpu-0": {"load_percent": 90.0}}
    assert client.history("cpu", "load_percent") == [(shot.hardware.time, 70.0)]
    assert client.metric_names("t1") == ["train_loss", "val_loss"]

    store.append(ended("t1", 0.5), started("t2"), ended("t2", 0.25))
    shot = client.poll()
    assert [(t.status, t.outcome, t.best_value, t.best_epoch, t.detail) for t in shot.trials] == [
        ("ended", "completed", 0.5, 2, "all done"),
        ("ended", "completed", 0.25, 2, "all done"),
    ]
    assert (shot.best_trial, shot.live) == ("t2", ())
    assert (shot.phases[0].ended, shot.phases[0].best) == (2, 0.25)
    assert shot.eta.seconds > 0

    store.append(ev.PhaseClosed(0, handed_on(client.roadmap)), ev.PhaseOpened(1))
    shot = client.poll()
    assert [p.status for p in shot.phases] == ["done", "running", "waiting"]
    assert any("best val_loss 0.25 at epoch 9" in line for line in shot.phases[0].handed_on)
    assert len({line.seq for line in shot.log}) == len(shot.log) == store.head[0]


def test_polling_gives_what_one_look_at_the_end_gives(run, engine):
    paths, store = run
    polling = RunClient(paths.root)
    for number in range(1, 7):
        store.append(planned(f"t{number}"), started(f"t{number}"))
        polling.poll()
        store.add_metrics(f"t{number}", [("val_loss", 10, 1, 1.0), ("val_loss", 20, 2, 0.1 * number)])
        store.append(ended(f"t{number}", 0.1 * number))
        polling.poll()
    late = RunClient(paths.root)
    one, other = polling.poll(), late.poll()
    assert (one.trials, one.phases, one.log, one.best_trial) == (
        other.trials,
        other.phases,
        other.log,
        other.best_trial,
    )
    assert polling.state == late.state == without_curves(store.state)


def test_curves_are_read_on_and_begin_with_those_of_the_parents(run):
    paths, store = run
    client = RunClient(paths.root)
    store.append(planned("t1"), planned("t2", parent="t1"), planned("t3", parent="t2"))
    store.add_metrics("t1", [("val_loss", 10, 1, 3.0), ("val_loss", 20, 2, math.nan)])
    store.flush()
    client.poll()
    first = client.curve("t3", "val_loss")
    assert first[0] == (10, 1, 3.0)
    assert math.isnan(first[1][2])

    store.add_metrics("t2", [("val_loss", 30, 3, 2.0)])
    store.add_metrics("t3", [("val_loss", 40, 4, 1.0)])
    store.flush()
    assert [step for step, _, _ in client.curve("t3", "val_loss")] == [10, 20, 30, 40]
    store.add_metrics("t3", [("val_loss", 50, 5, 0.5), ("acc", 50, 5, 0.9)])
    store.flush()
    assert [step for step, _, _ in client.curve("t3", "val_loss")] == [10, 20, 30, 40, 50]
    assert [step for step, _, _ in client.curve("t2", "val_loss")] == [10, 20, 30]
    assert client.curve("t3", "acc") == [(50, 5, 0.9)]
    assert client.curve("t9", "val_loss") == []


def test_the_stop_metric_of_a_running_trial_says_how_near_its_rule_is(run, engine):
    paths, store = run
    stop = {"patience": 5, "start": 0, "min_delta": 0.0, "metric": None}
    store.append(ev.TrialPlanned("t1", 0, "k", {"lr": 0.1}, 12, 12, stop=stop), started("t1"))
    store.add_metrics("t1", [("val_loss", n * 10, n, 1.0) for n in range(1, 5)])
    store.flush()
    (live,) = RunClient(paths.root).poll().live
    assert live.nearness == ("epoch 4/12", "patience 3/5")


def test_what_a_trial_printed_is_harmless_and_not_too_long(run):
    paths, _ = run
    client = RunClient(paths.root)
    assert client.trial_log("t1") == ""
    paths.trial("t1").mkdir()
    paths.trial_log("t1").write_bytes(b"x" * 100_000 + b"\n\x1b[2Jstep 1\rstep 2 \xff\xfe\n")
    said = client.trial_log("t1")
    assert said.endswith("\nstep 2 \ufffd\ufffd\n")
    assert len(said) <= 64_000


def test_the_log_keeps_the_newest_lines(run):
    paths, store = run
    for start in range(0, 700, 100):
        store.append(*(ev.Noted("n", f"note {start + n}") for n in range(100)))
    client = RunClient(paths.root)
    shot = client.poll()
    assert len(shot.log) == 500
    assert shot.log[-1].text == "note 699"
    assert client.events() == shot.log
    assert shot.notes[0] == "note 0"


def test_a_finished_run_in_full(run):
    paths, store = run
    roadmap = RunClient(paths.root).roadmap
    for phase in range(3):
        trial = f"t{phase + 1}"
        store.append(planned(trial, phase), started(trial), ended(trial))
        store.append(ev.PhaseClosed(phase, handed_on(roadmap)))
    store.append(ev.RunFinished({"lr": 0.1}))
    store.close(final=True)
    shot = RunClient(paths.root).poll()
    assert (shot.status, shot.eta, shot.best_trial) == (RunStatus.FINISHED, None, "t3")
    assert [(p.status, p.trials) for p in shot.phases] == [("done", 1)] * 3
    assert shot.phase.kind == "final"


def test_a_rehearsal_is_shown_as_the_miniature_that_it_is(tmp_path):
    paths = new_run(tmp_path / "small-1")
    store = Store(paths)
    store.append(ev.RunSealed(**{**vars(SEALED), "rehearsal": True}), STARTED)
    assert [p.trials for p in RunClient(paths.root).poll().phases] == [2, 2, 1]
    store.close(final=True)


def test_a_client_in_the_supervisors_own_process_does_not_cost_it_the_lock(run):
    paths, _ = run
    lock = RunLock(paths.lock)
    lock.acquire()
    try:
        assert RunClient(paths.root).poll().is_engine_alive
        ask = """
            import sys
            from pathlib import Path
            from staycourse.record.lock import is_held
            print(is_held(Path(sys.argv[1])))
            """
        assert finished(python(ask, paths.lock)) == "True"
    finally:
        lock.release()


def test_a_folder_without_a_run_is_an_error(tmp_path):
    with pytest.raises((OSError, sqlite3.Error)):
        RunClient(tmp_path)
    paths = new_run(tmp_path / "small-1")
    with pytest.raises((OSError, sqlite3.Error)):
        RunClient(paths.root)


def test_polling_leaves_nothing_behind(run):
    paths, store = run
    client = RunClient(paths.root)
    client.poll()
    store.close(final=True)
    before = sorted((p.name, p.stat().st_mtime_ns) for p in paths.root.iterdir())
    client.poll()
    client.curve("t1", "val_loss")
    assert sorted((p.name, p.stat().st_mtime_ns) for p in paths.root.iterdir()) == before


def test_a_trial_that_trains_on_has_its_parents_epochs_behind_it(run, engine):
    paths, store = run
    store.append(planned("t1"), started("t1"), ended("t1"), planned("t2", parent="t1"))
    with_parent = RunClient(paths.root).poll().eta.seconds
    other, other_store = sealed_run(paths.root.parent / "small-2")
    other_store.append(planned("t1"), started("t1"), ended("t1"), planned("t2"))
    without = RunClient(other.root).poll().eta.seconds
    other_store.close(final=True)
    assert with_parent < without


def test_a_closed_phase_is_told_alike_by_polls_and_by_one_look(run):
    paths, store = run
    polling = RunClient(paths.root)
    roadmap = polling.roadmap
    for events in ([planned("t1"), planned("t2")], [started("t2"), ended("t2", 0.25)], [ended("t1")]):
        store.append(*events)
        polling.poll()
    store.append(ev.PhaseClosed(0, handed_on(roadmap)), ev.PhaseOpened(1))
    assert polling.poll().log == RunClient(paths.root).poll().log
    assert polling.events()[-2].text == "phase 1/3 probe done, best 0.25"


def test_trials_are_found_without_a_look_at_all_of_them(run, engine):
    paths, store = run
    client = RunClient(paths.root)
    assert (client.poll().newest, client.poll().begun) == (None, 0)
    store.append(*(planned(f"t{number}") for number in range(1, 5)))
    store.append(started("t1"), ended("t1", 0.5), started("t2"), ended("t2", 0.25), started("t3"))
    store.append(planned("t5", phase=1))
    shot = client.poll()
    assert shot.trial("t2").best_value == 0.25
    assert (shot.trial("t9"), shot.trial(None)) == (None, None)
    assert [view.id for view in shot.of_phase(0)] == ["t1", "t2", "t3", "t4"]
    assert ([view.id for view in shot.of_phase(1)], shot.of_phase(2)) == (["t5"], ())
    assert (shot.begun, shot.newest, shot.phases[0].begun) == (3, "t3", 3)
    assert (shot.phases[0].leaders, shot.best_trial) == (("t2", "t1"), "t2")


def test_what_has_not_changed_is_the_very_same_in_the_next_snapshot(run, engine):
    paths, store = run
    client = RunClient(paths.root)
    store.append(planned("t1"), started("t1"), ended("t1"), planned("t2", phase=1), started("t2"))
    one, two = client.poll(), client.poll()
    assert one.table is two.table
    assert one.phases is two.phases
    store.add_progress("t2", step=25, epoch=2, steps_per_epoch=10)
    store.flush()
    three = client.poll()
    assert three.of_phase(0) is one.of_phase(0)
    assert (one.trial("t2").step, three.trial("t2").step) == (0, 25)


def test_a_trial_that_was_stopped_stands_where_it_was_stopped(run, engine):
    paths, store = run
    client = RunClient(paths.root)
    store.append(planned("t1"), started("t1"))
    client.poll()
    store.add_progress("t1", step=25, epoch=2, steps_per_epoch=10)
    store.append(ev.EngineStopped("SIGTERM"), STARTED)
    for shot in (client.poll(), client.poll(), RunClient(paths.root).poll()):
        (view,) = shot.trials
        assert (view.status, view.epoch, view.step, shot.live) == ("owed", 2, 25, ())


@pytest.fixture
def long_run(run):
    """A ledger that is read in several pieces."""
    paths, store = run
    names = [f"t{number}" for number in range(900)]
    store.append(*(event for t in names for event in (planned(t), started(t), ended(t, int(t[1:]) + 1.0))))
    store.append(*(ev.Noted("n", f"note {number}") for number in range(300)))
    return paths, store


def test_a_long_ledger_is_read_as_it_stands(long_run):
    paths, store = long_run
    client = RunClient(paths.root)
    shot = client.poll()
    assert client.state == without_curves(store.state)
    assert (len(shot.trials), shot.phases[0].ended, shot.begun) == (900, 900, 900)
    assert shot.phases[0].leaders == tuple(f"t{number}" for number in range(10))
    assert [line.seq for line in shot.log] == list(range(store.head[0] - 499, store.head[0] + 1))
    store.append(ev.Noted("n", "one more"))
    assert client.poll().log == RunClient(paths.root).poll().log


@pytest.mark.parametrize("seq", [2, 700, 3003])
def test_the_first_event_that_does_not_fit_is_named_at_each_poll(long_run, seq):
    paths, store = long_run
    store.close(final=True)
    with sqlite3.connect(paths.database) as db:
        db.execute("UPDATE ledger SET body = body || ' ' WHERE seq = ?", (seq,))
    client = RunClient(paths.root)
    for _ in range(2):
        with pytest.raises(DamagedRun, match=f"event {seq} .*was changed"):
            client.poll()


def test_an_event_that_is_gone_is_found_while_a_view_polls(long_run):
    paths, store = long_run
    client = RunClient(paths.root)
    client.poll()
    store.append(ev.Noted("n", "one"), ev.Noted("n", "two"))
    with sqlite3.connect(paths.database) as db:
        db.execute("DELETE FROM ledger WHERE seq = ?", (store.head[0] - 1,))
    with pytest.raises(DamagedRun, match=f"event {store.head[0] - 1} is missing"):
        client.poll()


def test_a_very_long_curve_is_thinned_and_its_newest_point_exact(run):
    paths, store = run
    client = RunClient(paths.root)
    store.append(planned("t1"), started("t1"))
    rows = [("loss", step, 1, 1000.0 if step == 777 else step % 100) for step in range(1, 20_001)]
    store.add_metrics("t1", rows[:11_000])
    store.flush()
    client.poll()
    first = client.curve("t1", "loss")
    store.add_metrics("t1", rows[11_000:])
    store.flush()
    second = client.curve("t1", "loss")
    for curve, newest in ((first, 11_000), (second, 20_000)):
        assert len(curve) <= 2000
        assert curve[-1] == (newest, 1, 0.0)
        assert (777, 1, 1000.0) in curve
    assert second == RunClient(paths.root).curve("t1", "loss")


def test_many_curves_are_read_in_one_look(run):
    paths, store = run
    store.append(planned("t1"), started("t1"), ended("t1"), planned("t2", parent="t1"))
    store.add_metrics("t1", [("val_loss", 10, 1, 3.0), ("acc", 10, 1, 0.5)])
    store.add_metrics("t2", [("val_loss", 20, 2, 2.0)])
    store.flush()
    client = RunClient(paths.root)
    client.poll()
    wanted = [("t1", "val_loss"), ("t2", "val_loss"), ("t1", "acc"), ("t9", "acc")]
    found = client.curves(wanted)
    assert found == {key: client.curve(*key) for key in wanted}
    assert found["t2", "val_loss"] == [(10, 1, 3.0), (20, 2, 2.0)]
    assert client.curve("t2", "val_loss") is found["t2", "val_loss"]


def test_a_trial_that_trains_its_parents_epochs_again_shows_its_own(run):
    paths, store = run
    store.append(planned("t1"), started("t1"), ended("t1"), planned("t2", parent="t1"), started("t2"))
    store.add_metrics("t1", [("val_loss", 10 * n, n, 3.0) for n in range(1, 5)])
    store.add_metrics("t2", [("val_loss", 30, 3, 2.0)])
    store.flush()
    client = RunClient(paths.root)
    client.poll()
    assert client.curve("t2", "val_loss") == [(10, 1, 3.0), (20, 2, 3.0), (30, 3, 2.0)]


def test_patience_counts_alike_at_each_poll_and_in_one_look(run, engine):
    paths, store = run
    stop = {"patience": 5, "start": 0, "min_delta": 0.05, "metric": None}
    store.append(ev.TrialPlanned("t1", 0, "k", {"lr": 0.1}, 40, 40, stop=stop), started("t1"))
    client = RunClient(paths.root)
    values = [1.0, 0.98, math.nan, 0.96, 0.94, 0.95, 0.8, 0.79, math.nan, 0.77]
    said = []
    for epoch, value in enumerate(values, start=1):
        store.add_metrics("t1", [("val_loss", 10 * epoch, epoch, value)])
        store.flush()
        (live,) = client.poll().live
        assert live.nearness == RunClient(paths.root).poll().live[0].nearness
        said.append(live.nearness[1])
    assert said == [f"patience {waited}/5" for waited in (0, 1, 2, 3, 0, 1, 0, 1, 2, 3)]


def test_a_rule_that_names_a_metric_as_the_roadmap_does_finds_it_as_the_task_reports_it(run, engine):
    paths, store = run
    stop = {"patience": 5, "start": 0, "min_delta": 0.0, "metric": "val_eer"}
    store.append(ev.TrialPlanned("t1", 0, "k", {"lr": 0.1}, 12, 12, stop=stop), started("t1"))
    store.add_metrics("t1", [("eer", n * 10, n, 1.0) for n in range(1, 4)])
    store.flush()
    (live,) = RunClient(paths.root).poll().live
    assert live.nearness == ("epoch 3/12", "patience 2/5")


def test_the_pace_of_a_trial_begins_with_that_of_its_parent(run):
    paths, store = run
    client = RunClient(paths.root)
    store.append(planned("t1"), started("t1"))
    client.poll()
    assert client.pace("t1") == client.pace("t9") == []
    store.add_timing("t1", [("step_ms", 10, 1, 100.0), ("wait_ms", 10, 1, 7.0)])
    store.flush()
    assert client.pace("t1") == [(0, 0.0), (10, 1.0)]
    store.add_timing("t1", [("step_ms", 15, 2, 200.0)])
    store.append(ended("t1"), planned("t2", parent="t1"), started("t2"))
    store.add_timing("t2", [("step_ms", 30, 3, 50.0)])
    store.flush()
    client.poll()
    assert client.pace("t1") == [(0, 0.0), (10, 1.0), (15, 2.0), (20, 3.0)]
    assert client.pace("t2") == [(0, 0.0), (10, 1.0), (15, 2.0), (20, 3.0), (30, 3.5)]


def test_an_ended_trial_whose_steps_were_not_timed_has_an_even_pace(run):
    paths, store = run
    store.append(planned("t1"), started("t1"), ended("t1"), planned("t2", parent="t1"), started("t2"))
    store.append(ev.TrialEnded("t2", "completed", "epochs", "all done", 4, 40, [], 6.0))
    client = RunClient(paths.root)
    client.poll()
    assert client.pace("t2") == [(0, 0.0), (20, 3.0), (40, 9.0)]


def test_the_newest_timing_of_any_trial(run):
    paths, store = run
    store.append(planned("t1"), started("t1"), ended("t1"))
    store.add_timing("t1", [("step_ms", 10, 1, 100.0), ("step_ms", 20, 2, 90.0), ("epoch_s", 20, 2, 3.0)])
    store.flush()
    client = RunClient(paths.root)
    assert client.timing("t1") == {"step_ms": 90.0, "epoch_s": 3.0}
    assert client.timing("t2") == {}


def test_the_report_is_harmless_and_empty_as_long_as_there_is_none(run):
    paths, _ = run
    client = RunClient(paths.root)
    assert client.report() == ""
    paths.report.write_bytes(b"# small\n\x1b]0;title\x07best \xff\n")
    assert client.report() == "# small\nbest \ufffd\n"
