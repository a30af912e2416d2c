import dataclasses
import random

import pytest
from tests.support.random_events import SPACE, random_event

from staycourse.core import events as ev
from staycourse.core import handoff as handoffs
from staycourse.core.handoff import Handoff
from staycourse.core.outcome import Failure, Outcome
from staycourse.core.state import RunState, RunStatus, TrialStatus, fold, replay

HANDOFF = handoffs.to_json(Handoff(SPACE))
STARTED = ev.EngineStarted(1, 10, 1.0, {}, {}, [])


def planned(trial="t1", phase=0):
    return ev.TrialPlanned(trial, phase, f"key-{trial}", {"lr": 0.1}, 5, 5)


def ended(trial="t1", outcome=Outcome.COMPLETED, detail="done"):
    return ev.TrialEnded(trial, str(outcome), "epochs", detail, 2, 20, [[1, 0.5], [2, "nan"]], 3.0, 1, 0.5)


def failed(failure, *, has_progress=False):
    return ev.AttemptFailed("t1", 1, str(failure), "why", 7, has_progress)


@pytest.mark.parametrize("seed", range(30))
def test_any_order_of_any_events_folds_and_equals_its_replay(seed):
    rng = random.Random(seed)
    events = [random_event(rng) for _ in range(rng.randint(0, 80))]
    state = RunState()
    for event in events:
        state = fold(state, event)
    assert state == replay(events)
    cut = rng.randint(0, len(events))
    assert replay(events[cut:], replay(events[:cut])) == state
    for trial in state.trials.values():
        assert trial.trial().id == trial.id
        assert (trial.outcome is None) == (trial.status is not TrialStatus.ENDED)


@pytest.mark.parametrize("seed", range(10))
def test_fold_changes_nothing_that_went_in(seed):
    rng = random.Random(seed)
    state = replay([random_event(rng) for _ in range(20)])
    for _ in range(50):
        before = dataclasses.replace(state, trials=dict(state.trials))
        fold(state, random_event(rng))
        replay([random_event(rng) for _ in range(3)], state)
        assert state == before


def test_a_run_from_its_seal_to_its_end():
    sealed = ev.RunSealed("a" * 64, {}, "r", "/", {}, {}, {}, "c", "1")
    seen = []
    state = RunState()
    for event in [
        sealed, STARTED, ev.PhaseOpened(0), planned(), ev.TrialStarted("t1", 1, "cpu", 99, 2.0), ended(),
        ev.PhaseClosed(0, HANDOFF), ev.RunFinished({"lr": 0.1}, {"model": ["x", 1]}),
    ]:  # fmt: skip
        state = fold(state, event)
        seen.append((str(state.status), state.phase, len(state.handoffs)))
    assert seen == [
        ("sealed", None, 0), ("running", None, 0), ("running", 0, 0), ("running", 0, 0), ("running", 0, 0),
        ("running", 0, 0), ("running", None, 1), ("finished", None, 1),
    ]  # fmt: skip
    assert state.sealed == sealed
    assert (state.winner, state.files) == ({"lr": 0.1}, {"model": ["x", 1]})
    trial = state.trials["t1"].trial()
    assert (trial.outcome, trial.epochs_done, trial.score("min")) == (Outcome.COMPLETED, 2, 0.5)
    assert trial.curve[1][1] != trial.curve[1][1]


def test_trials_stand_in_the_order_of_their_planning():
    state = replay([planned("t2"), planned("t10"), planned("t1"), planned("t3", phase=1)])
    assert [t.id for t in state.trials_of(0)] == ["t2", "t10", "t1"]


def test_what_ran_when_the_engine_died_is_owed_when_the_next_one_starts():
    running = replay([STARTED, planned(), ev.TrialStarted("t1", 1, "cpu", 99, 2.0)])
    assert running.trials["t1"].status is TrialStatus.RUNNING
    assert fold(running, STARTED).trials["t1"].status is TrialStatus.OWED


def test_a_stop_and_a_suspension_wait_for_resume():
    for event in (ev.EngineStopped("SIGTERM"), ev.RunSuspended("disk")):
        state = replay([STARTED, event])
        assert (state.status, state.is_engine_gone, state.reason) == (RunStatus.SUSPENDED, True, event.reason)
        again = fold(state, STARTED)
        assert (again.status, again.is_engine_gone, again.reason) == (RunStatus.RUNNING, False, "")


@pytest.mark.parametrize(
    ("failure", "counts"),
    [
        (Failure.CRASHED, True), (Failure.HUNG, True), (Failure.INTERRUPTED, False), (Failure.CROWDED, False),
        (Failure.ERROR, False), (Failure.OUT_OF_MEMORY, False),
    ],
)  # fmt: skip
def test_which_failures_use_up_retries(failure, counts):
    trial = replay([planned(), failed(failure), failed(failure)]).trials["t1"]
    assert trial.failures == (2 if counts else 0)
    assert trial.interruptions == (2 if failure is Failure.INTERRUPTED else 0)
    assert trial.errors == ((str(failure), "why", 7),) * 2
    assert trial.status is TrialStatus.OWED


def test_a_new_checkpoint_in_between_forgives_earlier_crashes():
    deaths = [failed(Failure.CRASHED), failed(Failure.CRASHED), failed(Failure.CRASHED, has_progress=True)]
    assert replay([planned(), *deaths]).trials["t1"].failures == 1


def test_nothing_happens_to_a_trial_after_its_end_or_before_its_plan():
    state = replay([planned(), ended()])
    for event in (
        ended(detail="again"), ev.TrialStarted("t1", 2, "cpu", 1, 1.0), failed(Failure.CRASHED), planned(),
        ended("t9"), ev.TrialStarted("t9", 1, "cpu", 1, 1.0),
    ):  # fmt: skip
        assert fold(state, event) == state


def seen(slowdown, share, trial="t1"):
    return ev.SlowdownSeen(trial, 1, 3, slowdown, f"{slowdown} by {share}", share)


def test_what_holds_a_trial_up_is_kept_by_kind_as_it_was_told_last():
    told = [seen("starved", 0.2), seen("growing", 0.3), seen("starved", 0.5)]
    state = replay([planned(), *told])
    assert state.trials["t1"].slowdowns == (told[1], told[2])
    assert fold(state, seen("starved", 0.5, "t9")) == state
    over = fold(state, ended())
    assert over.trials["t1"].slowdowns == (told[1], told[2])
    assert fold(over, seen("small batch", 0.9)) == over
    # It decides nothing.
    assert over.trials["t1"].trial() == replay([planned(), ended()]).trials["t1"].trial()


def test_phases_close_once_and_in_order():
    state = replay([ev.PhaseOpened(0), ev.PhaseClosed(0, HANDOFF), ev.PhaseOpened(1)])
    assert fold(state, ev.PhaseClosed(0, HANDOFF)) == state
    assert fold(state, ev.PhaseClosed(2, HANDOFF)) == state
    assert len(fold(state, ev.PhaseClosed(1, HANDOFF)).handoffs) == 2


@pytest.mark.parametrize("last", [ev.RunFinished(None), ev.RunAbandoned("wrong loss")])
def test_nothing_follows_the_end(last):
    over = replay([STARTED, planned(), last])
    assert over.status.is_over
    for event in (STARTED, ev.RunSuspended("x"), ended(), ev.RunAbandoned("y"), ev.RunFailed(0, "z")):
        assert fold(over, event) == over


def test_a_failed_run_can_be_taken_up_again():
    state = replay([STARTED, ev.RunFailed(0, "all diverged")])
    assert (state.status, state.reason) == (RunStatus.FAILED, "all diverged")
    assert fold(state, STARTED).status is RunStatus.RUNNING


def test_values_of_a_later_version_are_no_error():
    state = replay([planned(), failed("abducted"), ended(outcome="transcended")])
    trial = state.trials["t1"]
    assert (trial.failures, trial.errors[0][0]) == (0, "abducted")
    assert trial.outcome is Outcome.CRASHED
    assert trial.trial().score("min") is None


def test_dropped_checkpoints_and_notes_add_up():
    state = replay([
        ev.CheckpointsDropped(0, ["t1"], 1), ev.CheckpointsDropped(1, ["t2", "t1"], 1), ev.Noted("d", "one"),
        ev.Noted("d", "two"),
    ])  # fmt: skip
    assert state.dropped == {"t1", "t2"}
    assert state.notes == ("one", "two")
