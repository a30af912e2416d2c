import random
from dataclasses import replace

import pytest
from tests.support.random_events import random_event
from tests.support.roadmaps import FINAL, PROBE, small

from staycourse.core import events as ev
from staycourse.core.forecast import Left, Work, forecast
from staycourse.core.roadmap import parse
from staycourse.core.state import RunState, TrialStatus, apply, replay
from staycourse.core.tally import Tally, phase_views
from staycourse.core.trial import rank

# The space is that of random_events, whose handoffs change it.
SPACE = '[space]\nlr = { log = [1e-4, 1e-1] }\no = { choice = ["a", "b"] }\ndepth = 2\n'
GRID = '[[phase]]\nkind = "grid"\npoints = { lr = 6 }\nepochs = 6\n'
ROADMAP = parse(small(PROBE, GRID, FINAL, space=SPACE))
GOAL = ROADMAP.objective.goal
STARTED = ev.EngineStarted(1, 10, 1.0, {}, {}, [])


def planned(trial, phase=0, parent=None, share=1.0, epochs=12):
    return ev.TrialPlanned(
        trial, phase, f"key-{trial}", {"lr": 0.1}, epochs, epochs, share=share, parent=parent
    )


def started(trial):
    return ev.TrialStarted(trial, 1, "cpu0", 1, 1.0)


def ended(trial, value, epochs=12, seconds=24.0, outcome="completed"):
    curve = [[1, 5.0], [2, value]]
    return ev.TrialEnded(trial, outcome, "epochs", "", epochs, 10 * epochs, curve, seconds, 2, value)


def followed(events, sizes):
    """The tally after these events, which come in portions of these sizes."""
    tally, state, at = Tally(ROADMAP), RunState(), 0
    while at < len(events):
        size = next(sizes)
        before, state = state.trials, replay(events[at : at + size], state)
        for trial, now in state.trials.items():
            if before.get(trial) is not now:
                tally.change(before.get(trial), now, state.trials)
        at += size
    return tally, state


def random_sizes(rng):
    while True:
        yield rng.randint(1, 9)


@pytest.mark.parametrize("seed", range(30))
def test_whatever_happens_in_whatever_portions_the_queue_is_that_of_the_trials(seed):
    rng = random.Random(seed)
    events = [random_event(rng, trials=9) for _ in range(rng.randint(0, 120))]
    tally, state = followed(events, random_sizes(rng))
    for view in tally.phases(state):
        trials = state.trials_of(view.index)
        ranked = rank([trial.trial() for trial in trials], GOAL)
        assert view.ended == sum(trial.end is not None for trial in trials)
        assert view.begun == sum(trial.status is not TrialStatus.PLANNED for trial in trials)
        assert view.best == (ranked[0].score(GOAL) if ranked else None)
        assert list(view.leaders) == [trial.id for trial in ranked[:10]]
    assert tally.phases(state) == phase_views(ROADMAP, state)


def test_the_best_trial_is_that_of_the_last_phase_that_has_one():
    events = [planned("t1"), ended("t1", 0.1), planned("t2"), ended("t2", 0.3), planned("t3", 1)]
    tally, _ = followed(events, iter([1] * 9))
    assert tally.best_trial == "t1"
    tally, _ = followed([*events, ended("t3", 0.7)], iter([1] * 9))
    assert tally.best_trial == "t3"
    assert Tally(ROADMAP).best_trial is None


def test_equal_trials_rank_in_the_order_of_planning():
    events = [*(planned(f"t{n}") for n in (1, 2, 3)), *(ended(f"t{n}", 0.5) for n in (3, 1, 2))]
    tally, state = followed(events, iter([2] * 9))
    assert tally.phases(state)[0].leaders == ("t1", "t2", "t3")


def test_scores_are_the_same_without_the_curves():
    events = [STARTED, ev.PhaseOpened(0)]
    for number, (value, outcome) in enumerate([(0.5, "completed"), (0.2, "diverged"), (0.4, "completed")]):
        events += [planned(f"t{number}"), ended(f"t{number}", value, outcome=outcome)]
    bare = [replace(e, curve=[], files={}) if isinstance(e, ev.TrialEnded) else e for e in events]
    assert phase_views(ROADMAP, replay(events)) == phase_views(ROADMAP, replay(bare))


def test_what_remains_is_what_was_planned_less_what_was_trained():
    events = [
        planned("t1"), started("t1"), ended("t1", 0.5, seconds=24.0),
        planned("t2"), started("t2"), ended("t2", 0.4, epochs=6, seconds=12.0),
        planned("t3"), started("t3"),
        planned("t4"),
    ]  # fmt: skip
    tally, state = followed(events, iter([3] * 9))
    probe, grid, final = ROADMAP.plan()
    done = [Work(1.0, 12, 12, 24.0), Work(1.0, 12, 6, 12.0)]
    left = [
        Left(1, 1.0, 12 - 5), Left(1, 1.0, 12), Left(probe.trials - 4, 1.0, 12),
        Left(grid.trials, grid.share, 6), Left(final.trials, final.share, final.total_epochs),
    ]  # fmt: skip
    told, expected = tally.remaining(state, {"t3": 5}), forecast(done, left)
    assert told.seconds == pytest.approx(expected.seconds)
    assert told.spread == pytest.approx(expected.spread)


def test_a_trial_that_goes_on_has_its_parents_epochs_behind_it_and_costs_nothing_of_its_own():
    events = [
        planned("t1"), started("t1"), ended("t1", 0.5), planned("t2", parent="t1", epochs=20), started("t2"),
    ]  # fmt: skip
    tally, state = followed(events, iter([1] * 9))
    nothing, some = tally.remaining(state, {"t2": 0}), tally.remaining(state, {"t2": 15})
    per_epoch = 24.0 / 12
    assert nothing.seconds - some.seconds == pytest.approx(3 * per_epoch)
    after = apply(replay([], state), ended("t2", 0.4, epochs=20, seconds=1e6))
    tally.change(state.trials["t2"], after.trials["t2"], after.trials)
    assert tally.remaining(after, {}).seconds == pytest.approx(nothing.seconds - 8 * per_epoch)


@pytest.mark.parametrize("seed", range(5))
def test_the_forecast_is_the_same_in_whatever_order_trials_have_ended(seed):
    rng = random.Random(seed)
    ends = [ended(f"t{n}", rng.random(), seconds=rng.uniform(1, 99)) for n in range(40)]
    shuffled = rng.sample(ends, 40)
    plans = [planned(f"t{n}") for n in range(40)]
    one, state = followed([*plans, *ends], random_sizes(rng))
    other, other_state = followed([*plans, *shuffled], random_sizes(rng))
    assert one.remaining(state, {}) == other.remaining(other_state, {})


def test_nothing_remains_of_a_run_that_is_over():
    state = replay([planned("t1"), ended("t1", 0.5), ev.RunFinished(None)])
    assert Tally(ROADMAP).remaining(state, {}) is None
